"""What a command reports about its progress."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.audit_log.progress import counted


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def test_counted__yields_each_item_and_reports_every_ten_thousand() -> None:
    reports: list[int] = []
    items = [item async for item in counted(numbers(25_000), reports.append)]
    assert items == list(range(25_000))
    assert reports == [10_000, 20_000]
