"""A clock for tests."""

from __future__ import annotations

import asyncio


class FakeClock:
    """A clock that moves only when a test advances it or when code sleeps on it.

    Calling it returns the time in seconds. It replaces `time.monotonic` and `time.time`, and the database's clock,
    which is called with a connection. Its `sleep` replaces `asyncio.sleep`.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        """The current time; a test may set it."""
        self.step = 0.0
        """Seconds by which each call moves the clock, as a real clock moves between two calls."""
        self.slept: list[float] = []
        """The duration of every sleep so far, in seconds."""

    def __call__(self, _connection: object = None) -> float:
        """Return the current time."""
        self.now += self.step
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        """Move the clock forward and let other tasks run once."""
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)
