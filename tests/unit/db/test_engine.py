"""Transactions on SQLite: atomicity, isolation, one writer, and the database's clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.db.engine import Database, DatabaseUnavailable, Transaction
from bot.db.sqlite import QUEUE_TIMEOUT, sqlite_engine
from tests.support.clock import FakeClock
from tests.support.number_table import (
    CREATE,
    INSERT,
    SELECT,
    THREAD_TIMEOUT,
    insert_numbers,
    open_number_table,
    stored_numbers,
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_number_table(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def uncommitted_insert(database: Database, number: int) -> AsyncIterator[asyncio.Task[None]]:
    """Insert a number in a transaction that commits when the context ends."""
    loop, inserted, end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def insert_and_wait(tx: Transaction) -> None:
        tx.execute(INSERT, {"number": number})
        loop.call_soon_threadsafe(inserted.set)
        end.wait(THREAD_TIMEOUT)

    writing = asyncio.create_task(database.write(insert_and_wait))
    await inserted.wait()
    try:
        yield writing
    finally:
        end.set()
        await asyncio.wait([writing])


async def test_write__commits_every_statement(database: Database) -> None:
    await database.write(insert_numbers(1, 2))
    assert await stored_numbers(database) == [1, 2]


async def test_write__failing_statement_rolls_back_all(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await database.write(insert_numbers(1, 1))
    assert await stored_numbers(database) == []


async def test_write__cancelled_caller_does_not_stop_the_commit(database: Database) -> None:
    async with uncommitted_insert(database, 1) as writing:
        writing.cancel()
    await database.write(insert_numbers(2))
    assert await stored_numbers(database) == [1, 2]


async def test_sqlite__syncs_each_commit_and_enforces_foreign_keys(database: Database) -> None:
    def pragmas(tx: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1]


async def test_sqlite__writer_waits_for_another_process_from_its_first_statement(
    database: Database, tmp_path: Path
) -> None:
    """A transaction that began as a reader could not upgrade to a writer: `database is locked`."""
    other = Database(sqlite_engine(tmp_path / "bot.db"))

    def select_and_insert(tx: Transaction) -> list[int]:
        found = list(tx.execute(SELECT).scalars())
        tx.execute(INSERT, {"number": 2})
        return found

    async with uncommitted_insert(database, 1):
        waiting = asyncio.create_task(other.write(select_and_insert))
        await asyncio.sleep(0)
    found = await waiting
    await other.close()
    assert found == [1]
    assert await stored_numbers(database) == [1, 2]


async def test_read__sees_committed_rows_without_waiting_for_a_writer(database: Database, tmp_path: Path) -> None:
    other = Database(sqlite_engine(tmp_path / "bot.db"))
    async with uncommitted_insert(database, 1):
        before = await stored_numbers(other)
    after = await stored_numbers(other)
    await other.close()
    assert (before, after) == ([], [1])


async def test_write__fifty_at_once_share_one_connection(database: Database) -> None:
    await asyncio.gather(*(database.write(insert_numbers(number)) for number in range(50)))
    assert await stored_numbers(database) == list(range(50))


async def test_sqlite__transaction_past_the_queue_timeout_is_refused_and_never_runs(tmp_path: Path) -> None:
    clock = FakeClock()
    database = Database(sqlite_engine(tmp_path / "bot.db", clock=clock))
    await database.write(lambda tx: tx.execute(CREATE))
    async with uncommitted_insert(database, 1):
        too_late = asyncio.create_task(database.write(insert_numbers(2)))
        for _ in range(3):  # until it is queued
            await asyncio.sleep(0)
        clock.advance(QUEUE_TIMEOUT + 1)
        in_time = asyncio.create_task(database.write(insert_numbers(3)))
    with pytest.raises(DatabaseUnavailable):
        await too_late
    await in_time
    assert await stored_numbers(database) == [1, 3]
    await database.close()


async def test_now__is_the_time_of_the_database(database: Database) -> None:
    def difference(tx: Transaction) -> float:
        return abs(float(tx.execute(text("SELECT strftime('%s', 'now')")).scalar_one()) - tx.now)

    assert await database.write(difference) < 60  # the same clock, on a machine that may be slow


async def test_now__is_the_time_of_an_injected_clock(tmp_path: Path) -> None:
    database = Database(sqlite_engine(tmp_path / "other.db"), clock=FakeClock(43_200.0))
    assert await database.write(lambda tx: tx.now) == 43_200.0
    await database.close()
