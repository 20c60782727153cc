"""Several processes on one PostgreSQL: what concurrent transactions must not do to each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest

from bot.db import audit as audit_log
from bot.db.cards import CardStore
from bot.db.clicks import ClickStore
from bot.db.engine import Database
from bot.db.executions import ExecutionStore
from bot.db.expiry import ExpiryStore
from bot.db.job_queue import JobQueue
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.migrate import HEAD, migrate, revision
from bot.db.postgres import PostgresDriver
from bot.db.rows import ResponseUrls
from bot.db.transaction import Transaction
from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import AuditChain, first_invalid
from bot.domain.requests import Event, MessageRef, State
from bot.errors import StaleRequest
from tests.support.database import TTL, DatabaseHarness, approve, click, create_request, open_database, stored
from tests.support.examples import BEN, OLIVIA, request
from tests.support.number_table import THREAD_TIMEOUT
from tests.support.postgres import Server

OUTCOME = {"attempts": 1, "status": 200}

Replicas = tuple[DatabaseHarness, DatabaseHarness]


@pytest.fixture
async def replicas(postgres: Server) -> AsyncIterator[Replicas]:
    """One database, opened twice, as two processes do."""
    async with (
        postgres.emptied() as url,
        open_database(PostgresDriver(url)) as one,
        open_database(PostgresDriver(url)) as two,
    ):
        yield one, two


@asynccontextmanager
async def unfinished(database: Database, step: Callable[[Transaction], object]) -> AsyncIterator[asyncio.Task[object]]:
    """Run a step whose transaction commits when the context ends."""
    loop, reached, end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def run_and_wait(tx: Transaction) -> object:
        result = step(tx)
        loop.call_soon_threadsafe(reached.set)
        end.wait(THREAD_TIMEOUT)
        return result

    writing = asyncio.create_task(database.write(run_and_wait))
    await reached.wait()
    try:
        yield writing
    finally:
        end.set()
        await asyncio.wait([writing])


async def wait_for_lock_wait(postgres: Server, work: asyncio.Task[object]) -> None:
    """Return when a transaction waits for a lock; fail if the work ends without such a wait."""
    waiting = "SELECT count(*) AS number FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    database = Database(PostgresDriver(postgres.url))
    while (await database.read(lambda tx: tx.fetch(waiting)))[0].number == 0:
        assert not work.done(), "it did not wait for a lock"
        await asyncio.sleep(0.01)
    await database.close()


async def test_migrate__three_concurrent_replicas_upgrade_once(postgres: Server) -> None:
    async with postgres.database(empty=True) as url, AsyncExitStack() as closing:
        databases = [Database(PostgresDriver(url)) for _ in range(3)]
        for one in databases:
            closing.push_async_callback(one.close)
        upgraded = await asyncio.gather(*(migrate(one) for one in databases))
        assert sorted(upgraded) == [False, False, True]
        assert await databases[0].read(revision) == HEAD


async def test_write__waits_for_the_transaction_of_another_replica(postgres: Server, replicas: Replicas) -> None:
    """Because of this, no statement of the store locks a row."""
    one, two = replicas
    await create_request(one.store())
    set_reason = "UPDATE requests SET reason = :reason WHERE id = 'first'"

    async with unfinished(one.database, lambda tx: tx.execute(set_reason, reason="one")):
        reading = await two.rows("SELECT reason FROM requests")
        waiting = asyncio.create_task(two.database.write(lambda tx: tx.fetch("SELECT reason FROM requests")))
        await wait_for_lock_wait(postgres, waiting)

    assert [row.reason for row in reading] != ["one"]
    assert [row.reason for row in await waiting] == ["one"]


async def approved_with_two_items(db: DatabaseHarness) -> tuple[Job, Job]:
    """Create an approved request for two people; return both executions, held by two processes."""
    store, other = db.store(), db.jobs("two#1")
    await create_request(store)
    await db.run("INSERT INTO items (request_id, place, target_id) VALUES ('first', 1, 'another')")
    _, first = await approve(store)
    target = {"place": 1, "clicked_at": db.clock.now}
    second = await db.database.write(lambda tx: other.add_leased(tx, JobKind.EXECUTE, "first", "first:1", target))
    assert second
    return first, second


async def test_finish_execution__of_the_last_two_items_at_once_finishes_the_request(replicas: Replicas) -> None:
    """Two transactions that each saw the other's item as open would leave the request approved for ever."""
    one, two = replicas
    first, second = await approved_with_two_items(one)
    finished = await asyncio.gather(
        ExecutionStore(one.store()).finish(first, Event.SUCCEED, outcome=OUTCOME, notify=["C1"]),
        ExecutionStore(two.store("two#1")).finish(second, Event.SUCCEED, outcome=OUTCOME, notify=["C1"]),
    )
    assert sorted(found[0].state for found in finished if found) == [State.APPROVED, State.REVOKED]
    assert [event.tag for event, _ in await one.store().audit_events()].count(EventType.REVOKED) == 1


