"""A table of numbers for tests of SQLite transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text

from bot.db.engine import Database, Transaction
from bot.db.sqlite import sqlite_engine

CREATE = text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
INSERT = text("INSERT INTO numbers (number) VALUES (:number)")
SELECT = text("SELECT number FROM numbers ORDER BY number")

THREAD_TIMEOUT = 60.0
"""Maximum time that a test blocks the database's thread, in seconds, so that a failed test ends."""


@asynccontextmanager
async def open_number_table(directory: Path) -> AsyncIterator[Database]:
    """Open a database with an empty table."""
    database = Database(sqlite_engine(directory / "bot.db"))
    await database.write(lambda tx: tx.execute(CREATE))
    yield database
    await database.close()


async def stored_numbers(database: Database) -> list[int]:
    """Return the committed numbers."""
    return await database.read(lambda tx: list(tx.execute(SELECT).scalars()))


def insert_numbers(*numbers: int) -> Callable[[Transaction], tuple[int, ...]]:
    """Return a step that inserts the numbers one after another and returns them."""

    def insert(tx: Transaction) -> tuple[int, ...]:
        for number in numbers:
            tx.execute(INSERT, {"number": number})
        return numbers

    return insert
