"""Rows of another version and damaged rows: each is left alone, and stops no other row."""

from __future__ import annotations

from collections import Counter

import pytest
from structlog.testing import capture_logs

from bot.db.clicks import ClickStore
from bot.db.engine import Database
from bot.db.expiry import ExpiryStore
from bot.db.job_queue import LEASE_DURATION, JobQueue
from bot.db.jobs import JobKind
from bot.db.requests import RequestStore
from bot.db.statements import LAST_ATTEMPT_TIME
from bot.db.unreadable import MAX_LOGGED, SET_ASIDE, UnreadableRow, UnreadableRows
from bot.domain.audit import AuditEvent
from bot.domain.audit_chain import first_invalid
from bot.domain.requests import Event, Request, State
from tests.support.database import TTL, DatabaseHarness, approve, click, create_request, stored
from tests.support.examples import OLIVIA, SEALS
from tests.support.other_version import (
    AUDIT,
    DAMAGED_JOBS,
    UNKNOWN_JOBS,
    UNKNOWN_REQUESTS,
    unknown_rows,
    write_damaged_jobs,
    write_jobs,
    write_requests,
)
from tests.support.recording_driver import RecordingDriver


@pytest.fixture
def counted() -> Counter[tuple[str, str]]:
    """How many rows were counted, by table and column."""
    return Counter()


@pytest.fixture
def store(db: DatabaseHarness, counted: Counter[tuple[str, str]]) -> RequestStore:
    def count(table: str, column: str) -> None:
        counted[table, column] += 1

    return RequestStore(db.database, JobQueue(db.database, "one#1", unreadable=UnreadableRows(count)), SEALS)


async def write_unknown(db: DatabaseHarness, *, overdue: bool = False) -> None:
    """Store every unknown request and job."""
    now = db.clock.now
    await db.database.write(lambda tx: write_requests(tx, created_at=now, expires_at=now - 1 if overdue else now + TTL))
    await db.database.write(lambda tx: write_jobs(tx, now))


def no_recipients(_request: Request) -> tuple[str, ...]:
    return ()


async def test_claim__leaves_jobs_of_another_version_and_returns_the_others(
    db: DatabaseHarness, store: RequestStore
) -> None:
    await create_request(store, "first")
    await click(store, "first")
    await write_unknown(db)
    before = await unknown_rows(db.database)
    db.clock.advance(LEASE_DURATION)

    claimed = [await store.jobs.claim(1), await store.jobs.claim(10), await store.jobs.claim(10)]

    assert [[job.kind for job in jobs] for jobs in claimed] == [[JobKind.CLICK], [JobKind.CARD], []]
    assert await unknown_rows(db.database) == before


async def test_claim__writes_nothing_once_it_has_met_the_jobs_of_another_version(
    db: DatabaseHarness, store: RequestStore
) -> None:
    await write_unknown(db)
    await store.jobs.claim(10)
    driver = RecordingDriver(db.database.driver)
    database = Database(driver, clock=db.clock)

    assert await JobQueue(database, "one#1", unreadable=store.jobs.unreadable).claim(10) == []

    assert driver.commits == []
    await database.close()


async def test_claim__sets_damaged_jobs_aside_for_an_hour(
    db: DatabaseHarness, store: RequestStore, counted: Counter[tuple[str, str]]
) -> None:
    await create_request(store, "first")
    await db.database.write(lambda tx: write_damaged_jobs(tx, db.clock.now))
    db.clock.advance(LEASE_DURATION)

    with capture_logs() as logs:
        assert [job.kind for job in await store.jobs.claim(10, lanes=1)] == [JobKind.CARD]
        assert not await store.jobs.claim(10, lanes=1)  # one lane at a time

    rows = await db.rows("SELECT due_at, attempts, lease_owner, done_at FROM jobs WHERE key LIKE 'damaged:%'")
    assert [tuple(row) for row in rows] == [(db.clock.now + SET_ASIDE, 0, None, None)] * len(DAMAGED_JOBS)
    assert counted == {("jobs", "payload"): len(DAMAGED_JOBS)}
    assert [entry["event"] for entry in logs] == ["row.damaged"]


async def test_claim__takes_a_repaired_job_after_the_hour(db: DatabaseHarness, store: RequestStore) -> None:
    await db.database.write(lambda tx: write_damaged_jobs(tx, db.clock.now))
    await store.jobs.claim(1)
    await db.run("UPDATE jobs SET payload = :payload WHERE key = 'damaged: no channel'", payload='{"channel": "C"}')

    db.clock.advance(SET_ASIDE)

    assert [job.payload for job in await store.jobs.claim(1)] == [{"channel": "C"}]


async def test_claim__ignores_and_keeps_payload_keys_of_another_version(
    db: DatabaseHarness, store: RequestStore
) -> None:
    payload = '{"action": "approve", "user_id": "U0OLIVIA01", "since": {"version": 9}}'
    await create_request(store, "first")
    await click(store, "first")
    await db.run("UPDATE jobs SET payload = :payload WHERE kind = 'click'", payload=payload)
    db.clock.advance(LEASE_DURATION)

    (job,) = await store.jobs.claim(1)
    assert await store.jobs.complete(job)

    assert [row.payload for row in await db.rows("SELECT payload FROM jobs WHERE kind = 'click'")] == [payload]


