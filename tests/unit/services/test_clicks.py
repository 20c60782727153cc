"""Clicks are judged by the rights at the moment of the click; a denied click changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.db.expiry import ExpiryStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind
from bot.domain.denials import DenialCode
from bot.domain.principals import parse_principals
from bot.domain.requests import APPROVE, CANCEL, DECLINE, EXECUTION_WINDOW, MessageRef, Request, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import EntityRef, GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.denied_people import INTERVAL, SINGLE_DENIALS
from bot.services.job_result import JobResult
from bot.services.postponement import MAX_POSTPONEMENT
from tests.support.components import RULES, Components, open_components
from tests.support.database import TTL, stored, tags


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def process(components: Components, job: Job, **rules: object) -> JobResult:
    return await components.clicks(**rules).process(job)


async def apply(components: Components, job: Job, **rules: object) -> tuple[Request, JobResult]:
    """Process a click that changes the request; return the request and the follow-up jobs."""
    result = await process(components, job, **rules)
    assert [one.kind for one in result.follow_up if one.kind is JobKind.REPLY] == [], (
        "a click that counts gets no reply"
    )
    assert await components.store.jobs.is_done(job.id)
    return await stored(components.store), result


async def denied(components: Components, job: Job, reason: DenialCode, **rules: object) -> dict[str, Any]:
    """Process a denied click: nothing changes, the clicker gets a reply, the audit log an event."""
    before = await stored(components.store)
    await replied(components, job, **rules)
    assert await stored(components.store) == before
    assert (await tags(components.store))[-1] == "click:refused"
    event = (await components.store.audit_events())[-1][0]
    assert event.detail["reason"] == reason
    return dict(event.detail)


async def replied(components: Components, job: Job, **rules: object) -> str:
    """Process a click that changes nothing, deliver the reply, and return its text."""
    result = await process(components, job, **rules)
    assert [one.kind for one in result.follow_up] == [JobKind.REPLY]
    assert await components.store.jobs.is_done(job.id)
    await components.run(result.follow_up[0])
    return "\n".join(replies_to(components, job))


def replies_to(components: Components, job: Job) -> list[str]:
    """Return the private replies to a clicker."""
    return components.texts_in(components.slack.workspace.dm(job.payload["user_id"]).id)


async def test_process__approver_approves(components: Components) -> None:
    await components.request()
    request, result = await apply(components, await components.click(by=personas.OLIVIA))
    assert (request.state, request.decided_by) == (State.APPROVED, personas.OLIVIA)
    assert [job.kind for job in result.follow_up] == [JobKind.EXECUTE]
    assert components.genesys.requests == []  # no rule names Genesys Cloud, so the bot does not ask it


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        (personas.NADIA, DenialCode.NOT_AN_APPROVER),
        (personas.RAVI, DenialCode.NOT_AN_APPROVER),
        (personas.GUS, DenialCode.GUEST),  # although the group contains him
        (personas.DAN, DenialCode.DEACTIVATED),
        (personas.BEA, DenialCode.BOT),
        (personas.ONA, DenialCode.OUTSIDER),
    ],
)
async def test_process__ineligible_clicker_changes_nothing(
    components: Components, user_id: str, reason: DenialCode
) -> None:
    await components.request()
    await denied(components, await components.click(by=user_id), reason)


async def test_process__unknown_clicker_changes_nothing(components: Components) -> None:
    await components.request()
    await process(components, await components.click(by="U0NOBODY01"))
    assert (await stored(components.store)).state is State.PENDING
    assert (await components.store.audit_events())[-1][0].detail["reason"] == DenialCode.OUTSIDER


async def test_process__click_from_another_workspace_is_denied_without_a_lookup(components: Components) -> None:
    await components.request()
    job = await components.click(by=personas.OLIVIA, team_id=personas.OTHER_TEAM)
    await denied(components, job, DenialCode.OUTSIDER)
    assert components.slack.calls_of("users.info") == []


async def test_process__cached_membership_does_not_count(components: Components) -> None:
    await components.request()
    member = await components.identity.member(personas.OLIVIA)
    assert member
    await components.identity.actor(member, RULES.approvers, since=components.identity.recently)
    components.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.OLIVIA)
    await denied(components, await components.click(by=personas.OLIVIA), DenialCode.NOT_AN_APPROVER)


async def test_process__disabled_group_counts_as_no_and_is_named(components: Components) -> None:
    await components.request()
    components.slack.groups[personas.TOKEN_APPROVERS].disabled = True
    job = await components.click(by=personas.OLIVIA)
    detail = await denied(components, job, DenialCode.NOT_AN_APPROVER)
    unread = {"subject": "user_group", "cause": "no_such_subteam", "id": personas.TOKEN_APPROVERS}
    assert detail["unverified"] == [unread]
    reply = replies_to(components, job)[0]
    assert f"counts as no: the user group <!subteam^{personas.TOKEN_APPROVERS}> (Slack has no such user" in reply
    assert "no_such_subteam" not in reply


TRANSIENT = {
    "user, Slack is down": ("users.info", SlackFault(error="internal_error", times=2)),
    "user, rate limit": ("users.info", SlackFault(retry_after=12)),
    "user, token revoked": ("users.info", SlackFault(error="token_revoked")),
    "group, Slack is down": ("usergroups.users.list", SlackFault(html="<h1>Sorry</h1>", status=503, times=2)),
    "group, rate limit": ("usergroups.users.list", SlackFault(retry_after=12)),
    "group, no answer": ("usergroups.users.list", SlackFault(drop=True, times=2)),
    "group, token revoked": ("usergroups.users.list", SlackFault(error="token_revoked")),
    "group, scope missing": ("usergroups.users.list", SlackFault(error="missing_scope")),
}


@pytest.mark.parametrize(("method", "fault"), TRANSIENT.values(), ids=TRANSIENT)
async def test_process__failed_lookup_is_no_verdict(components: Components, method: str, fault: SlackFault) -> None:
    await components.request()
    components.slack.fault(method, replace(fault))
    job = await components.click(by=personas.OLIVIA)
    await process(components, job)
    assert not await components.store.jobs.is_done(job.id)
    assert await tags(components.store) == ["request:asked"]

    request, _ = await apply(components, await again(components, 12 if fault.retry_after else 1))
    assert request.state is State.APPROVED


async def test_process__while_lookups_are_limited_clicks_without_a_right_wait_for_each_other(
    components: Components,
) -> None:
    await components.request()
    clicks = components.clicks(approvers=parse_principals(personas.BEN))
    for number in range(SINGLE_DENIALS + 5):
        job = await components.click(by=personas.NADIA, key=f"early {number}")
        await clicks.process(job)
        assert await components.store.jobs.is_done(job.id)
    components.slack.fault("users.info", SlackFault(retry_after=12))
    await clicks.process(await components.click(by=personas.BEN))
    components.clock.advance(1)
    components.database.clock.advance(1)
    before = len(components.slack.calls_of("users.info"))
    waiting = [await components.click(by=personas.NADIA, key=f"late {number}") for number in range(5)]
    for job in waiting:
        await clicks.process(job)
    assert len(components.slack.calls_of("users.info")) == before
    assert not any([await components.store.jobs.is_done(job.id) for job in waiting])

    await clicks.process(await again(components, 12))
    assert (await stored(components.store)).state is State.APPROVED
    components.clock.advance(INTERVAL)
    components.database.clock.advance(INTERVAL)
    due = [one for one in await components.store.jobs.claim(20) if one.kind is JobKind.CLICK]
    await asyncio.gather(*map(clicks.process, due))
    assert all([await components.store.jobs.is_done(job.id) for job in waiting])
    read = [one.args["user"] for one in components.slack.calls_of("users.info")][before:]
    assert read.count(personas.NADIA) < len(waiting)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("operation", ["search_by_email", "get_user_roles"])
async def test_process__failed_lookup_in_genesys_cloud_is_no_verdict(
    components: Components, operation: str, status: int
) -> None:
    olivia = next(one for one in components.genesys.users.values() if one.name == "Olivia Ortega")
    olivia.roles = (EntityRef("role-id", "Token Admin"),)
    await components.request()
    fault = GenesysFault(status=status, headers={"Retry-After": "12"} if status == 429 else {}, times=3)
    components.genesys.fault(operation, fault)
    rules = parse_principals("role:Token Admin")
    await process(components, await components.click(by=personas.OLIVIA), approvers=rules)
    assert await tags(components.store) == ["request:asked"]
    components.genesys.faults.clear()

    job = await again(components, 12)
    await process(components, job, approvers=rules)
    assert (await stored(components.store)).state is State.APPROVED


async def again(components: Components, delay: float) -> Job:
    """Return the click once it is due again."""
    components.clock.advance(delay)
    components.database.clock.advance(delay)
    (job,) = [one for one in await components.store.jobs.claim(10) if one.kind is JobKind.CLICK]
    return job


async def test_process__clicker_of_a_postponed_click_is_notified_once(components: Components) -> None:
    await components.request()
    components.slack.fault("usergroups.users.list", SlackFault(retry_after=20, times=2))
    job = await components.click(by=personas.OLIVIA)
    (notice,) = (await process(components, job)).follow_up
    await components.run(notice)
    assert (await process(components, await again(components, 20))).follow_up == ()
    request, _ = await apply(components, await again(components, 20))

    assert request.state is State.APPROVED
    (said,) = replies_to(components, job)
    assert "Your click is stored" in said
    assert "in 20 s" in said


async def test_process__notice_that_a_click_waits_is_dropped_once_it_is_decided(components: Components) -> None:
    """It could not be sent while Slack was away."""
    await components.request()
    components.slack.fault("usergroups.users.list", SlackFault(retry_after=20))
    job = await components.click(by=personas.OLIVIA)
    (notice,) = (await process(components, job)).follow_up
    await apply(components, await again(components, 20))

    await components.run(notice)
    assert replies_to(components, job) == []
    assert await components.store.jobs.is_done(notice.id)


async def judge_until(components: Components, job: Job, seconds: float) -> Job:
    """Judge a click whenever it is due, for `seconds`; return it once it is due after that."""
    end = components.database.clock.now + seconds
    while components.database.clock.now < end:
        await process(components, job)
        if await components.store.jobs.is_done(job.id):
            break
        waited = components.database.clock.now
        job = await next_attempt(components)
        assert components.database.clock.now - waited <= MAX_POSTPONEMENT
    return job


async def next_attempt(components: Components) -> Job:
    """Advance the clocks until the click is due; nothing else may end its request meanwhile."""
    while True:
        components.clock.advance(0.5)
        components.database.clock.advance(0.5)
        assert await ExpiryStore(components.store).expire_due(lambda _: ()) == []
        due = [one for one in await components.store.jobs.claim(10) if one.kind is JobKind.CLICK]
        if due:
            return due[0]


async def test_process__click_is_decided_when_slack_answers_again(components: Components) -> None:
    """Ten minutes after the click, and shortly before the expiry."""
    await components.request()
    job = await components.click(by=personas.OLIVIA)
    components.slack.fault("users.info", SlackFault(drop=True, times=None))
    job = await judge_until(components, job, TTL - 60)
    assert components.database.clock.now > job.created_at + EXECUTION_WINDOW
    components.slack.clear_faults()
    request, result = await apply(components, job)
    assert request.state is State.APPROVED
    assert [one.kind for one in result.follow_up] == [JobKind.EXECUTE]


async def test_process__click_that_cannot_be_judged_before_the_expiry_ends_with_it(components: Components) -> None:
    await components.request()
    job = await components.click(by=personas.OLIVIA)
    components.slack.fault("users.info", SlackFault(drop=True, times=None))
    job = await judge_until(components, job, 2 * TTL)
    components.slack.clear_faults()
    ended = await stored(components.store)
    assert (ended.state, ended.approvals) == (State.EXPIRED, ())
    assert ended.finished_at is not None
    assert ended.finished_at <= ended.expires_at + 1
    assert await tags(components.store) == ["request:asked", "click:refused", "request:expired"]
    components.database.clock.advance(LEASE_DURATION)
    for one in await components.store.jobs.claim(10):
        if one.kind is JobKind.REPLY:
            await components.run(one)
    assert "expired before I could find out whether you may decide it" in replies_to(components, job)[-1]


async def test_process__wait_beyond_the_expiry_is_a_denial_at_once(components: Components) -> None:
    await components.request()
    components.slack.fault("users.info", SlackFault(retry_after=TTL + 1))
    job = await components.click(by=personas.OLIVIA)
    await denied(components, job, DenialCode.CLICKER_UNREADABLE)


async def test_process__old_button_is_answered_though_the_clicker_stays_unreadable(components: Components) -> None:
    await components.request()
    components.database.clock.advance(TTL)
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    job = await components.click(by=personas.OLIVIA)
    while not await components.store.jobs.is_done(job.id):
        await process(components, replace(job, attempts=2000, snapshot=None))
        components.clock.advance(30)
        components.database.clock.advance(30)
        await components.store.jobs.claim(10)
    assert components.database.clock.now - job.created_at <= EXECUTION_WINDOW + 60
    (event, _) = (await components.store.audit_events())[-1]
    assert (event.tag, event.detail["reason"]) == ("click:refused", DenialCode.CLICKER_UNREADABLE)


async def test_process__protected_target_needs_two_different_approvers(components: Components) -> None:
    await components.request(approvals_required=2)
    request, result = await apply(components, await components.click(by=personas.OLIVIA))
    assert (request.state, request.approvals, result.follow_up) == (State.PENDING, (personas.OLIVIA,), ())
    await denied(components, await components.click(by=personas.OLIVIA, key="again"), DenialCode.ALREADY_APPROVED)
    request, result = await apply(components, await components.click(by=personas.BEN))
    assert (request.state, request.approvals) == (State.APPROVED, (personas.OLIVIA, personas.BEN))
    assert [job.kind for job in result.follow_up] == [JobKind.EXECUTE]
    assert await tags(components.store) == ["request:asked", "request:signed", "click:refused", "request:approved"]


async def test_process__requester_of_a_protected_target_cannot_approve(components: Components) -> None:
    await components.request(approvals_required=2, requester=personas.OLIVIA)
    await denied(components, await components.click(by=personas.OLIVIA), DenialCode.OWN_PROTECTED_REQUEST)


async def test_process__own_request_is_approved_only_with_self_approval(components: Components) -> None:
    await components.request(requester=personas.OLIVIA)
    job = await components.click(by=personas.OLIVIA)
    await denied(components, job, DenialCode.OWN_REQUEST, self_approval=False)
    request, _ = await apply(components, await components.click(by=personas.OLIVIA, key="again"))
    assert request.state is State.APPROVED


async def test_process__requester_cancels(components: Components) -> None:
    await components.request()
    request, result = await apply(components, await components.click(by=personas.RAVI, action=CANCEL))
    assert (request.state, request.decided_by) == (State.CANCELLED, personas.RAVI)
    assert [job.kind for job in result.follow_up] == [JobKind.NOTICE]  # the card's job is held since the request
    assert (await components.store.jobs.depth())["notice"] == 1  # for the audit channel; the requester sees the card


async def test_process__approver_declines_with_a_reason(components: Components) -> None:
    await components.request()
    click = await components.click(action=DECLINE, reason="on a call\nwith a \u202ecustomer, very-secret")
    request, result = await apply(components, click, secret_values=("very-secret",))

    assert (request.state, request.decided_by, request.approvals) == (State.DECLINED, personas.OLIVIA, ())
    reason = "on a call with a customer, [redacted]"
    assert request.outcome == {"reason": reason}
    event, _ = (await components.store.audit_events())[-1]
    assert (event.tag, event.actor, event.detail) == ("request:declined", personas.OLIVIA, {"reason": reason})
    channels = {job.payload["channel"] for job in result.follow_up if job.kind is JobKind.NOTICE}
    assert channels == {personas.AUDIT, personas.RAVI}  # the requester, although they see the card
    assert components.store.seals.is_intact(request)
    assert not components.store.seals.authorizes(request, components.database.clock.now)


async def test_process__decline_of_a_requester_who_is_notified_anyway_is_one_notice(components: Components) -> None:
    await components.request(card=MessageRef(personas.APPROVALS))
    _, result = await apply(components, await components.click(action=DECLINE, reason="no"))
    channels = [job.payload["channel"] for job in result.follow_up if job.kind is JobKind.NOTICE]
    assert sorted(channels) == sorted([personas.AUDIT, personas.RAVI])


@pytest.mark.parametrize("reason", ["", " ", "\u200b\u202e"])
async def test_process__decline_without_a_reason_is_denied(components: Components, reason: str) -> None:
    await components.request()
    job = await components.click(action=DECLINE, reason=reason)
    await denied(components, job, DenialCode.DECLINE_REASON_MISSING)


@pytest.mark.parametrize("approvals", [0, 1])
async def test_process__decline_ends_a_request_with_some_approvals(components: Components, approvals: int) -> None:
    await components.request(approvals_required=2)
    if approvals:
        await apply(components, await components.click(by=personas.BEN))
    request, _ = await apply(components, await components.click(action=DECLINE, reason="no"))
    assert (request.state, len(request.approvals)) == (State.DECLINED, approvals)
    job = await components.click(by=personas.BEN, key="again")
    assert "already declined" in await replied(components, job)


async def test_process__other_people_and_approvers_cannot_cancel(components: Components) -> None:
    await components.request()
    await denied(components, await components.click(action=CANCEL), DenialCode.NOT_YOURS_TO_CANCEL)
    job = await components.click(by=personas.NADIA, action=CANCEL)
    await denied(components, job, DenialCode.NOT_YOURS_TO_CANCEL)


async def test_process__click_on_an_approved_request_is_stale(components: Components) -> None:
    await components.request()
    await apply(components, await components.click(by=personas.OLIVIA))
    job = await components.click(by=personas.BEN)
    assert "already approved" in await replied(components, job)
    assert (await stored(components.store)).state is State.APPROVED
    assert await tags(components.store) == ["request:asked", "request:approved", "click:stale"]


async def test_process__click_without_a_request_is_stale(components: Components) -> None:
    assert "I don't know this request" in await replied(components, await components.click(request_id="forged"))
    ((event, _),) = await components.store.audit_events()
    assert (event.tag, event.detail["state"]) == ("click:stale", "no such request")


OUTSIDERS = {
    personas.ONA: DenialCode.OUTSIDER,
    personas.GUS: DenialCode.GUEST,
    personas.BEA: DenialCode.BOT,
    personas.DAN: DenialCode.DEACTIVATED,
    "U0NOBODY01": DenialCode.OUTSIDER,
}


@pytest.mark.parametrize("ended", ["approved", "expired", "no request"])
@pytest.mark.parametrize(("user_id", "reason"), OUTSIDERS.items())
async def test_process__outsider_learns_nothing_from_an_old_button(
    components: Components, user_id: str, reason: DenialCode, ended: str
) -> None:
    """Neither the reply nor the clicked message shows how a request ended, or its target."""
    if ended != "no request":
        _, card = await components.request()
        await components.run(card)
    if ended == "approved":
        await apply(components, await components.click(by=personas.OLIVIA))
    if ended == "expired":
        components.database.clock.advance(TTL)
    before, posted = await components.store.get("first"), components.texts_in(personas.OPS)
    open_cards = (await components.store.jobs.depth()).get(JobKind.CARD, 0)

    job = await components.click(by=user_id, response_url="https://example.com/click", ts="1.1")
    result = await process(components, job)

    (reply,) = result.follow_up
    assert (reply.kind, reply.payload["code"], reply.payload["params"]) == (JobKind.REPLY, reason, {})
    assert await components.store.get("first") == before
    assert components.texts_in(personas.OPS) == posted
    assert (await components.store.jobs.depth()).get(JobKind.CARD, 0) == open_cards
    assert (await tags(components.store))[-1] == "click:refused"


async def change_to_a_state_of_another_version(components: Components) -> None:
    await components.request()
    await components.store.database.write(lambda tx: tx.execute("UPDATE requests SET state = 'snoozed'"))


@pytest.mark.parametrize(("user_id", "reason"), OUTSIDERS.items())
async def test_process__outsider_learns_nothing_from_a_request_that_cannot_be_read(
    components: Components, user_id: str, reason: DenialCode
) -> None:
    await change_to_a_state_of_another_version(components)
    (reply,) = (await process(components, await components.click(by=user_id))).follow_up
    assert (reply.payload["code"], reply.payload["params"]) == (reason, {})
    assert (await tags(components.store))[-1] == "click:refused"


@pytest.mark.parametrize(
    ("fault", "code"), [(None, "unreadable_row"), (SlackFault(retry_after=12), "slack_unavailable")]
)
async def test_process__member_who_clicks_a_request_that_cannot_be_read_gets_a_reply(
    components: Components, fault: SlackFault | None, code: str
) -> None:
    await change_to_a_state_of_another_version(components)
    if fault:
        components.slack.fault("users.info", fault)
    (reply,) = (await process(components, await components.click(by=personas.OLIVIA))).follow_up
    assert reply.payload["code"] == code


async def test_process__unreadable_clicker_of_an_old_button_is_looked_up_again(components: Components) -> None:
    await components.request()
    components.database.clock.advance(TTL)
    components.slack.fault("users.info", SlackFault(retry_after=12))
    await process(components, await components.click(by=personas.OLIVIA))
    assert (await stored(components.store)).state is State.PENDING

    result = await process(components, await again(components, 12))
    assert [one.payload["code"] for one in result.follow_up] == ["stale_request"]
    assert (await stored(components.store)).state is State.EXPIRED


async def test_process__late_click_expires_the_request(components: Components) -> None:
    await components.request()
    components.database.clock.advance(TTL)
    assert "has expired" in await replied(components, await components.click(by=personas.OLIVIA))
    assert (await stored(components.store)).state is State.EXPIRED
    assert await tags(components.store) == ["request:asked", "click:stale", "request:expired"]
    assert (await components.store.jobs.depth())["target"] == 0


async def test_process__click_in_time_counts_even_if_decided_late(components: Components) -> None:
    await components.request()
    components.database.clock.advance(TTL - 1)
    job = await components.click(by=personas.OLIVIA)
    components.database.clock.advance(60)
    request, _ = await apply(components, job)
    assert request.state is State.APPROVED


@pytest.mark.parametrize("action", [APPROVE, CANCEL, DECLINE])
async def test_process__click_older_than_request_and_ten_minutes_is_stale(components: Components, action: str) -> None:
    """The clicker no longer waits, and does not mean a login that happened since."""
    await components.request()
    components.database.clock.advance(TTL - 1)
    by = personas.RAVI if action == CANCEL else personas.OLIVIA
    job = await components.click(by=by, action=action, reason="no")
    components.database.clock.advance(EXECUTION_WINDOW + 1)
    assert "has expired" in await replied(components, job)
    assert (await stored(components.store)).state is State.EXPIRED
    assert (await components.store.jobs.depth())["target"] == 0


async def test_process__click_taken_over_by_another_replica_is_left_to_it(components: Components) -> None:
    await components.request()
    job = await components.click(by=personas.OLIVIA)
    components.database.clock.advance(LEASE_DURATION)
    other = components.database.store("two#1")
    assert job.id in {one.id for one in await other.jobs.claim(10)}
    result = await process(components, job)
    assert result.follow_up == ()
    assert components.slack.messages == []
    assert await tags(components.store) == ["request:asked"]
    assert await other.jobs.still_leased(job)


async def test_process__only_admins_approve_a_rotation(components: Components) -> None:
    await components.request(action="rotate", target=None, target_slack_id=None, requester=personas.OLIVIA)
    await denied(components, await components.click(by=personas.BEN), DenialCode.NOT_AN_ADMIN)
    request, _ = await apply(components, await components.click(by=personas.OLIVIA))
    assert request.state is State.APPROVED


async def test_process__earlier_approval_that_no_longer_holds_is_dropped(components: Components) -> None:
    await components.request(approvals_required=2)
    await apply(components, await components.click(by=personas.OLIVIA))
    components.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.OLIVIA)
    components.slack.members[personas.OLIVIA].deleted = True
    request, _ = await apply(components, await components.click(by=personas.BEN))

    assert (request.state, request.approvals, request.dropped) == (
        State.PENDING, (personas.BEN,), (personas.OLIVIA,),
    )  # fmt: skip
    assert (await tags(components.store))[-2:] == ["request:approval_dropped", "request:signed"]
    event = (await components.store.audit_events())[-2][0]
    assert (event.actor, event.detail) == (personas.OLIVIA, {"decided_by": personas.BEN})
    assert components.genesys.received("delete_token") == []


async def test_process__earlier_approval_is_dropped_after_a_change_of_approvers(components: Components) -> None:
    await components.request(approvals_required=2)
    await apply(components, await components.click(by=personas.OLIVIA))
    only_ben = parse_principals(personas.BEN)
    job = await components.click(by=personas.BEN)
    await process(components, job, approvers=only_ben)
    found = await stored(components.store)
    assert (found.state, found.approvals, found.dropped) == (State.PENDING, (personas.BEN,), (personas.OLIVIA,))


async def test_process__unreadable_earlier_approver_is_no_verdict(components: Components) -> None:
    await components.request(approvals_required=2)
    await apply(components, await components.click(by=personas.OLIVIA))
    job = await components.click(by=personas.BEN)
    components.clock.advance(60)
    components.slack.fault("users.info", SlackFault())  # Ben is read
    components.slack.fault("users.info", SlackFault(error="internal_error", times=2))
    await process(components, job)
    assert not await components.store.jobs.is_done(job.id)
    assert (await stored(components.store)).approvals == (personas.OLIVIA,)


async def test_process__target_protected_since_the_request_needs_two_approvals(components: Components) -> None:
    await components.request()
    protected = parse_principals(personas.TOM)
    job = await components.click(by=personas.OLIVIA)
    await process(components, job, protected=protected)
    found = await stored(components.store)
    assert (found.state, found.approvals_required, found.approvals) == (State.PENDING, 2, (personas.OLIVIA,))

    await process(components, await components.click(by=personas.BEN), protected=protected)
    assert (await stored(components.store)).state is State.APPROVED


async def test_process__target_that_is_no_longer_protected_still_needs_two_approvals(components: Components) -> None:
    await components.request(approvals_required=2)
    await process(components, await components.click(by=personas.OLIVIA), protected=())
    found = await stored(components.store)
    assert (found.state, found.approvals_required) == (State.PENDING, 2)


@pytest.mark.parametrize("action", [APPROVE, CANCEL])
async def test_process__target_can_neither_approve_nor_cancel(components: Components, action: str) -> None:
    await components.request(target_slack_id=personas.OLIVIA, requester=personas.OLIVIA)
    job = await components.click(by=personas.OLIVIA, action=action)
    await denied(components, job, DenialCode.TARGET_CANNOT_DECIDE)


async def test_process__one_person_with_two_accounts_approves_once(components: Components) -> None:
    await components.request(approvals_required=2)
    await apply(components, await components.click(by=personas.OLIVIA))
    components.slack.members[personas.BEN].email = components.slack.members[personas.OLIVIA].email
    await denied(components, await components.click(by=personas.BEN), DenialCode.ALREADY_APPROVED)


async def test_process__person_without_a_role_causes_no_lookup_about_the_request(components: Components) -> None:
    await components.request()
    protected = parse_principals("role:Protected")
    job = await components.click(by=personas.NADIA)
    await denied(components, job, DenialCode.NOT_AN_APPROVER, protected=protected)
    assert components.genesys.requests == []
