"""A click counts only under the rules of now and of the request; equal rules cost no lookup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.db.jobs import JobKind
from bot.domain.denials import DenialCode
from bot.domain.principals import parse_principals
from bot.domain.requests import CANCEL, DECLINE, Request, State
from bot.domain.rules import Rules
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from tests.support.components import RULES, Components, open_components
from tests.support.database import stored, tags

OLD_GROUP = "S0OLDGROUP"
OLIVIA, BEN, NADIA, TOM = (
    parse_principals(one) for one in (personas.OLIVIA, personas.BEN, personas.NADIA, personas.TOM)
)


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def click(components: Components, by: str, action: str = "approve", **now: Any) -> Request:
    """Click, and decide the click under the rules `now`."""
    job = await components.click(by=by, action=action, key=f"{by} {action} {len(await tags(components.store))}")
    await components.clicks(**now).process(job)
    assert await components.store.jobs.is_done(job.id)
    return await stored(components.store)


async def denial(components: Components, by: str, action: str = "approve", **now: Any) -> str:
    """Click without effect, and return the reason in the audit log."""
    before = await stored(components.store)
    assert await click(components, by, action, **now) == before
    (event, _) = (await components.store.audit_events())[-1]
    assert event.tag == "click:refused"
    return str(event.detail["reason"])


def made_under(**then: Any) -> Rules:
    return replace(RULES, **then)


async def test_rules__that_are_equal_cost_no_extra_lookup(components: Components) -> None:
    costs = []
    for name, rules in (("none", None), ("same", RULES), ("order", made_under(approvers=RULES.approvers[::-1]))):
        await components.request(name=name, rules=rules)
        components.clock.advance(3600)
        before = len(components.slack.calls)
        await components.clicks().process(await components.click(request_id=name, key=name))
        assert (await stored(components.store, name)).state is State.APPROVED
        costs.append(sorted(call.method for call in components.slack.calls[before:]))

    assert costs[0].count("usergroups.users.list") == 1
    assert costs == [costs[0]] * 3


async def test_rules__other_groups_are_read_only_for_an_approver_of_now(components: Components) -> None:
    await components.request(rules=made_under(approvers=parse_principals(OLD_GROUP)))

    assert await denial(components, personas.RAVI) == DenialCode.NOT_AN_APPROVER
    assert await denial(components, personas.OLIVIA) == DenialCode.RULES_CHANGED

    groups = [call.args["usergroup"] for call in components.slack.calls_of("usergroups.users.list")]
    assert groups == [personas.TOKEN_APPROVERS, personas.TOKEN_APPROVERS, OLD_GROUP]


async def test_approver__added_since_the_request_gets_the_reason(components: Components) -> None:
    await components.request(rules=made_under(approvers=BEN))
    job = await components.click(by=personas.OLIVIA)
    (reply,) = (await components.clicks().process(job)).follow_up
    await components.run(reply)

    (text,) = components.texts_in(components.slack.workspace.dm(personas.OLIVIA).id)
    assert "not under the rules that applied when this request was made" in text
    assert "Ask for a new request." in text
    assert (await click(components, personas.BEN)).state is State.APPROVED


async def test_approver__removed_since_the_request_does_not_count(components: Components) -> None:
    await components.request(rules=made_under(approvers=OLIVIA))
    assert await denial(components, personas.OLIVIA, approvers=BEN) == DenialCode.NOT_AN_APPROVER
    assert await denial(components, personas.BEN, approvers=BEN) == DenialCode.RULES_CHANGED
    assert (await components.store.jobs.depth())[JobKind.EXECUTE] == 0


@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        (False, True, DenialCode.RULES_CHANGED),
        (True, False, DenialCode.OWN_REQUEST),
        (False, False, DenialCode.OWN_REQUEST),
    ],
)
async def test_self_approval__must_be_allowed_then_and_now(
    components: Components, then: bool, now: bool, reason: DenialCode
) -> None:
    await components.request(requester=personas.OLIVIA, rules=made_under(self_approval=then))
    assert await denial(components, personas.OLIVIA, self_approval=now) == reason
    assert (await click(components, personas.BEN, self_approval=now)).state is State.APPROVED


async def test_requester__under_another_id_is_looked_up_if_only_the_request_excludes_them(
    components: Components,
) -> None:
    await components.request(requester=personas.OLIVIA, rules=made_under(self_approval=False))
    components.slack.members[personas.BEN].email = components.slack.members[personas.OLIVIA].email
    assert await denial(components, personas.BEN) == DenialCode.RULES_CHANGED


async def test_rotation__is_judged_by_the_admins_of_both(components: Components) -> None:
    await components.request(
        action="rotate", target=None, target_slack_id=None, requester=personas.OLIVIA, rules=made_under(admins=BEN)
    )
    assert await denial(components, personas.OLIVIA) == DenialCode.RULES_CHANGED
    assert await denial(components, personas.BEN) == DenialCode.NOT_AN_ADMIN
    assert (await click(components, personas.BEN, admins=BEN)).state is State.APPROVED


@pytest.mark.parametrize(
    ("then", "now", "required"),
    [
        ({"protected": TOM}, {"protected": ()}, 2),  # named since the request, by the rules of the request
        ({"protected": ()}, {"protected": TOM}, 2),
        ({"protected": TOM, "protected_approvals": 3}, {"protected": TOM}, 3),
        ({}, {"protected": TOM, "protected_approvals": 3}, 3),
        ({"approvals_required": 2}, {}, 2),
        ({}, {"approvals_required": 2}, 2),
        ({"approvals_required": 2}, {"approvals_required": 3}, 3),
        ({"protected": TOM, "protected_approvals": 1}, {"protected_approvals": 1}, 1),
        ({"protected": TOM, "protected_approvals": 1}, {}, 2),
    ],
)
async def test_approvals__required_are_the_stricter_number(
    components: Components, then: dict[str, Any], now: dict[str, Any], required: int
) -> None:
    await components.request(rules=made_under(**then))
    found = await click(components, personas.OLIVIA, **now)

    assert found.approvals_required == required
    assert found.target_protected is (TOM in (then.get("protected"), now.get("protected")))
    assert found.state is (State.APPROVED if required == 1 else State.PENDING)
    assert components.store.seals.is_intact(found)


async def test_protection__excludes_the_requester_even_if_one_approval_is_enough(components: Components) -> None:
    rules = made_under(protected=TOM, protected_approvals=1)
    await components.request(requester=personas.OLIVIA, rules=rules)
    assert await denial(components, personas.OLIVIA, protected_approvals=1) == DenialCode.OWN_PROTECTED_REQUEST
    assert (await click(components, personas.BEN, protected_approvals=1)).state is State.APPROVED


async def test_protection__that_is_known_is_not_looked_up_again(components: Components) -> None:
    await components.request(approvals_required=2, target_protected=True)
    await click(components, personas.OLIVIA)
    asked = [call.args["user"] for call in components.slack.calls_of("users.info")]
    assert asked == [personas.OLIVIA, personas.RAVI]  # Tom is protected, so another id of Ravi must not approve


async def test_earlier_approval__that_another_version_took_from_an_added_approver_is_dropped(
    components: Components,
) -> None:
    """The replica that took it did not know the rules of the request."""
    request, _ = await components.request(approvals_required=2, rules=made_under(approvers=(*BEN, *NADIA)))
    both = components.store.seals.add_approval(replace(request, approvals=(personas.OLIVIA,)), personas.OLIVIA, 1.0)
    await components.database.run(
        "UPDATE requests SET approvals = :approvals, approval_seals = :seals",
        approvals=f'["{personas.OLIVIA}"]',
        seals=f'[["{personas.OLIVIA}", 1.0, "{both.approval_seals[0].mac}"]]',
    )
    found = await click(components, personas.BEN, approvers=(*OLIVIA, *BEN, *NADIA))

    assert (found.state, found.approvals, found.dropped) == (State.PENDING, (personas.BEN,), (personas.OLIVIA,))
    assert (await click(components, personas.NADIA, approvers=(*OLIVIA, *BEN, *NADIA))).state is State.APPROVED


async def test_decline__needs_both_rules(components: Components) -> None:
    await components.request(rules=made_under(approvers=BEN))
    assert await denial(components, personas.OLIVIA, DECLINE) == DenialCode.RULES_CHANGED_TO_DECLINE
    assert await denial(components, personas.BEN, DECLINE, approvers=OLIVIA) == DenialCode.NOT_YOURS_TO_DECLINE
    assert await denial(components, personas.RAVI, DECLINE) == DenialCode.OWN_REQUEST_TO_DECLINE
    assert await denial(components, personas.BEN, CANCEL) == DenialCode.NOT_YOURS_TO_CANCEL


async def test_cancellation__by_the_requester_looks_no_role_up(components: Components) -> None:
    await components.request(rules=RULES)
    assert (await click(components, personas.RAVI, CANCEL)).state is State.CANCELLED
    assert components.slack.calls_of("usergroups.users.list") == []


async def test_cancellation__by_an_approver_counts_for_a_request_of_an_earlier_version(components: Components) -> None:
    await components.request(rules=None)
    assert await denial(components, personas.NADIA, CANCEL) == DenialCode.NOT_YOURS_TO_CANCEL
    assert (await click(components, personas.BEN, CANCEL)).state is State.CANCELLED


async def test_rules__group_of_the_request_that_cannot_be_read_yet_is_no_verdict(components: Components) -> None:
    await components.request(rules=made_under(approvers=parse_principals(OLD_GROUP)))
    components.slack.fault("usergroups.users.list", SlackFault())  # the group of now is read
    components.slack.fault("usergroups.users.list", SlackFault(retry_after=12))
    job = await components.click(by=personas.OLIVIA)

    await components.clicks().process(job)

    assert not await components.store.jobs.is_done(job.id)
    assert (await stored(components.store)).state is State.PENDING


async def test_request__of_an_earlier_version_is_judged_by_the_rules_of_now(components: Components) -> None:
    await components.request(rules=None)
    assert (await click(components, personas.NADIA, approvers=NADIA)).state is State.APPROVED
