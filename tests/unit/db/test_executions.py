"""The request store after an approval: executions, retries, takeovers, and the rendering of the card."""

from __future__ import annotations

import asyncio

import pytest

from bot.db.cards import CardStore
from bot.db.clicks import ClickStore
from bot.db.executions import ExecutionStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import APPROVAL_RENDER_DELAY, RequestStore
from bot.db.rows import ResponseUrls
from bot.domain.audit import AuditEvent, EventType
from bot.domain.requests import Event, MessageRef, State
from tests.support.database import DatabaseHarness, approve, click, create_request, stored, tags
from tests.support.examples import OLIVIA

DONE = {"attempts": 1, "status": 200}


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


async def approved_with_two_items(db: DatabaseHarness, store: RequestStore) -> tuple[Job, Job]:
    """Create an approved request for two people; return the jobs of both executions."""
    await create_request(store)
    await db.run("INSERT INTO items (request_id, place, target_id) VALUES ('first', 1, 'another')")
    _, first = await approve(store)
    target = {"place": 1, "clicked_at": db.clock.now}
    second = await db.database.write(lambda tx: store.jobs.add_leased(tx, JobKind.EXECUTE, "first", "first:1", target))
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
async def test_finish_execution__stores_the_outcome_and_enqueues_notices(
    store: RequestStore, db: DatabaseHarness, event: Event, state: State, tag: str
) -> None:
    await create_request(store)
    _, work = await approve(store)
    db.clock.advance(2)
    finished = await ExecutionStore(store).finish(work, event, outcome=DONE, notify=["C0AUDIT001", "U0RAVI0001"])
    assert finished
    ended, follow_up = finished
    assert ended == await stored(store)
    assert (ended.state, ended.outcome, ended.finished_at) == (state, DONE, db.clock.now)
    assert await tags(store) == ["request:asked", "request:approved", tag]
    assert (await store.audit_events())[-1][0].detail == DONE
    # The job of the card is held since the request.
    assert [job.kind for job in follow_up] == [JobKind.NOTICE, JobKind.NOTICE]
    assert [job.payload["channel"] for job in follow_up] == ["C0AUDIT001", "U0RAVI0001"]
    assert await db.store("two#1").jobs.claim(10) == []
    assert (await store.jobs.depth())["target"] == 0


async def test_finish_execution__leases_the_card_that_no_process_renders(store: RequestStore) -> None:
    _, card = await create_request(store)
    assert await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2"))
    _, work = await approve(store)
    finished = await ExecutionStore(store).finish(work, Event.SUCCEED, outcome=DONE, notify=())
    assert finished
    assert [(job.id, job.kind, job.attempts) for job in finished[1]] == [(card.id, JobKind.CARD, 1)]


async def test_finish_execution__leaves_the_card_to_the_process_that_renders_it(
    store: RequestStore, db: DatabaseHarness
) -> None:
    other = db.store("two#1")
    _, card = await create_request(other)
    _, work = await approve(store)
    finished = await ExecutionStore(store).finish(work, Event.SUCCEED, outcome=DONE, notify=["C0AUDIT001"])
    assert finished
    assert [job.kind for job in finished[1]] == [JobKind.NOTICE]
    assert await CardStore(other).mark_posted(card, MessageRef("C0OPS00001", "1.2")) is False
    (again,) = await other.jobs.claim(10)
    assert again.id == card.id
    assert await CardStore(other).mark_rendered(again) is True


async def test_finish_execution__crash_after_the_commit_leaves_the_jobs_to_another_process(
    store: RequestStore, db: DatabaseHarness
) -> None:
    _, card = await create_request(store)
    await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2"))
    _, work = await approve(store)
    assert await ExecutionStore(store).finish(work, Event.SUCCEED, outcome=DONE, notify=["C0AUDIT001"])
    other = db.store("two#1")
    db.clock.advance(LEASE_DURATION - 0.001)
    assert await other.jobs.claim(10) == []
    db.clock.advance(0.001)
    assert [job.kind for job in await other.jobs.claim(10)] == [JobKind.CARD, JobKind.NOTICE]


async def test_finish_execution__changes_nothing_after_the_lease_was_lost(
    store: RequestStore, db: DatabaseHarness
) -> None:
    await create_request(store)
    _, work = await approve(store)
    db.clock.advance(LEASE_DURATION)
    other = db.store("two#1")
    (taken,) = [job for job in await other.jobs.claim(10) if job.kind is JobKind.EXECUTE]
    assert await ExecutionStore(store).finish(work, Event.FAIL, outcome={}, notify=["C0AUDIT001"]) is None
    assert await ExecutionStore(store).retry(work, delay=0, outcome={"attempts": 1}) is None
    assert (await stored(store)).state is State.APPROVED
    assert (await stored(store)).outcome == {}
    assert await tags(store) == ["request:asked", "request:approved"]
    assert (await store.jobs.depth())["notice"] == 0
    ended = await ExecutionStore(other).finish(taken, Event.SUCCEED, outcome={"attempts": 2}, notify=())
    assert ended
    assert ended[0].state is State.REVOKED


