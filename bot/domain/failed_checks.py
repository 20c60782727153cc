"""What could not be read or compared about a person, and why: codes with parameters, never sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.errors import BotError


class Subject(StrEnum):
    """What could not be read; `handlers/messages` has its text."""

    USER_GROUP = "user_group"
    SLACK_USER = "slack_user"
    GENESYS_ROLES = "genesys_roles"
    GENESYS_PEOPLE = "genesys_people"
    PROTECTED_PEOPLE = "protected_people"


class Cause(StrEnum):
    """Why a check failed, where neither Slack nor Genesys Cloud has a code for it."""

    NO_MEMBERS = "no_members"
    TOO_MANY_MEMBERS = "too_many_members"
    NO_EMAIL_ADDRESS = "no_email_address"
    USER_NOT_FOUND = "user_not_found"
    INVALID_TARGET = "invalid_target"
    RATE_ALLOWANCE = "rate_allowance"


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that failed.

    `cause` is the code of a `Cause`, of Slack, of a Genesys Cloud error or of a denial. `id` is the user group or user
    in Slack. `correlation_id` is what Genesys support asks for.
    """

    subject: Subject
    cause: str
    id: str | None = None
    correlation_id: str | None = None

    @property
    def params(self) -> dict[str, str]:
        """The check as it is stored and rendered, without what has no value."""
        values = {
            "subject": str(self.subject),
            "cause": str(self.cause),
            "id": self.id,
            "correlation_id": self.correlation_id,
        }
        return {name: value for name, value in values.items() if value}

    def __str__(self) -> str:
        """Return the codes, for the log."""
        subject = " ".join(filter(None, (self.subject.replace("_", " "), self.id)))
        reason = ", correlation id ".join(filter(None, (self.cause, self.correlation_id)))
        return f"{subject} ({reason})"


def codes_of(checks: Sequence[FailedCheck]) -> str:
    """Return the codes of failed checks, for the log."""
    return "; ".join(map(str, checks))


class CheckUnavailable(BotError):
    """A check of what a person may do, which failed for a reason that may pass in `retry_after` seconds.

    It is never a verdict. `unverified` says what could not be read.
    """

    code = "check_unavailable"

    def __init__(self, *unverified: FailedCheck, retry_after: float = 0.0) -> None:
        super().__init__(f"{self.code} ({codes_of(unverified)}, retry_after={retry_after:.0f})")
        self.unverified = unverified
        self.retry_after = retry_after

    @property
    def params(self) -> dict[str, Any]:
        """What could not be read, and when to try again."""
        unread = [check.params for check in self.unverified]
        return {"unread": unread, "retry_after": math.ceil(self.retry_after) or None}
