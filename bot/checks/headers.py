"""What the headers of answers tell beside the answers: scopes, the other side's clock, the rate limit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp


class Overheard:
    """Hears every answer of a session that is made with its `trace`, also those that say no."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._headers: dict[str, str] = {}
        self.ahead: float | None = None
        """Seconds by which this machine's clock was ahead of the first answer's `Date`."""

    def trace(self) -> aiohttp.TraceConfig:
        """For `ClientSession(trace_configs=[...])`."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._hear)
        return config

    def header(self, name: str) -> str | None:
        """The header as the newest answer that had it said it."""
        return self._headers.get(name.lower())

    def number(self, name: str) -> int | None:
        """The same, where it is a number."""
        said = self.header(name) or ""
        return int(said) if said.isascii() and said.isdigit() else None

    async def _hear(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, told: aiohttp.TraceRequestEndParams
    ) -> None:
        headers = {name.lower(): value for name, value in told.response.headers.items()}
        self._headers |= headers
        if self.ahead is None and (theirs := _seconds(headers.get("date", ""))) is not None:
            self.ahead = self._clock() - theirs


def _seconds(date: str) -> float | None:
    try:
        read = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
