"""How the store ends a request: targets carried out, tried again or taken over, and the card that tells of it."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import insert, select

from bot.db.jobs import LEASE_DURATION, Job, JobKind
from bot.db.requests import APPROVAL_RENDER_DELAY, RequestStore, ResponseUrls
from bot.db.schema import items, jobs
from bot.domain.audit import AuditEvent, EventType
from bot.domain.requests import Event, MessageRef, State
from tests.support.database import DatabaseHarness, approve, ask, click, stored, tags
from tests.support.examples import OLIVIA

DONE = {"attempts": 1, "status": 200}


@pytest.fixture
def store(ledger: DatabaseHarness) -> RequestStore:
    return ledger.store()


async def with_two_targets(ledger: DatabaseHarness, store: RequestStore) -> tuple[Job, Job]:
    """An approved request for two people; returns the orders for both."""
    await ask(store)
    await ledger.run(insert(items), {"request_id": "first", "place": 1, "target_id": "another"})
    _, first = await approve(store)
    what = {"place": 1, "clicked_at": ledger.clock.now}
    second = await ledger.database.write(
        lambda tx: store.jobs.add_leased(tx, JobKind.EXECUTE, "first", "first:1", what)
    )
    assert second
    return first, second


@pytest.mark.parametrize(
    ("event", "state", "tag"),
    [
        (Event.SUCCEED, State.REVOKED, "token:revoked"),
        (Event.REFUSE, State.REFUSED, "token:refused"),
        (Event.FAIL, State.FAILED, "token:failed"),
        (Event.LOSE_TRACK, State.UNKNOWN, "token:unknown"),
    ],
)
async def test_finish_target__ends_the_request_with_what_genesys_said(
    store: RequestStore, ledger: DatabaseHarness, event: Event, state: State, tag: str
) -> None:
    await ask(store)
    _, work = await approve(store)
    ledger.clock.now += 2
    ended = await store.finish_execution(work, event, outcome=DONE, notify=["C0AUDIT001", "U0RAVI0001"])
    assert ended == await stored(store)
    assert (ended.state, ended.outcome, ended.finished_at) == (state, DONE, ledger.clock.now)
    assert await tags(store) == ["request:asked", "request:approved", tag]
    assert (await store.audit_events())[-1][0].detail == DONE
    assert (await store.jobs.depth())["notice"] == 2
    assert (await store.jobs.depth())["target"] == 0


async def test_finish_target__a_lost_lease_cannot_finish(store: RequestStore, ledger: DatabaseHarness) -> None:
    await ask(store)
    _, work = await approve(store)
    ledger.clock.now += LEASE_DURATION
    other = ledger.store("two#1")
    (taken,) = [job for job in await other.jobs.claim(10) if job.kind is JobKind.EXECUTE]
    assert await store.finish_execution(work, Event.FAIL, outcome={}, notify=["C0AUDIT001"]) is None
    assert await store.retry_execution(work, delay=0, outcome={"attempts": 1}) is None
    assert (await stored(store)).state is State.APPROVED
    assert (await stored(store)).outcome == {}
    assert await tags(store) == ["request:asked", "request:approved"]
    assert (await store.jobs.depth())["notice"] == 0
    ended = await other.finish_execution(taken, Event.SUCCEED, outcome={"attempts": 2}, notify=())
    assert ended
    assert ended.state is State.REVOKED


async def test_finish_target__a_request_is_open_while_one_of_its_targets_is(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    first, second = await with_two_targets(ledger, store)
    half = await store.finish_execution(first, Event.SUCCEED, outcome=DONE, notify=["C0AUDIT001"])
    assert half
    assert half.state is State.APPROVED
    assert (await store.jobs.depth())["notice"] == 0
    whole = await store.finish_execution(second, Event.LOSE_TRACK, outcome=DONE, notify=["C0AUDIT001"])
    assert whole
    assert whole.state is State.UNKNOWN
    assert await tags(store) == ["request:asked", "request:approved", "token:unknown"]


async def test_finish_target__two_finishers_at_once_end_the_request_once(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    """Write skew: each could find the other's target open, and then nobody would end the request."""
    first, second = await with_two_targets(ledger, store)
    told = await asyncio.gather(
        *(store.finish_execution(job, Event.SUCCEED, outcome=DONE, notify=["C0AUDIT001"]) for job in (first, second))
    )
    assert sorted(one.state for one in told if one) == [State.APPROVED, State.REVOKED]
    assert (await tags(store)).count("token:revoked") == 1
    assert [row.event for row in await ledger.run(select(items.c.event))] == ["succeed", "succeed"]