async def test_record_click__reads_the_time_after_it_has_the_lock(postgres: Server, replicas: Replicas) -> None:
    """With an earlier time, a click on an expired request would look like a click before its expiry."""
    one, two = replicas
    await create_request(one.store())

    async with unfinished(one.database, lambda tx: tx.now):
        recording = asyncio.create_task(two.store().record_click("first", "press", {}))
        await wait_for_lock_wait(postgres, recording)
        two.clock.advance(60)

    job = await recording
    assert job is not None
    assert job.created_at == two.clock.now


async def test_now__is_read_after_the_lock_is_held(postgres: Server) -> None:
    async with postgres.emptied() as url:
        one, two = Database(PostgresDriver(url)), Database(PostgresDriver(url))
        end = "SELECT extract(epoch FROM clock_timestamp())::float8 AS time"
        async with unfinished(one, lambda tx: tx.fetch(end)) as first:
            second = asyncio.create_task(two.write(lambda tx: tx.now))
            await wait_for_lock_wait(postgres, second)
        assert (await first)[0].time < await second  # type: ignore[index]
        await asyncio.gather(one.close(), two.close())


async def test_write__cancelled_caller_does_not_stop_the_commit(replicas: Replicas) -> None:
    """A worker that is cancelled at shutdown may have just begun to store the outcome of a DELETE."""
    one, two = replicas

    def append(tx: Transaction) -> None:
        audit_log.append(tx, AuditEvent(tx.now, EventType.REQUEST_DENIED, OLIVIA), AuditChain())

    async with unfinished(one.database, append) as writing:
        writing.cancel()
    await asyncio.gather(*one.database._writes)

    assert [event.tag for event, _ in await two.store().audit_events()] == [EventType.REQUEST_DENIED]


async def test_append__concurrent_writers_on_two_replicas_keep_one_chain(replicas: Replicas) -> None:
    event, chain = AuditEvent(0.0, EventType.REQUEST_DENIED, OLIVIA), AuditChain()

    def append(tx: Transaction) -> None:
        audit_log.append(tx, event, chain)

    await asyncio.gather(*(one.database.write(append) for _ in range(25) for one in replicas))
    rows = await replicas[0].store().audit_events()
    assert (len(rows), first_invalid(rows)) == (50, None)


async def test_create__concurrent_replays_create_one_request(replicas: Replicas) -> None:
    creating = [
        one.store().create(request(id=f"id-{number}", reference=f"R{number}"), ttl=TTL, key="same", command_url=None)
        for number, one in enumerate(replicas * 5)
    ]
    assert len([job for job in await asyncio.gather(*creating) if job]) == 1
    assert [event.tag for event, _ in await replicas[0].store().audit_events()] == [EventType.REQUESTED]


async def test_create__concurrent_processes_with_one_command_create_one_request(replicas: Replicas) -> None:
    stores = [replicas[0].store(), replicas[1].store("two#1")]
    for number in range(10):
        name = f"request-{number}"
        job = await stores[0].record_command(name, name, {})
        assert job
        cards = await asyncio.gather(
            *(
                store.create(request(id=name, reference=name), ttl=TTL, key=name, command_url=None, job=job)
                for store in stores
            )
        )
        assert [bool(card) for card in cards] == [True, False]
    tags = [event.tag for event, _ in await stores[0].audit_events()]
    assert tags == [EventType.REQUESTED] * 10
    assert (await stores[0].jobs.depth())["command"] == 0


async def test_record_command__concurrent_replays_on_two_replicas_add_one_job(replicas: Replicas) -> None:
    recorded = await asyncio.gather(
        *(one.store().record_command(f"id-{number}", "trigger", {}) for number, one in enumerate(replicas * 5))
    )
    assert len([job for job in recorded if job]) == 1


async def test_record_click__concurrent_replays_add_one_job(replicas: Replicas) -> None:
    await create_request(replicas[0].store())
    recorded = await asyncio.gather(*(one.store().record_click("first", "press", {}) for one in replicas * 5))
    assert len([job for job in recorded if job]) == 1


