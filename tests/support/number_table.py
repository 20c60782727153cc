"""A table of numbers for tests of transactions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.db.engine import Database
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from tests.support.recording_driver import RecordingDriver

CREATE = "CREATE TABLE numbers (number INTEGER PRIMARY KEY)"
INSERT = "INSERT INTO numbers (number) VALUES (:number)"
SELECT = "SELECT number FROM numbers ORDER BY number"

THREAD_TIMEOUT = 60.0
"""Maximum time that a test blocks the database's thread, in seconds, so that a failed test ends."""


@asynccontextmanager
async def open_number_table(directory: Path) -> AsyncIterator[tuple[Database, RecordingDriver]]:
    """Open a SQLite database with an empty table; yield it with its driver."""
    driver = RecordingDriver(SqliteDriver(directory / "bot.db"))
    database = Database(driver)
    await database.write(lambda tx: tx.execute(CREATE))
    driver.commits.clear()
    yield database, driver
    await database.close()


async def stored_numbers(database: Database) -> list[int]:
    """Return the committed numbers."""
    return await database.read(numbers)


def numbers(tx: Transaction) -> list[int]:
    """Return the numbers that the transaction sees."""
    return [row.number for row in tx.fetch(SELECT)]


def insert_numbers(*numbers: int) -> Callable[[Transaction], tuple[int, ...]]:
    """Return a step that inserts the numbers one after another and returns them."""

    def insert(tx: Transaction) -> tuple[int, ...]:
        for number in numbers:
            tx.execute(INSERT, number=number)
        return numbers

    return insert


@asynccontextmanager
async def busy_thread(database: Database) -> AsyncIterator[None]:
    """Keep the database's thread busy, so that the transactions begun inside are queued together."""
    loop, started, end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait_for_end(_tx: Transaction) -> None:
        loop.call_soon_threadsafe(started.set)
        end.wait(THREAD_TIMEOUT)

    busy = asyncio.create_task(database.read(wait_for_end))
    await started.wait()  # the thread would otherwise take a part of what follows into its first batch
    yield
    await asyncio.sleep(0)  # until the tasks begun inside have queued their transactions
    end.set()
    await busy


@asynccontextmanager
async def uncommitted_insert(database: Database, number: int) -> AsyncIterator[asyncio.Task[None]]:
    """Insert a number in a transaction that commits when the context ends."""
    loop, inserted, end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def insert_and_wait(tx: Transaction) -> None:
        tx.execute(INSERT, number=number)
        loop.call_soon_threadsafe(inserted.set)
        end.wait(THREAD_TIMEOUT)

    writing = asyncio.create_task(database.write(insert_and_wait))
    await inserted.wait()
    try:
        yield writing
    finally:
        end.set()
        await asyncio.wait([writing])
