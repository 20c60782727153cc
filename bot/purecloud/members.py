"""Divisions, groups and queues, and the users in them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.purecloud import requests
from bot.purecloud.models import (
    AuthzDivisionEntityListing,
    GroupsSearchResponse,
    QueueEntityListing,
    QueueMemberEntityListing,
    UserEntityListing,
    UsersSearchResponse,
)
from bot.purecloud.paging import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bot.purecloud.caller import Caller
    from bot.purecloud.models import NamedEntity

MAX_NAME_PAGES = 10
"""Pages of a search for a name that are read. Each has a hundred entries, of which one has exactly the name."""

MAX_MEMBER_PAGES = 1000
"""Pages of a listing without a number of pages that are read, in case it never ends."""


class MembersApi:
    """Finds sets of users by name, and yields the ids of their users, page by page.

    The methods are named after the operations of the Objects, Groups, Routing and Users API. A name matches in any
    letter case. A caller that has enough ids stops, and no further page is requested.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get_authorization_divisions(self, name: str) -> list[NamedEntity]:
        """Return the divisions with exactly this name."""
        build = partial(requests.get_authorization_divisions, name)
        found = pages(self._caller, AuthzDivisionEntityListing, build, limit=MAX_NAME_PAGES)
        return _exactly(name, [division async for page in found for division in page.entities])

    async def post_groups_search(self, name: str) -> list[NamedEntity]:
        """Return the groups with exactly this name."""
        build = partial(requests.post_groups_search, name)
        found = pages(self._caller, GroupsSearchResponse, build, limit=MAX_NAME_PAGES)
        return _exactly(name, [group async for page in found for group in page.results])

    async def get_routing_queues(self, name: str) -> list[NamedEntity]:
        """Return the queues with exactly this name.

        Permission: `routing:queue:view`.
        """
        build = partial(requests.get_routing_queues, name)
        found = pages(self._caller, QueueEntityListing, build, limit=MAX_NAME_PAGES)
        return _exactly(name, [queue async for page in found for queue in page.entities])

    async def search_by_division(self, division_id: str) -> AsyncIterator[list[str]]:
        """Yield the ids of the users in a division, without deleted ones.

        Permission: `directory:user:view`.
        """
        async for page in pages(self._caller, UsersSearchResponse, partial(requests.search_by_division, division_id)):
            yield [user.id for user in page.results if not user.deleted]

    async def get_group_members(self, group_id: str) -> AsyncIterator[list[str]]:
        """Yield the ids of the members of a group: individuals, owners, and those whom a rule includes."""
        async for page in pages(self._caller, UserEntityListing, partial(requests.get_group_members, group_id)):
            yield _ids(page.entities)

    async def get_routing_queue_members(self, queue_id: str) -> AsyncIterator[list[str]]:
        """Yield the ids of the members of a queue, whether they have joined it or not.

        Permission: `routing:queue:view`.
        """
        build = partial(requests.get_routing_queue_members, queue_id)
        async for page in pages(self._caller, QueueMemberEntityListing, build, limit=MAX_MEMBER_PAGES):
            yield _ids(page.entities)


def _exactly(name: str, found: Sequence[NamedEntity]) -> list[NamedEntity]:
    wanted = name.strip().casefold()
    return [one for one in found if one.id and (one.name or "").strip().casefold() == wanted]


def _ids(entities: Sequence[NamedEntity]) -> list[str]:
    return [one.id for one in entities if one.id]
