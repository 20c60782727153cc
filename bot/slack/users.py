"""Look up Slack users and user groups."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

from bot.domain.people import Member, read_member
from bot.errors import SlackUnavailable
from bot.slack.api import SlackApi

GROUP_CACHE_TTL = 60.0
"""How long the members of a user group are cached, in seconds. A click never uses the cache."""

_UNKNOWN_USER = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


class SlackUsers:
    """Slack's users and user groups; every method raises SlackUnavailable."""

    def __init__(self, api: SlackApi, *, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}
        self._waiting_reads: dict[str, asyncio.Task[frozenset[str]]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, user_id: str) -> Member | None:
        """Look a user up, uncached; None for an id that Slack does not know or does not show."""
        return await self._find("users.info", user=user_id)

    async def get_by_email(self, email: str) -> Member | None:
        """Look up the user with an email address; None if there is none."""
        return await self._find("users.lookupByEmail", email=email)

    async def _find(self, method: str, **arguments: str) -> Member | None:
        try:
            response = await self._api.read(method, **arguments)
        except SlackUnavailable as error:
            if error.slack_code in _UNKNOWN_USER:
                return None
            raise
        return read_member(response.get("user") or {})

    async def groups_of(
        self, user_id: str, groups: Sequence[str], *, fresh: bool
    ) -> tuple[frozenset[str], tuple[str, ...]]:
        """Return which of the groups contain a user, and a line for each group that could not be read."""
        results = await asyncio.gather(*(self._members(group, fresh=fresh) for group in groups), return_exceptions=True)
        containing, unread = set(), []
        for group, members in zip(groups, results, strict=True):
            if isinstance(members, SlackUnavailable):
                unread.append(f"user group {group} ({members.slack_code})")
            elif isinstance(members, BaseException):
                raise members
            elif user_id in members:
                containing.add(group)
        return frozenset(containing), tuple(unread)

    async def _members(self, group: str, *, fresh: bool) -> frozenset[str]:
        """Return a group's members; concurrent callers share calls, because Slack allows 20 a minute.

        A fresh answer comes from a call that begins now or later, so a caller who meets a running call waits for the
        next one.
        """
        read_at, members = self._groups.get(group, (float("-inf"), frozenset()))
        if not fresh and self._clock() - read_at < GROUP_CACHE_TTL:
            return members
        read = self._waiting_reads.get(group)
        if read is None:
            read = self._waiting_reads[group] = asyncio.create_task(self._read_group(group))
        return await asyncio.shield(read)

    async def _read_group(self, group: str) -> frozenset[str]:
        """Read a group once no other call reads it; callers that come after the start wait for another call."""
        async with self._locks[group]:
            del self._waiting_reads[group]
            response = await self._api.read("usergroups.users.list", usergroup=group)
        members = frozenset(str(user) for user in response.get("users") or ())
        self._groups[group] = (self._clock(), members)
        return members
