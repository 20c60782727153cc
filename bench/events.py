"""Named events and the time at which each of them happens."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

EVENT_TIMEOUT = 60.0
"""Maximum time to wait for an event, in seconds. A longer wait is an error and not a result."""


@dataclass
class EventRecorder:
    """Events that are expected under a name, each of them once."""

    _expected: dict[str, asyncio.Future[tuple[float, Any]]] = field(default_factory=dict)

    def expect(self, name: str) -> asyncio.Future[tuple[float, Any]]:
        """Return a future of the event's time (`time.perf_counter`) and data."""
        future: asyncio.Future[tuple[float, Any]] = asyncio.get_running_loop().create_future()
        self._expected[name] = future
        return future

    def record(self, name: str, data: Any = None) -> None:
        """Complete the future of an event; ignore an event that is not expected."""
        future = self._expected.pop(name, None)
        if future and not future.done():
            future.set_result((time.perf_counter(), data))


async def wait_for(future: asyncio.Future[tuple[float, Any]]) -> tuple[float, Any]:
    """Wait for an expected event; raise TimeoutError after `EVENT_TIMEOUT`."""
    async with asyncio.timeout(EVENT_TIMEOUT):
        return await future
