"""Report who a person is here, what they may do, and what the bot's token is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bot.domain.actions import Actions
from bot.domain.commands import Invoker
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import FailedCheck
from bot.domain.people import Member, Person, Workspace
from bot.domain.policy import ineligibility, rule_for
from bot.domain.principals import Principal
from bot.domain.requests import BREAK_GLASS
from bot.domain.rules import Rules
from bot.purecloud import GenesysError, NamedEntity, OrgOAuthClient, Region, TokenInfo
from bot.services.identity import Identity

__all__ = ["AccountService", "NamedEntity", "OrgOAuthClient", "Permissions", "TokenInfo", "TokenReader", "WhoAmI"]


class TokenReader(Protocol):
    """The call of the Tokens API that reads the bot's own token; raises GenesysError."""

    async def get_tokens_me(self) -> TokenInfo:
        """Return what Genesys Cloud knows of the bot's token."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a member may do.

    `request` and `approve` hold the rule that allows it, for each action the member may request or approve.
    `administer` is the rule that makes the member an admin. `denied_because` excludes the member from everything.
    `approvals_required` is the number of approvals that a revocation needs.
    `unverified` has the checks that failed. `request_unknown` and `approve_unknown` are the actions about which a check
    left it open, because it may succeed later; they count as "no".
    """

    denied_because: DenialCode | None = None
    request: Mapping[str, Principal] = field(default_factory=dict)
    approve: Mapping[str, Principal] = field(default_factory=dict)
    administer: Principal | None = None
    self_approval: bool = True
    approvals_required: int = 1
    unverified: tuple[FailedCheck, ...] = ()
    request_unknown: frozenset[str] = frozenset()
    approve_unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """What `whoami` shows. `person` and `token` may be the reason why they are not known.

    Both are None for people who are not full members, for whom the bot asks Genesys Cloud nothing.
    """

    member: Member
    permissions: Permissions
    person: Person | Denied | GenesysError | None
    token: TokenInfo | GenesysError | None
    region: Region
    workspace: Workspace


class AccountService:
    """Answers the read-only commands."""

    def __init__(
        self, identity: Identity, tokens: TokenReader, *, rules: Rules, actions: Actions, region: Region
    ) -> None:
        self._identity = identity
        self._tokens = tokens
        self._rules = rules
        self._actions = actions
        self._region = region

    async def permissions(self, invoker: Invoker) -> Permissions:
        """Return what a person may do; raises Denied for people of other workspaces, and SlackUnavailable."""
        return await self._permissions(await self._identity.own_member(invoker.user_id, invoker.team_id))

    async def whoami(self, invoker: Invoker) -> WhoAmI:
        """Return who a person is and what the bot's token is; raises like `permissions`."""
        member = await self._identity.own_member(invoker.user_id, invoker.team_id)
        permissions = await self._permissions(member)
        return WhoAmI(
            member=member,
            permissions=permissions,
            person=None if permissions.denied_because else await self._person(member),
            token=None if permissions.denied_because else await self._token(),
            region=self._region,
            workspace=self._identity.workspace,
        )

    async def _permissions(self, member: Member) -> Permissions:
        denied = ineligibility(member, self._identity.workspace)
        if denied:
            return Permissions(denied_because=denied)
        rules = _RulesOf(member, self._identity)
        request = {name: await rules.find(action.requesters(self._rules)) for name, action in self._actions.items()}
        approve = {name: await rules.find(action.approvers(self._rules)) for name, action in self._actions.items()}
        approve.pop(BREAK_GLASS, None)  # no one approves the requests of others
        administer = await rules.find(self._rules.admins)
        return Permissions(
            request={name: found.rule for name, found in request.items() if found.rule},
            approve={name: found.rule for name, found in approve.items() if found.rule},
            administer=administer.rule,
            self_approval=self._rules.self_approval,
            approvals_required=self._rules.approvals_required,
            unverified=rules.unverified,
            request_unknown=frozenset(name for name, found in request.items() if found.unknown),
            approve_unknown=frozenset(name for name, found in approve.items() if found.unknown),
        )

    async def _person(self, member: Member) -> Person | Denied | GenesysError:
        try:
            return await self._identity.person_of(member)
        except (Denied, GenesysError) as error:
            return error

    async def _token(self) -> TokenInfo | GenesysError:
        try:
            return await self._tokens.get_tokens_me()
        except GenesysError as error:
            return error


class _Found(NamedTuple):
    """The rule that names a member; `unknown` if a check failed that may succeed later."""

    rule: Principal | None
    unknown: bool
    unverified: tuple[FailedCheck, ...]


class _RulesOf:
    """The rules that name a member; principals that several actions share are read once."""

    def __init__(self, member: Member, identity: Identity) -> None:
        self._member = member
        self._identity = identity
        self._found: dict[tuple[Principal, ...], _Found] = {}

    async def find(self, principals: tuple[Principal, ...]) -> _Found:
        """Return the first of the principals that names the member."""
        if principals not in self._found:
            actor = await self._identity.actor(self._member, principals, since=self._identity.recently)
            rule = rule_for(actor, principals)
            unknown = rule is None and actor.retry_after is not None
            self._found[principals] = _Found(rule, unknown, actor.unverified)
        return self._found[principals]

    @property
    def unverified(self) -> tuple[FailedCheck, ...]:
        """The checks that failed."""
        return tuple(dict.fromkeys(check for found in self._found.values() for check in found.unverified))
