"""Requests that no one could approve are denied, where that is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.commands import Invoker, TargetRef
from bot.domain.denials import DenialCode
from bot.domain.principals import parse_principals
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.services.possible_approvers import MAX_LOOKUPS
from tests.support.components import Components, open_components

OLIVIA, BEN, RAVI, TOM, PIA = personas.OLIVIA, personas.BEN, personas.RAVI, personas.TOM, personas.PIA


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def requested(
    components: Components, by: str, target: str | None, *, action: str = "revoke", channel: str = personas.OPS,
    **options: Any,
) -> tuple[str, str] | None:  # fmt: skip
    """Request an action; return who could approve and how many are needed, None if it is created."""
    rules = {name: parse_principals(value) if isinstance(value, str) else value for name, value in options.items()}
    invoker = Invoker(by, components.slack.team_id, channel, "trigger")
    job = await components.command(invoker, TargetRef(slack_user_id=target) if target else None, action=action)
    (follow_up,) = (await components.requests(**rules).process(job)).follow_up
    if await components.store.get(job.request_id):
        return None
    assert follow_up.payload["code"] == DenialCode.TOO_FEW_APPROVERS, follow_up.payload
    return follow_up.payload["params"]["approvers"], follow_up.payload["params"]["required"]


DENIED: dict[str, tuple[str, str, dict[str, Any], str, str]] = {
    "only the requester is left": (OLIVIA, TOM, {"approvers": OLIVIA, "self_approval": False}, "", "1"),
    "only a guest": (RAVI, TOM, {"approvers": personas.GUS}, "", "1"),
    "only a bot": (RAVI, TOM, {"approvers": personas.BEA}, "", "1"),
    "only someone of another workspace": (RAVI, TOM, {"approvers": personas.ONA}, "", "1"),
    "only a deactivated user": (RAVI, TOM, {"approvers": personas.DAN}, "", "1"),
    "only an unknown id": (RAVI, TOM, {"approvers": "U0NOBODY01"}, "", "1"),
    "only the target": (RAVI, TOM, {"approvers": TOM}, "", "1"),
    "the requester, about their own account": (OLIVIA, OLIVIA, {"approvers": OLIVIA}, "", "1"),
    "protected, one other approver": (OLIVIA, PIA, {}, BEN, "2"),
    "protected, one approver": (RAVI, PIA, {"approvers": BEN}, BEN, "2"),
    "protected, the target is an approver": (RAVI, PIA, {"approvers": f"{BEN}, {PIA}"}, BEN, "2"),
    "protected, one is a guest": (RAVI, PIA, {"approvers": f"{personas.GUS}, {BEN}"}, BEN, "2"),
    "named twice": (RAVI, PIA, {"approvers": f"{BEN}, {BEN}"}, BEN, "2"),
}


@pytest.mark.parametrize("name", DENIED)
async def test_request__that_no_one_could_approve_is_denied(components: Components, name: str) -> None:
    by, target, rules, approvers, required = DENIED[name]
    usual = {"requesters": f"{OLIVIA}, {BEN}, {RAVI}"}
    assert await requested(components, by, target, **(usual | rules)) == (approvers, required)
    assert [row.tag for row, _ in await components.store.audit_events()] == ["request:ask_refused"]


async def test_request__two_accounts_with_one_address_are_one_approver(components: Components) -> None:
    components.slack.members[BEN].email = components.slack.members[OLIVIA].email
    assert await requested(components, RAVI, PIA, approvers=f"{BEN}, {OLIVIA}") == (BEN, "2")


async def test_rotation__that_no_other_admin_could_approve_is_denied(components: Components) -> None:
    assert await requested(components, OLIVIA, None, action="rotate", self_approval=False) == ("", "1")


@pytest.mark.parametrize("channel", [f"D{OLIVIA[1:]}", personas.OPS])
async def test_request__is_denied_for_its_approvers_before_its_channel(components: Components, channel: str) -> None:
    denied = await requested(components, OLIVIA, PIA, channel=channel, approvals_channel=None)
    assert denied == (BEN, "2")


CREATED = {
    "two other approvers": (RAVI, PIA, {}),
    "the requester alone": (OLIVIA, TOM, {"approvers": OLIVIA}),
    "one other approver": (RAVI, TOM, {"approvers": BEN}),
    "a role may name others": (RAVI, PIA, {"approvers": f"{BEN}, role:Supervisor"}),
    "a permission may name others": (RAVI, PIA, {"approvers": f"{BEN}, permission:oauth:token:delete"}),
}


@pytest.mark.parametrize(("by", "target", "rules"), CREATED.values(), ids=CREATED)
async def test_request__that_someone_could_approve_is_created(
    components: Components, by: str, target: str, rules: dict[str, Any]
) -> None:
    usual = {"requesters": f"{OLIVIA}, {BEN}, {RAVI}"}
    assert await requested(components, by, target, **(usual | rules)) is None


@pytest.mark.parametrize("error", ["ratelimited", "missing_scope", "no_such_subteam"])
async def test_request__with_an_unreadable_group_of_approvers_is_created(components: Components, error: str) -> None:
    components.slack.fault("usergroups.users.list", SlackFault(error=error, times=None))
    approvers = f"{personas.GUS}, {personas.TOKEN_APPROVERS}"
    assert await requested(components, RAVI, TOM, approvers=approvers) is None


async def test_request__with_more_approvers_than_are_looked_up_is_created(components: Components) -> None:
    unknown = ", ".join(f"U0NOBODY{number:02}" for number in range(MAX_LOOKUPS))
    assert await requested(components, RAVI, TOM, approvers=f"{unknown}, {BEN}") is None
    assert len(components.slack.calls_of("users.info")) < MAX_LOOKUPS + 5


async def test_request__looks_up_no_more_approvers_than_it_needs(components: Components) -> None:
    assert await requested(components, RAVI, TOM, approvers=f"{BEN}, {OLIVIA}", protected=()) is None
    assert [call.args["user"] for call in components.slack.calls_of("users.info")] == [RAVI, TOM, BEN]


async def test_card__in_a_direct_message_waits_for_an_unreadable_group(components: Components) -> None:
    """Whether the requester may approve is not known, so the bot does not say that they need someone else."""
    components.slack.fault("usergroups.users.list", SlackFault(retry_after=20, times=None))
    invoker = Invoker(OLIVIA, components.slack.team_id, "D0OLIVIA01", "trigger")
    job = await components.command(invoker, TargetRef(slack_user_id=TOM))
    (reply,) = (await components.requests(approvals_channel=None).process(job)).follow_up
    assert (reply.payload["code"], reply.payload["params"]["delay"]) == ("command_postponed", "20")
