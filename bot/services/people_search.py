"""Search for the people of a list in batches; a lookup that is tried again continues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Generic, NamedTuple, Protocol, TypeVar

import structlog

from bot.domain.people import Person, other_spelling
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

ANSWER_AGE = 300.0
"""Seconds for which a lookup that is tried again uses earlier answers, because a command is retried for as long."""

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

Answer = TypeVar("Answer")


class Answers(Generic[Answer]):
    """Answers by what was asked, until the lookup that needs them has ended.

    `clock` returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Answer]] = {}

    def recent(self, asked: Iterable[str]) -> dict[str, Answer]:
        """Return the answers to some of these questions, and forget what is too old."""
        oldest = self._clock() - ANSWER_AGE
        self._kept = {one: kept for one, kept in self._kept.items() if kept[0] > oldest}
        return {one: self._kept[one][1] for one in asked if one in self._kept}

    def keep(self, answers: Mapping[str, Answer]) -> None:
        """Keep the answers of now."""
        now = self._clock()
        self._kept |= {one: (now, answer) for one, answer in answers.items()}

    def forget(self, asked: Iterable[str]) -> None:
        """Forget these answers, so that the next lookup asks again."""
        for one in asked:
            self._kept.pop(one, None)


class PeopleSearch:
    """The searches of one lookup, each for up to `MAX_SEARCHED` people, within the share for requests.

    They ask for the conversations of the people until Genesys Cloud fails to add them. Each raises CheckUnavailable and
    GenesysError.
    """

    def __init__(self, users: UserSearch, allowance: Allowance, answers: Answers[Sequence[FoundUser]]) -> None:
        self._users = users
        self._allowance = allowance
        self._answers = answers
        self._searched: set[str] = set()
        self._with_conversations = True

    async def by_email(self, emails: Collection[str]) -> Found:
        """Return the people with these addresses, or else with the other spelling of the domain."""
        found = await self._find(self._users.search_by_emails, emails, _email)
        others = {one: other for one in emails if not found[one] and (other := other_spelling(one))}
        return found | await self._spelled(others) if others else found

    async def by_id(self, user_ids: Collection[str]) -> Found:
        """Return the people with these ids."""
        return await self._find(self._users.search_by_ids, user_ids, _id)

    def end(self) -> None:
        """Forget what was found, because the lookup has ended."""
        self._answers.forget(self._searched)

    async def _spelled(self, others: Mapping[str, str]) -> dict[str, Sequence[FoundUser]]:
        """Return the people with other spellings, by the addresses of the list."""
        found = await self._find(self._users.search_by_emails, set(others.values()), _email)
        return {one: found[other] for one, other in others.items()}

    async def _find(
        self, search: _Search, values: Collection[str], key: Callable[[User], str]
    ) -> dict[str, Sequence[FoundUser]]:
        """Return the people with each of these values. Those of an earlier attempt are not searched again."""
        self._searched.update(values)
        found = self._answers.recent(values)
        for batch in _batches(sorted(set(values) - found.keys())):
            people: dict[str, dict[str, FoundUser]] = defaultdict(dict)
            for user in await self._read(search, batch):
                people[key(user)][user.id] = _found(user)
            answers = {one: tuple(people[one.casefold()].values()) for one in batch}
            self._answers.keep(answers)
            found |= answers
        return found

    async def _read(self, search: _Search, batch: Sequence[str]) -> list[User]:
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


def _email(user: User) -> str:
    return (user.email or "").casefold()


def _id(user: User) -> str:
    return user.id.casefold()


def _found(user: User) -> FoundUser:
    conversations = conversations_of(user)
    return FoundUser(read_person(user), None if conversations is None else sum(conversations.values()))


def _batches(values: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(values)
    while batch := list(islice(remaining, MAX_SEARCHED)):
        yield batch
