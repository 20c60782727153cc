"""Failures on demand: what an operation answers instead, how late, and where the connection breaks."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from bot.sandbox.genesys import responses as answers

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail, for so many `times` (None: until healed).

    `status` is answered with `headers` and `body`: a dict as JSON, text as a web page, "" as none, None as ErrorBody.
    `delay` (seconds) and `until` (an event) come first. `drop` cuts the connection without an answer: before the
    operation is carried out or after it. `acts`: the operation is carried out although `status` says otherwise.
    """

    status: int | None = None
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    until: asyncio.Event | None = None
    drop: Literal["before", "after"] | None = None
    acts: bool = False
    times: int | None = 1

    @property
    def carried_out(self) -> bool:
        """Whether the operation does its work all the same."""
        return self.drop == "after" or (self.drop is None and (self.status is None or self.acts))

    async def wait(self) -> None:
        """As long as the fault makes one wait."""
        await asyncio.sleep(self.delay)
        if self.until:
            await self.until.wait()

    def response(self, correlation_id: str) -> web.Response:
        """The answer in place of the operation's own."""
        status = self.status or web.HTTPOk.status_code
        if self.body == "":
            return web.Response(status=status, headers=self.headers)
        if isinstance(self.body, str):
            return web.Response(status=status, text=self.body, content_type="text/html", headers=self.headers)
        body = answers.error(status, correlation_id) if self.body is None else self.body
        return web.json_response(body, status=status, headers=self.headers)


LOGIN_RATE_LIMITED = Fault(
    status=400, body=answers.login_error("invalid_request", "rate limit exceeded; too many requests from this client")
)
"""What the login host answers in place of a 429."""


class Faults:
    """The failures that wait for their operation, first come, first served."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def add(self, operation: str, fault: Fault) -> None:
        """Let the operation fail so; after those that wait already."""
        self._waiting[operation].extend([fault] * (fault.times or 1))

    def heal(self, operation: str | None = None) -> None:
        """Let the operation, or all of them, work again."""
        if operation is None:
            self._waiting.clear()
        else:
            self._waiting.pop(operation, None)

    def next(self, operation: str) -> Fault | None:
        """The failure that is due now."""
        waiting = self._waiting[operation]
        if not waiting:
            return None
        return waiting[0] if waiting[0].times is None else waiting.popleft()
