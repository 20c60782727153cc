"""Many processes on one PostgreSQL: what two transactions at once may not do to each other."""

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

from bot.db import audit as trail
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
from tests.support.database import TTL, DatabaseHarness, approve, ask, click, open_database, stored
from tests.support.examples import BEN, OLIVIA, request
from tests.support.postgres import Server

DONE = {"attempts": 1, "status": 200}


@pytest.fixture
async def both(postgres: Server) -> AsyncIterator[tuple[DatabaseHarness, DatabaseHarness]]:
    """One database as two processes see it, each through connections of its own."""
    async with (
        postgres.emptied() as address,
        open_database(postgres_engine(address)) as one,
        open_database(postgres_engine(address)) as two,
    ):
        yield one, two


async def test_migrate__three_replicas_that_start_together_upgrade_once(postgres: Server) -> None:
    async with postgres.database(empty=True) as address, AsyncExitStack() as closing:
        replicas = [Database(postgres_engine(address)) for _ in range(3)]
        for one in replicas:
            closing.push_async_callback(one.close)
        done = await asyncio.gather(*(migrate(one) for one in replicas))
        assert sorted(done) == [False, False, True]
        assert await replicas[0].read(lambda tx: revision(tx.connection)) == HEAD


SECOND = '''
"""A change of some day."""
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("requests", sa.Column("weather", sa.Text, nullable=False, server_default="fair"))
'''


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A folder of migrations with one more than there are."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    ours = Path(statements.__file__).parent / "migrations"
    for name in ("env.py", "versions/r0001_initial_schema.py"):
        (folder / name).write_text((ours / name).read_text())
    (folder / "versions" / "r0002_weather.py").write_text(SECOND)
    return folder


async def test_migrate__an_upgrade_keeps_every_card_alive(ledger: DatabaseHarness, newer: Path) -> None:
    store = ledger.store()
    asked, card = await ask(store)
    await store.mark_rendered(card, asked.revision, MessageRef("C1", "1.0"))
    _, work = await approve((ledger.store("old#1")), (await ask(store, "second"))[0].id)

    assert await migrate(ledger.database, folder=newer, head="0002") is True

    assert await ledger.run(text("SELECT DISTINCT weather FROM requests")) == [("fair",)]
    moved, order = await approve(store)
    assert (moved.state, moved.card) == (State.APPROVED, MessageRef("C1", "1.0"))
    for job in (work, order):
        owner = ledger.store("old#1") if job is work else store
        ended = await owner.finish_execution(job, Event.SUCCEED, outcome=DONE, notify=())
        assert ended is not None
        assert ended.state is State.REVOKED
    assert first_invalid(await store.audit_events()) is None
    await ledger.run(text("ALTER TABLE requests DROP COLUMN weather"))
    await ledger.run(text("UPDATE alembic_version SET version_num = '0001'"))


async def two_orders(ledger: DatabaseHarness) -> tuple[Job, Job]:
    """A request for two people, approved; returns the orders for both."""
    store = ledger.store()
    await ask(store)
    await ledger.run(insert(items), {"request_id": "first", "place": 1, "target_id": "another"})
    _, first = await approve(store)
    what = {"place": 1, "clicked_at": ledger.clock.now}
    theirs = ledger.store("two#1").jobs
    second = await ledger.database.write(lambda tx: theirs.add_leased(tx, JobKind.EXECUTE, "first", "first:1", what))
    assert second
    return first, second


def close(job: Job, meeting: asyncio.Barrier, tx: Transaction) -> list[Event | None]:
    """Close an item, and commit only when the other has closed theirs."""
    _, events = statements.finish_item(tx, job, Event.SUCCEED)
    await_only(meeting.wait())
    return events


async def test_write_skew__without_the_lock_nobody_sees_the_end(both: tuple[DatabaseHarness, DatabaseHarness]) -> None:
    """Why `finish_target` locks: two finishers at once would each see the other's item open."""
    first, second = await two_orders(both[0])
    meeting = asyncio.Barrier(2)
    seen = await asyncio.gather(
        both[0].database.write(partial(close, first, meeting)), both[1].database.write(partial(close, second, meeting))
    )
    assert [None in events for events in seen] == [True, True]
    assert (await stored(both[0].store())).state is State.APPROVED


