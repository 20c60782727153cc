"""Facts that responses carry in their headers: scopes, the server's clock, the rate limit."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

from bot.network.server_clock import parse_date


class ResponseHeaders:
    """The headers of every response of a session, including error responses."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._headers: dict[str, str] = {}
        self.clock_skew: float | None = None
        """Seconds by which this machine's clock is ahead of the first response's `Date`; negative if it is behind."""

    def trace_config(self) -> aiohttp.TraceConfig:
        """Return what records the headers, for `ClientSession(trace_configs=[...])`."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._record)
        return config

    def get(self, name: str) -> str | None:
        """Return a header from the latest response that has it."""
        return self._headers.get(name.lower())

    def get_int(self, name: str) -> int | None:
        """Return a header as a number, None where it is not one."""
        value = self.get(name) or ""
        return int(value) if value.isascii() and value.isdigit() else None

    async def _record(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        headers = {name.lower(): value for name, value in params.response.headers.items()}
        self._headers |= headers
        if self.clock_skew is None and (server_time := parse_date(headers.get("date", ""))) is not None:
            self.clock_skew = self._clock() - server_time
