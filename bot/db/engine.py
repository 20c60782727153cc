"""Transactions on SQLite and PostgreSQL, timed by the database's own clock."""

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
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.errors import BotError

Result = TypeVar("Result")

Clock = Callable[[Connection], float]

Insert = Callable[[Table], Any]

CLOSE_TIMEOUT = 1.0
"""Maximum time for closing the connections, in seconds, because an unreachable database does not answer."""

_TRANSIENT_SQLSTATES = ("25006", "53", "57", "58")
"""Prefixes of errors that a retry may resolve: a standby, a resource limit, a shutdown, an internal failure
(postgresql.org, PostgreSQL Error Codes)."""

_ACQUIRE_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
_NOW = text("SELECT extract(epoch FROM clock_timestamp())::float8")


class DatabaseUnavailable(BotError):
    """A database that cannot be reached, so that nothing was stored."""

    code = "database_unavailable"


class AdvisoryLock(IntEnum):
    """Locks that one transaction of all processes holds at a time, as PostgreSQL's advisory locks."""

    SCHEMA = 7_372_001
    AUDIT = 7_372_002


class Transaction:
    """A transaction: its connection and the time that all its statements share."""

    def __init__(self, connection: Connection, clock: Clock, insert: Insert) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.insert = insert
        """Builds an INSERT that supports ON CONFLICT, which SQLAlchemy has for each dialect."""
        self._clock = clock

    @cached_property
    def now(self) -> float:
        """The database's time in epoch seconds, read at the first use and constant from then on."""
        return self._clock(self.connection)

    def acquire_lock(self, lock: AdvisoryLock) -> None:
        """Wait for a lock and hold it until the transaction ends."""
        if self._has_concurrent_writers:
            self.execute(_ACQUIRE_LOCK, {"lock": lock.value})

    def lock_rows(self, rows: Select[Any], values: Mapping[str, Any]) -> None:
        """Lock rows until the transaction ends, with `rows` as a SELECT … FOR UPDATE."""
        if self._has_concurrent_writers:
            self.execute(rows, values)

    @property
    def _has_concurrent_writers(self) -> bool:
        """Whether other transactions can write at the same time; SQLite has one writer."""
        return self.connection.dialect.name == "postgresql"


Step = Callable[[Transaction], Result]
"""The statements of a transaction, as a plain function. It runs in another thread or in a greenlet."""


class Engine(Protocol):
    """A database engine: `bot.db.sqlite.SqliteEngine` or `bot.db.postgres.PostgresEngine`."""

    @property
    def engine(self) -> sqlalchemy.Engine:
        """SQLAlchemy's engine."""

    @property
    def insert(self) -> Insert:
        """The INSERT of the dialect."""

    async def run(self, work: Callable[[Connection], Result], *, read_only: bool) -> Result:
        """Run a function on a connection, in a transaction unless it only reads."""

    async def close(self) -> None:
        """Close every connection."""


def database_clock(connection: Connection) -> float:
    """Return the database's time in epoch seconds, so that replicas with wrong clocks agree.

    One machine has the SQLite file, so its clock is the machine's.
    """
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(_NOW).scalar_one())


class Database:
    """A database and its transactions. `timeout` limits each of them, in seconds; None is no limit."""

    def __init__(self, engine: Engine, *, clock: Clock = database_clock, timeout: float | None = None) -> None:
        self.engine = engine
        self._clock = clock
        self._timeout = timeout
        self._writes: set[asyncio.Task[Any]] = set()

    async def write(self, step: Step[Result], *, use_timeout: bool = True) -> Result:
        """Run a step in a transaction, which commits all of it or nothing.

        The transaction ends even if the caller is cancelled. `use_timeout=False` is for steps that may take long.
        Raises DatabaseUnavailable if the database does not answer or the connection breaks.
        """
        task = asyncio.create_task(self._run(step, read_only=False, timeout=self._timeout if use_timeout else None))
        self._writes.add(task)
        task.add_done_callback(self._write_ended)
        return await asyncio.shield(task)

    async def read(self, step: Step[Result]) -> Result:
        """Run a step that only reads; each statement sees what is committed, and takes no lock.

        Raises DatabaseUnavailable as `write` does.
        """
        return await self._run(step, read_only=True, timeout=self._timeout)

    async def _run(self, step: Step[Result], *, read_only: bool, timeout: float | None) -> Result:  # noqa: ASYNC109 - None for migrations
        def work(connection: Connection) -> Result:
            return step(Transaction(connection, self._clock, self.engine.insert))

        with _translate_errors():
            async with asyncio.timeout(timeout):
                return await self.engine.run(work, read_only=read_only)

    def _write_ended(self, task: asyncio.Task[Any]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as retrieved, because a cancelled caller does not

    async def close(self) -> None:
        """Wait for running writes and close every connection, each for at most `CLOSE_TIMEOUT`."""
        if self._writes:
            await asyncio.wait(self._writes, timeout=CLOSE_TIMEOUT)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.engine.close()


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise DatabaseUnavailable for errors that a retry may resolve."""
    try:
        yield
    except (OSError, PoolTimeoutError) as error:
        raise DatabaseUnavailable from error
    except DBAPIError as error:
        if error.connection_invalidated or "database is locked" in str(error.orig):
            raise DatabaseUnavailable from error
        if str(getattr(error.orig, "sqlstate", "")).startswith(_TRANSIENT_SQLSTATES):
            raise DatabaseUnavailable(
                f"PostgreSQL cannot be used just now ({error.orig}); nothing was kept."
            ) from error
        raise
