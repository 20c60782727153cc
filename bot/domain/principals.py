"""Principals: how the settings name people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_SLACK_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_PERMISSION = re.compile(r"[^:\s]+:[^:\s]+:[^:\s]+")


class PrincipalKind(StrEnum):
    """The four kinds of principals."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class Principal:
    """One entry of REQUESTERS, APPROVERS, ADMINS, BREAK_GLASS or PROTECTED."""

    kind: PrincipalKind
    value: str

    def __str__(self) -> str:
        """Return the principal as a setting spells it."""
        prefixed = self.kind in (PrincipalKind.ROLE, PrincipalKind.PERMISSION)
        return f"{self.kind}:{self.value}" if prefixed else self.value


def parse_principal(text: str) -> Principal:
    """Parse `U…`, `W…`, `S…`, `role:<id or name>` or `permission:<domain:entity:action>`.

    Raises ValueError with a message that quotes the text.
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
        f"{word!r} is not a principal; write a Slack user id (U…, W…), a user group id (S…), "
        "role:<Genesys role id or name> or permission:<domain:entity:action>"
    )
    raise ValueError(message)


def parse_principals(text: str) -> tuple[Principal, ...]:
    """Parse a comma-separated list; empty entries, such as a trailing comma, are skipped."""
    return tuple(parse_principal(part) for part in text.split(",") if part.strip())
