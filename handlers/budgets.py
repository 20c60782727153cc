"""Limit how many commands and clicks each person may send a minute, before any lookup."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.domain.people import nested, text
from handlers.payloads import Payload

MAX_TRACKED_PEOPLE = 10_000
"""Maximum number of people that are tracked before those within their limits are dropped."""


class TokenBuckets:
    """A token bucket per person: `per_minute` payloads at once, refilled over a minute."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._rate = per_minute / 60.0
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, person: str) -> bool:
        """Take a token; return False if the person has none left."""
        now = self._clock()
        full_at = max(self._full_at.get(person, now), now) + 1.0 / self._rate
        if (full_at - now) * self._rate > self._capacity + 1e-6:
            return False
        if len(self._full_at) >= MAX_TRACKED_PEOPLE:
            self._full_at = {one: at for one, at in self._full_at.items() if at > now}
        self._full_at[person] = full_at
        return True


class PersonBudgets:
    """The limits of each person, for commands and for clicks."""

    def __init__(
        self, commands_per_minute: int, clicks_per_minute: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._commands = TokenBuckets(commands_per_minute, clock=clock)
        self._clicks = TokenBuckets(clicks_per_minute, clock=clock)
        self._notices = TokenBuckets(1, clock=clock)

    def allows(self, payload: Payload) -> bool:
        """Count a payload; return False if its person, if there is one, has sent too many."""
        person = sender(payload)
        if not person:
            return True
        buckets = self._clicks if payload.get("type") == "block_actions" else self._commands
        return buckets.take(person)

    def may_notify(self, payload: Payload) -> bool:
        """Return whether the person has had no message about their limit for a minute, and count this one."""
        return self._notices.take(sender(payload) or "")


def sender(payload: Payload) -> str | None:
    """Return the Slack user id of the person who sent a payload; Slack signs it."""
    if payload.get("type") == "event_callback":
        return text(nested(payload, "event"), "user")
    return text(payload, "user_id") or text(nested(payload, "user"), "id")
