"""A written-down click is judged by who clicks, as things stand now; whatever is not certain changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.jobs import LEASE_DURATION, Job, JobKind
from bot.domain.policy import DenialCode, Denied
from bot.domain.requests import APPROVE, CANCEL, EXECUTION_WINDOW, State
from bot.errors import SlackUnavailable, StaleRequest
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.services.clicks import TRIES, Settled
from tests.support.components import Components, open_components
from tests.support.database import TTL, stored, tags


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def judged(office: Components, job: Job, **rules: object) -> Settled:
    return await office.decisions(**rules).settle(job)


async def refused(office: Components, job: Job, reason: DenialCode, **rules: object) -> Denied:
    """The click changes nothing, is told to who clicked, and is in the trail."""
    before = await stored(office.store)
    settled = await judged(office, job, **rules)
    assert isinstance(settled.answer, Denied)
    assert settled.answer.reason is reason
    assert settled.work == ()
    assert await stored(office.store) == before
    assert (await tags(office.store))[-1] == "click:refused"
    assert (await office.store.audit_events())[-1][0].detail["reason"] == reason
    assert await office.store.jobs.is_done(job.id)
    return settled.answer


async def test_settle__an_approver_confirms(office: Components) -> None:
    await office.ask()
    settled = await judged(office, await office.click(by=personas.OLIVIA))
    assert settled.answer is None
    assert settled.request
    assert (settled.request.state, settled.request.decided_by) == (State.APPROVED, personas.OLIVIA)
    assert [work.kind for work in settled.work] == [JobKind.EXECUTE]
    assert office.genesys.requests == []  # judging asks Genesys Cloud nothing where no rule names it


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        (personas.NADIA, DenialCode.NOT_AN_APPROVER),
        (personas.RAVI, DenialCode.NOT_AN_APPROVER),
        (personas.GUS, DenialCode.GUEST),  # though he stands in the group
        (personas.DAN, DenialCode.DEACTIVATED),
        (personas.BEA, DenialCode.BOT),
        (personas.ONA, DenialCode.OUTSIDER),
        ("U0NOBODY01", DenialCode.OUTSIDER),
    ],
)
async def test_settle__whoever_may_not_changes_nothing(office: Components, user_id: str, reason: DenialCode) -> None:
    await office.ask()
    await refused(office, await office.click(by=user_id), reason)


async def test_settle__another_workspaces_click_is_refused_before_slack_is_asked(office: Components) -> None:
    await office.ask()
    await refused(office, await office.click(by=personas.OLIVIA, team_id=personas.OTHER_TEAM), DenialCode.OUTSIDER)
    assert office.slack.calls_of("users.info") == []


async def test_settle__who_left_the_group_a_moment_ago_may_not_any_more(office: Components) -> None:
    await office.ask()
    member = await office.directory.member(personas.OLIVIA)
    assert member
    await office.directory.actor(member, office.decisions()._rules.approvers, fresh=False)
    office.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.OLIVIA)
    await refused(office, await office.click(by=personas.OLIVIA), DenialCode.NOT_AN_APPROVER)


async def test_settle__a_group_that_cannot_be_read_is_no_and_said_so(office: Components) -> None:
    await office.ask()
    office.slack.fault("usergroups.users.list", SlackFault(error="missing_scope", times=None))
    answer = await refused(office, await office.click(by=personas.OLIVIA), DenialCode.NOT_AN_APPROVER)
    assert answer.facts["unread"] == f"user group {personas.TOKEN_APPROVERS} (missing_scope)"


async def test_settle__slack_that_does_not_answer_leaves_the_click_written_down(office: Components) -> None:
    await office.ask()
    office.slack.fault("users.info", SlackFault(error="internal_error", times=2))
    job = await office.click(by=personas.OLIVIA)
    with pytest.raises(SlackUnavailable):
        await judged(office, job)
    assert await office.store.jobs.still_leased(job)
    assert await tags(office.store) == ["request:asked"]
    settled = await judged(office, job)
    assert settled.request
    assert settled.request.state is State.APPROVED


async def test_settle__slack_that_never_answers_means_no_at_last(office: Components) -> None:
    await office.ask()
    office.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    job = await office.click(by=personas.OLIVIA)
    for attempt in range(1, TRIES):
        with pytest.raises(SlackUnavailable):
            await judged(office, job)
        await office.store.jobs.release(job, delay=0)
        (job,) = [one for one in await office.store.jobs.claim(10) if one.kind is JobKind.CLICK]
        assert job.attempts == attempt + 1
    answer = await refused(office, job, DenialCode.CLICKER_UNREADABLE)
    assert answer.facts == {"method": "users.info", "code": "internal_error"}


async def test_settle__two_different_approvers_for_a_protected_target(office: Components) -> None:
    await office.ask(approvals_required=2)
    first = await judged(office, await office.click(by=personas.OLIVIA))
    assert first.request
    assert (first.request.state, first.request.approvals, first.work) == (State.PENDING, (personas.OLIVIA,), ())
    await refused(office, await office.click(by=personas.OLIVIA, key="again"), DenialCode.ALREADY_AGREED)
    second = await judged(office, await office.click(by=personas.BEN))
    assert second.request
    assert (second.request.state, second.request.approvals) == (State.APPROVED, (personas.OLIVIA, personas.BEN))
    assert len(second.work) == 1
    assert await tags(office.store) == ["request:asked", "request:signed", "click:refused", "request:approved"]


async def test_settle__a_requester_is_none_of_the_two(office: Components) -> None:
    await office.ask(approvals_required=2, requester=personas.OLIVIA)
    await refused(office, await office.click(by=personas.OLIVIA), DenialCode.OWN_PROTECTED_REQUEST)


async def test_settle__ones_own_request_where_that_is_not_allowed(office: Components) -> None:
    await office.ask(requester=personas.OLIVIA)
    await refused(office, await office.click(by=personas.OLIVIA), DenialCode.OWN_REQUEST, self_approval=False)
    settled = await judged(office, await office.click(by=personas.OLIVIA, key="again"))
    assert settled.request
    assert settled.request.state is State.APPROVED


@pytest.mark.parametrize("user_id", [personas.RAVI, personas.OLIVIA])
async def test_settle__the_requester_or_an_approver_cancels(office: Components, user_id: str) -> None:
    await office.ask()
    settled = await judged(office, await office.click(by=user_id, action=CANCEL))
    assert settled.request
    assert (settled.request.state, settled.request.decided_by, settled.work) == (State.CANCELLED, user_id, ())
    assert (await office.store.jobs.depth())["notice"] == 1  # the audit channel; the requester sees the card


async def test_settle__somebody_else_cannot_cancel(office: Components) -> None:
    await office.ask()
    await refused(office, await office.click(by=personas.NADIA, action=CANCEL), DenialCode.NOT_YOURS_TO_CANCEL)


async def test_settle__a_click_on_what_is_decided_already_is_told_so(office: Components) -> None:
    await office.ask()
    await judged(office, await office.click(by=personas.OLIVIA))
    settled = await judged(office, await office.click(by=personas.BEN))
    assert isinstance(settled.answer, StaleRequest)
    assert settled.request
    assert (settled.request.state, settled.work) == (State.APPROVED, ())
    assert await tags(office.store) == ["request:asked", "request:approved", "click:stale"]


async def test_settle__a_click_on_nothing_is_told_so(office: Components) -> None:
    settled = await judged(office, await office.click(request_id="forged"))
    assert isinstance(settled.answer, StaleRequest)
    assert settled.request is None
    ((row, _),) = await office.store.audit_events()
    assert (row.tag, row.detail["state"]) == ("click:stale", "no such request")


async def test_settle__a_click_after_the_end_ends_the_request(office: Components) -> None:
    await office.ask()
    office.ledger.clock.now += TTL
    settled = await judged(office, await office.click(by=personas.OLIVIA))
    assert isinstance(settled.answer, StaleRequest)
    assert settled.request
    assert settled.request.state is State.EXPIRED
    assert await tags(office.store) == ["request:asked", "click:stale", "request:expired"]
    assert (await office.store.jobs.depth())["target"] == 0


async def test_settle__a_click_before_the_end_counts_after_it(office: Components) -> None:
    await office.ask()
    office.ledger.clock.now += TTL - 1
    job = await office.click(by=personas.OLIVIA)
    office.ledger.clock.now += 60
    settled = await judged(office, job)
    assert settled.request
    assert settled.request.state is State.APPROVED


@pytest.mark.parametrize("action", [APPROVE, CANCEL])
async def test_settle__a_click_that_could_not_be_judged_for_ten_minutes_is_void(
    office: Components, action: str
) -> None:
    """Whoever clicked has long looked elsewhere; a log-in since then is not what they meant."""
    await office.ask()
    job = await office.click(by=personas.OLIVIA, action=action)
    office.ledger.clock.now += EXECUTION_WINDOW + 1
    settled = await judged(office, job)
    assert isinstance(settled.answer, StaleRequest)
    assert settled.request
    assert (settled.request.state, settled.work) == (State.PENDING, ())


async def test_settle__a_click_another_replica_took_over_is_left_to_it(office: Components) -> None:
    await office.ask()
    job = await office.click(by=personas.OLIVIA)
    office.ledger.clock.now += LEASE_DURATION
    other = office.ledger.store("two#1")
    assert job.id in {one.id for one in await other.jobs.claim(10)}
    settled = await judged(office, job)
    assert (settled.work, settled.answer) == ((), None)
    assert await tags(office.store) == ["request:asked"]
    assert await other.jobs.still_leased(job)


async def test_settle__only_admins_confirm_a_rotation(office: Components) -> None:
    await office.ask(kind="rotate", target=None, target_slack_id=None, requester=personas.OLIVIA)
    await refused(office, await office.click(by=personas.BEN), DenialCode.NOT_AN_ADMIN)
    settled = await judged(office, await office.click(by=personas.OLIVIA))
    assert settled.request
    assert settled.request.state is State.APPROVED
