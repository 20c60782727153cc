"""The execution of bulk requests: lanes, groups, outcomes, and admins who control them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import pytest

from bot.audit_log.verify import verify
from bot.db.bulk_runs import BulkItem, ItemResult
from bot.db.bulk_store import NOT_AUTHORIZED, STOPPED, TOO_LATE, BulkStore, Group
from bot.db.clicks import ClickStore
from bot.db.job_queue import LEASE_DURATION, JobQueue
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.domain.audit import EventType
from bot.domain.audit_chain import AuditChain
from bot.domain.bulk import BULK_PAUSE, BULK_RESUME, BULK_STOP, BulkEntry, BulkSource, EntryFinding, RunState, summarize
from bot.domain.people import Person
from bot.domain.requests import BULK_EXECUTION_WINDOW, Event, Request, State
from bot.errors import StaleRequest
from tests.support import examples
from tests.support.database import TTL, DatabaseHarness, click, stored, tags
from tests.support.examples import OLIVIA, SEALS

AUDIT_CHANNEL = "C0AUDIT001"


def person(number: int) -> Person:
    return Person(f"{number:08x}-0000-4000-8000-000000000000", f"Agent {number}")


def bulk_store(db: DatabaseHarness, owner: str = "one#1", lanes: int = 2) -> BulkStore:
    store = RequestStore(db.database, JobQueue(db.database, owner), SEALS, lanes=lanes)
    return BulkStore(store, lambda _request: (AUDIT_CHANNEL,))


async def approve(store: BulkStore, people: int = 6) -> Request:
    """Store a bulk request whose list has a line without a person, and approve it."""
    found = [BulkEntry(f"{number}", EntryFinding.FOUND, person(number)) for number in range(people)]
    entries = [BulkEntry("?", EntryFinding.UNREADABLE), *found]
    summary = summarize(BulkSource.LIST, entries)
    request = examples.request(id="first", reference="FIRST", target=None, target_slack_id=None, bulk=summary)
    await store.requests.create(request, ttl=TTL, key="first", command_url=None, entries=entries)
    request = await stored(store.requests)
    moved, jobs = await ClickStore(store.requests).apply(
        request, Event.APPROVE, job=await click(store.requests), by=OLIVIA
    )
    assert jobs == []
    return moved


async def claim(store: BulkStore) -> Job:
    (job,) = await store.requests.jobs.claim(0, lanes=1)
    return job


async def take(store: BulkStore, job: Job, limit: int = 10) -> Group:
    group = await store.take(job, limit)
    assert group
    return group


def places(group: Group) -> list[int]:
    return [item.place for item in group.items]


def revoked(items: Sequence[BulkItem]) -> list[ItemResult]:
    return [ItemResult(one, one.attempts, "revoked", {"code": "executed", "attempts": one.attempts}) for one in items]


async def outcomes(db: DatabaseHarness) -> Counter[str]:
    return Counter(row.outcome for row in await db.rows("SELECT outcome FROM bulk_entries WHERE finding = 'found'"))


async def test_approval__adds_a_lane_for_each_token_and_no_execution(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=3)
    await approve(store)

    rows = await db.rows("SELECT payload, lease_owner FROM jobs WHERE kind = 'bulk' ORDER BY id")
    assert [json.loads(row.payload)["lane"] for row in rows] == [0, 1, 2]
    assert {row.lease_owner for row in rows} == {None}
    assert not await db.rows("SELECT 1 FROM jobs WHERE kind = 'target'")


async def test_take__gives_each_lane_other_people_in_order(db: DatabaseHarness) -> None:
    one, two = bulk_store(db), bulk_store(db, "two#1")
    await approve(one)
    first, second = await claim(one), await claim(two)

    assert places(await take(one, first, 2)) == [1, 2]
    taken = await take(two, second, 3)
    assert places(taken) == [3, 4, 5]
    assert (taken.items[0].person.id, taken.items[0].attempts, taken.items[0].detail) == (person(2).id, 1, {})
    assert await db.rows("SELECT 1 FROM bulk_entries WHERE place = 6 AND lane IS NULL")


async def test_take__continues_what_a_dead_process_has_taken(db: DatabaseHarness) -> None:
    one, two = bulk_store(db, lanes=1), bulk_store(db, "two#1")
    await approve(one)
    await take(one, await claim(one), 2)
    db.clock.advance(LEASE_DURATION + 1)
    group = await take(two, await claim(two), 3)

    assert [(item.place, item.attempts) for item in group.items] == [(1, 2), (2, 2), (3, 1)]


async def test_take__by_a_process_that_lost_its_lane_changes_nothing(db: DatabaseHarness) -> None:
    one, two = bulk_store(db, lanes=1), bulk_store(db, "two#1")
    await approve(one)
    lost = await claim(one)
    db.clock.advance(LEASE_DURATION + 1)
    await claim(two)

    assert await one.take(lost, 5) is None
    assert await db.rows("SELECT 1 FROM bulk_entries WHERE attempts > 0") == []


async def test_record__by_a_process_that_lost_its_lane_stores_nothing(db: DatabaseHarness) -> None:
    one, two = bulk_store(db, lanes=1), bulk_store(db, "two#1")
    await approve(one)
    lost = await claim(one)
    group = await take(one, lost, 2)
    db.clock.advance(LEASE_DURATION + 1)
    job = await claim(two)
    assert await one.record(lost, revoked(group.items), delay=0) is None

    again = await take(two, job, 2)
    assert await two.record(job, revoked(again.items), delay=0)
    assert await outcomes(db) == {"revoked": 2, None: 4}
    assert (await tags(one.requests)).count(EventType.REVOKED) == 2


async def test_record__keeps_the_first_outcome_of_a_person(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store)
    job = await claim(store)
    (item,) = (await take(store, job, 1)).items
    await store.record(job, revoked([item]), delay=0)
    recorded = await store.record(await claim(store), [ItemResult(item, 2, "failed", {"code": "x"})], delay=0)

    assert recorded
    assert recorded.outcomes == ()
    assert await outcomes(db) == {"revoked": 1, None: 5}


async def test_record__makes_a_person_due_again_for_the_same_lane(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store, people=1)
    job = await claim(store)
    (item,) = (await take(store, job)).items
    await store.record(job, [ItemResult(item, 1, None, {"attempts": 1, "code": "x"}, 30.0)], delay=0)

    assert await store.take(await claim(store), 5) is None
    assert not await store.requests.jobs.claim(0, lanes=1)
    db.clock.advance(30)
    (again,) = (await take(store, await claim(store))).items
    assert (again.attempts, again.detail) == (2, {"attempts": 1, "code": "x"})


async def test_record__gives_the_lane_back_for_later(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store)
    job = await claim(store)
    group = await take(store, job, 1)
    await store.record(job, revoked(group.items), delay=60)

    assert not await store.requests.jobs.claim(0, lanes=1)
    db.clock.advance(60)
    assert (await claim(store)).attempts == 1


async def test_record__of_the_last_person_ends_the_request(db: DatabaseHarness) -> None:
    one, two = bulk_store(db), bulk_store(db, "two#1")
    await approve(one, people=3)
    first, second = await claim(one), await claim(two)
    taken, other = await take(one, first, 2), await take(two, second, 2)
    db.clock.advance(2)
    recorded = await one.record(first, revoked(taken.items), delay=0)
    assert recorded
    assert recorded.request.state is State.APPROVED
    assert (await verify(db.database, key=AuditChain())).line.startswith("ok: ")
    failed = [ItemResult(item, 1, "failed", {"code": "x"}) for item in other.items]
    ended = await two.record(second, failed, delay=0)

    assert ended
    assert [job.kind for job in ended.follow_up] == [JobKind.NOTICE]  # the other process holds the card
    request = await stored(one.requests)
    assert (request.state, request.finished_at) == (State.FAILED, db.clock.now)
    assert request.outcome == {"code": "bulk", "counts": {"revoked": 2, "failed": 1}, "seconds": 2.0}
    assert request.progress
    assert (request.progress.done, request.progress.open) == (3, 0)
    assert not await db.rows("SELECT 1 FROM jobs WHERE kind = 'bulk' AND done_at IS NULL")
    events = [event for event, _ in await one.requests.audit_events("first")][-4:]
    assert [(event.tag, event.target) for event in events] == [
        (EventType.REVOKED, person(0).id), (EventType.REVOKED, person(1).id),
        (EventType.FAILED, person(2).id),
        (EventType.FAILED, None),
    ]  # fmt: skip
    assert events[-1].detail["counts"] == {"revoked": 2, "failed": 1}
    assert (
        await verify(db.database, key=AuditChain())
    ).line == f"ok: 6 rows, head {await one.requests.audit_checkpoint()}"


async def test_record__renders_the_card_every_three_seconds_at_most(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store)
    rendered = []
    for seconds in (0.0, 2.0, 1.0, 2.9):
        db.clock.advance(seconds)
        await db.run("UPDATE jobs SET due_at = 0 WHERE kind = 'card'")
        job = await claim(store)
        await store.record(job, revoked((await take(store, job, 1)).items), delay=0)
        due = await db.rows("SELECT 1 FROM jobs WHERE kind = 'card' AND due_at > 0")
        rendered.append(bool(due))

    assert rendered == [True, False, True, False]


async def test_record__renders_what_was_sent_before_a_pause(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store)
    await store.record(job := await claim(store), revoked((await take(store, job, 1)).items), delay=0)
    job = await claim(store)
    group = await take(store, job, 1)
    await store.control("first", BULK_PAUSE, OLIVIA)
    await db.run("UPDATE jobs SET done_at = 1 WHERE kind = 'card'")

    await store.record(job, revoked(group.items), delay=0)

    assert len(await db.rows("SELECT 1 FROM jobs WHERE kind = 'card' AND done_at IS NULL")) == 1


async def test_control__pauses_resumes_and_stops_with_an_audit_row_each(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store)
    paused = await store.control("first", BULK_PAUSE, OLIVIA)
    assert paused.progress
    assert (paused.progress.state, paused.progress.changed_by) == (RunState.PAUSED, OLIVIA)
    assert await store.take(await claim(store), 5) is None
    db.clock.advance(600)
    assert not await store.requests.jobs.claim(0, lanes=1)

    await store.control("first", BULK_RESUME, OLIVIA)
    job = await claim(store)
    group = await take(store, job, 1)
    await store.control("first", BULK_STOP, OLIVIA)
    await store.record(job, revoked(group.items), delay=60)
    job = await claim(store)  # at once, whatever the lane waited for
    assert (await take(store, job)).ends == STOPPED

    events = [one for one in await tags(store.requests) if one in ("bulk:paused", "bulk:resumed", "bulk:stopped")]
    assert events == [EventType.BULK_PAUSED, EventType.BULK_RESUMED, EventType.BULK_STOPPED]


@pytest.mark.parametrize(
    ("before", "action"),
    [
        ([], BULK_RESUME),
        ([BULK_PAUSE], BULK_PAUSE),
        ([BULK_STOP], BULK_PAUSE),
        ([BULK_STOP], BULK_RESUME),
        ([BULK_STOP], BULK_STOP),
    ],
)
async def test_control__that_changes_nothing_is_refused(db: DatabaseHarness, before: list[str], action: str) -> None:
    store = bulk_store(db)
    await approve(store)
    for one in before:
        await store.control("first", one, OLIVIA)
    job = await click(store.requests, key="another")

    with pytest.raises(StaleRequest):
        await store.control("first", action, OLIVIA, click=job)
    assert await store.requests.jobs.still_leased(job)
    assert len([one for one in await tags(store.requests) if one.startswith("bulk:")]) == len(before)


async def test_control__of_a_request_that_is_not_approved_is_refused(db: DatabaseHarness) -> None:
    store = bulk_store(db)
    await store.requests.create(examples.request(id="first"), ttl=TTL, key="first", command_url=None)
    with pytest.raises(StaleRequest):
        await store.control("first", BULK_STOP, OLIVIA)


async def test_control__completes_its_click(db: DatabaseHarness) -> None:
    store = bulk_store(db)
    await approve(store)
    job = await click(store.requests, key="another")
    await store.control("first", BULK_PAUSE, OLIVIA, click=job)

    assert await store.requests.jobs.is_done(job.id)


async def test_end__leaves_the_people_of_other_lanes_to_these(db: DatabaseHarness) -> None:
    one, two = bulk_store(db), bulk_store(db, "two#1")
    await approve(one)
    first, second = await claim(one), await claim(two)
    sending = await take(one, first, 2)
    await one.control("first", BULK_STOP, OLIVIA)
    assert (await take(two, second)).ends == STOPPED
    ended = await two.end(second, STOPPED, 3)
    assert ended
    assert ended.outcomes == ("failed",) * 3
    rest = await two.end(await claim(two), STOPPED, 3)
    assert rest
    assert rest.request.state is State.APPROVED
    assert await outcomes(db) == {"failed": 4, None: 2}

    last = await one.record(first, revoked(sending.items), delay=0)
    assert last
    assert last.request.state is State.FAILED
    assert last.request.outcome["stopped_by"] == OLIVIA
    assert await outcomes(db) == {"failed": 4, "revoked": 2}


async def test_end__does_not_call_a_lost_attempt_failed(db: DatabaseHarness) -> None:
    one, two = bulk_store(db, lanes=1), bulk_store(db, "two#1")
    await approve(one, people=3)
    await take(one, await claim(one), 2)
    db.clock.advance(LEASE_DURATION + 1)
    await two.control("first", BULK_STOP, OLIVIA)
    job = await claim(two)
    await take(two, job)
    ended = await two.end(job, STOPPED, 10)

    assert ended
    assert ended.outcomes == ("unknown", "unknown", "failed")
    assert ended.request.state is State.UNKNOWN


async def test_end__does_not_count_what_this_process_has_taken_and_not_sent(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store, people=3)
    job = await claim(store)
    group = await take(store, job, 2)
    ended = await store.end(job, NOT_AUTHORIZED, 10, unsent=group.items)

    assert ended
    assert ended.outcomes == ("refused",) * 3
    assert ended.request.state is State.REFUSED


@pytest.mark.parametrize("paused", [False, True])
async def test_take__sends_nothing_once_the_approval_is_too_old(db: DatabaseHarness, paused: bool) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store)
    if paused:
        await store.control("first", BULK_PAUSE, OLIVIA)
        assert await store.take(await claim(store), 5) is None
    db.clock.advance(BULK_EXECUTION_WINDOW)
    if not paused:
        job = await claim(store)
        await store.record(job, revoked((await take(store, job, 1)).items), delay=0)
    db.clock.advance(2)
    group = await take(store, await claim(store))

    assert (group.ends, group.items) == (TOO_LATE, ())


async def test_progress__counts_people_and_measures_the_last_minute(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    assert await store.progress("none") is None
    await approve(store, people=100)
    db.clock.advance(30)
    for limit in (20, 10):
        job = await claim(store)
        await store.record(job, revoked((await take(store, job, limit)).items), delay=0)
        db.clock.advance(50)
        await store.requests.jobs.claim(9)

    progress = await store.progress("first")
    assert progress
    assert (progress.outcomes, progress.open, progress.state) == ({"revoked": 30}, 70, RunState.RUNNING)
    assert (progress.per_minute, progress.seconds_left) == (10.0, 420.0)
    assert (await stored(store.requests)).progress == progress


async def test_progress__measures_the_rate_since_the_end_of_a_pause(db: DatabaseHarness) -> None:
    store = bulk_store(db, lanes=1)
    await approve(store, people=100)
    await store.record(job := await claim(store), revoked((await take(store, job, 20)).items), delay=0)
    await store.control("first", BULK_PAUSE, OLIVIA)
    db.clock.advance(600)
    await store.control("first", BULK_RESUME, OLIVIA)
    job = await claim(store)
    group = await take(store, job, 10)
    db.clock.advance(2)
    await store.record(job, revoked(group.items), delay=0)

    progress = await store.progress("first")
    assert progress
    assert (progress.done, progress.per_minute, progress.seconds_left) == (30, 300.0, 14.0)


async def test_create__stores_ten_thousand_people_in_order(db: DatabaseHarness) -> None:
    store = bulk_store(db)
    await approve(store, people=10_000)

    found = await store.target_ids("first")
    assert list(found) == list(range(1, 10_001))
    assert list(found.values()) == [person(number).id for number in range(10_000)]