async def test_apply_click__one_of_two_concurrent_decisions_wins(replicas: Replicas) -> None:
    one, two = replicas[0].store(), replicas[1].store("two#1")
    for number in range(10):
        name = f"request-{number}"
        pending, _ = await create_request(one, name)
        approval, cancellation = await click(one, name, OLIVIA), await click(two, name, BEN)
        results = await asyncio.gather(
            ClickStore(one).apply(pending, Event.APPROVE, job=approval, by=OLIVIA),
            ClickStore(two).apply(pending, Event.CANCEL, job=cancellation, by=BEN),
            return_exceptions=True,
        )
        assert [type(result) for result in results if isinstance(result, BaseException)] == [StaleRequest]
    decisions = await replicas[0].rows("SELECT tag FROM audit WHERE tag IN ('request:approved', 'request:cancelled')")
    assert len(decisions) == 10
    assert first_invalid(await one.audit_events()) is None


async def test_record_denial__click_on_another_copy_and_the_outcome_do_not_disturb_each_other(
    replicas: Replicas,
) -> None:
    one, two = replicas[0].store(), replicas[1].store("two#1")
    clicked = ResponseUrls(click="https://hooks.slack.com/actions/T0/1/2")
    for number in range(10):
        name = f"request-{number}"
        await create_request(one, name)
        _, execution = await approve(one, name)
        press = await click(two, name, BEN)
        stale = AuditEvent(0.0, EventType.CLICK_STALE, BEN, name.upper(), name)
        finished, replying = await asyncio.gather(
            ExecutionStore(one).finish(execution, Event.SUCCEED, outcome=OUTCOME, notify=["C1"]),
            two.record_denial(stale, job=press, reply={}, clicked=clicked),
        )
        assert finished is not None
        assert finished[0].state is State.REVOKED
        assert replying is not None
    assert first_invalid(await one.audit_events()) is None


async def test_claim__concurrent_replicas_never_get_the_same_job(replicas: Replicas) -> None:
    specs = [JobSpec(JobKind.CARD, str(number), {}) for number in range(40)]
    await replicas[0].database.write(lambda tx: replicas[0].jobs().enqueue(tx, "first", *specs))
    queues = [replicas[0].jobs(), replicas[1].jobs("two#1")]
    claims = await asyncio.gather(*(queue.claim(10) for queue in queues * 4))
    claimed = [job.id for found in claims for job in found]
    assert len(claimed) == len(set(claimed)) == 40


def enqueue_leased(queue: JobQueue, spec: JobSpec, tx: Transaction) -> list[Job]:
    return queue.enqueue_leased(tx, "first", spec)


async def test_enqueue_leased__concurrent_replicas_never_get_the_same_job(replicas: Replicas) -> None:
    queues = [replicas[0].jobs(), replicas[1].jobs("two#1")] * 5
    for number in range(10):
        spec = JobSpec(JobKind.CARD, str(number), {})
        found = await asyncio.gather(*(queue.database.write(partial(enqueue_leased, queue, spec)) for queue in queues))
        assert len([job for jobs in found for job in jobs]) == 1


async def test_expire_due__concurrent_calls_expire_a_request_once(replicas: Replicas) -> None:
    for number in range(10):
        await create_request(replicas[0].store(), f"request-{number}")
    for one in replicas:
        one.clock.advance(TTL)
    expired = await asyncio.gather(*(ExpiryStore(one.store()).expire_due(lambda _: ("C1",)) for one in replicas * 3))
    assert sum(len(requests) for requests in expired) == 10
    assert [event.tag for event, _ in await replicas[0].store().audit_events()].count(EventType.EXPIRED) == 10


async def test_expire_due__skips_a_request_that_is_being_clicked(postgres: Server, replicas: Replicas) -> None:
    """The click is in time and will be committed in a moment, so its request must not expire."""
    one, two = replicas
    await create_request(one.store())
    two.clock.advance(TTL)
    row = {"key": "press", "now": one.clock.now + TTL - 1}
    insert = (
        "INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until) "
        "VALUES ('click', :key, 'first', '{}', 0, :now, :now, 0, 0)"
    )

    async with unfinished(one.database, lambda tx: tx.execute(insert, **row)):
        expiring = asyncio.create_task(ExpiryStore(two.store()).expire_due(lambda _: ()))
        await wait_for_lock_wait(postgres, expiring)

    assert await expiring == []
    assert (await stored(one.store())).state is State.PENDING


async def test_mark_posted__request_that_changes_meanwhile_is_rendered_again(replicas: Replicas) -> None:
    one, two = replicas[0].store(), replicas[1].store("two#1")
    for number in range(10):
        name = f"request-{number}"
        pending, card = await create_request(one, name)
        press = await click(two, name)
        latest, (_, held) = await asyncio.gather(
            CardStore(one).mark_posted(card, MessageRef("C1", "1.0")),
            ClickStore(two).apply(pending, Event.CANCEL, job=press, by=OLIVIA),
        )
        (row,) = await replicas[0].rows("SELECT done_at FROM jobs WHERE key = :key", key=f"card:{name}")
        assert row.done_at is None, f"the card is outdated, {latest=}, {held=}"
