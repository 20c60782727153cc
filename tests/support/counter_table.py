"""A table of numbers, to try transactions of SQLite on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text

from bot.db.engine import Database, Transaction
from bot.db.sqlite import sqlite_engine

ADD = text("INSERT INTO marks (id) VALUES (:id)")
ALL = text("SELECT id FROM marks ORDER BY id")

PATIENCE = 60.0
"""Seconds after which a thread that is kept waiting goes on, should its test have ended."""


@asynccontextmanager
async def open_marks(folder: Path) -> AsyncIterator[Database]:
    """A database with an empty table."""
    database = Database(sqlite_engine(folder / "bot.db"))
    await database.write(lambda tx: tx.execute(text("CREATE TABLE marks (id INTEGER PRIMARY KEY)")))
    yield database
    await database.close()


async def marks(database: Database) -> list[int]:
    """What is written down."""
    return await database.read(lambda tx: list(tx.execute(ALL).scalars()))


def adding(*numbers: int) -> Callable[[Transaction], tuple[int, ...]]:
    """A step that writes marks down, one after the other, and returns them."""

    def add(tx: Transaction) -> tuple[int, ...]:
        for number in numbers:
            tx.execute(ADD, {"id": number})
        return numbers

    return add
