"""Find the people whom the entries of a list name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.domain.bulk import BulkEntry, EntryFinding
from bot.domain.bulk_list import Written
from bot.domain.people import Member, comparable_email
from bot.domain.policy import ineligibility
from bot.services.genesys_reads import Allowance
from bot.services.people_search import Answers, Found, FoundUser, PeopleSearch, UserSearch
from bot.services.protected_people import ProtectedPeople, Protection
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity


class BulkLookup:
    """Finds the people of lists. One that fails for a reason that may pass continues if it is tried again."""

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
        self._people: Answers[Sequence[FoundUser]] = Answers(users.clock)
        self._members: Answers[Member | None] = Answers(users.clock)

    async def find(self, written: Sequence[Written], *, requester: Member) -> list[BulkEntry]:
        """Return what was found for each entry, in the order of the list.

        Raises CheckUnavailable and SlackUnavailable for what may pass, and GenesysError.
        """
        members = await self._slack_users(written)
        emails = {ref.email for one in written if (ref := one.ref) and ref.email}
        emails |= {address for member in members.values() if member and (address := member.confirmed_email)}
        ids = {ref.genesys_user_id for one in written if (ref := one.ref) and ref.genesys_user_id}
        search = PeopleSearch(self._users_api, self._allowance, self._people)
        by_email, by_id = await search.by_email(emails), await search.by_id(ids)
        judge = _Judge(members, by_email, by_id, await self._protected.read(), requester)
        search.end()
        self._members.forget(members)
        return [judge.entry(one) for one in written]

    async def _slack_users(self, written: Iterable[Written]) -> dict[str, Member | None]:
        """Look up the Slack users of a list; None for one who is not a full member. Raises SlackUnavailable."""
        ids = dict.fromkeys(ref.slack_user_id for one in written if (ref := one.ref) and ref.slack_user_id)
        found = self._members.recent(ids)
        for one in [one for one in ids if one not in found]:
            found[one] = await self._users.get_listed(one)
            self._members.keep({one: found[one]})
        home = self._workspace.current
        return {one: member if member and not ineligibility(member, home) else None for one, member in found.items()}


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
            return BulkEntry(written.text, EntryFinding.UNREADABLE)
        member = self._members.get(ref.slack_user_id) if ref.slack_user_id else None
        people = self._people(ref.email or (member.confirmed_email if member else None), ref.genesys_user_id)
        if len(people) != 1:
            return BulkEntry(written.text, EntryFinding.AMBIGUOUS if people else EntryFinding.UNKNOWN)
        return self._of_person(written, people[0], member.canonical_id if member else None)

    def _people(self, email: str | None, user_id: str | None) -> Sequence[FoundUser]:
        """Return the people with an address or id, active ones before inactive ones."""
        if user_id:
            return self._by_id.get(user_id, ())
        people = self._by_email.get(email or "", ())
        return [one for one in people if one.person.active] or people

    def _of_person(self, written: Written, found: FoundUser, slack_id: str | None) -> BulkEntry:
        person = found.person
        if person.id in self._seen:
            return BulkEntry(written.text, EntryFinding.DUPLICATE)
        self._seen.add(person.id)
        own = slack_id in self._requester.ids or (
            comparable_email(person.email) is not None
            and comparable_email(person.email) == self._requester.comparable_email
        )
        protected = self._protection.covers(person, slack_id)
        finding = EntryFinding.REQUESTER if own else EntryFinding.FOUND
        return BulkEntry(written.text, finding, person, slack_id, protected, found.conversations)
