"""Count requests as the rate limits of Slack and Genesys Cloud do: in a minute, or in short bursts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

WINDOW = 60.0
"""Seconds that a request counts."""


class RequestWindow:
    """The requests of the last minute."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._times: deque[float] = deque()

    @property
    def count(self) -> int:
        """The number of requests in the window."""
        while self._times and self._clock() - self._times[0] >= WINDOW:
            self._times.popleft()
        return len(self._times)

    @property
    def retry_after(self) -> int:
        """The whole seconds until a request leaves the window, at least 1."""
        oldest = self._times[0] if self.count else self._clock()
        return max(1, math.ceil(oldest + WINDOW - self._clock()))

    @property
    def full(self) -> bool:
        """Whether the next request is above the limit."""
        return self.count >= self.limit

    def add(self) -> None:
        """Count a request."""
        self._times.append(self._clock())


class Bursts:
    """A request a second on average, of which up to `limit` may come at once."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._left, self._at = float(limit), clock()

    @property
    def _allowed(self) -> float:
        return min(self.limit, self._left + self._clock() - self._at)

    @property
    def retry_after(self) -> int:
        """The whole seconds until the next request is within the limit, at least 1."""
        return max(1, math.ceil(1 - self._allowed))

    @property
    def full(self) -> bool:
        """Whether the next request is above the limit."""
        return self._allowed < 1

    def add(self) -> None:
        """Count a request."""
        self._left, self._at = self._allowed - 1, self._clock()