async def test_finish_execution__request_ends_with_its_last_item(store: RequestStore, db: DatabaseHarness) -> None:
    first, second = await approved_with_two_items(db, store)
    half = await ExecutionStore(store).finish(first, Event.SUCCEED, outcome=DONE, notify=["C0AUDIT001"])
    assert half
    assert (half[0].state, half[1]) == (State.APPROVED, [])
    assert (await store.jobs.depth())["notice"] == 0
    whole = await ExecutionStore(store).finish(second, Event.LOSE_TRACK, outcome=DONE, notify=["C0AUDIT001"])
    assert whole
    assert whole[0].state is State.UNKNOWN
    assert await tags(store) == ["request:asked", "request:approved", "token:unknown"]


async def test_finish_execution__concurrent_items_end_the_request_once(
    store: RequestStore, db: DatabaseHarness
) -> None:
    """If each transaction saw the other's item as open, the request would never end."""
    first, second = await approved_with_two_items(db, store)
    results = await asyncio.gather(
        *(
            ExecutionStore(store).finish(job, Event.SUCCEED, outcome=DONE, notify=["C0AUDIT001"])
            for job in (first, second)
        )
    )
    assert sorted(one[0].state for one in results if one) == [State.APPROVED, State.REVOKED]
    assert (await tags(store)).count("token:revoked") == 1
    assert [row.event for row in await db.rows("SELECT event FROM items")] == ["succeed", "succeed"]


async def test_retry_execution__renders_the_card_and_is_due_after_the_delay(
    store: RequestStore, db: DatabaseHarness
) -> None:
    _, card = await create_request(store)
    await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2"))
    before, work = await approve(store)
    outcome = {"attempts": 1, "uncertain": True}
    waiting = await ExecutionStore(store).retry(work, delay=3, outcome=outcome)
    assert waiting
    assert (waiting.state, waiting.outcome, waiting.revision) == (State.APPROVED, outcome, before.revision + 1)
    assert await tags(store) == ["request:asked", "request:approved", "token:attempt_failed"]
    assert [job.kind for job in await store.jobs.claim(10)] == [JobKind.CARD, JobKind.THREAD]
    db.clock.advance(3)
    (again,) = [job for job in await store.jobs.claim(10) if job.kind is JobKind.EXECUTE]
    assert (again.id, again.attempts) == (work.id, 2)


async def test_retry_execution__after_a_wait_stores_when_it_continues(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store)
    _, work = await approve(store)

    waiting = await ExecutionStore(store).retry(work, delay=45, outcome={"attempts": 1, "waits": 1})

    assert waiting
    assert waiting.outcome["continues_at"] == db.clock.now + 45
    db.clock.advance(44)
    assert JobKind.EXECUTE not in {job.kind for job in await db.store("two#1").jobs.claim(10)}
    db.clock.advance(1)
    (again,) = [job for job in await db.store("two#1").jobs.claim(10) if job.kind is JobKind.EXECUTE]
    assert again.id == work.id


async def test_release_own_leases__restarted_process_claims_its_jobs_at_once(
    store: RequestStore, db: DatabaseHarness
) -> None:
    await create_request(store)
    await approve(store)
    other = db.store("two#1")
    await other.jobs.release_own_leases()
    assert await other.jobs.claim(10) == []
    db.clock.advance(APPROVAL_RENDER_DELAY)
    again = db.store("one#2")
    await again.jobs.release_own_leases()
    kinds = [job.kind for job in await again.jobs.claim(10)]
    assert kinds == [JobKind.EXECUTE, JobKind.CARD]


async def test_mark_posted__latest_revision_completes_the_job_and_stores_the_card(store: RequestStore) -> None:
    _, card = await create_request(store, card=MessageRef("U0RAVI0001"))
    assert await CardStore(store).mark_posted(card, MessageRef("D0RAVI0001", "1.2")) is True
    assert (await stored(store)).card == MessageRef("D0RAVI0001", "1.2")
    assert await store.jobs.is_done(card.id)


async def test_mark_posted__click_on_another_copy_meanwhile_renders_again(store: RequestStore) -> None:
    """Only another rendering removes the buttons of that copy, although the request has not changed."""
    _, card = await create_request(store)
    stale = AuditEvent(0.0, EventType.CLICK_STALE, OLIVIA, request_id="first")
    clicked = ResponseUrls(click="https://hooks.slack.com/actions/1")
    reply = await store.record_denial(stale, job=await click(store), reply={}, clicked=clicked)
    assert reply
    await store.jobs.complete(reply)
    assert await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2")) is False
    (again,) = await store.jobs.claim(10)
    assert again.id == card.id
    assert await CardStore(store).mark_posted(again, MessageRef("C0OPS00001", "1.2")) is True
    assert await store.jobs.claim(10) == []