class Half:
    """A transaction that stops half-way, holding what it has, until it is told to go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    def stop(self) -> None:
        self.reached.set()
        await_only(self.go_on.wait())


async def waits(ledger: DatabaseHarness, work: asyncio.Task[Any]) -> None:
    """Return once the database says that somebody waits for somebody else; work that waits for nobody is an error."""
    waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    while not await ledger.run(waiting):
        assert not work.done(), "it did not wait"
        await asyncio.sleep(0.01)


async def test_write_skew__with_the_lock_the_second_waits_for_the_first(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    first, second = await two_orders(both[0])
    half = Half()

    def finish_half(tx: Transaction) -> list[Event | None]:
        statements.lock(tx, "first")
        _, events = statements.finish_item(tx, first, Event.SUCCEED)
        half.stop()
        return events

    finishing = asyncio.create_task(both[0].database.write(finish_half))
    await half.reached.wait()
    end = both[1].store("two#1").finish_execution(second, Event.SUCCEED, outcome=DONE, notify=["C1"])
    ending = asyncio.create_task(end)
    await waits(both[0], ending)
    half.go_on.set()

    assert await finishing == [Event.SUCCEED, None]
    ended = await ending
    assert ended is not None
    assert ended.state is State.REVOKED
    assert [row.tag for row, _ in await both[0].store().audit_events()].count(EventType.REVOKED) == 1


async def test_note_click__reads_its_time_when_no_sweep_has_the_request_any_more(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    """Read before, the time would be one at which the request was open, of a click on a request that had ended."""
    await ask(both[0].store())
    half = Half()

    def sweep(tx: Transaction) -> None:
        statements.lock(tx, "first")
        half.stop()

    sweeping = asyncio.create_task(both[0].database.write(sweep))
    await half.reached.wait()
    noting = asyncio.create_task(both[1].store().record_click("first", "press", {}))
    await waits(both[0], noting)
    both[1].clock.now += 60
    half.go_on.set()

    await sweeping
    noted = await noting
    assert noted is not None
    assert noted.created_at == both[1].clock.now


async def test_transaction__nobody_waits_for_any_more_comes_to_its_end(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    """A worker that is told to end has perhaps just begun to write down how a DELETE ended."""
    half = Half()

    def write(tx: Transaction) -> None:
        trail.append(tx, AuditEvent(tx.now, EventType.ASK_REFUSED, OLIVIA))
        half.stop()

    writing = asyncio.create_task(both[0].database.write(write))
    await half.reached.wait()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    half.go_on.set()
    await asyncio.gather(*both[0].database._writes)

    assert [row.tag for row, _ in await both[1].store().audit_events()] == [EventType.ASK_REFUSED]


async def test_trail__of_many_writers_on_two_replicas_is_one_chain(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    row = AuditEvent(0.0, EventType.ASK_REFUSED, OLIVIA)
    await asyncio.gather(*(one.store().record_event(row) for _ in range(25) for one in both))
    rows = await both[0].store().audit_events()
    assert (len(rows), first_invalid(rows)) == (50, None)


async def test_ask__replays_that_race_ask_once(both: tuple[DatabaseHarness, DatabaseHarness]) -> None:
    asked = [
        one.store().create(request(id=f"id-{number}", reference=f"R{number}"), ttl=TTL, key="same", command_url=None)
        for number, one in enumerate(both * 5)
    ]
    assert len([job for job in await asyncio.gather(*asked) if job]) == 1
    assert [row.tag for row, _ in await both[0].store().audit_events()] == [EventType.ASKED]


async def test_click__replays_that_race_are_one_click(both: tuple[DatabaseHarness, DatabaseHarness]) -> None:
    await ask(both[0].store())
    noted = await asyncio.gather(*(one.store().record_click("first", "press", {}) for one in both * 5))
    assert len([job for job in noted if job]) == 1


async def test_move__of_deciders_on_two_replicas_one_wins(both: tuple[DatabaseHarness, DatabaseHarness]) -> None:
    stores_ = [both[0].store(), both[1].store("two#1")]
    for number in range(10):
        name = f"request-{number}"
        asked, _ = await ask(stores_[0], name)
        clicks = [await click(one, name, by) for one, by in zip(stores_, (OLIVIA, BEN), strict=True)]
        ends = await asyncio.gather(
            stores_[0].apply_click(asked, Event.APPROVE, job=clicks[0], by=OLIVIA),
            stores_[1].apply_click(asked, Event.CANCEL, job=clicks[1], by=BEN),
            return_exceptions=True,
        )
        assert [type(one) for one in ends if isinstance(one, BaseException)] == [StaleRequest]
    rows = await both[0].run(select(audit.c.tag).where(audit.c.tag.in_([EventType.APPROVED, EventType.CANCELLED])))
    assert len(rows) == 10
    assert first_invalid(await stores_[0].audit_events()) is None


async def test_record__of_a_click_on_another_copy_of_the_card_meets_the_end_of_its_request(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    """Both write to the request and to the trail; in two orders each would wait for the other."""
    one, two = both[0].store(), both[1].store("two#1")
    for number in range(10):
        name = f"request-{number}"
        await ask(one, name)
        _, order = await approve(one, name)
        press = await click(two, name, BEN)
        stale = AuditEvent(0.0, EventType.CLICK_STALE, BEN, name.upper(), name)
        ended, recorded = await asyncio.gather(
            one.finish_execution(order, Event.SUCCEED, outcome=DONE, notify=["C1"]),
            two.record_event(stale, done=press, clicked=ResponseUrls(click="https://hooks.slack.com/actions/T0/1/2")),
        )
        assert (ended and ended.state, recorded) == (State.REVOKED, True)
    assert first_invalid(await one.audit_events()) is None


async def test_record__of_a_click_meets_a_card_that_cannot_be_posted(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    """Both write to the trail and to the card's job; in two orders each would wait for the other."""
    one, two = both[0].store(), both[1].store("two#1")
    for number in range(10):
        name = f"request-{number}"
        _, posting = await ask(one, name)
        press = await click(two, name, BEN)
        stale = AuditEvent(0.0, EventType.CLICK_STALE, BEN, name.upper(), name)
        withdrawn, recorded = await asyncio.gather(
            one.withdraw(posting, problem="is_archived", notify=["C1"]),
            two.record_event(stale, done=press, clicked=ResponseUrls()),
        )
        assert recorded
        assert withdrawn is None or withdrawn.state is State.CANCELLED
    assert first_invalid(await one.audit_events()) is None


