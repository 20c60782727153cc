"""The database's time: it never goes back, and nothing is approved while the clock is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.db.clicks import ClickStore
from bot.db.clock import CATCH_UP_RATE, CONTINUED_FOR, MAX_LAG, STORE_INTERVAL, DatabaseClock, boottime
from bot.db.engine import Database
from bot.db.executions import ExecutionStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import JobKind
from bot.db.migrate import migrate
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from bot.domain.denials import DenialCode, Denied
from bot.domain.requests import CANCEL, Event, State
from tests.support.clock import FakeClock
from tests.support.database import DatabaseHarness, approve, click, create_request, stored
from tests.support.examples import NOON, OLIVIA

HOUR = 3600.0


async def now(database: Database) -> float:
    """Return the time of a transaction that writes."""
    return await database.write(lambda tx: tx.now)


@asynccontextmanager
async def other_process(db: DatabaseHarness, clock: float) -> AsyncIterator[Database]:
    """Open the database as another process whose clock shows another time."""
    database = Database(db.database.driver, clock=FakeClock(clock), boottime=FakeClock())
    try:
        yield database
    finally:
        await database.close()


async def test_now__is_the_clocks_time(db: DatabaseHarness) -> None:
    assert await now(db.database) == NOON

    db.clock.advance(HOUR)

    assert await now(db.database) == NOON + HOUR
    assert db.database.time.lag == 0


async def test_now__continues_slowly_while_the_clock_is_behind(db: DatabaseHarness) -> None:
    await now(db.database)
    db.clock.advance(-HOUR)
    db.boottime.advance(100)

    assert await now(db.database) == pytest.approx(NOON + 100 * CATCH_UP_RATE)
    assert await db.database.read(lambda tx: tx.now) == pytest.approx(NOON + 100 * CATCH_UP_RATE)
    assert db.database.time.lag == pytest.approx(HOUR + 100 * CATCH_UP_RATE)


async def test_now__after_a_wait_for_the_lock_is_not_ahead_of_the_clock(db: DatabaseHarness) -> None:
    """Otherwise this process would take over leases that others still hold."""
    await now(db.database)

    def wait(tx: Transaction) -> float:
        db.boottime.advance(LEASE_DURATION)
        db.clock.advance(LEASE_DURATION)
        return tx.now

    assert await db.database.write(wait) == db.clock()
    db.boottime.advance(1)
    db.clock.advance(1)

    assert await now(db.database) == db.clock()


@pytest.mark.parametrize("write", [True, False])
async def test_now__of_another_process_is_not_behind_the_stored_time(db: DatabaseHarness, write: bool) -> None:
    await now(db.database)

    async with other_process(db, NOON - HOUR) as other:
        found = await now(other) if write else await other.read(lambda tx: tx.now)

        assert found == NOON
        assert other.time.lag == HOUR


async def test_now__is_stored_once_a_second(db: DatabaseHarness) -> None:
    async def stored_time() -> float:
        return float((await db.rows("SELECT value FROM metadata WHERE name = 'clock'"))[0].value)

    await now(db.database)
    db.clock.advance(STORE_INTERVAL / 2)
    await now(db.database)
    assert await stored_time() == NOON

    db.clock.advance(STORE_INTERVAL / 2)
    await now(db.database)
    assert await stored_time() == NOON + STORE_INTERVAL


async def test_now__is_stored_after_a_transaction_that_was_rolled_back(db: DatabaseHarness) -> None:
    def fail(tx: Transaction) -> None:
        raise ValueError(tx.now)

    with pytest.raises(ValueError, match=str(NOON)):
        await db.database.write(fail)
    assert await db.rows("SELECT * FROM metadata WHERE name = 'clock'") == []

    await now(db.database)

    assert len(await db.rows("SELECT * FROM metadata WHERE name = 'clock'")) == 1


@pytest.mark.parametrize("damaged", ["", "noon", "nan", "inf"])
async def test_now__ignores_a_damaged_stored_time(db: DatabaseHarness, damaged: str) -> None:
    await db.run("INSERT INTO metadata (name, value) VALUES ('clock', :value)", value=damaged)

    assert await now(db.database) == NOON


async def test_now__needs_no_table(tmp_path: Path) -> None:
    database = Database(SqliteDriver(tmp_path / "empty.db"), clock=FakeClock(NOON))

    assert await now(database) == NOON
    assert await database.read(lambda tx: tx.now) == NOON
    await database.close()


Server = tuple[Database, FakeClock, FakeClock]
"""A database that has been asked for its time, its own clock, and the one that nothing sets."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    clock, boottime = FakeClock(NOON), FakeClock()
    database = Database(SqliteDriver(tmp_path / "bot.db", clock=clock), boottime=boottime)
    await migrate(database)
    await now(database)
    yield database, clock, boottime
    await database.close()


async def read_time(database: Database) -> float:
    """Return the time of a read."""
    return await database.read(lambda tx: tx.now)