async def test_mark_posted__newer_revision_renders_again(store: RequestStore) -> None:
    _, card = await create_request(store)
    await approve(store)
    assert await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2")) is False
    assert not await store.jobs.is_done(card.id)
    (again,) = await store.jobs.claim(10)
    assert (again.id, again.kind) == (card.id, JobKind.CARD)
    assert await CardStore(store).mark_posted(again, MessageRef("C0OPS00001", "1.2")) is True


@pytest.mark.parametrize("posted", [True, False])
async def test_mark_posted__lost_lease_leaves_the_job_to_its_holder(
    store: RequestStore, db: DatabaseHarness, *, posted: bool
) -> None:
    _, card = await create_request(store)
    db.clock.advance(LEASE_DURATION)
    other = db.store("two#1")
    (taken,) = await other.jobs.claim(10)
    place = MessageRef("C0OPS00001", "1.2")
    assert await (CardStore(store).mark_posted(card, place) if posted else CardStore(store).mark_rendered(card)) is True
    assert not await other.jobs.is_done(card.id)
    assert await other.jobs.still_leased(taken)
    assert (await stored(store)).card != place
    assert await CardStore(other).mark_rendered(taken) is True


async def test_mark_posted__enqueues_a_message_once(store: RequestStore) -> None:
    _, card = await create_request(store)
    message = JobSpec(JobKind.REPLY, "posted", {"user_id": "U0RAVI0001", "code": "card_posted", "params": {}})
    await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2"), message)
    (reply,) = [job for job in await store.jobs.claim(9) if job.kind is JobKind.REPLY]
    await store.jobs.complete(reply)
    await store.database.write(lambda tx: store.jobs.enqueue_once(tx, "first", message))
    assert (await store.jobs.depth())["reply"] == 0


async def test_mark_posted__lost_lease_enqueues_no_message(db: DatabaseHarness, store: RequestStore) -> None:
    _, card = await create_request(store)
    message = JobSpec(JobKind.REPLY, "posted", {"user_id": "U0RAVI0001", "code": "card_posted", "params": {}})
    await CardStore(db.store("two#1")).mark_posted(card, MessageRef("C0OPS00001", "1.2"), message)
    assert (await store.jobs.depth())["reply"] == 0


async def test_click_urls__are_those_of_one_message_newest_first(store: RequestStore) -> None:
    for key, url, ts in [("a", "one", "1.2"), ("b", "other", "3.4"), ("c", "two", "1.2"), ("d", None, "1.2")]:
        await store.record_click("first", key, {"action": "approve", "user_id": "U", "response_url": url, "ts": ts})
    assert await CardStore(store).click_urls("first", "1.2") == ["two", "one"]
    assert await CardStore(store).click_urls("second", "1.2") == []


async def test_mark_posted__card_that_cannot_be_edited_is_none(store: RequestStore) -> None:
    _, card = await create_request(store)
    assert await CardStore(store).mark_posted(card, None) is True
    assert (await stored(store)).card is None


async def test_release__click_is_claimed_by_another_process_after_the_delay(
    store: RequestStore, db: DatabaseHarness
) -> None:
    await create_request(store)
    job = await click(store)
    await store.jobs.release(job, delay=2)
    other = db.store("two#1")
    assert [one.kind for one in await other.jobs.claim(10)] == []
    db.clock.advance(2)
    (again,) = await other.jobs.claim(10)
    assert (again.id, again.attempts, again.created_at) == (job.id, 2, job.created_at)
    assert not await store.jobs.still_leased(job)
    assert await db.rows("SELECT lease_owner FROM jobs WHERE id = :id", id=job.id) == [("two#1",)]


async def test_mark_rendered__completes_the_job_and_keeps_where_the_card_is(store: RequestStore) -> None:
    _, card = await create_request(store)
    place = MessageRef("C0OPS00001", "1.2")
    await CardStore(store).mark_posted(card, place)
    _, work = await approve(store)
    finished = await ExecutionStore(store).finish(work, Event.SUCCEED, outcome=DONE, notify=())
    assert finished
    ended, (again,) = finished
    assert again.snapshot
    assert again.snapshot.request == ended == await stored(store)
    assert await CardStore(store).mark_rendered(again) is True
    assert (await stored(store)).card == place
    assert await store.jobs.is_done(card.id)


async def test_apply_click__card_that_was_posted_meanwhile_is_not_posted_again(store: RequestStore) -> None:
    """The click was stored with a snapshot of the request that did not have the card's place yet."""
    _, card = await create_request(store)
    press = await click(store)
    assert press.snapshot
    assert press.snapshot.request
    place = MessageRef("C0OPS00001", "1.2")
    assert await CardStore(store).mark_posted(card, place)

    cancelled, (again,) = await ClickStore(store).apply(press.snapshot.request, Event.CANCEL, job=press, by=OLIVIA)

    assert again.kind is JobKind.CARD
    assert again.snapshot
    assert again.snapshot.request == cancelled == await stored(store)
    assert cancelled.card == place
