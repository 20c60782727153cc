"""Find out which principals of Slack name a person, under any id or email address.

Slack may know one person under two ids (Enterprise Grid), and it finds no deactivated user by email address.
Therefore the bot looks up the users whom the principals name, and compares them with the person.

Rights are granted by id only, because an address may pass to another account. Protection by address errs on the safe
side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bot.domain.failed_checks import Cause, FailedCheck, Subject
from bot.domain.people import Actor, Member, comparable_email
from bot.domain.policy import rule_for
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SlackUnavailable
from bot.slack.named_users import NamedUser, NamedUsers
from bot.slack.users import Membership, SlackUsers

MAX_GROUP_SIZE = 100
"""Members of a user group that are looked up. A larger group would use up the rate allowance of `users.info`. The first
request after a start would wait for more than half a minute."""

NamedIds = Mapping[str, frozenset[str]]
"""The ids of the users that each principal names: one for a user, the members for a user group."""


class SlackPrincipals:
    """Compares people with the users and user groups that principals name."""

    def __init__(self, users: SlackUsers) -> None:
        self._users = users

    async def read(self, actor: Actor, principals: Sequence[Principal], *, since: float | None, on_grid: bool) -> Actor:
        """Add the principals that name an actor by id; what cannot be read counts as "no"."""
        found = await self._users.membership(actor.member.ids, groups_among(principals), since=since)
        actor = _in_groups(actor, found)
        named = _named_ids(principals, found)
        if rule_for(actor, principals) or not _has_other_ids(actor.member, named, on_grid=on_grid):
            return actor
        return _with(actor, await find_other_names(self._users.named, _small(named), actor.member.ids))

    async def read_protection(
        self, target: Actor, principals: Sequence[Principal], *, since: float | None, on_grid: bool
    ) -> Actor:
        """Add the principals that protect a target; what cannot be compared is in `unverified`.

        A user group without members cannot be compared: someone may have removed or deactivated all of them.
        """
        member = target.member
        found = await self._users.membership(member.ids, groups_among(principals), since=since)
        empty = tuple(_of_group(group, Cause.NO_MEMBERS) for group, ids in found.members.items() if not ids)
        target = _in_groups(target, found)
        target = replace(target, unverified=(*target.unverified, *empty))
        if rule_for(target, principals):
            return target
        named = _named_ids(principals, found)
        if member.ids and not _has_other_ids(member, named, on_grid=on_grid):
            named = {one: ids for one, ids in named.items() if one not in found.members}  # their ids were compared
        addresses = (comparable_email(target.person.email if target.person else None), member.comparable_email)
        emails = frozenset(address for address in addresses if address)
        other = await find_other_names(self._users.named, _small(named), member.ids, emails)
        large = tuple(_of_group(one, Cause.TOO_MANY_MEMBERS) for one in named if one not in _small(named))
        target = _with(target, other)
        return replace(target, unverified=(*target.unverified, *other.unknown, *large))

    async def listed_members(self, principals: Sequence[Principal], *, since: float | None) -> list[str]:
        """Return the ids of the users whom the principals name. Raises SlackUnavailable."""
        found: dict[str, None] = {}
        for one in principals:
            if one.kind is PrincipalKind.GROUP:
                found |= dict.fromkeys(sorted(await self._users.group_members(one.value, since=since)))
            elif one.kind is PrincipalKind.USER:
                found[one.value] = None
        return list(found)


class OtherNames(NamedTuple):
    """The principals that name a person, and what could not be compared.

    `unread` has each user who could not be looked up. `retry_after` is the delay in seconds after which one
    of them may be. `unknown` has each user about whom Slack says too little.
    """

    principals: frozenset[str] = frozenset()
    unread: tuple[FailedCheck, ...] = ()
    retry_after: float | None = None
    unknown: tuple[FailedCheck, ...] = ()


async def find_other_names(
    users: NamedUsers, named: NamedIds, ids: frozenset[str], emails: frozenset[str] = frozenset()
) -> OtherNames:
    """Return which principals name the person with these ids or email addresses."""
    wanted = sorted(frozenset[str]().union(*named.values()))
    results = await asyncio.gather(*(users.get(user_id) for user_id in wanted), return_exceptions=True)
    found: dict[str, NamedUser] = {}
    unread, delays, unknown = [], [], []
    for user_id, result in zip(wanted, results, strict=True):
        if isinstance(result, SlackUnavailable):
            unread.append(FailedCheck(Subject.SLACK_USER, result.slack_code, user_id))
            delays.append(result.retry_after)
        elif isinstance(result, BaseException):
            raise result
        elif result is None:
            unknown.append(FailedCheck(Subject.SLACK_USER, Cause.USER_NOT_FOUND, user_id))
        else:
            found[user_id] = result
            if not ids and not result.emails and not result.bot:
                unknown.append(FailedCheck(Subject.SLACK_USER, Cause.NO_EMAIL_ADDRESS, user_id))
    principals = frozenset(
        principal
        for principal, listed in named.items()
        if any(found[one].is_one_of(ids, emails) for one in listed & found.keys())
    )
    return OtherNames(principals, tuple(unread), max(delays) if delays else None, tuple(unknown))


def _of_group(group: str, cause: Cause) -> FailedCheck:
    return FailedCheck(Subject.USER_GROUP, cause, group)


def groups_among(principals: Sequence[Principal]) -> list[str]:
    """Return the ids of the user groups among principals."""
    return [one.value for one in principals if one.kind is PrincipalKind.GROUP]


def longest(*delays: float | None) -> float | None:
    """Return the longest delay, None if there is none."""
    known = [one for one in delays if one is not None]
    return max(known) if known else None


def _in_groups(actor: Actor, found: Membership) -> Actor:
    return replace(actor, groups=found.groups, unverified=found.unread, retry_after=found.retry_after)


def _named_ids(principals: Sequence[Principal], found: Membership) -> NamedIds:
    users = {one.value: frozenset({one.value}) for one in principals if one.kind is PrincipalKind.USER}
    return users | dict(found.members)


def _small(named: NamedIds) -> NamedIds:
    return {one: ids for one, ids in named.items() if len(ids) <= MAX_GROUP_SIZE}


def _has_other_ids(member: Member, named: NamedIds, *, on_grid: bool) -> bool:
    """Return whether Slack may know people under two ids, which it does on Enterprise Grid only."""
    ids = member.ids.union(*named.values())
    return on_grid or member.enterprise_user_id is not None or any(one.startswith("W") for one in ids)


def _with(actor: Actor, other: OtherNames) -> Actor:
    """Return an actor with the principals that name them under another id."""
    return replace(
        actor,
        users=other.principals,
        groups=actor.groups | other.principals,
        unverified=(*actor.unverified, *other.unread),
        retry_after=longest(actor.retry_after, other.retry_after),
    )
