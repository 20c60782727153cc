"""Several processes on one PostgreSQL: what concurrent transactions must not do to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.util import await_only

from bot.db import audit as audit_log
from bot.db import migrate as migrations
from bot.db import statements
from bot.db.engine import Database, Transaction
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.migrate import HEAD, migrate, revision
from bot.db.postgres import postgres_engine
from bot.db.requests import ResponseUrls
from bot.db.schema import audit, items, jobs
from bot.domain.audit import AuditEvent, EventType, first_invalid
from bot.domain.requests import Event, MessageRef, State
from bot.errors import StaleRequest
from tests.support.database import TTL, DatabaseHarness, approve, click, create_request, open_database, stored
from tests.support.examples import BEN, OLIVIA, request
from tests.support.postgres import Server

OUTCOME = {"attempts": 1, "status": 200}

Replicas = tuple[DatabaseHarness, DatabaseHarness]


@pytest.fixture
async def replicas(postgres: Server) -> AsyncIterator[Replicas]:
    """One database, opened twice, as two processes do."""
    async with (
        postgres.emptied() as url,
        open_database(postgres_engine(url)) as one,
        open_database(postgres_engine(url)) as two,
    ):
        yield one, two


async def test_migrate__three_concurrent_replicas_upgrade_once(postgres: Server) -> None:
    async with postgres.database(empty=True) as url, AsyncExitStack() as closing:
        databases = [Database(postgres_engine(url)) for _ in range(3)]
        for one in databases:
            closing.push_async_callback(one.close)
        upgraded = await asyncio.gather(*(migrate(one) for one in databases))
        assert sorted(upgraded) == [False, False, True]
        assert await databases[0].read(lambda tx: revision(tx.connection)) == HEAD


NEXT_MIGRATION = '''
"""A later migration."""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("requests", sa.Column("weather", sa.Text, nullable=False, server_default="fair"))
'''
NEXT_REVISION = "9000"


@pytest.fixture
def next_migrations(tmp_path: Path) -> Path:
    """A directory with the migrations and a later one."""
    current = Path(migrations.__file__).parent / "migrations"
    directory = tmp_path / "migrations"
    (directory / "versions").mkdir(parents=True)
    for path in (current / "env.py", *(current / "versions").glob("r*.py")):
        (directory / path.relative_to(current)).write_text(path.read_text())
    later = NEXT_MIGRATION.format(revision=NEXT_REVISION, head=HEAD)
    (directory / "versions" / f"r{NEXT_REVISION}_weather.py").write_text(later)
    return directory


async def test_migrate__upgrade_keeps_open_requests_and_leases(db: DatabaseHarness, next_migrations: Path) -> None:
    store, old = db.store(), db.store("old#1")
    pending, card = await create_request(store)
    await store.mark_rendered(card, pending.revision, MessageRef("C1", "1.0"))
    _, before = await approve(old, (await create_request(store, "second"))[0].id)

    assert await migrate(db.database, folder=next_migrations, head=NEXT_REVISION) is True

    assert await db.run(text("SELECT DISTINCT weather FROM requests")) == [("fair",)]
    approved, after = await approve(store)
    assert (approved.state, approved.card) == (State.APPROVED, MessageRef("C1", "1.0"))
    for job, owner in ((before, old), (after, store)):
        finished = await owner.finish_execution(job, Event.SUCCEED, outcome=OUTCOME, notify=())
        assert finished is not None
        assert finished.state is State.REVOKED
    assert first_invalid(await store.audit_events()) is None
    await db.run(text("ALTER TABLE requests DROP COLUMN weather"))
    await db.run(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})


async def approved_with_two_items(db: DatabaseHarness) -> tuple[Job, Job]:
    """Create an approved request for two people; return both executions, held by two processes."""
    store, other = db.store(), db.jobs("two#1")
    await create_request(store)
    await db.run(insert(items), {"request_id": "first", "place": 1, "target_id": "another"})
    _, first = await approve(store)
    target = {"place": 1, "clicked_at": db.clock.now}
    second = await db.database.write(lambda tx: other.add_leased(tx, JobKind.EXECUTE, "first", "first:1", target))
    assert second
    return first, second


def finish_item_at_barrier(job: Job, barrier: asyncio.Barrier, tx: Transaction) -> list[Event | None]:
    """Finish an item, and commit after the other transaction has finished its item too."""
    _, events = statements.finish_item(tx, job, Event.SUCCEED)
    await_only(barrier.wait())
    return events


async def test_finish_item__without_a_lock_both_see_an_open_item(replicas: Replicas) -> None:
    """This write skew is why `finish_execution` locks the request."""
    one, two = replicas
    first, second = await approved_with_two_items(one)
    barrier = asyncio.Barrier(2)
    seen = await asyncio.gather(
        one.database.write(partial(finish_item_at_barrier, first, barrier)),
        two.database.write(partial(finish_item_at_barrier, second, barrier)),
    )
    assert [None in events for events in seen] == [True, True]
    assert (await stored(one.store())).state is State.APPROVED


class Pause:
    """A pause in the middle of a transaction, which keeps its locks meanwhile."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.resume = asyncio.Event()

    def wait(self) -> None:
        self.reached.set()
        await_only(self.resume.wait())


