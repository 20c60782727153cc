"""Judge the clicks of people who have no right to decide together while lookups are limited.

Slack allows about a hundred lookups a minute. Otherwise the clicks of a few such people could use them all, and an
approver's click would wait.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.denials import DenialCode

SINGLE_DENIALS = 3
"""Number of denials of a person whose clicks are judged at once. Their later clicks are judged together."""

LIMITED_DURATION = 60.0
"""Seconds for which the clicks are judged together after a lookup met a rate limit."""

INTERVAL = 20.0
"""Seconds from one time at which the clicks of a person are judged together to the next."""

DENIED_DURATION = 600.0
"""Seconds after the last denial for which a person is remembered."""

MAX_REMEMBERED = 10_000
"""Maximum number of people that are remembered."""

WITHOUT_RIGHT = frozenset({
    DenialCode.OUTSIDER, DenialCode.GUEST, DenialCode.BOT, DenialCode.DEACTIVATED, DenialCode.NOT_AN_APPROVER,
    DenialCode.NOT_YOURS_TO_CANCEL, DenialCode.NOT_YOURS_TO_DECLINE,
})  # fmt: skip
"""Reasons that are about the person, and not about one request."""


@dataclass(slots=True)
class _Denials:
    """The denials of a person; times are in monotonic seconds."""

    count: int = 0
    single_until: float = 0.0
    """When the last click was denied that was judged by itself."""
    last_at: float = 0.0
    """When the last click was denied."""


class DeniedPeople:
    """The people who were denied lately, by Slack user id. `clock` returns monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._people: dict[str, _Denials] = {}
        self._limited_until = float("-inf")

    def limit(self) -> None:
        """Judge their clicks together from now on, because a lookup met a rate limit."""
        self._limited_until = self._clock() + LIMITED_DURATION

    @property
    def is_limited(self) -> bool:
        """Whether clicks may have to wait, because a lookup met a rate limit lately."""
        return self._clock() < self._limited_until

    def add(self, user_id: str, reason: DenialCode) -> None:
        """Count the denial of a click, if the reason is that the person has no right."""
        if reason not in WITHOUT_RIGHT:
            return
        if len(self._people) >= MAX_REMEMBERED:
            self._people.clear()
        now = self._clock()
        denials = self._lately(user_id) or _Denials()
        denials.count, denials.last_at = denials.count + 1, now
        if denials.count <= SINGLE_DENIALS:
            denials.single_until = now
        self._people[user_id] = denials

    def discard(self, user_id: str) -> None:
        """Forget a person who may decide."""
        self._people.pop(user_id, None)

    def wait(self, user_id: str, arrived: float) -> float:
        """Return the seconds until a click is judged that arrived at a monotonic time; 0 for most people."""
        denials, now = self._lately(user_id), self._clock()
        if denials is None or denials.count < SINGLE_DENIALS or not self.is_limited:
            return 0.0
        intervals = math.ceil((arrived - denials.single_until) / INTERVAL)
        return max(0.0, denials.single_until + intervals * INTERVAL - now)

    def _lately(self, user_id: str) -> _Denials | None:
        denials = self._people.get(user_id)
        return denials if denials and self._clock() - denials.last_at < DENIED_DURATION else None
