"""Report how many rows or requests of the audit log a command has read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

PROGRESS_INTERVAL: Final = 10_000
"""Items between two reports of progress."""

ReportProgress = Callable[[int], None]
"""Takes the number of items that are done."""

_Item = TypeVar("_Item")


def no_progress(_done: int) -> None:
    """Report nothing."""


async def counted(items: AsyncIterator[_Item], report: ReportProgress) -> AsyncIterator[_Item]:
    """Yield the items, and report their number again and again."""
    done = 0
    async for item in items:
        yield item
        done += 1
        if done % PROGRESS_INTERVAL == 0:
            report(done)
