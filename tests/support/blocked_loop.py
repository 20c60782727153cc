"""Find callbacks that keep the event loop from everything else."""

from __future__ import annotations

import asyncio
import gc
import time
from asyncio.base_events import _run_until_complete_cb  # type: ignore[attr-defined]
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MAX_CPU_TIME = 0.1
"""Maximum processor time of one callback, in seconds. Slack's clicks wait that long behind it."""

TESTS = str(Path(__file__).parents[1])


class MeasuredCallbacks(deque[asyncio.Handle]):
    """The queue of callbacks that are ready, which measures the processor time of each.

    asyncio removes a callback from the queue just before it runs it. The processor time of the thread ignores
    other processes, so that a busy machine does not fail a test. A callback that sleeps is not found.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float]) -> None:
        super().__init__(loop._ready)  # type: ignore[attr-defined]
        self._loop: Any = loop
        self.blocked: list[str] = []
        self._clock = clock
        self._running = ""
        self._began = 0.0
        self._collected = 0.0
        self._collection_began = 0.0

    def popleft(self) -> asyncio.Handle:
        """Return the next callback and begin to measure it."""
        self.finish()
        handle = super().popleft()
        self._running = "" if self._loop._stopping else describe(handle)  # the test itself runs once the loop stops
        self._began, self._collected = self._clock(), 0.0
        return handle

    def finish(self) -> None:
        """End the measurement of the current callback."""
        spent = self._clock() - self._began - self._collected
        if self._running and spent >= MAX_CPU_TIME:
            self.blocked.append(f"{self._running} ran for {spent * 1000:.0f} ms")
        self._running = ""

    def on_garbage_collection(self, phase: str, _: object) -> None:
        """Leave out garbage collection, whose time depends on the tests that ran before."""
        if phase == "start":
            self._collection_began = self._clock()
        else:
            self._collected += self._clock() - self._collection_began


def describe(handle: asyncio.Handle) -> str:
    """Return the name of a callback; empty for a task of a test, which may block."""
    callback: Any = handle._callback  # type: ignore[attr-defined]  # asyncio's debug mode reads it too
    task = getattr(callback, "__self__", None)
    named: Any = task.get_coro() if isinstance(task, asyncio.Task) else callback
    code = getattr(named, "cr_code", None)
    if named is _run_until_complete_cb:  # the loop stops, and a test without a loop runs
        return ""
    if code and code.co_filename.startswith(TESTS):
        return ""
    return str(getattr(named, "__qualname__", type(named).__name__))


@contextmanager
def fail_if_blocked(clock: Callable[[], float] = time.thread_time) -> Iterator[MeasuredCallbacks]:
    """Fail if a callback of the running loop takes 100 ms of processor time."""
    loop: Any = asyncio.get_running_loop()
    before = loop._ready
    if isinstance(before, MeasuredCallbacks):  # a second app in one test
        yield before
        return
    loop._ready = measured = MeasuredCallbacks(loop, clock)
    gc.callbacks.append(measured.on_garbage_collection)
    try:
        yield measured
    finally:
        gc.callbacks.remove(measured.on_garbage_collection)
        loop._ready = deque(measured)
    assert not measured.blocked, f"the event loop was blocked: {'; '.join(measured.blocked)}"
