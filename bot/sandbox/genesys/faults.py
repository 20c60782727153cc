"""Faults to inject into the fake Genesys Cloud: error responses, delays and dropped connections."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from bot.sandbox.genesys import responses

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class GenesysFault:
    """One way for an operation to fail, for its next `times` calls (None: until cleared).

    The response has `status`, `headers` and `body`. A dict is sent as JSON, "" as an empty body, and None as an
    ErrorBody for the status. Text is sent as a web page, unless a header names another type.

    `delay` (seconds) and `until` (an event) postpone everything else. `drop` cuts the connection without a response,
    before or after the operation runs. With `executes`, the operation runs although `status` reports an error.
    """

    status: int | None = None
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    until: asyncio.Event | None = None
    drop: Literal["before", "after"] | None = None
    executes: bool = False
    times: int | None = 1

    @property
    def runs_operation(self) -> bool:
        """Whether the operation still takes effect."""
        return self.drop == "after" or (self.drop is None and (self.status is None or self.executes))

    async def wait(self) -> None:
        """Wait for `delay` and `until`."""
        await asyncio.sleep(self.delay)
        if self.until:
            await self.until.wait()

    def response(self, correlation_id: str) -> web.Response:
        """Return the response that replaces the operation's own."""
        status = self.status or web.HTTPOk.status_code
        if self.body == "":
            return web.Response(status=status, headers=self.headers)
        if isinstance(self.body, str):
            headers = {"Content-Type": "text/html; charset=utf-8", **self.headers}
            return web.Response(status=status, text=self.body, headers=headers)
        body = responses.error(status, correlation_id) if self.body is None else self.body
        return web.json_response(body, status=status, headers=self.headers)


LOGIN_RATE_LIMITED = GenesysFault(
    status=400, body=responses.login_error("invalid_request", "rate limit exceeded; too many requests from this client")
)
"""The login host's rate limit response, which is not a 429."""


class GenesysFaults:
    """The pending faults of each operation, in the order in which they were added."""

    def __init__(self) -> None:
        self._pending: defaultdict[str, deque[GenesysFault]] = defaultdict(deque)

    def add(self, operation: str, fault: GenesysFault) -> None:
        """Append a fault to those that are pending for the operation."""
        self._pending[operation].extend([fault] * (fault.times or 1))

    def clear(self, operation: str | None = None) -> None:
        """Drop the pending faults of one operation, or of all."""
        if operation is None:
            self._pending.clear()
        else:
            self._pending.pop(operation, None)

    def next(self, operation: str) -> GenesysFault | None:
        """Return the next fault of the operation, and use it up unless it stays until cleared."""
        pending = self._pending[operation]
        if not pending:
            return None
        return pending[0] if pending[0].times is None else pending.popleft()
