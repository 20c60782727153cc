"""Refresh Home tabs that people opened recently when a request changes.

Slack does not report that a person leaves the tab, so a tab counts as open for a while. Each process refreshes the
tabs that were opened through it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from bot.db.driver import DatabaseUnavailable

OPEN_DURATION = 600.0
"""Seconds for which a tab counts as open."""

REFRESH_INTERVAL = 2.0
"""Seconds between two looks for changed requests, while a tab is open."""

MAX_OPEN_TABS = 100
"""Maximum number of tabs that are refreshed; those opened last count. Slack takes about 100 views a minute."""

Refresh = Callable[[], Awaitable[None]]

log = structlog.get_logger()


class OpenTab(NamedTuple):
    """An open tab: when it was opened, in monotonic seconds, and what publishes it again."""

    opened_at: float
    refresh: Refresh


class OpenTabs:
    """The Home tabs that were opened through this process.

    `revision` returns a number that grows with each change of a request; it raises DatabaseUnavailable.
    """

    def __init__(
        self,
        revision: Callable[[], Awaitable[int]],
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._revision = revision
        self._clock = clock
        self._sleep = sleep
        self._tabs: dict[str, OpenTab] = {}
        self._any_open = asyncio.Event()

    def opened(self, user_id: str, refresh: Refresh) -> None:
        """Remember that a person opened the tab; `refresh` publishes it again."""
        self._tabs.pop(user_id, None)
        self._tabs[user_id] = OpenTab(self._clock(), refresh)
        while len(self._tabs) > MAX_OPEN_TABS:
            del self._tabs[next(iter(self._tabs))]
        self._any_open.set()

    async def run(self) -> None:
        """Refresh every open tab after each change. Runs until it is cancelled."""
        seen = None
        while True:
            await self._any_open.wait()
            seen = await self._refresh_after(seen)
            await self._sleep(REFRESH_INTERVAL)
            self._forget_old()

    def _forget_old(self) -> None:
        limit = self._clock() - OPEN_DURATION
        self._tabs = {user_id: tab for user_id, tab in self._tabs.items() if tab.opened_at > limit}
        if not self._tabs:
            self._any_open.clear()

    async def _refresh_after(self, seen: int | None) -> int | None:
        """Refresh the tabs if a request has changed since `seen`; return the revision that the tabs now show."""
        try:
            revision = await self._revision()
        except DatabaseUnavailable:
            return seen
        if revision != seen:
            for tab in list(self._tabs.values()):
                await self._refresh(tab)
        return revision

    async def _refresh(self, tab: OpenTab) -> None:
        try:
            await tab.refresh()
        except Exception:  # the other tabs are refreshed anyway
            log.exception("home.not_refreshed")
