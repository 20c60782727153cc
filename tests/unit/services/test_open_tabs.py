"""Home tabs that are refreshed when a request changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.db.driver import DatabaseUnavailable
from bot.services.open_tabs import MAX_OPEN_TABS, OPEN_DURATION, OpenTabs
from tests.support.clock import FakeClock


class Tabs:
    """Open tabs on a clock that the test moves; each step is one look for changes."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.revision = 1
        self.database_available = True
        self.refreshed: list[str] = []
        self.steps: asyncio.Queue[None] = asyncio.Queue()
        self.looked = asyncio.Event()
        self.tabs = OpenTabs(self.read_revision, clock=self.clock, sleep=self.sleep)

    async def read_revision(self) -> int:
        if not self.database_available:
            raise DatabaseUnavailable
        return self.revision

    async def sleep(self, seconds: float) -> None:
        self.looked.set()
        await self.steps.get()
        self.clock.advance(seconds)

    def open(self, user_id: str) -> None:
        async def refresh() -> None:
            self.refreshed.append(user_id)
            if user_id == "broken":
                raise RuntimeError("unexpected")

        self.tabs.opened(user_id, refresh)

    async def look(self) -> list[str]:
        """Let the next look for changes happen; return whose tabs were refreshed."""
        self.refreshed.clear()
        self.looked.clear()
        self.steps.put_nowait(None)
        await self.looked.wait()
        return list(self.refreshed)


@asynccontextmanager
async def running_tabs(*people: str) -> AsyncIterator[Tabs]:
    """Run with the tabs of these people open, until the first look is over."""
    tabs = Tabs()
    for user_id in people:
        tabs.open(user_id)
    task = asyncio.create_task(tabs.tabs.run())
    try:
        if people:
            await tabs.looked.wait()
        yield tabs
    finally:
        task.cancel()


async def test_tabs__are_refreshed_after_each_change_and_only_then() -> None:
    async with running_tabs("olivia", "ben") as tabs:
        assert await tabs.look() == []
        tabs.revision += 1
        assert await tabs.look() == ["olivia", "ben"]
        assert await tabs.look() == []


async def test_tabs__that_were_opened_long_ago_are_forgotten() -> None:
    async with running_tabs("olivia") as tabs:
        tabs.clock.advance(OPEN_DURATION / 2)
        tabs.open("ben")
        tabs.clock.advance(OPEN_DURATION / 2)
        tabs.revision += 1
        assert await tabs.look() == ["ben"]


async def test_tabs__opened_again_stay_open() -> None:
    async with running_tabs("olivia") as tabs:
        tabs.clock.advance(OPEN_DURATION - 10)
        tabs.open("olivia")
        tabs.clock.advance(OPEN_DURATION - 10)
        tabs.revision += 1
        assert await tabs.look() == ["olivia"]


async def test_tabs__one_that_fails_stops_no_other() -> None:
    async with running_tabs("broken", "ben") as tabs:
        tabs.revision += 1
        assert await tabs.look() == ["broken", "ben"]


async def test_tabs__are_refreshed_once_the_database_is_back() -> None:
    async with running_tabs("olivia") as tabs:
        tabs.database_available = False
        tabs.revision += 1
        assert await tabs.look() == []
        tabs.database_available = True
        assert await tabs.look() == ["olivia"]


async def test_tabs__are_bounded_and_the_last_opened_count() -> None:
    async with running_tabs(*(str(number) for number in range(MAX_OPEN_TABS + 1))) as tabs:
        tabs.revision += 1
        assert await tabs.look() == [str(number) for number in range(1, MAX_OPEN_TABS + 1)]


async def test_tabs__without_one_the_database_is_not_read() -> None:
    async with running_tabs() as tabs:
        await asyncio.sleep(0)
        assert not tabs.looked.is_set()
