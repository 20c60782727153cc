"""Simulated processes of the bot whose calls can fail, or kill the process, at any point.

The services, the worker and the store are real. Slack and Genesys Cloud are objects in memory, and the database runs
in the event loop, whose time is virtual. So one schedule belongs to one plan of faults. A process acts on the world by
calls of the database, Slack and Genesys Cloud only. Its death before and after each call covers every other moment.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

from bot.db.driver import DatabaseUnavailable, Driver
from bot.db.engine import Database, WorkItem
from bot.db.job_queue import LEASE_DURATION
from bot.db.transaction import Step
from tests.support.examples import NOON

T = TypeVar("T")

LATENCY = 0.01
"""Duration of a call, in virtual seconds."""


class Fault(StrEnum):
    """What happens at a call."""

    ERROR = "error"
    """The call fails without an effect."""
    LOST = "lost"
    """The call takes effect, but its caller gets an error."""
    DEATH = "death"
    """The process dies before the call takes effect."""
    DEATH_AFTER = "death after"
    """The process dies after the call has taken effect."""
    SLOW = "slow"
    """The call takes longer than a lease."""


class Call(NamedTuple):
    """A call that a process made. Whether it has an effect if it `changes` nothing makes no difference."""

    name: str
    changes: bool

    @property
    def possible_faults(self) -> tuple[Fault, ...]:
        """The faults that differ at this call."""
        return tuple(Fault) if self.changes else (Fault.ERROR, Fault.DEATH)


class Faults(Protocol):
    """Decides at which calls faults occur."""

    def next(self, call: Call) -> Fault | None:
        """Return the fault of the next call."""


@dataclass
class FaultPlan:
    """Faults by the number of the call at which they occur; `calls` has all calls."""

    faults: Mapping[int, Fault] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def next(self, call: Call) -> Fault | None:
        self.calls.append(call)
        return self.faults.get(len(self.calls) - 1)


@dataclass
class RandomFaults:
    """Faults at random calls, up to a number of them."""

    rng: random.Random
    rate: float
    left: int

    def next(self, call: Call) -> Fault | None:
        if not self.left or self.rng.random() >= self.rate:
            return None
        self.left -= 1
        return self.rng.choice(call.possible_faults)


CURRENT: ContextVar[SimulatedProcess] = ContextVar("process")


class SimulatedProcess:
    """The tasks of a process, and its calls. `on_death` is called when it dies."""

    def __init__(self, faults: Faults, on_death: Callable[[], None]) -> None:
        self.dead = False
        self._faults = faults
        self._on_death = on_death
        self._tasks: set[asyncio.Task[Any]] = set()

    async def call(
        self,
        call: Call,
        effect: Callable[[], T],
        error: Callable[[], Exception],
        lost: Callable[[], Exception] | None = None,
    ) -> T:
        """Run the effect of a call unless a fault prevents it. `lost` makes the error of a lost answer."""
        self.require_alive()
        fault = self._faults.next(call)
        usual = 0.0 if call.name in ("read", "write") else LATENCY
        await asyncio.sleep(LEASE_DURATION + 1 if fault is Fault.SLOW else usual)
        self.require_alive()
        if fault is Fault.DEATH:
            self.die()
        if fault is Fault.ERROR:
            raise error()
        result = effect()
        if fault is Fault.DEATH_AFTER:
            self.die()
        if fault is Fault.LOST:
            make = lost or error
            raise make()
        return result

    def require_alive(self) -> None:
        """Raise CancelledError in a dead process, so that its tasks do nothing more."""
        if self.dead:
            raise asyncio.CancelledError

    def die(self) -> None:
        """Cancel every task of the process."""
        self.dead = True
        for task in self._tasks:
            task.cancel()
        self._on_death()
        raise asyncio.CancelledError

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that belongs to the process, and so do the tasks that it starts."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def accepts(self, work: Coroutine[Any, Any, object]) -> bool:
        """Return whether the process completes some work, such as storing a click, without an error."""
        task = self.spawn(work)
        await asyncio.wait([task])
        return not task.cancelled() and task.exception() is None

    def add(self, task: asyncio.Task[Any]) -> None:
        """Remember a task."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def remember_tasks(loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """Create a task and add it to its process; this is a task factory."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    process = CURRENT.get(None) if context is None else context.get(CURRENT)
    if process:
        process.add(task)
    return task


class InlineDatabase(Database):
    """A database without a thread, whose clock is that of the virtual loop."""

    def __init__(self, driver: Driver) -> None:
        time = asyncio.get_running_loop().time
        super().__init__(driver, clock=lambda: NOON + time(), boottime=time)

    async def write(self, step: Step[T], *, durable: bool = True, limited: bool = True) -> T:  # noqa: ARG002 - overrides
        return self.run_now(step, read_only=False)

    async def read(self, step: Step[T]) -> T:
        return self.run_now(step, read_only=True)

    def run_now(self, step: Step[T], *, read_only: bool) -> T:
        """Run a transaction at once."""
        future = asyncio.get_running_loop().create_future()
        item = WorkItem(step, future, float("inf"), read_only, durable=False, limited=False)
        if read_only:
            self._read(item)
        else:
            self._write([item])
        if item.error:
            raise item.error
        result: T = item.result
        return result

    async def close(self) -> None:
        self._disconnect()


class SimulatedDatabase(InlineDatabase):
    """The database of one process."""

    def __init__(self, driver: Driver, process: SimulatedProcess) -> None:
        super().__init__(driver)
        self._process = process

    async def write(self, step: Step[T], *, durable: bool = True, limited: bool = True) -> T:  # noqa: ARG002 - overrides
        return await self._call(Call("write", changes=True), step)

    async def read(self, step: Step[T]) -> T:
        return await self._call(Call("read", changes=False), step)

    async def _call(self, call: Call, step: Step[T]) -> T:
        def effect() -> T:
            return self.run_now(step, read_only=not call.changes)

        return await self._process.call(call, effect, lambda: DatabaseUnavailable("simulated"))


async def eventually(check: Callable[[], bool], seconds: float, interval: float = 0.1) -> bool:
    """Wait until a check is true, for a time; return whether it is."""
    ends_at = asyncio.get_running_loop().time() + seconds
    while not check() and asyncio.get_running_loop().time() < ends_at:  # noqa: ASYNC110 - the time is virtual
        await asyncio.sleep(interval)
    return check()


async def retry(work: Callable[[], Awaitable[object]], delay: float) -> None:
    """Repeat some work until the database does not fail."""
    while True:
        with suppress(DatabaseUnavailable):
            await work()
            return
        await asyncio.sleep(delay)
