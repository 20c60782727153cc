"""How SQLite is used: one connection in one thread, one writer, and one commit for all that waits for its turn."""

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

BUSY = 2.0
"""Seconds a transaction waits for another process's."""

TURN = 5.0
"""Seconds a transaction waits for those before it; what came later than a locked file lets in is refused, or each
question for readiness would make all that follow wait longer."""


@dataclass(eq=False, slots=True)
class WorkItem:
    """Some work that waits for its turn; `latest` is when that must have come, by the engine's clock."""

    work: Callable[[Connection], Any]
    reading: bool
    latest: float
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Hand the answer to whoever still waits for it."""
        if self.answer.done():
            return
        if self.error is None:
            self.answer.set_result(self.result)
            return
        try:
            self.answer.set_exception(self.error)
        except TypeError as refusal:  # of StopIteration, which no future takes
            self.answer.set_exception(refusal)


class SqliteEngine:
    """An engine that blocks, always used in the same thread over the same connection.

    Transactions that wait for their turn at the same time are committed together, because waiting for the disk is most
    of what one costs. If one of them fails, each is done again on its own: a piece of work must have no effect but on
    the connection it is handed.
    """

    insert = staticmethod(insert)

    def __init__(self, engine: sqlalchemy.Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self._clock = clock
        self._closing = False
        self._waiting: deque[WorkItem] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")

    async def do(self, work: Callable[[Connection], Result], *, reading: bool) -> Result:
        """Run some work, in a transaction unless it only reads; raises DatabaseUnavailable after `TURN` seconds."""
        loop = asyncio.get_running_loop()
        piece = WorkItem(work, reading, self._clock() + TURN, loop.create_future())
        self._waiting.append(piece)
        self._thread.submit(self._work_off, loop)
        result: Result = await piece.answer
        return result

    def _work_off(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do all that waits by now; whoever asked for it after the first finds nothing left."""
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        reading = [piece for piece in waiting if piece.reading]
        writing = [piece for piece in waiting if not piece.reading]
        self._do(reading, self._read)
        _tell(reading, loop)  # now, because the writers may wait for another process
        self._do(writing, self._write)
        _tell(writing, loop)

    def _do(self, pieces: Sequence[WorkItem], how: Callable[[Sequence[WorkItem]], list[Any]]) -> None:
        """Note what each piece resulted in, or why it could not be done."""
        in_time = [piece for piece in pieces if self._is_in_time(piece)]
        if not in_time:
            return
        try:
            results = how(in_time)
        except BaseException as error:  # noqa: BLE001 - whoever waits for it is told, whatever it is
            if len(in_time) == 1:
                in_time[0].error = error
                return
            for piece in in_time:
                self._do([piece], how)
        else:
            for piece, result in zip(in_time, results, strict=True):
                piece.result = result

    def _is_in_time(self, piece: WorkItem) -> bool:
        """Whether a piece is still wanted; what nobody waits for any more is not begun."""
        if self._closing or self._clock() > piece.latest:
            piece.error = DatabaseUnavailable()
        return piece.error is None and not piece.answer.cancelled()

    def _read(self, pieces: Sequence[WorkItem]) -> list[Any]:
        connection = self._connection  # outside of what is taken back: to fail at it must not be to try it twice
        try:
            return [piece.work(connection) for piece in pieces]
        finally:
            connection.rollback()  # SQLAlchemy has begun something; SQLite was told of nothing

    def _write(self, pieces: Sequence[WorkItem]) -> list[Any]:
        """Do all of these or none.

        `BEGIN IMMEDIATE` spares two processes the upgrade from reader to writer, which SQLite refuses at once
        (sqlite.org/lang_transaction.html).
        """
        connection = self._connection
        try:
            with connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return [piece.work(connection) for piece in pieces]
        except Exception:
            connection.connection.rollback()  # SQLAlchemy does not, where it is the commit that failed
            raise

    @cached_property
    def _connection(self) -> Connection:
        """Opened at the first use, in the thread it belongs to."""
        return self.engine.connect()

    async def close(self) -> None:
        """Close the connection, and end the thread; what has not begun yet never does."""
        self._closing = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()
        self.engine.dispose()


def _tell(pieces: Sequence[WorkItem], loop: asyncio.AbstractEventLoop) -> None:
    """Hand the answers over to the loop, if there are any and it has not ended."""
    if pieces and not loop.is_closed():
        loop.call_soon_threadsafe(_tell_each, pieces)


def _tell_each(pieces: Sequence[WorkItem]) -> None:
    for piece in pieces:
        piece.tell()


def sqlite_engine(path: Path, *, clock: Callable[[], float] = time.monotonic) -> SqliteEngine:
    """Make an engine on a SQLite file: WAL, `synchronous=FULL` (a commit is on disk), one connection.

    One connection is enough for one process and spares it lock waits.
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
    return SqliteEngine(engine, clock=clock)


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
