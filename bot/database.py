"""Open the database: one writer on SQLite, transactions that begin as writers, the database's own clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Clock = Callable[[AsyncConnection], Awaitable[float]]

_NOW = {
    "sqlite": text("SELECT (julianday('now') - 2440587.5) * 86400.0"),
    "postgresql": text("SELECT extract(epoch FROM clock_timestamp())::float8"),
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """What every statement of one transaction shares: the connection and the time it began (epoch seconds)."""

    connection: AsyncConnection
    now: float


async def database_clock(connection: AsyncConnection) -> float:
    """Ask the database for the time, so that replicas with wrong clocks agree; epoch seconds."""
    return float((await connection.execute(_NOW[connection.dialect.name])).scalar_one())


class Database:
    """One engine and the transactions on it."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock = database_clock) -> None:
        self.engine = engine
        self._clock = clock

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """Everything inside happens, or nothing does."""
        async with self.engine.begin() as connection:
            yield Transaction(connection, await self._clock(connection))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def sqlite_engine(path: Path) -> AsyncEngine:
    """Make an engine on a SQLite file: WAL, `synchronous=FULL` (a commit is on disk), one connection.

    One connection is enough for one process and spares it lock waits; `BEGIN IMMEDIATE` spares two processes
    the upgrade from reader to writer, which SQLite refuses at once (sqlite.org/lang_transaction.html).
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", pool_size=1, max_overflow=0, pool_timeout=30, connect_args={"timeout": 10}
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin_as_writer)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_as_writer(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
