"""Transactions: whole or not at all, timed by the database's own clock, given up when the database is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import cached_property
from typing import Any, Protocol, TypeVar

import sqlalchemy
from sqlalchemy import Connection, Select, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from bot.errors import BotError

Result = TypeVar("Result")

Clock = Callable[[Connection], float]

Insert = Callable[[Table], Any]

GOODBYE = 1.0
"""Seconds that closing the connections may take; a database that does not answer is left without a word."""

_PASSING = ("25006", "53", "57", "58")
"""Beginnings of what PostgreSQL answers while it is a standby, is out of something, is being stopped or fails itself
(postgresql.org, PostgreSQL Error Codes)."""

_TAKE_TURN = text("SELECT pg_advisory_xact_lock(:turn)")
_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")


class DatabaseUnavailable(BotError):
    """A database that cannot be reached, so that nothing was stored."""

    code = "database_unavailable"


class AdvisoryLock(IntEnum):
    """What one transaction of all processes does at a time; the numbers are PostgreSQL's advisory locks."""

    SCHEMA = 7_372_001
    AUDIT = 7_372_002


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

    def acquire_lock(self, turn: AdvisoryLock) -> None:
        """Wait until no other transaction has this turn, and keep it to the end."""
        if self._others_write:
            self.execute(_TAKE_TURN, {"turn": turn.value})

    def lock_rows(self, rows: Select[Any], values: Mapping[str, Any]) -> None:
        """Wait until no other transaction writes to these rows, and keep them to the end: a SELECT FOR UPDATE."""
        if self._others_write:
            self.execute(rows, values)

    @property
    def _others_write(self) -> bool:
        """Whether another transaction may write meanwhile; SQLite has one writer."""
        return self.connection.dialect.name == "postgresql"


Step = Callable[[Transaction], Result]
"""A few statements, as a plain function; it runs in another thread, or where the event loop switches to it."""


class Engine(Protocol):
    """What a database needs of its engine: `bot.db.sqlite.SqliteEngine`, or `bot.db.postgres.PostgresEngine`."""

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

        The transaction ends even if the caller is cancelled. Raises DatabaseUnavailable if the database does not answer
        or the connection breaks.
        """
        task = asyncio.create_task(self._do(step, reading=False, patience=self._patience if in_time else None))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def read(self, step: Step[Result]) -> Result:
        """Do a step whose statements only read, each for itself: no lock is taken, nothing waits for a commit.

        Raises DatabaseUnavailable, like `write`.
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


@contextmanager
def _away() -> Iterator[None]:
    """Tell a database that is away from one that refuses."""
    try:
        yield
    except (OSError, NoConnectionFree) as error:
        raise DatabaseUnavailable from error
    except DBAPIError as error:
        if error.connection_invalidated or "database is locked" in str(error.orig):
            raise DatabaseUnavailable from error
        if str(getattr(error.orig, "sqlstate", "")).startswith(_PASSING):
            raise DatabaseUnavailable(
                f"PostgreSQL cannot be used just now ({error.orig}); nothing was kept."
            ) from error
        raise