@pytest.mark.parametrize("name", UNKNOWN_REQUESTS)
async def test_snapshot__refuses_a_request_of_another_version(
    db: DatabaseHarness, store: RequestStore, name: str
) -> None:
    await write_unknown(db)

    with pytest.raises(UnreadableRow):
        await store.snapshot(name)
    with pytest.raises(UnreadableRow):
        await store.get(name)


async def test_record_click__stores_a_click_on_a_request_of_another_version(
    db: DatabaseHarness, store: RequestStore
) -> None:
    await write_unknown(db)

    job = await click(store, "unknown state")

    assert job.snapshot is None


async def test_expire_due__expires_every_other_request(db: DatabaseHarness, store: RequestStore) -> None:
    await write_unknown(db, overdue=True)
    before = await unknown_rows(db.database)
    await create_request(store, "first")
    await create_request(store, "second")
    db.clock.advance(TTL + LAST_ATTEMPT_TIME)  # another version has a minute to decide its click on the first

    expired = [await ExpiryStore(store).expire_due(no_recipients, limit=1) for _ in range(30)]

    assert [request.id for found in expired for request in found] == ["first", "second"]
    assert await unknown_rows(db.database) == before


async def test_set_aside__gives_a_job_back_as_if_it_had_not_been_claimed(
    db: DatabaseHarness, store: RequestStore
) -> None:
    await create_request(store, "first")
    _, job = await approve(store, "first")
    await db.run("UPDATE requests SET approvals = '{' WHERE id = 'first'")

    assert await store.jobs.set_aside(job, UnreadableRow("requests", "first", "json"))
    assert not await store.jobs.set_aside(job, UnreadableRow("requests", "first", "json"))

    (row,) = await db.rows("SELECT attempts, due_at, lease_owner FROM jobs WHERE id = :id", id=job.id)
    assert tuple(row) == (0, db.clock.now + SET_ASIDE, None)


async def test_set_aside__leaves_a_job_to_another_version_at_once(db: DatabaseHarness, store: RequestStore) -> None:
    await create_request(store, "first")
    _, job = await approve(store, "first")
    await db.run("UPDATE requests SET state = 'snoozed' WHERE id = 'first'")

    await store.jobs.set_aside(job, UnreadableRow("requests", "first", "state", "snoozed"))

    (row,) = await db.rows("SELECT attempts, due_at, lease_owner FROM jobs WHERE id = :id", id=job.id)
    assert tuple(row) == (0, db.clock.now, None)
    assert job.id not in [one.id for one in await store.jobs.claim(10)]


async def test_transition__is_stored_although_the_row_of_its_card_is_damaged(
    db: DatabaseHarness, store: RequestStore
) -> None:
    _, card = await create_request(store, "first")
    await store.jobs.complete(card)
    await db.run("UPDATE jobs SET payload = '{' WHERE kind = 'card'")

    moved, follow_up = await ClickStore(store).apply(
        await stored(store), Event.CANCEL, job=await click(store), by=OLIVIA, notify=("C0OPS00001",)
    )

    assert moved.state is State.CANCELLED
    assert [job.kind for job in follow_up] == [JobKind.NOTICE]


async def test_audit_events__keeps_an_unknown_event_in_the_chain(db: DatabaseHarness, store: RequestStore) -> None:
    await create_request(store, "first")
    (_, last), *_ = await store.audit_events()
    detail = {"until": 1, "why": {"new": True}}
    event = AuditEvent(db.clock.now, "request:snoozed", "U0RAVI0001", "LATER", "later", "me", detail)
    await db.run(AUDIT, now=db.clock.now, hash=store.chain.hash(event, last, 2))
    await create_request(store, "second")

    events = await store.audit_events()

    assert first_invalid(events) is None
    assert [found for found, _ in await store.audit_events("later")] == [event]


async def test_audit_events__shows_a_damaged_detail_as_invalid(db: DatabaseHarness, store: RequestStore) -> None:
    await create_request(store, "first")
    await create_request(store, "second")
    await db.run("UPDATE audit SET detail = '{' WHERE request_id = 'first'")

    events = await store.audit_events()

    assert events[0][0].detail == {"damaged": "{"}
    assert first_invalid(events) == 0


async def test_count_unknown_rows__counts_each_row_once_and_logs_each_kind_once(
    db: DatabaseHarness, store: RequestStore, counted: Counter[tuple[str, str]]
) -> None:
    await write_unknown(db)

    with capture_logs() as logs:
        await store.count_unknown_rows()
        await store.count_unknown_rows()

    assert counted == {("jobs", "kind"): 2, ("requests", "state"): 2, ("requests", "action"): 2}
    assert sorted(entry["problem"].partition(": ")[2] for entry in logs) == [
        "action bulk", "kind escalation", "kind snooze", "state snoozed", "state superseded",
    ]  # fmt: skip


def test_unreadable_rows__logs_a_limited_number_of_kinds() -> None:
    rows = UnreadableRows()

    with capture_logs() as logs:
        for number in range(2 * MAX_LOGGED):
            rows.add(UnreadableRow("jobs", number, "kind", f"kind {number}"), now=0.0)

    assert len(logs) == MAX_LOGGED


def test_other_version__has_a_job_for_each_kind_with_a_payload() -> None:
    kinds = {kind for kind, _, _ in UNKNOWN_JOBS.values()} | {kind for kind, _ in DAMAGED_JOBS.values()}

    assert kinds >= set(JobKind)
