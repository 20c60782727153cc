"""Look up Slack users and user groups."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.people import Member, read_member
from bot.errors import SlackUnavailable
from bot.slack.api import SlackApi
from bot.slack.named_users import READ_BURST, READ_INTERVAL, NamedUsers
from bot.slack.shared_reads import Pace, SharedReads

GROUP_READ_BURST = 5
GROUP_READ_INTERVAL = 4.0
"""Reads of user groups: five at once, then one every four seconds. Slack allows 20 a minute (Tier 2)."""

NAMED_USER_AGE = 60.0
"""Seconds for which an answer of `users.info` for someone else serves to identify a named user."""

_NO_SUCH_GROUP = "no_such_subteam"
"""The one error that is an answer: the group does not exist, or it is disabled. Any other may pass."""

_UNKNOWN_USER = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


class Membership(NamedTuple):
    """The user groups that contain a person.

    `unread` has each group that could not be read. `retry_after` is the delay in seconds after which one
    of them may be readable, None if none may. `members` has the members of the groups that could be read.
    """

    groups: frozenset[str] = frozenset()
    unread: tuple[FailedCheck, ...] = ()
    retry_after: float | None = None
    members: Mapping[str, frozenset[str]] = MappingProxyType({})


class SlackUsers:
    """Slack's users and user groups.

    `since` is when an answer may have begun at the earliest, by `clock` (monotonic seconds); None reads again.
    """

    def __init__(
        self,
        api: SlackApi,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.clock = clock
        self._api = api
        self._users = SharedReads(self._read_user, clock=clock)
        pace = Pace(GROUP_READ_BURST, GROUP_READ_INTERVAL, clock=clock, sleep=sleep)
        self._groups = SharedReads(self._read_group, clock=clock, pace=pace)
        self._listed = Pace(READ_BURST, READ_INTERVAL, clock=clock, sleep=sleep)
        self.named = NamedUsers(self._read_named_user, clock=clock, sleep=sleep)

    async def get(self, user_id: str, *, since: float | None = None) -> Member | None:
        """Look a user up; None for an id that Slack does not know or does not show. Raises SlackUnavailable."""
        return await self._users.get(user_id, since=since)

    async def get_listed(self, user_id: str) -> Member | None:
        """Look up one of many users, at a pace at which Slack does not limit the lookups of clickers.

        Raises SlackUnavailable.
        """
        await self._listed.wait()
        return await self.get(user_id, since=None)

    async def get_by_email(self, email: str) -> Member | None:
        """Look up the user with an email address; None if there is none. Raises SlackUnavailable."""
        return await self._find("users.lookupByEmail", email=email)

    async def _read_user(self, user_id: str) -> Member | None:
        member = await self._find("users.info", user=user_id)
        return member and replace(member, asked_id=user_id)

    async def _read_named_user(self, user_id: str) -> Member | None:
        return await self.get(user_id, since=self.clock() - NAMED_USER_AGE)

    async def _find(self, method: str, **arguments: str) -> Member | None:
        try:
            response = await self._api.read(method, **arguments)
        except SlackUnavailable as error:
            if error.slack_code in _UNKNOWN_USER:
                return None
            raise
        return read_member(response.get("user") or {})

    async def membership(self, ids: frozenset[str], groups: Sequence[str], *, since: float | None) -> Membership:
        """Return which of the groups contain a person, who may have several ids."""
        reads = (self._groups.get(group, since=since) for group in groups)
        results = await asyncio.gather(*reads, return_exceptions=True)
        readable: dict[str, frozenset[str]] = {}
        unread, delays = [], []
        for group, members in zip(groups, results, strict=True):
            if isinstance(members, SlackUnavailable):
                unread.append(FailedCheck(Subject.USER_GROUP, members.slack_code, group))
                delays += [members.retry_after] if members.slack_code != _NO_SUCH_GROUP else []
            elif isinstance(members, BaseException):
                raise members
            else:
                readable[group] = members
        containing = frozenset(group for group, members in readable.items() if ids & members)
        return Membership(containing, tuple(unread), max(delays) if delays else None, readable)

    async def group_members(self, group: str, *, since: float | None) -> frozenset[str]:
        """Return the ids of the members of a user group. Raises SlackUnavailable."""
        return await self._groups.get(group, since=since)

    async def _read_group(self, group: str) -> frozenset[str]:
        response = await self._api.read("usergroups.users.list", usergroup=group)
        return frozenset(str(user) for user in response.get("users") or ())