async def wait_for_lock_wait(db: DatabaseHarness, work: asyncio.Task[Any]) -> None:
    """Return when a transaction waits for a lock; fail if the work ends without such a wait."""
    waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    while not await db.run(waiting):
        assert not work.done(), "it did not wait for a lock"
        await asyncio.sleep(0.01)


async def test_finish_execution__waits_for_a_transaction_that_finishes_another_item(replicas: Replicas) -> None:
    one, two = replicas
    first, second = await approved_with_two_items(one)
    pause = Pause()

    def finish_first_item(tx: Transaction) -> list[Event | None]:
        statements.lock(tx, "first")
        _, events = statements.finish_item(tx, first, Event.SUCCEED)
        pause.wait()
        return events

    finishing_first = asyncio.create_task(one.database.write(finish_first_item))
    await pause.reached.wait()
    finishing_second = asyncio.create_task(
        two.store("two#1").finish_execution(second, Event.SUCCEED, outcome=OUTCOME, notify=["C1"])
    )
    await wait_for_lock_wait(one, finishing_second)
    pause.resume.set()

    assert await finishing_first == [Event.SUCCEED, None]
    finished = await finishing_second
    assert finished is not None
    assert finished.state is State.REVOKED
    assert [event.tag for event, _ in await one.store().audit_events()].count(EventType.REVOKED) == 1


async def test_record_click__reads_the_time_after_it_has_the_lock(replicas: Replicas) -> None:
    """With an earlier time, a click on an expired request would look like a click before its expiry."""
    one, two = replicas
    await create_request(one.store())
    pause = Pause()

    def lock_and_wait(tx: Transaction) -> None:
        statements.lock(tx, "first")
        pause.wait()

    locking = asyncio.create_task(one.database.write(lock_and_wait))
    await pause.reached.wait()
    recording = asyncio.create_task(two.store().record_click("first", "press", {}))
    await wait_for_lock_wait(one, recording)
    two.clock.advance(60)
    pause.resume.set()

    await locking
    job = await recording
    assert job is not None
    assert job.created_at == two.clock.now


async def test_write__cancelled_caller_does_not_stop_the_commit(replicas: Replicas) -> None:
    """A worker that is cancelled at shutdown may have just begun to store the outcome of a DELETE."""
    one, two = replicas
    pause = Pause()

    def append_and_wait(tx: Transaction) -> None:
        audit_log.append(tx, AuditEvent(tx.now, EventType.REQUEST_DENIED, OLIVIA))
        pause.wait()

    writing = asyncio.create_task(one.database.write(append_and_wait))
    await pause.reached.wait()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    pause.resume.set()
    await asyncio.gather(*one.database._writes)

    assert [event.tag for event, _ in await two.store().audit_events()] == [EventType.REQUEST_DENIED]


async def test_record_event__concurrent_writers_on_two_replicas_keep_one_chain(replicas: Replicas) -> None:
    event = AuditEvent(0.0, EventType.REQUEST_DENIED, OLIVIA)
    await asyncio.gather(*(one.store().record_event(event) for _ in range(25) for one in replicas))
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
            one.apply_click(pending, Event.APPROVE, job=approval, by=OLIVIA),
            two.apply_click(pending, Event.CANCEL, job=cancellation, by=BEN),
            return_exceptions=True,
        )
        assert [type(result) for result in results if isinstance(result, BaseException)] == [StaleRequest]
    decisions = select(audit.c.tag).where(audit.c.tag.in_([EventType.APPROVED, EventType.CANCELLED]))
    assert len(await replicas[0].run(decisions)) == 10
    assert first_invalid(await one.audit_events()) is None


