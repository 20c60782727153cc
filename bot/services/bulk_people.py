"""Turn what a command names into the entries of a bulk request, by the kind of its source."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from bot.db import bulk_entries
from bot.db.engine import Database
from bot.domain.bulk import SETS, BulkEntry, BulkSource
from bot.domain.bulk_list import Written, read_csv, read_list
from bot.domain.commands import PeopleRef, TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.people import Member
from bot.services.bulk_requesting import PeopleFound


class ListLookup(Protocol):
    """Looks up the entries of a list; raises CheckUnavailable or SlackUnavailable for what may pass."""

    async def find(self, written: Sequence[Written], *, requester: Member) -> list[BulkEntry]:
        """Return what was found for each entry."""


class SlackFiles(Protocol):
    """Downloads files; raises Denied for one that the bot does not take, and SlackUnavailable."""

    async def download(self, file_id: str) -> tuple[str, bytes]:
        """Return the name and the content of a file."""


class SlackGroups(Protocol):
    """Reads user groups; raises SlackUnavailable."""

    async def group_members(self, group: str, *, since: float | None) -> frozenset[str]:
        """Return the ids of the members of a user group."""


class Sets(Protocol):
    """Reads sets of users in Genesys Cloud; raises Denied, CheckUnavailable and GenesysError."""

    async def members(self, source: BulkSource, name: str, *, limit: int) -> list[str]:
        """Return the user ids of the set with this name, at `limit` ids or more not all of them."""


class BulkPeople:
    """Looks up whom a command names, for a bulk request. A list has at most `limit` entries."""

    def __init__(
        self,
        database: Database,
        lookup: ListLookup,
        files: SlackFiles,
        groups: SlackGroups,
        sets: Sets,
        *,
        limit: int,
    ) -> None:
        self._sets = sets
        self._database = database
        self._lookup = lookup
        self._files = files
        self._groups = groups
        self._limit = limit

    async def look_up(self, people: PeopleRef, requester: Member) -> PeopleFound:
        """Return what was found for each entry of a list.

        Raises Denied, CheckUnavailable and SlackUnavailable.
        """
        written, name = await self._written(people)
        if len(written) > self._limit:
            more = "+" if people.source in SETS else ""  # further members were not read
            raise Denied(DenialCode.LIST_TOO_LONG, count=f"{len(written)}{more}", limit=str(self._limit))
        return PeopleFound(await self._lookup.find(written, requester=requester), name)

    async def _written(self, people: PeopleRef) -> tuple[Sequence[Written], str]:
        """Return the entries that a command names, and the name of their source."""
        match people.source:
            case BulkSource.LIST:
                return read_list(people.text), ""
            case BulkSource.FILE:
                name, content = await self._files.download(people.file_id)
                return await asyncio.to_thread(read_csv, content, max_rows=self._limit), name
            case BulkSource.USER_GROUP:
                members = await self._groups.group_members(people.name, since=None)
                return [_written(TargetRef(slack_user_id=one)) for one in sorted(members)], people.name
            case source if source in SETS:
                ids = await self._sets.members(source, people.name, limit=self._limit + 1)
                return [_written(TargetRef(genesys_user_id=one)) for one in ids], people.name
            case BulkSource.RETRY:
                return await self._unsuccessful(people.request_id)
            case _:
                return [_written(one) for one in people.targets], ""

    async def _unsuccessful(self, request_id: str) -> tuple[Sequence[Written], str]:
        """Return the people of an earlier bulk request who failed or are unknown, and its reference."""
        reference, ids = await self._database.read(lambda tx: bulk_entries.unsuccessful(tx, request_id))
        return [_written(TargetRef(genesys_user_id=one)) for one in ids], reference


def _written(ref: TargetRef) -> Written:
    return Written(ref.email or ref.genesys_user_id or ref.slack_user_id or "", ref)
