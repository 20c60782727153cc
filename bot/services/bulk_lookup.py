"""Look up the people of a list in Genesys Cloud, in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import structlog

from bot.domain.bulk import BulkEntry, Finding
from bot.domain.bulk_list import Written
from bot.domain.people import Member, Person, comparable_email
from bot.domain.policy import ineligibility
from bot.purecloud import (
    GenesysForbidden,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysRejected,
    GenesysServerError,
    User,
)
from bot.purecloud.requests import MAX_SEARCHED
from bot.services.genesys_reads import Allowance, require_requester_share, transient_as_unavailable
from bot.services.identity import read_person
from bot.services.live_state import conversations_of
from bot.services.protected_people import ProtectedPeople, Protection
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity

EXPANSION_ERRORS = (GenesysForbidden, GenesysNoResponse, GenesysNotFound, GenesysRejected, GenesysServerError)
"""Errors that a search with conversations may raise because of them: it is not documented that a search adds any."""

log = structlog.get_logger()


class UserSearch(Protocol):
    """The searches of the Users API; each raises GenesysError."""

    async def search_by_emails(self, emails: Sequence[str], *, with_conversations: bool = False) -> list[User]:
        """Return the users with one of these email addresses."""

    async def search_by_ids(self, user_ids: Sequence[str], *, with_conversations: bool = False) -> list[User]:
        """Return the users with one of these ids."""


class _Search(Protocol):
    """One of these searches."""

    async def __call__(self, values: Sequence[str], /, *, with_conversations: bool) -> list[User]:
        """Return the users with one of these values."""


class FoundUser(NamedTuple):
    """A person, and in how many conversations they are; None if not known."""

    person: Person
    conversations: int | None


Found = Mapping[str, Sequence[FoundUser]]
"""The people by what was searched for."""


class BulkLookup:
    """Finds the people whom the entries of a list name. A search takes up to `MAX_SEARCHED` of them."""

    def __init__(
        self,
        users_api: UserSearch,
        allowance: Allowance,
        users: SlackUsers,
        protected: ProtectedPeople,
        workspace: WorkspaceIdentity,
    ) -> None:
        self._users_api = users_api
        self._allowance = allowance
        self._users = users
        self._protected = protected
        self._workspace = workspace

    async def find(self, written: Sequence[Written], *, requester: Member) -> list[BulkEntry]:
        """Return what was found for each entry, in the order of the list.

        Raises CheckUnavailable and SlackUnavailable for what may pass, and GenesysError.
        """
        members = await self._members(written)
        emails = {ref.email for one in written if (ref := one.ref) and ref.email}
        emails |= {address for member in members.values() if member and (address := member.confirmed_email)}
        ids = {ref.genesys_user_id for one in written if (ref := one.ref) and ref.genesys_user_id}
        searches = _Searches(self._allowance)
        by_email = await self._by_email(searches, sorted(emails))
        by_id = await self._by_id(searches, sorted(ids))
        protection = await self._protected.read()
        judge = _Judge(members, by_email, by_id, protection, requester)
        return [judge.entry(one) for one in written]

    async def _members(self, written: Iterable[Written]) -> dict[str, Member | None]:
        """Look up the Slack users of a list; None for one who is not a full member. Raises SlackUnavailable."""
        ids = dict.fromkeys(ref.slack_user_id for one in written if (ref := one.ref) and ref.slack_user_id)
        found = {one: await self._users.get(one, since=None) for one in ids}
        home = self._workspace.current
        return {one: member if member and not ineligibility(member, home) else None for one, member in found.items()}

    async def _by_email(self, searches: _Searches, emails: Sequence[str]) -> Found:
        found: dict[str, list[FoundUser]] = defaultdict(list)
        for batch in _batches(emails):
            for user in await searches.read(self._users_api.search_by_emails, batch):
                found[(user.email or "").casefold()].append(_found(user))
        return found

    async def _by_id(self, searches: _Searches, ids: Sequence[str]) -> Found:
        found: dict[str, list[FoundUser]] = {}
        for batch in _batches(ids):
            for user in await searches.read(self._users_api.search_by_ids, batch):
                found[user.id.lower()] = [_found(user)]
        return found


class _Searches:
    """The searches of one lookup, within the share of the allowance for requests.

    They ask for the conversations of the people until Genesys Cloud fails to add them.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._with_conversations = True

    async def read(self, search: _Search, batch: Sequence[str]) -> list[User]:
        """Return the users of a search. Raises CheckUnavailable and GenesysError."""
        with transient_as_unavailable():
            if self._with_conversations:
                try:
                    return await self._send(search, batch)
                except EXPANSION_ERRORS as error:
                    self._with_conversations = False
                    log.warning("bulk.conversations_unknown", error=error.code, problem=str(error))
            return await self._send(search, batch)

    async def _send(self, search: _Search, batch: Sequence[str]) -> list[User]:
        require_requester_share(self._allowance)
        return await search(batch, with_conversations=self._with_conversations)


class _Judge:
    """Says what was found for each entry of one list; the first of several entries for a person counts."""

    def __init__(
        self,
        members: Mapping[str, Member | None],
        by_email: Found,
        by_id: Found,
        protection: Protection,
        requester: Member,
    ) -> None:
        self._members = members
        self._by_email = by_email
        self._by_id = by_id
        self._protection = protection
        self._requester = requester
        self._seen: set[str] = set()

    def entry(self, written: Written) -> BulkEntry:
        """Return the entry for what was written."""
        ref = written.ref
        if ref is None:
            return BulkEntry(written.text, Finding.UNREADABLE)
        member = self._members.get(ref.slack_user_id) if ref.slack_user_id else None
        people = self._people(ref.email or (member.confirmed_email if member else None), ref.genesys_user_id)
        if len(people) != 1:
            return BulkEntry(written.text, Finding.AMBIGUOUS if people else Finding.UNKNOWN)
        return self._of_person(written, people[0], member.canonical_id if member else None)

    def _people(self, email: str | None, user_id: str | None) -> Sequence[FoundUser]:
        """Return the people with an address or id, active ones before inactive ones."""
        if user_id:
            return self._by_id.get(user_id.lower(), ())
        people = self._by_email.get((email or "").casefold(), ())
        return [one for one in people if one.person.active] or people

    def _of_person(self, written: Written, found: FoundUser, slack_id: str | None) -> BulkEntry:
        person = found.person
        if person.id in self._seen:
            return BulkEntry(written.text, Finding.DUPLICATE)
        self._seen.add(person.id)
        own = slack_id in self._requester.ids or (
            comparable_email(person.email) is not None
            and comparable_email(person.email) == self._requester.comparable_email
        )
        protected = self._protection.covers(person, slack_id)
        finding = Finding.REQUESTER if own else Finding.FOUND
        return BulkEntry(written.text, finding, person, slack_id, protected, found.conversations)


def _found(user: User) -> FoundUser:
    conversations = conversations_of(user)
    return FoundUser(read_person(user), None if conversations is None else sum(conversations.values()))


def _batches(values: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(values)
    while batch := list(islice(remaining, MAX_SEARCHED)):
        yield batch
