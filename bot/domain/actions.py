"""The actions that people can request: who may request and approve each, and which call executes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.denials import DenialCode
from bot.domain.principals import Principal
from bot.domain.requests import BREAK_GLASS as BREAK_GLASS_NAME
from bot.domain.requests import REVOKE_MANY as REVOKE_MANY_NAME
from bot.domain.requests import Request
from bot.domain.rules import Rules


class Response(Protocol):
    """What Genesys Cloud answered to a call that succeeded."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def correlation_id(self) -> str | None:
        """The id that Genesys support asks for."""

    @property
    def answered_at(self) -> float | None:
        """When Genesys Cloud answered, by its own clock in epoch seconds; None if it did not say so."""

    @property
    def sent_at(self) -> float | None:
        """When the call was sent at the earliest, by the same clock."""


class TokensApi(Protocol):
    """The calls of the Tokens API that actions make; each raises GenesysError."""

    async def delete_token(self, user_id: str) -> Response:
        """Delete every token of a person."""

    async def rotate(self) -> Response:
        """Get a new token for the bot, then delete the old one."""


class GenesysApi(Protocol):
    """Genesys Cloud, as actions see it; `bot.purecloud.PureCloud` implements it."""

    @property
    def tokens(self) -> TokensApi:
        """The Tokens API."""


PrincipalsOf = Callable[[Rules], tuple[Principal, ...]]

Execute = Callable[[GenesysApi, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person requests and an approver confirms.

    `name` is the word after `/purecloud`, the value stored with each request, and the prefix of the action's texts in
    `handlers/messages`. `execute` sends one call to Genesys Cloud, which needs `permission`, if it needs one. A call of
    a `repeatable` action may be sent twice, after a transient error or when another process takes over. After one that
    `ends_sessions`, the bot watches whether the person logs in again.
    """

    name: str
    execute: Execute
    requesters: PrincipalsOf = lambda rules: rules.effective_requesters
    approvers: PrincipalsOf = lambda rules: rules.approvers
    not_a_requester: DenialCode = DenialCode.NOT_A_REQUESTER
    not_an_approver: DenialCode = DenialCode.NOT_AN_APPROVER
    permission: str | None = None
    has_target: bool = True
    repeatable: bool = True
    ends_sessions: bool = False


class Actions(Mapping[str, Action]):
    """The actions of one bot, by name."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._by_name = {action.name: action for action in actions}

    def __getitem__(self, name: str) -> Action:
        """Return an action; raises KeyError for a name that this version does not know."""
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the order of registration."""
        return iter(self._by_name)

    def __len__(self) -> int:
        """Return the number of actions."""
        return len(self._by_name)


async def _delete_token(genesys: GenesysApi, request: Request) -> Response:
    if request.target is None:
        raise ValueError("the request has no target")
    return await genesys.tokens.delete_token(request.target.id)


async def _rotate(genesys: GenesysApi, _request: Request) -> Response:
    return await genesys.tokens.rotate()


REVOKE = Action("revoke", execute=_delete_token, permission="oauth:token:delete", ends_sessions=True)
"""End every session and token of a person: `DELETE /api/v2/tokens/{userId}`."""

BREAK_GLASS = Action(
    BREAK_GLASS_NAME,
    execute=_delete_token,
    requesters=lambda rules: rules.break_glass,
    approvers=lambda rules: rules.break_glass,
    not_a_requester=DenialCode.MAY_NOT_BREAK_GLASS,
    not_an_approver=DenialCode.MAY_NOT_BREAK_GLASS,
    permission="oauth:token:delete",
    ends_sessions=True,
)
"""The same call as REVOKE, confirmed by its requester alone (`Request.break_glass`)."""

ROTATE = Action(
    "rotate",
    execute=_rotate,
    requesters=lambda rules: rules.admins,
    approvers=lambda rules: rules.admins,
    not_a_requester=DenialCode.NOT_AN_ADMIN,
    not_an_approver=DenialCode.NOT_AN_ADMIN,
    has_target=False,
    repeatable=False,  # the token belongs to the process that held it
)
"""Replace the bot's own token: `DELETE /api/v2/tokens/me`."""

REVOKE_MANY = Action(
    REVOKE_MANY_NAME,
    execute=_delete_token,
    requesters=lambda rules: rules.admins,
    approvers=lambda rules: rules.admins,
    not_a_requester=DenialCode.MAY_NOT_REVOKE_MANY,
    not_an_approver=DenialCode.NOT_AN_ADMIN,
    permission="oauth:token:delete",
    has_target=False,
)
"""The same call as REVOKE for each person of a list (`bot.domain.bulk`)."""

ACTIONS = Actions([REVOKE, ROTATE, BREAK_GLASS, REVOKE_MANY])
"""The actions of this version."""
