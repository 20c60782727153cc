"""Transactions: whole or not at all, timed by the database's own clock, given up when the database is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Table, event, func, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import BotError

Result = TypeVar("Result")

Clock = Callable[[AsyncConnection], Awaitable[float]]

BUSY = 2.0
"""Seconds a transaction on SQLite waits for another process's."""

GOODBYE = 1.0
"""Seconds that closing the connections may take; a database that does not answer is left without a word."""

_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")

_READING: dict[str, dict[str, Any]] = {"sqlite": {"reading": True}, "postgresql": {"isolation_level": "AUTOCOMMIT"}}
"""What makes a connection one on which each statement stands for itself."""


class DatabaseAway(BotError):
    """The database cannot be reached; nothing was kept."""


class Turn(IntEnum):
    """What one transaction of all processes does at a time; the numbers are PostgreSQL's advisory locks."""

    SCHEMA = 7_372_001
    TRAIL = 7_372_002


@dataclass(frozen=True, slots=True)
class Transaction:
    """What every statement of one transaction shares: the connection and the time it began (epoch seconds)."""

    connection: AsyncConnection
    now: float

    async def take_turn(self, turn: Turn) -> None:
        """Wait until no other transaction has this turn, and keep it to the end; SQLite has one writer anyway."""
        if self.connection.dialect.name == "postgresql":
            await self.connection.execute(select(func.pg_advisory_xact_lock(turn.value)))

    def insert(self, table: Table) -> Any:
        """Begin an INSERT that may say ON CONFLICT, which both databases know and SQLAlchemy spells in each dialect."""
        return (postgresql_insert if self.connection.dialect.name == "postgresql" else sqlite_insert)(table)


async def database_clock(connection: AsyncConnection) -> float:
    """Ask the database for the time, so that replicas with wrong clocks agree; epoch seconds.

    A SQLite file has one machine, so its clock is this one's.
    """
    if connection.dialect.name == "sqlite":
        return time.time()
    return float((await connection.execute(_NOW)).scalar_one())


class Database:
    """One engine and the transactions on it; `patience` is how many seconds one may take, None for any."""

    def __init__(self, engine: AsyncEngine, *, clock: Clock = database_clock, patience: float | None = None) -> None:
        self.engine = engine
        self._reader = engine.execution_options(**_READING[engine.dialect.name])
        self._clock = clock
        self._patience = patience
        self._under_way: set[asyncio.Task[Any]] = set()

    async def to_its_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Let a transaction come to its end also when nobody waits for it any more.

        A statement cancelled half-way can leave SQLite's write lock held until the garbage collector comes by.
        """
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits has it; nobody else must be told

    @asynccontextmanager
    async def begin(self, *, in_time: bool = True) -> AsyncIterator[Transaction]:
        """Everything inside happens, or nothing does; `in_time=False` is for what may take long.

        Raises DatabaseAway where the database does not answer or the connection breaks.
        """
        with _away():
            async with asyncio.timeout(self._patience if in_time else None), self.engine.begin() as connection:
                yield Transaction(connection, await self.now(connection))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """For statements that only read, each for itself: no lock is taken, nothing waits for a commit.

        Raises DatabaseAway, like `begin`.
        """
        with _away():
            async with asyncio.timeout(self._patience), self._reader.connect() as connection:
                yield connection

    async def now(self, connection: AsyncConnection) -> float:
        """Return the database's time, epoch seconds."""
        return await self._clock(connection)

    async def again(self, tx: Transaction) -> Transaction:
        """Read the time anew, after a wait inside the transaction."""
        return Transaction(tx.connection, await self.now(tx.connection))

    async def close(self) -> None:
        """Close every connection."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=GOODBYE)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self.engine.dispose()


@contextmanager
def _away() -> Iterator[None]:
    """Tell a database that is away from one that refuses."""
    try:
        yield
    except (OSError, NoConnectionFree) as error:
        raise DatabaseAway from error
    except DBAPIError as error:
        if error.connection_invalidated or "database is locked" in str(error.orig):
            raise DatabaseAway from error
        raise


def sqlite_engine(path: Path) -> AsyncEngine:
    """Make an engine on a SQLite file: WAL, `synchronous=FULL` (a commit is on disk), one connection.

    One connection is enough for one process and spares it lock waits; `BEGIN IMMEDIATE` spares two processes
    the upgrade from reader to writer, which SQLite refuses at once (sqlite.org/lang_transaction.html).
    """
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"timeout": BUSY},
        hide_parameters=True,
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
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
