"""Read the clock of a server from the `Date` of its responses."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp


def _since_boot() -> float:
    """Return seconds that pass also while the machine sleeps, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class ServerClock:
    """The clock of a server. `monotonic` returns seconds and never jumps."""

    def __init__(self, monotonic: Callable[[], float] = _since_boot) -> None:
        self._monotonic = monotonic
        self._ahead: float | None = None

    def trace_config(self) -> aiohttp.TraceConfig:
        """Return what reads the header of every response, for `ClientSession(trace_configs=[...])`."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._record)
        return config

    def now(self) -> float | None:
        """Return the server's time in epoch seconds, None before its first response."""
        return None if self._ahead is None else self._monotonic() + self._ahead

    async def _record(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        server_time = parse_date(params.response.headers.get("Date", ""))
        if server_time is not None:
            self._ahead = server_time - self._monotonic()


def parse_date(date: str) -> float | None:
    """Return the time of a `Date` header in epoch seconds, None for one that is no date."""
    try:
        parsed = parsedate_to_datetime(date)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):  # OverflowError: a year that is too large
        return None
