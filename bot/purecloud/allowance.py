"""How much of its rate allowance the client has used, as Genesys Cloud reports it.

Every response has the headers `inin-ratelimit-count`, `-allowed` and `-reset` (developer.genesys.cloud, page "Platform
API, Rate limits"). The allowance differs between organizations, so it is never a constant here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)


class Allowance:
    """The used share of the allowance of the client's token. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used = 0.0
        self._resets_at = 0.0
        self.allowed: int | None = None
        """The requests that the token may make in a minute, None before Genesys Cloud has reported it."""
        self.count = 0
        """The requests that Genesys Cloud counted in the last report."""

    @property
    def used(self) -> float:
        """The used share of the current window, from 0 to 1; 0 if Genesys Cloud reported none."""
        return self._used if self.resets_in > 0 else 0.0

    @property
    def resets_in(self) -> float:
        """The seconds until the window ends, 0 if it has ended."""
        return max(0.0, self._resets_at - self._clock())

    def note(self, headers: Mapping[str, str]) -> None:
        """Read the headers of a response; others than whole numbers are ignored."""
        count, allowed, reset = (
            _number(headers.get(f"inin-ratelimit-{name}")) for name in ("count", "allowed", "reset")
        )
        if count is None or not allowed or reset is None:
            return
        self.allowed, self.count = allowed, count
        self._used = min(1.0, count / allowed)
        self._resets_at = self._clock() + reset


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None