async def test_try_again__is_told_and_due_after_the_wait(store: RequestStore, ledger: DatabaseHarness) -> None:
    _, card = await ask(store)
    await store.mark_rendered(card, 1, MessageRef("C0OPS00001", "1.2"))
    before, work = await approve(store)
    outcome = {"attempts": 1, "uncertain": True}
    waiting = await store.retry_execution(work, delay=3, outcome=outcome)
    assert waiting
    assert (waiting.state, waiting.outcome, waiting.revision) == (State.APPROVED, outcome, before.revision + 1)
    assert await tags(store) == ["request:asked", "request:approved", "token:attempt_failed"]
    assert [job.kind for job in await store.jobs.claim(10)] == [JobKind.CARD]
    ledger.clock.now += 3
    (again,) = [job for job in await store.jobs.claim(10) if job.kind is JobKind.EXECUTE]
    assert (again.id, again.attempts) == (work.id, 2)


async def test_start__a_restart_takes_its_own_work_up_at_once_and_nobody_elses(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    await ask(store)
    await approve(store)
    other = ledger.store("two#1")
    await other.jobs.release_own_leases()
    assert await other.jobs.claim(10) == []
    ledger.clock.now += APPROVAL_RENDER_DELAY
    again = ledger.store("one#2")
    await again.jobs.release_own_leases()
    kinds = [job.kind for job in await again.jobs.claim(10)]
    assert kinds == [JobKind.EXECUTE, JobKind.CARD]


async def test_shown__a_card_that_shows_the_latest_is_done_and_stands_somewhere(store: RequestStore) -> None:
    _, card = await ask(store, card=MessageRef("U0RAVI0001"))
    assert await store.mark_rendered(card, 1, MessageRef("D0RAVI0001", "1.2")) is True
    assert (await stored(store)).card == MessageRef("D0RAVI0001", "1.2")
    assert await store.jobs.is_done(card.id)


async def test_shown__a_click_on_another_copy_while_it_was_painted_is_not_forgotten(store: RequestStore) -> None:
    """That copy's buttons are gone only when the card is painted again, though the request is as it was."""
    _, card = await ask(store)
    stale = AuditEvent(0.0, EventType.CLICK_STALE, OLIVIA, request_id="first")
    await store.record_event(
        stale, done=await click(store), clicked=ResponseUrls(click="https://hooks.slack.com/actions/1")
    )
    assert await store.mark_rendered(card, 1, MessageRef("C0OPS00001", "1.2")) is False
    (again,) = await store.jobs.claim(10)
    assert again.id == card.id
    assert await store.mark_rendered(again, 1, MessageRef("C0OPS00001", "1.2")) is True
    assert await store.jobs.claim(10) == []


async def test_shown__a_newer_revision_is_painted_again(store: RequestStore) -> None:
    _, card = await ask(store)
    await approve(store)
    assert await store.mark_rendered(card, 1, MessageRef("C0OPS00001", "1.2")) is False
    assert not await store.jobs.is_done(card.id)
    (again,) = await store.jobs.claim(10)
    assert (again.id, again.kind) == (card.id, JobKind.CARD)
    assert await store.mark_rendered(again, 2, MessageRef("C0OPS00001", "1.2")) is True


async def test_shown__a_card_without_a_place_has_none(store: RequestStore) -> None:
    _, card = await ask(store)
    assert await store.mark_rendered(card, 1, None) is True
    assert (await stored(store)).card is None


async def test_give_back__a_click_is_judged_later_by_anybody(store: RequestStore, ledger: DatabaseHarness) -> None:
    await ask(store)
    job = await click(store)
    await store.jobs.release(job, delay=2)
    other = ledger.store("two#1")
    assert [one.kind for one in await other.jobs.claim(10)] == []
    ledger.clock.now += 2
    (again,) = await other.jobs.claim(10)
    assert (again.id, again.attempts, again.created_at) == (job.id, 2, job.created_at)
    assert not await store.jobs.still_leased(job)
    assert await ledger.run(select(jobs.c.lease_owner).where(jobs.c.id == job.id)) == [("two#1",)]
