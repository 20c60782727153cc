"""Whether a person has logged in again after a revocation: when to look, and what is found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_LOOKS = 8
"""How often the bot looks for a new token of one person after a revocation, one call each."""

FIRST_LOOK = 5.0
"""Seconds from the revocation to the first look. Single sign-on can log a person in again within seconds."""


class WatchFinding(StrEnum):
    """What a watch has found, as it is stored with the request."""

    WATCHING = "watching"
    """Nothing so far; `until` is when the watch ends."""
    LOGGED_IN = "logged_in"
    """Genesys Cloud issued a token after the revocation, `issued_at` this time."""
    SAME_SECOND = "same_second"
    """A token was `issued_at` this time, about when the DELETE was executed, so it may be valid."""
    NO_LOGIN = "no_login"
    """No new token `until` this time. With `incomplete`, Genesys Cloud did not say so later."""
    NOT_KNOWN = "not_known"
    """Genesys Cloud never said when it last issued a token."""
    REVOKED_AGAIN = "revoked_again"
    """Another revocation of the same person, `revoked_at` this time, ended the watch."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """When a DELETE was executed, by the clock of Genesys Cloud, in epoch seconds.

    It was between `sent_at` and the second that begins at `answered_at`, because a `Date` header has whole seconds.
    `last_token` is the person's last token before it, None if that is not known.
    """

    sent_at: float
    answered_at: float
    last_token: float | None = None

    def judge(self, issued: float) -> WatchFinding | None:
        """Return what a token means that was issued at this time; None for one of before.

        A token of the same second may be older or newer than the DELETE. It counts as newer, because a warning that was
        not needed does less harm than one that is missing.
        """
        if issued < self.sent_at or (self.last_token is not None and issued <= self.last_token):
            return None
        return WatchFinding.LOGGED_IN if issued >= math.floor(self.answered_at) + 1 else WatchFinding.SAME_SECOND


def looks(duration: float) -> tuple[float, ...]:
    """Return when to look, in seconds after the revocation: at growing intervals, and at the end."""
    growth = max(2.0, (duration / FIRST_LOOK) ** (1 / (MAX_LOOKS - 1)))
    planned = (FIRST_LOOK * growth**number for number in range(MAX_LOOKS - 1))
    return (*(one for one in planned if one < duration), duration)


def next_look(elapsed: float, made: int, duration: float) -> float | None:
    """Return when to look next, None after the last look; `made` looks have been made or begun.

    The last one is at the end, even if the death of processes has used up others.
    """
    if elapsed >= duration or made >= MAX_LOOKS:
        return None
    if made == MAX_LOOKS - 1:
        return duration
    return next(one for one in looks(duration) if one > elapsed)


def finding_of(outcome: Mapping[str, Any]) -> tuple[WatchFinding, Mapping[str, Any]] | None:
    """Return what the watch of a request has found, with its parameters; None if there is no watch.

    A finding of another version counts as no watch.
    """
    watch = outcome.get("watch")
    if not isinstance(watch, Mapping):
        return None
    code = watch.get("code")
    return (WatchFinding(code), watch) if isinstance(code, str) and code in set(WatchFinding) else None
