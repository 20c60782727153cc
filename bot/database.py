"""Transactions: whole or not at all, timed by the database's own clock, given up when the database is away."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy
from sqlalchemy import Connection, Table, create_engine, event, func, select, text
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from bot.errors import BotError

Result = TypeVar("Result")

Clock = Callable[[Connection], float]

Insert = Callable[[Table], Any]

BUSY = 2.0
"""Seconds a transaction on SQLite waits for another process's."""

TURN = 5.0
"""Seconds a transaction on SQLite waits for those before it; what came later than a locked file lets in is refused,
or each question for readiness would make all that follow wait longer."""

GOODBYE = 1.0
"""Seconds that closing the connections may take; a database that does not answer is left without a word."""

_PASSING = ("25006", "53", "57", "58")
"""Beginnings of what PostgreSQL answers while it is a standby, is out of something, is being stopped or fails itself
(postgresql.org, PostgreSQL Error Codes)."""

_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")


class DatabaseAway(BotError):
    """The database cannot be reached; nothing was kept."""


class Turn(IntEnum):
    """What one transaction of all processes does at a time; the numbers are PostgreSQL's advisory locks."""

    SCHEMA = 7_372_001
    TRAIL = 7_372_002


class Transaction:
    """What every statement of one transaction shares: the connection, and the time at which it was first asked for."""

    def __init__(self, connection: Connection, clock: Clock, insert: Insert) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.insert = insert
        """Begins an INSERT that may say ON CONFLICT, which SQLAlchemy spells in each dialect."""
        self._clock = clock

    @cached_property
    def now(self) -> float:
        """The database's time, epoch seconds: read at its first use, and then the same to the end."""
        return self._clock(self.connection)

    def take_turn(self, turn: Turn) -> None:
        """Wait until no other transaction has this turn, and keep it to the end; SQLite has one writer anyway."""
        if self.connection.dialect.name == "postgresql":
            self.execute(select(func.pg_advisory_xact_lock(turn.value)))


Step = Callable[[Transaction], Result]
"""A few statements, as a plain function; it runs in another thread, or where the event loop switches to it."""


class Engine(Protocol):
    """What a database needs of its engine: `InThread`, or `bot.postgres.InLoop`."""

    @property
    def engine(self) -> sqlalchemy.Engine:
        """SQLAlchemy's own."""

    @property
    def insert(self) -> Insert:
        """The INSERT of its dialect."""

    async def do(self, work: Callable[[Connection], Result], *, reading: bool) -> Result:
        """Do some work on a connection, in a transaction unless it only reads."""

    async def close(self) -> None:
        """Close every connection."""


def database_clock(connection: Connection) -> float:
    """Ask the database for the time, so that replicas with wrong clocks agree; epoch seconds.

    A SQLite file has one machine, so its clock is this one's.
    """
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(_NOW).scalar_one())


class Database:
    """One engine and the transactions on it; `patience` is how many seconds one may take, None for any."""

    def __init__(self, engine: Engine, *, clock: Clock = database_clock, patience: float | None = None) -> None:
        self.engine = engine
        self._clock = clock
        self._patience = patience
        self._under_way: set[asyncio.Task[Any]] = set()

    async def write(self, step: Step[Result], *, in_time: bool = True) -> Result:
        """Do everything in a step, or nothing; `in_time=False` is for what may take long.

        It comes to its end also when nobody waits for it any more. Raises DatabaseAway where the database does not
        answer or the connection breaks.
        """
        task = asyncio.create_task(self._do(step, reading=False, patience=self._patience if in_time else None))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def read(self, step: Step[Result]) -> Result:
        """Do a step whose statements only read, each for itself: no lock is taken, nothing waits for a commit.

        Raises DatabaseAway, like `write`.
        """
        return await self._do(step, reading=True, patience=self._patience)

    async def _do(self, step: Step[Result], *, reading: bool, patience: float | None) -> Result:
        def work(connection: Connection) -> Result:
            return step(Transaction(connection, self._clock, self.engine.insert))

        with _away():
            async with asyncio.timeout(patience):
                return await self.engine.do(work, reading=reading)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits has it; nobody else must be told

    async def close(self) -> None:
        """Close every connection."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=GOODBYE)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self.engine.close()


class InThread:
    """An engine that blocks, always used in the same thread: a transaction costs the event loop one way and back."""

    insert = staticmethod(sqlite_insert)

    def __init__(self, engine: sqlalchemy.Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self._clock = clock
        self._closing = False
        self._reader = engine.execution_options(reading=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")

    async def do(self, work: Callable[[Connection], Result], *, reading: bool) -> Result:
        """Do some work, in a transaction unless it only reads; raises DatabaseAway where its turn does not come."""
        latest = self._clock() + TURN
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work, reading, latest)

    def _do(self, work: Callable[[Connection], Result], reading: bool, latest: float) -> Result:
        if self._closing or self._clock() > latest:
            raise DatabaseAway
        with self._reader.connect() if reading else self.engine.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        """Close the connection, and end the thread; what has not begun yet never does."""
        self._closing = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self.engine.dispose)
        self._thread.shutdown(wait=False)


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
        if str(getattr(error.orig, "sqlstate", "")).startswith(_PASSING):
            raise DatabaseAway(f"PostgreSQL cannot be used just now ({error.orig}); nothing was kept.") from error
        raise


def sqlite_engine(path: Path, *, clock: Callable[[], float] = time.monotonic) -> InThread:
    """Make an engine on a SQLite file: WAL, `synchronous=FULL` (a commit is on disk), one connection.

    One connection is enough for one process and spares it lock waits; `BEGIN IMMEDIATE` spares two processes
    the upgrade from reader to writer, which SQLite refuses at once (sqlite.org/lang_transaction.html).
    """
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"timeout": BUSY},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin_as_writer)
    return InThread(engine, clock=clock)


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own
    cursor = connection.cursor()
    _to_wal(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _to_wal(cursor: sqlite3.Cursor) -> None:
    """Switch the file to WAL; of two processes that do so at once SQLite refuses one, and does not let it wait."""
    until = time.monotonic() + BUSY
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(BUSY / 40)
        else:
            return


def _begin_as_writer(connection: Any) -> None:
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
