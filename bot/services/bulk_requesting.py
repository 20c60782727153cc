"""Find the people of a bulk request, before it is created."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from bot.domain.bulk import BulkEntry, BulkSummary, summarize
from bot.domain.commands import PeopleRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.people import Member


class PeopleFound(NamedTuple):
    """The entries of a list in its order, and the name of where it comes from; see `BulkSummary`."""

    entries: Sequence[BulkEntry]
    name: str = ""


class PeopleLookup(Protocol):
    """Looks people up; raises Denied, and CheckUnavailable or SlackUnavailable for what may pass."""

    async def look_up(self, people: PeopleRef, requester: Member) -> PeopleFound:
        """Return what was found for each entry of a list."""


class BulkRequests:
    """Finds whom a bulk request is about.

    `limit` is the number of people that one may have, and `per_minute` returns how many the bot revokes in a minute,
    None if not known.
    """

    def __init__(
        self, lookup: PeopleLookup, *, limit: int, per_minute: Callable[[], float | None] = lambda: None
    ) -> None:
        self._lookup = lookup
        self._limit = limit
        self._per_minute = per_minute

    async def find(self, people: PeopleRef | None, requester: Member) -> tuple[BulkSummary, Sequence[BulkEntry]]:
        """Return the summary and the entries of a list.

        Raises Denied for a list without people, or with too many.
        """
        if people is None:
            raise Denied(DenialCode.LIST_WITHOUT_PEOPLE)
        found = await self._lookup.look_up(people, requester)
        summary = summarize(people.source, found.entries, name=found.name)
        if summary.people > self._limit:
            raise Denied(DenialCode.LIST_TOO_LONG, count=str(summary.people), limit=str(self._limit))
        if not summary.people:
            raise Denied(DenialCode.LIST_WITHOUT_PEOPLE)
        rate = self._per_minute()
        details = {"seconds": math.ceil(summary.people * 60 / rate)} if rate else {}
        return replace(summary, details={**summary.details, **details}), found.entries
