"""Example people, rules and requests. Each function returns a copy with the changes that a test names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.actions import REVOKE, Action
from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.people import Actor, Grants, Member, Person, Workspace
from bot.domain.policy import Case
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import MessageRef, Request
from bot.domain.rules import Rules
from bot.domain.seals import Seals

WORKSPACE = Workspace(team_id="T0HOME0001", name="Example Ltd", bot_user_id="U0BOT00001")
GRID = Workspace(team_id="T0HOME0001", name="Example Ltd", bot_user_id="U0BOT00001", enterprise_id="E0GRID0001")

RAVI, OLIVIA, BEN, TOM = "U0RAVI0001", "U0OLIVIA01", "U0BEN00001", "U0TOM00001"

REQUIRED_SETTINGS = {
    "SLACK_BOT_TOKEN": "xoxb-made-up-0001",
    "SLACK_SIGNING_SECRET": "made-up-signing-secret",
    "PURECLOUD_CLIENT_ID": "made-up-client",
    "PURECLOUD_SECRET": "made-up-client-secret",
    "APPROVERS": "U0OLIVIA01",
}
"""The settings without which the bot does not start."""

NOON = 1_782_043_200.0
"""21 June 2026, 12:00:00 UTC, when every example request was created."""

TOM_IN_GENESYS = Person(
    id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09",
    name="Tom Target",
    email="tom.target@example.com",
    division="Support",
    state="active",
)


_RAVI = Member(id=RAVI, team_id=WORKSPACE.team_id, name="Ravi Rao")

_REQUEST = Request(
    id="request-id",
    reference="7K3M9QX",
    action="revoke",
    requester=RAVI,
    requested_in="C0OPS00001",
    created_at=NOON,
    expires_at=NOON + 900,
    target=TOM_IN_GENESYS,
    target_slack_id=TOM,
    card=MessageRef("C0OPS00001", "1782043200.000100"),
)


SEALS = Seals(b"the key of the tests")


UNREAD_GROUP = FailedCheck(Subject.USER_GROUP, "ratelimited", "S0X")
"""A user group that Slack does not show just now."""

UNREAD_ROLES = FailedCheck(Subject.GENESYS_ROLES, "genesys_no_response", correlation_id="c-1")
"""Roles that Genesys Cloud did not send."""


def member(user_id: str = RAVI, **changes: Any) -> Member:
    """Return a full, active, human member of the workspace."""
    usual = {} if user_id == _RAVI.id else {"email": f"{user_id.lower()}@example.com"}
    return replace(_RAVI, id=user_id, **(usual | changes))


def actor(user_id: str = RAVI, *, groups: tuple[str, ...] = (), **changes: Any) -> Actor:
    """Return a member with groups, grants and failed checks; other changes are the member's."""
    grants = changes.pop("grants", Grants())
    read = {name: changes.pop(name) for name in ("unverified", "retry_after") if name in changes}
    return Actor(member(user_id, **changes), groups=frozenset(groups), grants=grants, **read)


def case(asked: Request, held: Rules | None = None, *, action: Action = REVOKE, **changes: Any) -> Case:
    """Return what an approval of a request is judged by; earlier approvers hold their approvals."""
    approvers = tuple(member(one) for one in asked.approvals)
    return replace(Case(asked, action, held or rules(), WORKSPACE, approvers=approvers), **changes)


def users(*ids: str) -> tuple[Principal, ...]:
    """Return principals that are Slack users."""
    return tuple(Principal(PrincipalKind.USER, one) for one in ids)


def rules(**changes: Any) -> Rules:
    """Return rules: Ravi and Ben are requesters, Olivia and Ben approvers, Olivia is an admin."""
    usual = Rules(approvers=users(OLIVIA, BEN), requesters=users(RAVI, BEN), admins=users(OLIVIA))
    return replace(usual, **changes)


def request(**changes: Any) -> Request:
    """Return Ravi's request to revoke Tom's tokens, made at noon in a channel, whose card is posted."""
    return replace(_REQUEST, **changes)


def rotation(**changes: Any) -> Request:
    """Return Olivia's request to rotate the bot's token."""
    usual = {"action": "rotate", "requester": OLIVIA, "target": None, "target_slack_id": None}
    return replace(_REQUEST, **(usual | changes))
