"""Run transactions on one connection, in a thread. Transactions that wait together share a commit.

A step is the function of a transaction. It may run twice: on its own after another step of its group has failed, and on
a new connection after the old one broke. So a step has no effect except on its transaction. A caller that repeats it
after DatabaseUnavailable uses the same keys, because the first call may have been committed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NoReturn, TypeVar

from bot.db.clock import DatabaseClock
from bot.db.clock import boottime as boottime_of_system
from bot.db.driver import (
    TRANSACTION_TIMEOUT,
    CommitUnknown,
    Connection,
    ConnectionLost,
    DatabaseReplaced,
    DatabaseUnavailable,
    Driver,
)
from bot.db.transaction import Step, Transaction

Result = TypeVar("Result")

CLOSE_TIMEOUT = 1.0
"""Maximum time for closing the connection, in seconds, because an unreachable database does not answer."""

TOO_BUSY = "The database does not answer; nothing was stored."
COMMIT_UNKNOWN = "The connection broke during a commit; it is not known whether anything was stored."


@dataclass(eq=False, slots=True)
class WorkItem:
    """A queued step, which must begin before `deadline`."""

    step: Step[Any]
    future: asyncio.Future[Any]
    deadline: float
    read_only: bool
    durable: bool
    limited: bool
    started: bool = False
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


class Database:
    """A database and its transactions.

    `timeout` limits each transaction, in seconds. `clock` replaces the database's own clock, and `monotonic` the one
    that deadlines are measured with. `boottime` drives the time while the clock is behind; next to a `clock` of the
    caller, no time passes unless the caller says so.
    """

    def __init__(
        self,
        driver: Driver,
        *,
        clock: Callable[[], float] | None = None,
        timeout: float = TRANSACTION_TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
        boottime: Callable[[], float] | None = None,
    ) -> None:
        self.driver = driver
        self._clock = clock
        self._timeout = timeout
        self._monotonic = monotonic
        self.time = DatabaseClock(boottime or (boottime_of_system if clock is None else lambda: 0.0))
        self._queue: SimpleQueue[WorkItem | asyncio.Future[None]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._verified: Connection | None = None
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        self._closing = False
        self._writes: set[asyncio.Future[Any]] = set()

    async def write(self, step: Step[Result], *, durable: bool = True, limited: bool = True) -> Result:
        """Run a step in a transaction, which commits all of it or nothing.

        The transaction ends even if the caller is cancelled. `durable=False` is for what may be repeated after a power
        cut, because its commit does not wait for the disk; `limited=False` for steps that may take long.
        Raises DatabaseUnavailable if the database does not answer or the connection breaks.
        """
        future = self._enqueue(step, read_only=False, durable=durable, limited=limited)
        self._writes.add(future)
        future.add_done_callback(self._write_ended)
        result: Result = await asyncio.shield(future)
        return result

    async def read(self, step: Step[Result]) -> Result:
        """Run a step that only reads; each statement sees what is committed, and takes no lock.

        Raises DatabaseUnavailable as `write` does.
        """
        result: Result = await self._enqueue(step, read_only=True)
        return result

    async def close(self) -> None:
        """Wait for running writes, then close the connection; each takes at most `CLOSE_TIMEOUT`."""
        if self._writes:
            await asyncio.wait(self._writes, timeout=CLOSE_TIMEOUT)
        self._closing = True
        thread, self._thread = self._thread, None
        if thread is None:
            return
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put(closed)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await closed
        except TimeoutError:
            self._interrupt()

    def _enqueue(
        self, step: Step[Any], *, read_only: bool, durable: bool = True, limited: bool = True
    ) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        deadline = self._monotonic() + self._timeout if limited else float("inf")
        item = WorkItem(step, future, deadline, read_only, durable, limited)
        if self._closing:
            future.set_exception(DatabaseUnavailable("The database is closed."))
            return future
        if limited:
            timer = loop.call_later(self._timeout, self._expire, item)
            future.add_done_callback(lambda _: timer.cancel())
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="database", daemon=True)
            self._thread.start()
        self._queue.put(item)
        return future

    def _write_ended(self, future: asyncio.Future[Any]) -> None:
        self._writes.discard(future)
        if not future.cancelled():
            future.exception()  # marks it as retrieved, because a cancelled caller does not

    def _expire(self, item: WorkItem) -> None:
        """End a transaction that is too late: refuse it if it has not begun, or break a connection that hangs."""
        with self._lock:
            if not item.started:
                item.error = DatabaseUnavailable(TOO_BUSY)
        if item.error:
            item.resolve()
        since = self._busy_since
        if since is not None and self._monotonic() - since >= self._timeout / 2:
            self._interrupt()

    def _interrupt(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    # From here on, everything runs in the database's thread.

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            closed = [one for one in batch if isinstance(one, asyncio.Future)]
            items = [one for one in batch if isinstance(one, WorkItem)]
            self._run_items(items)
            if closed:
                self._disconnect()
                for future in closed:
                    _call_soon(future, _set_done, future)
                return

    def _next_batch(self) -> list[WorkItem | asyncio.Future[None]]:
        """Wait for work, and return all that is queued."""
        batch = [self._queue.get()]
        with suppress(Empty):
            while True:
                batch.append(self._queue.get_nowait())
        return batch

    def _run_items(self, items: Sequence[WorkItem]) -> None:
        """Run the reads one by one, then the writes as a group.

        The reads get their results first, because the writes may wait for another process.
        """
        self._verified = None
        reads = [item for item in items if item.read_only]
        for item in reads:
            self._read(item)
        _resolve_soon(reads)
        writes = [item for item in items if not item.read_only]
        self._write(writes)
        _resolve_soon(writes)

    def _read(self, item: WorkItem) -> None:
        def run(connection: Connection) -> Any:
            at = self.time.boottime()
            self._verify(connection)
            return item.step(Transaction(connection, partial(self._now, connection, at, write=False), {}))

        if not self._start(item):
            return
        try:
            with self._busy():
                item.result = self._use_connection(run, [item])
        except BaseException as error:  # noqa: BLE001 - the caller of the item gets it
            item.error = error

    def _write(self, items: Sequence[WorkItem]) -> None:
        """Commit items together. If one of them fails, each runs again on its own."""
        if not items:
            return
        try:
            with self._busy():
                self._commit(items)
        except BaseException as error:  # noqa: BLE001 - the caller of the item gets it
            if len(items) > 1 and not isinstance(error, DatabaseUnavailable | DatabaseReplaced):
                for item in items:
                    self._write([item])
                return
            for item in items:
                item.error = item.error or error

    def _commit(self, items: Sequence[WorkItem]) -> None:
        durable, limited = any(item.durable for item in items), all(item.limited for item in items)
        at = self.time.boottime()

        def begin(connection: Connection) -> tuple[Connection, float | None]:
            self._verify(connection)
            try:
                return connection, connection.begin(durable=durable, limited=limited)
            except BaseException:
                self._roll_back(connection)  # it may have begun before it failed, as when the lock has a timeout
                raise

        connection, now = self._use_connection(begin, items)
        read_time = partial(self._now, connection, at, now, write=True)
        group: dict[str, Any] = {}
        try:
            for item in items:
                if self._start(item):
                    item.result = item.step(Transaction(connection, read_time, group))
            self._end(connection)
            connection.verify()
        except BaseException as error:  # noqa: BLE001 - raised again, translated
            self._roll_back(connection)
            self._raise(error)

    def _verify(self, connection: Connection) -> None:
        """Verify a connection once for the items that were queued together; a commit is verified again."""
        if connection is not self._verified:
            connection.verify()
            self._verified = connection

    def _now(self, connection: Connection, at: float, clock: float | None = None, *, write: bool) -> float:
        """Return the database's time; `clock` is what the database has said already.

        A read may continue the time of an earlier transaction. A transaction that writes reads the clock itself.
        """
        if self._clock:
            clock = self._clock()
        elif not write and (continued := self.time.continued(at)):
            return continued
        return self.time.read(connection, connection.now() if clock is None else clock, at, write=write)

    def _end(self, connection: Connection) -> None:
        """Commit. Raises CommitUnknown if the connection breaks, because the database may have committed."""
        try:
            connection.commit()
        except Exception as error:
            failure = self.driver.translate(error)
            if isinstance(failure, ConnectionLost):
                raise CommitUnknown(COMMIT_UNKNOWN) from error
            raise

    def _start(self, item: WorkItem) -> bool:
        """Return whether an item may run; a late one, or one whose caller was cancelled, may not."""
        with self._lock:
            if not item.started and item.error is None and not item.future.cancelled():
                if self._monotonic() > item.deadline:
                    item.error = DatabaseUnavailable(TOO_BUSY)
                else:
                    item.started = True
            return item.started

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """Remember since when the connection is in use."""
        self._busy_since = self._monotonic()
        try:
            yield
        finally:
            self._busy_since = None

    def _use_connection(self, use: Callable[[Connection], Result], items: Sequence[WorkItem]) -> Result:
        """Call a function with the connection. A connection that broke while it was idle is replaced once."""
        reused = self._connection is not None
        try:
            return use(self._connected())
        except Exception as error:  # noqa: BLE001 - raised again, translated
            failure = self.driver.translate(error)
            in_time = any(self._monotonic() < item.deadline for item in items)
            if not (reused and in_time and isinstance(failure, ConnectionLost)):
                self._raise(error)
        self._disconnect()
        return self._use_connection(use, items)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self.driver.connect()
        return self._connection

    def _raise(self, error: BaseException) -> NoReturn:
        """Raise the error for the caller; close the connection after an error that a retry may resolve."""
        failure = self.driver.translate(error) if isinstance(error, Exception) else error
        if isinstance(failure, DatabaseUnavailable):
            self._disconnect()
        if failure is error:
            raise error
        raise failure from error

    def _roll_back(self, connection: Connection) -> None:
        self.time.forget()
        try:
            connection.rollback()
        except Exception:  # noqa: BLE001 - a broken connection has no transaction
            self._disconnect()

    def _disconnect(self) -> None:
        self.time.forget()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()


def _resolve_soon(items: Sequence[WorkItem]) -> None:
    """Resolve the futures in their event loop, in one call."""
    if items:
        _call_soon(items[0].future, _resolve, items)


def _resolve(items: Sequence[WorkItem]) -> None:
    for item in items:
        item.resolve()


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _call_soon(future: asyncio.Future[Any], function: Callable[..., None], *arguments: Any) -> None:
    """Call a function in the event loop of a future, unless the loop was closed."""
    with suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(function, *arguments)