async def test_record_event__click_on_another_copy_does_not_deadlock_with_the_outcome(replicas: Replicas) -> None:
    """Both transactions write to the request and to the audit log, so their order must be the same."""
    one, two = replicas[0].store(), replicas[1].store("two#1")
    clicked = ResponseUrls(click="https://hooks.slack.com/actions/T0/1/2")
    for number in range(10):
        name = f"request-{number}"
        await create_request(one, name)
        _, execution = await approve(one, name)
        press = await click(two, name, BEN)
        stale = AuditEvent(0.0, EventType.CLICK_STALE, BEN, name.upper(), name)
        finished, recorded = await asyncio.gather(
            one.finish_execution(execution, Event.SUCCEED, outcome=OUTCOME, notify=["C1"]),
            two.record_event(stale, done=press, clicked=clicked),
        )
        assert (finished and finished.state, recorded) == (State.REVOKED, True)
    assert first_invalid(await one.audit_events()) is None


async def test_record_event__click_does_not_deadlock_with_a_withdrawal(replicas: Replicas) -> None:
    """Both transactions write to the audit log and to the card's job, so their order must be the same."""
    one, two = replicas[0].store(), replicas[1].store("two#1")
    for number in range(10):
        name = f"request-{number}"
        _, card = await create_request(one, name)
        press = await click(two, name, BEN)
        stale = AuditEvent(0.0, EventType.CLICK_STALE, BEN, name.upper(), name)
        withdrawn, recorded = await asyncio.gather(
            one.withdraw(card, problem="is_archived", notify=["C1"]),
            two.record_event(stale, done=press, clicked=ResponseUrls()),
        )
        assert recorded
        assert withdrawn is None or withdrawn.state is State.CANCELLED
    assert first_invalid(await one.audit_events()) is None


async def test_claim__concurrent_replicas_never_get_the_same_job(replicas: Replicas) -> None:
    specs = [JobSpec(JobKind.CARD, str(number), {}) for number in range(40)]
    await replicas[0].database.write(lambda tx: replicas[0].jobs().enqueue(tx, "first", *specs))
    queues = [replicas[0].jobs(), replicas[1].jobs("two#1")]
    claims = await asyncio.gather(*(queue.claim(10) for queue in queues * 4))
    claimed = [job.id for found in claims for job in found]
    assert len(claimed) == len(set(claimed)) == 40


async def test_expire_due__concurrent_calls_expire_a_request_once(replicas: Replicas) -> None:
    for number in range(10):
        await create_request(replicas[0].store(), f"request-{number}")
    for one in replicas:
        one.clock.advance(TTL)
    expired = await asyncio.gather(*(one.store().expire_due(lambda _: ("C1",)) for one in replicas * 3))
    await replicas[0].store().expire_due(lambda _: ("C1",))
    assert sum(len(requests) for requests in expired) == 10
    assert [event.tag for event, _ in await replicas[0].store().audit_events()].count(EventType.EXPIRED) == 10


async def test_expire_due__skips_a_request_that_is_being_clicked(replicas: Replicas) -> None:
    """The click is in time and will be committed in a moment, so its request must not expire."""
    one, two = replicas
    await create_request(one.store())
    one.clock.advance(TTL - 1)
    pause = Pause()

    def lock_as_a_click_does(tx: Transaction) -> None:
        statements.lock_against_update(tx, "first")
        pause.wait()

    locking = asyncio.create_task(one.database.write(lock_as_a_click_does))
    await pause.reached.wait()
    two.clock.advance(TTL)
    assert await two.store().expire_due(lambda _: ()) == []
    pause.resume.set()
    await locking
    assert await one.store().record_click("first", "press", {}) is not None
    assert await two.store().expire_due(lambda _: ()) == []


async def test_mark_rendered__request_that_changes_meanwhile_is_rendered_again(replicas: Replicas) -> None:
    one, two = replicas[0].store(), replicas[1].store("two#1")
    for number in range(10):
        name = f"request-{number}"
        pending, card = await create_request(one, name)
        press = await click(two, name)
        latest, _ = await asyncio.gather(
            one.mark_rendered(card, pending.revision, MessageRef("C1", "1.0")),
            two.apply_click(pending, Event.CANCEL, job=press, by=OLIVIA),
        )
        (row,) = await replicas[0].run(select(jobs.c.done_at).where(jobs.c.key == f"card:{name}"))
        assert row.done_at is None, f"the card is outdated, {latest=}"
