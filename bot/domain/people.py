"""Who is who: a Slack member, a Genesys Cloud person, and the principals that settings name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_SLACK_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_PERMISSION = re.compile(r"[^:\s]+:[^:\s]+:[^:\s]+")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace the bot is installed in, as `auth.test` tells (docs.slack.dev, auth.test)."""

    team_id: str
    name: str
    bot_user_id: str
    enterprise_id: str | None = None
    app_id: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A Slack user as `users.info` tells (docs.slack.dev, User object)."""

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

    def belongs_to(self, workspace: Workspace) -> bool:
        """Whether this is one of the workspace's own people; a shared channel brings others.

        On Enterprise Grid a colleague may carry another team, or the organization's id in place of a team's.
        """
        if self.stranger:
            return False
        if self.team_id == workspace.team_id:
            return True
        return workspace.enterprise_id in {self.enterprise_id, self.team_id} - {None, ""}


def read_member(user: Mapping[str, Any]) -> Member:
    """Read the `user` of a `users.info` answer.

    `is_email_confirmed` is not documented and may be missing; only an explicit false counts against a person.
    A name is what people see of each other; it is shown, never compared.
    """
    profile, grid = _part(user, "profile"), _part(user, "enterprise_user")
    names = (profile.get("real_name"), user.get("real_name"), profile.get("display_name"), user.get("name"))
    return Member(
        id=str(user.get("id") or ""),
        team_id=str(user.get("team_id") or ""),
        name=next((str(name) for name in names if name), ""),
        email=_word(profile.get("email")),
        email_confirmed=user.get("is_email_confirmed") is not False,
        enterprise_id=_word(grid.get("enterprise_id")) or _word(user.get("enterprise_id")),
        deleted=bool(user.get("deleted")),
        bot=bool(user.get("is_bot") or user.get("is_app_user") or user.get("is_workflow_bot"))
        or user.get("id") == "USLACKBOT",
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        stranger=bool(user.get("is_stranger")),
    )


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Person:
    """A Genesys Cloud user, reduced to what a card shows and a revocation needs. `id` is a UUID."""

    id: str
    name: str
    email: str | None = None
    division: str | None = None
    state: str | None = None


Permission = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Grants:
    """What a Genesys Cloud person holds: roles by id and casefolded name, permissions as (domain, entity, action).

    Genesys tells permissions twice: as a plain list that knows no conditions, and as policies that do.
    """

    roles: frozenset[str] = frozenset()
    listed: frozenset[Permission] = frozenset()
    unconditional: frozenset[Permission] = frozenset()
    conditional: frozenset[Permission] = frozenset()


class PrincipalKind(StrEnum):
    """The four ways a setting names people."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class Principal:
    """One entry of REQUESTERS, APPROVERS, ADMINS or PROTECTED."""

    kind: PrincipalKind
    value: str

    def __str__(self) -> str:
        """Return it as one writes it in a setting."""
        named = self.kind in (PrincipalKind.ROLE, PrincipalKind.PERMISSION)
        return f"{self.kind}:{self.value}" if named else self.value


def parse_principal(text: str) -> Principal:
    """Read one principal: `U…`, `W…`, `S…`, `role:<id or name>` or `permission:<domain:entity:action>`.

    Raises ValueError with a sentence that quotes what was found.
    """
    word = text.strip()
    prefix, _, value = word.partition(":")
    value = value.strip()
    match prefix.lower():
        case "role" if value:
            return Principal(PrincipalKind.ROLE, value)
        case "permission" if _PERMISSION.fullmatch(value):
            return Principal(PrincipalKind.PERMISSION, value.lower())
    if _SLACK_USER.fullmatch(word):
        return Principal(PrincipalKind.USER, word)
    if _SLACK_GROUP.fullmatch(word):
        return Principal(PrincipalKind.GROUP, word)
    message = (
        f"{word!r} is no principal; write a Slack user id (U…, W…), a user group id (S…), "
        "role:<Genesys role id or name> or permission:<domain:entity:action>"
    )
    raise ValueError(message)


def parse_principals(text: str) -> tuple[Principal, ...]:
    """Read a comma-separated list; empty entries are skipped, so a trailing comma is no error."""
    return tuple(parse_principal(part) for part in text.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class Actor:
    """A member with everything that could be read about them just now.

    `unread` names the principals that could not be checked, with the reason; each of them counts as "no".
    """

    member: Member
    person: Person | None = None
    groups: frozenset[str] = frozenset()
    grants: Grants = field(default_factory=Grants)
    unread: tuple[str, ...] = ()
