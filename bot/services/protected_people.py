"""Find out which people of a list PROTECTED names, without a lookup for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.domain.failed_checks import CheckUnavailable, FailedCheck, Subject
from bot.domain.people import Person, comparable_email
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SlackUnavailable
from bot.services.slack_principals import MAX_GROUP_SIZE
from bot.slack.users import SlackUsers

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Protection:
    """The Slack user ids and email addresses that are protected; `everyone` if not all of them are known."""

    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    everyone: bool = False

    def covers(self, person: Person, slack_id: str | None) -> bool:
        """Return whether a person is protected, or may be."""
        return self.everyone or slack_id in self.ids or comparable_email(person.email) in self.emails


class ProtectedPeople:
    """Reads whom PROTECTED names.

    Genesys Cloud has no list of the people with a permission, and their roles would need a call for each person. So
    with a role or permission in PROTECTED, every person of a list counts as protected. The same holds for a user group
    that is empty, too large or unreadable.
    """

    def __init__(self, users: SlackUsers, protected: Sequence[Principal]) -> None:
        self._users = users
        self._protected = protected

    async def read(self) -> Protection:
        """Return whom PROTECTED names now.

        Raises CheckUnavailable while Slack fails for a reason that may pass.
        """
        kinds = {one.kind for one in self._protected}
        if kinds & {PrincipalKind.ROLE, PrincipalKind.PERMISSION}:
            return Protection(everyone=True)
        try:
            ids = [await self._ids(one) for one in self._protected]
            members = await asyncio.gather(*(self._users.named.get(one) for one in frozenset().union(*ids)))
        except SlackUnavailable as error:
            if error.retryable:
                failed = FailedCheck(Subject.PROTECTED_PEOPLE, error.slack_code)
                raise CheckUnavailable(failed, retry_after=error.retry_after) from error
            log.warning("target.protection_unknown", problem=str(error))
            return Protection(everyone=True)
        known = [one for one in members if one]
        complete = all(ids) and len(known) == len(members)
        return Protection(
            frozenset().union(*ids, *(one.ids for one in known)),
            frozenset().union(*(one.emails for one in known)),
            everyone=not complete,
        )

    async def _ids(self, principal: Principal) -> frozenset[str]:
        """Return the ids of a user or of the members of a group, none if these are too many to look up."""
        if principal.kind is PrincipalKind.USER:
            return frozenset({principal.value})
        members = await self._users.group_members(principal.value, since=None)
        return members if len(members) <= MAX_GROUP_SIZE else frozenset()
