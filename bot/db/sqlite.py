"""SQLite with one connection in one thread, and one commit for all transactions that are queued."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.dialects.sqlite import insert

from bot.db.engine import DatabaseUnavailable

Result = TypeVar("Result")

BUSY_TIMEOUT = 2.0
"""Maximum time to wait for the lock of another process, in seconds."""

QUEUE_TIMEOUT = 5.0
"""Maximum time a transaction may be queued, in seconds. Without a limit, readiness probes pile up behind a locked
file, and every later transaction waits for them."""


@dataclass(eq=False, slots=True)
class WorkItem:
    """A queued transaction. The engine's clock must not have passed `deadline` when it starts."""

    work: Callable[[Connection], Any]
    read_only: bool
    deadline: float
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        """Set the result of the future, unless its caller was cancelled."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
            return
        try:
            self.future.set_exception(self.error)
        except TypeError as error:  # a future refuses StopIteration
            self.future.set_exception(error)


class SqliteEngine:
    """A blocking engine, always used in the same thread over the same connection.

    Transactions that are queued together are committed together, because most of the cost of a transaction is the wait
    for the disk. If one of them fails, each runs again on its own, so a function that is run must have no effect except
    on its connection.
    """

    insert = staticmethod(insert)

    def __init__(self, engine: sqlalchemy.Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self._clock = clock
        self._closing = False
        self._queue: deque[WorkItem] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")

    async def run(self, work: Callable[[Connection], Result], *, read_only: bool) -> Result:
        """Run a function on the connection, in a transaction unless it only reads.

        Raises DatabaseUnavailable after it was queued for `QUEUE_TIMEOUT` seconds.
        """
        loop = asyncio.get_running_loop()
        item = WorkItem(work, read_only, self._clock() + QUEUE_TIMEOUT, loop.create_future())
        self._queue.append(item)
        self._thread.submit(self._run_batch, loop)
        result: Result = await item.future
        return result

    def _run_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run all that is queued; the calls submitted for items of the same batch find the queue empty."""
        batch = [self._queue.popleft() for _ in range(len(self._queue))]
        reads = [item for item in batch if item.read_only]
        writes = [item for item in batch if not item.read_only]
        self._run_items(reads, self._read)
        _resolve_soon(reads, loop)  # before the writes, because those may wait for another process
        self._run_items(writes, self._write)
        _resolve_soon(writes, loop)

    def _run_items(self, items: Sequence[WorkItem], run: Callable[[Sequence[WorkItem]], list[Any]]) -> None:
        """Run items together and store each one's result, or its error after it has failed alone."""
        runnable = [item for item in items if self._is_runnable(item)]
        if not runnable:
            return
        try:
            results = run(runnable)
        except BaseException as error:  # noqa: BLE001 - the caller of the item gets it
            if len(runnable) == 1:
                runnable[0].error = error
                return
            for item in runnable:
                self._run_items([item], run)
        else:
            for item, result in zip(runnable, results, strict=True):
                item.result = result

    def _is_runnable(self, item: WorkItem) -> bool:
        """Return False for an item that is too late or whose caller was cancelled."""
        if self._closing or self._clock() > item.deadline:
            item.error = DatabaseUnavailable()
        return item.error is None and not item.future.cancelled()

    def _read(self, items: Sequence[WorkItem]) -> list[Any]:
        connection = self._connection  # outside of the try, because a failure to open it must not be retried
        try:
            return [item.work(connection) for item in items]
        finally:
            connection.rollback()  # ends SQLAlchemy's implicit transaction; SQLite has none open

    def _write(self, items: Sequence[WorkItem]) -> list[Any]:
        """Run all items in one transaction.

        `BEGIN IMMEDIATE` takes the write lock at once. SQLite refuses to upgrade a reader to a writer while another
        process writes (sqlite.org/lang_transaction.html).
        """
        connection = self._connection
        try:
            with connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return [item.work(connection) for item in items]
        except Exception:
            connection.connection.rollback()  # SQLAlchemy does not roll back when the commit has failed
            raise

    @cached_property
    def _connection(self) -> Connection:
        """The connection, opened at the first use, in the thread that it belongs to."""
        return self.engine.connect()

    async def close(self) -> None:
        """Close the connection and end the thread; queued transactions are not started."""
        self._closing = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()
        self.engine.dispose()


def _resolve_soon(items: Sequence[WorkItem], loop: asyncio.AbstractEventLoop) -> None:
    """Resolve the futures in the event loop, unless it was closed."""
    if items and not loop.is_closed():
        loop.call_soon_threadsafe(_resolve, items)


def _resolve(items: Sequence[WorkItem]) -> None:
    for item in items:
        item.resolve()


def sqlite_engine(path: Path, *, clock: Callable[[], float] = time.monotonic) -> SqliteEngine:
    """Return an engine on a SQLite file: WAL, and `synchronous=FULL`, so that a commit is on disk.

    One connection is enough for a process and spares it waits for its own locks.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"timeout": BUSY_TIMEOUT},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _configure)
    return SqliteEngine(engine, clock=clock)


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # keeps the driver from beginning transactions
    cursor = connection.cursor()
    _enable_wal(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _enable_wal(cursor: sqlite3.Cursor) -> None:
    """Switch the file to WAL; retry, because SQLite refuses one of two concurrent switches."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_TIMEOUT / 40)
        else:
            return
