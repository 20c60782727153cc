"""People: Slack members, Genesys Cloud persons, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.domain.failed_checks import FailedCheck
from bot.visible_text import storable_text


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace of the bot's token (docs.slack.dev, auth.test)."""

    team_id: str
    name: str
    bot_user_id: str
    enterprise_id: str | None = None
    app_id: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A Slack user as `users.info` returns it (docs.slack.dev, User object)."""

    id: str
    team_id: str
    name: str
    email: str | None = None
    email_confirmed: bool = True
    enterprise_id: str | None = None
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    enterprise_user_id: str | None = None
    """The id in the whole organization, on Enterprise Grid; a person from before the migration has two ids."""
    asked_id: str | None = None
    """The id that Slack was asked about, which may be another one of the same person."""

    @property
    def canonical_id(self) -> str:
        """The one id under which the bot stores this person."""
        return self.enterprise_user_id or self.id

    @property
    def ids(self) -> frozenset[str]:
        """Every known id of this person."""
        return frozenset(one for one in (self.id, self.enterprise_user_id, self.asked_id) if one)

    @property
    def comparable_email(self) -> str | None:
        """The email address for comparisons, confirmed or not; it may protect a person, and grants nothing."""
        return comparable_email(self.email)

    @property
    def confirmed_email(self) -> str | None:
        """The email address for comparisons, None if it proves nothing."""
        return self.comparable_email if self.email_confirmed else None

    def belongs_to(self, workspace: Workspace) -> bool:
        """Return whether the user is a member of the workspace; shared channels bring in others.

        On Enterprise Grid a colleague may carry another team id, or the organization's id in place of a team id.
        """
        if self.stranger:
            return False
        if self.team_id == workspace.team_id:
            return True
        return workspace.enterprise_id in {self.enterprise_id, self.team_id} - {None, ""}


def read_member(user: Mapping[str, Any]) -> Member:
    """Read the `user` object of a `users.info` response.

    `is_email_confirmed` is undocumented and may be missing, so only an explicit false counts. Names decide nothing; the
    card warns if they deceive.
    """
    profile, grid = nested(user, "profile"), nested(user, "enterprise_user")
    names = (profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name"))
    return Member(
        id=str(user.get("id") or ""),
        team_id=str(user.get("team_id") or ""),
        name=storable_text(next((str(name) for name in names if name), "")),
        email=text(profile, "email"),
        email_confirmed=user.get("is_email_confirmed") is not False,
        enterprise_id=text(grid, "enterprise_id") or text(user, "enterprise_id"),
        enterprise_user_id=text(grid, "id"),
        deleted=bool(user.get("deleted")),
        bot=bool(user.get("is_bot") or user.get("is_app_user") or user.get("is_workflow_bot"))
        or user.get("id") == "USLACKBOT",
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        stranger=bool(user.get("is_stranger")),
    )


def nested(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a nested object of a Slack payload; anything else in its place counts as empty."""
    part = payload.get(name)
    return part if isinstance(part, Mapping) else {}


def text(payload: Mapping[str, Any], name: str) -> str | None:
    """Return a string of a Slack payload; anything else in its place counts as missing."""
    value = payload.get(name)
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Person:
    """A Genesys Cloud user, reduced to what a card shows and a call needs. `id` is a UUID."""

    id: str
    name: str
    email: str | None = None
    division: str | None = None
    state: str | None = None

    @property
    def active(self) -> bool:
        """Whether the person can log in; Genesys Cloud's default for a missing state is `active`."""
        return (self.state or "active").casefold() == "active"


Permission = tuple[str, str, str]
"""A domain, an entity and an action."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a Genesys Cloud person holds: roles by id and casefolded name, and permissions.

    Genesys Cloud lists permissions twice: as a plain list without conditions, and as policies with conditions.
    """

    roles: frozenset[str] = frozenset()
    listed: frozenset[Permission] = frozenset()
    unconditional: frozenset[Permission] = frozenset()
    conditional: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class Actor:
    """A member with everything that the bot could read about them just now.

    `users` and `groups` are the principals of these kinds that name the member, `users` only those under another id.
    `unverified` has the checks that failed, with the reason; each of them counts as "no". `retry_after` is the
    delay in seconds after which one of them may succeed, None if none may.
    """

    member: Member
    person: Person | None = None
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    grants: Grants = field(default_factory=Grants)
    unverified: tuple[FailedCheck, ...] = ()
    retry_after: float | None = None


def comparable_email(address: str | None) -> str | None:
    """Return an email address in the one form in which addresses are compared, None for a missing one.

    Slack and Genesys Cloud may write the domain differently: in upper case, or in Punycode.
    """
    local, at, domain = (address or "").strip().casefold().rpartition("@")
    with suppress(UnicodeError):  # no valid domain name; compared as it is
        domain = _ascii(domain)
    return f"{local}{at}{domain}" or None


def other_spelling(address: str) -> str | None:
    """Return an address with its domain in Unicode instead of Punycode or vice versa, if they differ.

    Only a domain that comes back unchanged counts: IDNA reads `straße` as `strasse`, which is another domain.
    """
    local, at, domain = address.strip().casefold().rpartition("@")
    try:
        ascii_domain = _ascii(domain)
        unicode_domain = _unicode(ascii_domain)
    except UnicodeError:
        return None
    if ascii_domain == unicode_domain or domain not in (ascii_domain, unicode_domain):
        return None
    return f"{local}{at}{unicode_domain if domain == ascii_domain else ascii_domain}"


@lru_cache(maxsize=1000)
def _ascii(domain: str) -> str:
    """Return a domain in Punycode. A list has thousands of addresses in few domains, and each takes 50 µs."""
    return domain.encode("idna").decode()


@lru_cache(maxsize=1000)
def _unicode(ascii_domain: str) -> str:
    return ascii_domain.encode().decode("idna")


def same_person(one: Member, other: Member) -> bool:
    """Return whether two members are one person: they share an id, or a confirmed email address."""
    return bool(one.ids & other.ids) or (
        one.confirmed_email is not None and one.confirmed_email == other.confirmed_email
    )
