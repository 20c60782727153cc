"""Share reads between callers, and keep to a pace that Slack allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_REMEMBERED = 1000
"""Maximum number of keys whose last answer is kept."""

Answer = TypeVar("Answer")


class Pace:
    """Lets `burst` reads start at once, and then one every `interval` seconds."""

    def __init__(
        self, burst: int, interval: float, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._burst = burst
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._next = float("-inf")

    async def wait(self) -> None:
        """Wait until the next read may start."""
        now = self._clock()
        self._next = max(self._next, now - self._burst * self._interval) + self._interval
        if self._next > now:
            await self._sleep(self._next - now)


@dataclass
class _Read(Generic[Answer]):
    """A read that waits, runs or has ended; `began` is when it was sent."""

    began: float = float("inf")
    task: asyncio.Task[Answer] | None = None

    @property
    def failed(self) -> bool:
        """Whether it ended without an answer."""
        task = self.task
        return task is not None and task.done() and (task.cancelled() or task.exception() is not None)


class SharedReads(Generic[Answer]):
    """Answers of one method, by key.

    An answer serves every caller that would accept one from the time at which its read began.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Answer]],
        *,
        clock: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._pace = pace
        self._reads: dict[str, _Read[Answer]] = {}

    async def get(self, key: str, *, since: float | None) -> Answer:
        """Return an answer whose read began after `since` (monotonic seconds); None is for now.

        Raises what the read raises. A later caller reads again.
        """
        since = self._clock() if since is None else since
        read = self._reads.get(key)
        if read is None or read.task is None or read.began <= since or read.failed:
            read = self._start(key)
        assert read.task is not None  # noqa: S101 - `_start` has set it
        return await asyncio.shield(read.task)

    def _start(self, key: str) -> _Read[Answer]:
        if len(self._reads) >= MAX_REMEMBERED:
            self._reads.clear()
        read = self._reads[key] = _Read[Answer]()
        read.task = asyncio.create_task(self._run(read, key))
        read.task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return read

    async def _run(self, read: _Read[Answer], key: str) -> Answer:
        if self._pace:
            await self._pace.wait()
        read.began = self._clock()
        return await self._fetch(key)
