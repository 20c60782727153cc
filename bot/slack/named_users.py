"""Slack users whom the settings name, under every id and email address seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain.people import Member
from bot.errors import SlackUnavailable
from bot.slack.shared_reads import Pace, SharedReads

REFRESH_AFTER = 600.0
"""Seconds for which an answer serves. Ids never change, and email addresses rarely do."""

READ_BURST = 30
READ_INTERVAL = 0.5
"""Reads of named users, and of those on a list: thirty at once, then two a second.

Slack allows more than 100 a minute (Tier 4).
"""


@dataclass(frozen=True, slots=True)
class NamedUser:
    """What Slack has said about a user: their ids, and their email addresses in the form for comparisons."""

    ids: frozenset[str]
    emails: frozenset[str] = frozenset()
    bot: bool = False

    def is_one_of(self, ids: frozenset[str], emails: frozenset[str]) -> bool:
        """Return whether this is the person with these ids, or with one of these email addresses."""
        return bool(self.ids & ids or self.emails & emails)


class NamedUsers:
    """Reads named users, and keeps what it has seen: an account may lose its address."""

    def __init__(
        self,
        read: Callable[[str], Awaitable[Member | None]],
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, NamedUser] = {}
        pace = Pace(READ_BURST, READ_INTERVAL, clock=clock, sleep=sleep)
        self._reads = SharedReads(self._refresh, clock=clock, pace=pace)

    async def get(self, user_id: str) -> NamedUser | None:
        """Return a user, None for an id that Slack has never known.

        Raises SlackUnavailable if Slack fails and has never answered.
        """
        try:
            return await self._reads.get(user_id, since=self._clock() - REFRESH_AFTER)
        except SlackUnavailable:
            if user_id in self._known:
                return self._known[user_id]
            raise

    async def _refresh(self, user_id: str) -> NamedUser | None:
        member = await self._read(user_id)
        known = self._known.get(user_id)
        if member is None:
            return known
        seen = known or NamedUser(frozenset())
        address = member.comparable_email
        emails = seen.emails | ({address} if address else set())
        self._known[user_id] = NamedUser(seen.ids | member.ids, emails, member.bot)
        return self._known[user_id]
