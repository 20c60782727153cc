"""Remember people whose clicks were denied because they have no right to decide.

Each of their clicks costs a lookup, and together they could use up Slack's rate limit, which approvers need.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.denials import DenialCode

DENIED_DURATION = 600.0
"""Seconds for which a denied person is remembered."""

MAX_REMEMBERED = 10_000
"""Maximum number of people that are remembered."""

WITHOUT_RIGHT = frozenset({
    DenialCode.OUTSIDER, DenialCode.GUEST, DenialCode.BOT, DenialCode.DEACTIVATED, DenialCode.NOT_AN_APPROVER,
    DenialCode.NOT_YOURS_TO_CANCEL, DenialCode.NOT_YOURS_TO_DECLINE,
})  # fmt: skip
"""Reasons that are about the person, and not about one request."""


class DeniedPeople:
    """The people who were denied lately, by Slack user id. `clock` returns monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._denied_at: dict[str, float] = {}

    def add(self, user_id: str, reason: DenialCode) -> None:
        """Remember a person whose click was denied, if the reason is that they have no right."""
        if reason not in WITHOUT_RIGHT:
            return
        if len(self._denied_at) >= MAX_REMEMBERED:
            self._denied_at.clear()
        self._denied_at[user_id] = self._clock()

    def discard(self, user_id: str) -> None:
        """Forget a person who may decide."""
        self._denied_at.pop(user_id, None)

    def includes(self, user_id: str) -> bool:
        """Return whether a person was denied lately."""
        return self._clock() - self._denied_at.get(user_id, float("-inf")) < DENIED_DURATION
