"""Things that are waited for by name, and when each of them came."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0
"""Seconds after which what did not come is an error, not a figure."""


@dataclass
class Arrivals:
    """What came under which name; a name is waited for before it comes, and comes once."""

    _expected: dict[str, asyncio.Future[tuple[float, Any]]] = field(default_factory=dict)

    def expect(self, name: str) -> asyncio.Future[tuple[float, Any]]:
        """Return what will tell the moment (`time.perf_counter`) and what came."""
        future: asyncio.Future[tuple[float, Any]] = asyncio.get_running_loop().create_future()
        self._expected[name] = future
        return future

    def came(self, name: str, what: Any = None) -> None:
        """Tell whoever waits; what nobody waits for is nothing."""
        future = self._expected.pop(name, None)
        if future and not future.done():
            future.set_result((time.perf_counter(), what))


async def soon(future: asyncio.Future[tuple[float, Any]]) -> tuple[float, Any]:
    """Wait for something that must come."""
    async with asyncio.timeout(PATIENCE):
        return await future