async def test_reads__continue_the_time_of_the_last_transaction_for_half_a_second(server: Server) -> None:
    database, clock, boottime = server
    clock.advance(HOUR)
    boottime.advance(0.1)
    continued = await read_time(database)
    assert continued == NOON + 0.1 * CATCH_UP_RATE

    assert await now(database) == NOON + HOUR, "a transaction that writes reads the clock"

    clock.advance(CONTINUED_FOR)
    boottime.advance(CONTINUED_FOR)
    assert await read_time(database) == NOON + HOUR + CONTINUED_FOR


async def test_reads__never_continue_the_time_beyond_the_next_reading(server: Server) -> None:
    database, clock, boottime = server
    clock.advance(-HOUR)

    times = []
    for _ in range(40):
        boottime.advance(0.1)
        times.append(await read_time(database))
        if len(times) % 3 == 0:
            times.append(await now(database))

    assert times == sorted(times)
    assert database.time.is_behind


async def test_reads__ask_for_the_time_after_a_transaction_that_was_rolled_back(server: Server) -> None:
    database, clock, _ = server
    with pytest.raises(ZeroDivisionError):
        await database.write(lambda tx: tx.now / 0)
    clock.advance(0.1)

    assert await read_time(database) == NOON + 0.1


async def test_lag__is_logged_once_and_once_when_it_ends(db: DatabaseHarness) -> None:
    await now(db.database)

    with capture_logs() as logs:
        db.clock.advance(-HOUR)
        await now(db.database)
        await now(db.database)
        db.clock.advance(HOUR)
        await now(db.database)
        await now(db.database)

    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("error", "clock.behind"),
        ("warning", "clock.corrected"),
    ]


@pytest.mark.parametrize("required", [1, 2])
async def test_apply_click__approves_nothing_while_the_clock_is_behind(db: DatabaseHarness, required: int) -> None:
    store = db.store()
    await create_request(store, approvals_required=required)
    job = await click(store)
    event = Event.APPROVE if required == 1 else Event.ADD_APPROVAL
    before = await stored(store)

    db.clock.advance(-MAX_LAG - 1)
    with pytest.raises(Denied) as denied:
        await ClickStore(store).apply(before, event, job=job, by=OLIVIA)

    assert denied.value.reason is DenialCode.CLOCK_BEHIND
    assert await stored(store) == before

    db.clock.advance(1)
    moved, _ = await ClickStore(store).apply(before, event, job=job, by=OLIVIA)
    assert moved.approvals == (OLIVIA,)


async def test_apply_click__refuses_an_approval_in_another_process_whose_clock_is_behind(db: DatabaseHarness) -> None:
    await create_request(db.store())

    async with other_process(db, NOON - MAX_LAG - 1) as other:
        store = DatabaseHarness(other, FakeClock()).store()
        with pytest.raises(Denied):
            await approve(store)


async def test_apply_click__cancels_while_the_clock_is_behind(db: DatabaseHarness) -> None:
    store = db.store()
    await create_request(store)
    db.clock.advance(-HOUR)
    job = await store.record_click("first", "cancel", {"action": CANCEL, "user_id": OLIVIA})
    assert job

    moved, _ = await ClickStore(store).apply(await stored(store), Event.CANCEL, job=job, by=OLIVIA)

    assert moved.state is State.CANCELLED


async def test_retry__is_due_after_its_delay_although_the_clock_goes_back(db: DatabaseHarness) -> None:
    store = db.store()
    await create_request(store)
    _, job = await approve(store)
    await ExecutionStore(store).retry(job, delay=3.0, outcome={"code": "genesys_server_error", "attempts": 1})

    db.clock.advance(-HOUR)
    db.boottime.advance(4)

    assert [one.id for one in await store.jobs.claim(10) if one.kind is JobKind.EXECUTE] == [job.id]


async def test_surely_leased__asks_the_database_once_the_lease_may_have_ended(db: DatabaseHarness) -> None:
    store = db.store()
    await create_request(store)
    _, job = await approve(store)
    other = db.store("two#1").jobs

    db.clock.advance(LEASE_DURATION)
    assert job.id in [one.id for one in await other.claim(10)]
    assert await store.jobs.surely_leased(job)  # no time has passed that this process knows of

    db.boottime.advance(LEASE_DURATION)
    assert not await store.jobs.surely_leased(job)


async def test_surely_leased__renews_a_lease_that_no_process_has_taken(db: DatabaseHarness) -> None:
    store = db.store()
    await create_request(store)
    _, job = await approve(store)
    db.clock.advance(LEASE_DURATION)
    db.boottime.advance(LEASE_DURATION)

    assert await store.jobs.surely_leased(job)
    assert job.id not in [one.id for one in await db.store("two#1").jobs.claim(10)]


async def test_surely_leased__counts_from_the_last_renewal(db: DatabaseHarness) -> None:
    store = db.store()
    await create_request(store)
    _, job = await approve(store)
    db.boottime.advance(LEASE_DURATION - 1)
    await store.jobs.renew([job.id])
    db.boottime.advance(LEASE_DURATION - 1)
    await db.run("UPDATE jobs SET lease_owner = 'two#1'")

    assert await store.jobs.surely_leased(job)

    db.boottime.advance(1)
    assert not await store.jobs.surely_leased(job)


def test_boottime__runs_without_being_set() -> None:
    assert boottime() <= boottime()
    assert DatabaseClock().read_at <= boottime()