async def test_claim__replicas_that_look_at_once_share_the_work(both: tuple[DatabaseHarness, DatabaseHarness]) -> None:
    flags = [JobSpec(JobKind.CARD, str(number), {}) for number in range(40)]
    await both[0].database.write(lambda tx: both[0].store().jobs.enqueue(tx, "first", *flags))
    stores_ = [both[0].store(), both[1].store("two#1")]
    found = await asyncio.gather(*(one.jobs.claim(10) for one in stores_ * 4))
    claimed = [job.id for jobs_ in found for job in jobs_]
    assert len(claimed) == len(set(claimed)) == 40


async def test_expire_due__sweepers_that_meet_end_a_request_once(both: tuple[DatabaseHarness, DatabaseHarness]) -> None:
    for number in range(10):
        await ask(both[0].store(), f"request-{number}")
    for one in both:
        one.clock.now += TTL
    ended = await asyncio.gather(*(one.store().expire_due(lambda _: ("C1",)) for one in both * 3))
    await both[0].store().expire_due(lambda _: ("C1",))
    assert sum(len(some) for some in ended) == 10
    assert [row.tag for row, _ in await both[0].store().audit_events()].count(EventType.EXPIRED) == 10


async def test_expire_due__passes_over_a_request_that_is_just_being_clicked(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    """The click was made in time and will be written in a moment; the sweep must not end what it is about."""
    await ask(both[0].store())
    both[0].clock.now += TTL - 1
    clicking = both[0].store()
    locked, end = asyncio.Event(), asyncio.Event()

    def lock(tx: Transaction) -> None:
        tx.execute(text("SELECT 1 FROM requests FOR KEY SHARE"))
        locked.set()
        await_only(end.wait())

    locking = asyncio.create_task(both[0].database.write(lock))
    await locked.wait()
    both[1].clock.now += TTL
    assert await both[1].store().expire_due(lambda _: ()) == []
    end.set()
    await locking
    assert await clicking.record_click("first", "press", {}) is not None
    assert await both[1].store().expire_due(lambda _: ()) == []


async def test_shown__a_card_that_moved_while_it_was_painted_is_painted_again(
    both: tuple[DatabaseHarness, DatabaseHarness],
) -> None:
    one, two = both[0].store(), both[1].store("two#1")
    for number in range(10):
        name = f"request-{number}"
        asked, card = await ask(one, name)
        press = await click(two, name)
        shown, _ = await asyncio.gather(
            one.mark_rendered(card, asked.revision, MessageRef("C1", "1.0")),
            two.apply_click(asked, Event.CANCEL, job=press, by=OLIVIA),
        )
        (row,) = await both[0].run(select(jobs.c.done_at).where(jobs.c.key == f"card:{name}"))
        assert row.done_at is None, f"the card was left as it was, {shown=}"
