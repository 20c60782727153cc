"""When a token may send its next request: evenly, close to its rate allowance and never above it.

Genesys Cloud counts the requests of a token in any 60 seconds (developer.genesys.cloud, page "Platform API, Rate
limits"). It receives a request after the client has sent it, and before the client has read the response. So a request
counts here from its start until 60 seconds after its end, and no delay on the way can exceed the allowance.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.purecloud.allowance import Allowance

WINDOW: Final = 60.0
"""Seconds for which Genesys Cloud counts a request."""

SHARE: Final = 0.985
"""The share of the allowance that the pace uses. The rest covers the time that a request takes: 0.9 s a minute."""

MAX_LATENESS: Final = 2.0
"""Seconds of delay that later requests make up for, at twice the pace. Otherwise each pause would cost its time."""

UNREPORTED_INTERVAL: Final = 60 / 180
"""Seconds between two requests while Genesys Cloud reports no allowance; 180 a minute is the lowest one known."""

_MARGIN: Final = 0.01
"""Seconds by which a request outlives its window, because clocks have a resolution."""


class Pacer:
    """The schedule of one token. `clock` returns monotonic seconds.

    A caller sends a request once `delay` is 0, between `start` and `end`.
    """

    def __init__(self, allowance: Allowance, clock: Callable[[], float]) -> None:
        self._allowance = allowance
        self._clock = clock
        self._ended: deque[float] = deque()
        self._running = 0
        self._others = 0
        self._others_until = 0.0
        self._scheduled: float | None = None
        self._not_before = 0.0
        self._paused_until = 0.0

    @property
    def per_second(self) -> float | None:
        """The requests of this token in a second, None while the allowance is not known."""
        allowed = self._allowed
        return allowed * SHARE / WINDOW if allowed else None

    @property
    def paused_for(self) -> float:
        """The seconds for which nothing is sent, because Genesys Cloud has asked to wait."""
        return max(0.0, self._paused_until - self._clock())

    def delay(self) -> float | None:
        """Return the seconds until the next request may be sent, None if a running one must end first."""
        now = self._clock()
        while self._ended and self._ended[0] + WINDOW + _MARGIN <= now:
            self._ended.popleft()
        at = max(now, self._not_before, self._paused_until, self._scheduled or 0.0)
        allowed = self._allowed
        if allowed is None:  # one after the other, until a response says how many
            return None if self._running else at - now
        excess = self._running + len(self._ended) - allowed
        if excess < 0:
            return at - now
        if excess >= len(self._ended):
            return None
        return max(at, self._ended[excess] + WINDOW + _MARGIN) - now

    def start(self) -> None:
        """Count a request that is sent now."""
        now, per_second = self._clock(), self.per_second
        interval = 1 / per_second if per_second else UNREPORTED_INTERVAL
        scheduled = now if self._scheduled is None else max(self._scheduled, now - MAX_LATENESS)
        self._scheduled = scheduled + interval if per_second else None
        self._not_before = now + (interval / 2 if per_second else interval)
        self._running += 1

    def end(self) -> None:
        """Record the end of a request, answered or not, after the allowance has read its response."""
        own = self._running + len(self._ended)
        if self._allowance.count > own:  # someone else uses the token's allowance
            self._others, self._others_until = self._allowance.count - own, self._clock() + WINDOW
        self._running -= 1
        self._ended.append(self._clock())

    def pause(self, seconds: float) -> None:
        """Send nothing for some time, because Genesys Cloud has asked to wait; then begin evenly again."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)
        self._scheduled = None

    @property
    def _allowed(self) -> int | None:
        allowed = self._allowance.allowed
        if allowed is None or self._clock() >= self._others_until:
            return allowed
        return max(1, allowed - self._others)
