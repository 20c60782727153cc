"""Find the users of a division, a group or a queue of Genesys Cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple, Protocol

from bot.domain.bulk import BulkSource
from bot.domain.denials import DenialCode, Denied
from bot.purecloud import NamedEntity
from bot.services.genesys_reads import Allowance, require_requester_share, transient_as_unavailable


class Members(Protocol):
    """The calls of `bot.purecloud.members`; each raises GenesysError."""

    async def get_authorization_divisions(self, name: str) -> list[NamedEntity]:
        """Return the divisions with exactly this name."""

    async def post_groups_search(self, name: str) -> list[NamedEntity]:
        """Return the groups with exactly this name."""

    async def get_routing_queues(self, name: str) -> list[NamedEntity]:
        """Return the queues with exactly this name."""

    def search_by_division(self, division_id: str) -> AsyncIterator[list[str]]:
        """Yield the ids of the users in a division, page by page."""

    def get_group_members(self, group_id: str) -> AsyncIterator[list[str]]:
        """Yield the ids of the members of a group, page by page."""

    def get_routing_queue_members(self, queue_id: str) -> AsyncIterator[list[str]]:
        """Yield the ids of the members of a queue, page by page."""


class _Kind(NamedTuple):
    find: Callable[[str], Awaitable[list[NamedEntity]]]
    read: Callable[[str], AsyncIterator[list[str]]]


class GenesysSets:
    """Reads sets of users within the share of the allowance for requests."""

    def __init__(self, members: Members, allowance: Allowance) -> None:
        self._allowance = allowance
        self._kinds = {
            BulkSource.DIVISION: _Kind(members.get_authorization_divisions, members.search_by_division),
            BulkSource.GROUP: _Kind(members.post_groups_search, members.get_group_members),
            BulkSource.QUEUE: _Kind(members.get_routing_queues, members.get_routing_queue_members),
        }

    async def members(self, source: BulkSource, name: str, *, limit: int) -> list[str]:
        """Return the user ids of the set with this name.

        At `limit` ids or more, the pages that follow are not read.

        Raises Denied unless exactly one set has the name, CheckUnavailable for what may pass, and GenesysError.
        """
        kind = self._kinds[source]
        with transient_as_unavailable():
            require_requester_share(self._allowance)
            found = await kind.find(name)
            if len(found) != 1:
                code = DenialCode.SET_AMBIGUOUS if found else DenialCode.SET_UNKNOWN
                raise Denied(code, word=f"{source}:{name}")
            return await self._read(kind.read(found[0].id or ""), limit)

    async def _read(self, pages: AsyncIterator[list[str]], limit: int) -> list[str]:
        ids: dict[str, None] = {}
        async for page in pages:
            ids |= dict.fromkeys(page)
            if len(ids) >= limit:
                break
            require_requester_share(self._allowance)
        return list(ids)
