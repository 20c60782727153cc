"""Faults that a test injects into the Web API and the response_urls."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(kw_only=True)
class SlackFault:
    """An error, a broken response or a delay of a method.

    It applies to the next `times` calls; None is for all calls. `delay` (seconds) comes first. `retry_after` (seconds)
    makes the response a 429 with that header. `html` is sent instead of JSON, with status 503 by default. `drop`
    closes the connection without a response. With `after`, Slack executes the method and only the response is lost.
    """

    error: str | None = None
    status: int | None = None
    retry_after: float | None = None
    delay: float = 0
    drop: bool = False
    html: str | None = None
    after: bool = False
    times: int | None = 1

    @property
    def replaces_response(self) -> bool:
        """Whether the caller does not get the method's own response."""
        replacements = (self.error, self.status, self.retry_after, self.html)
        return self.drop or any(part is not None for part in replacements)

    @property
    def http_status(self) -> int:
        """The status of the response."""
        if self.status is not None:
            return self.status
        if self.retry_after is not None:
            return HTTPStatus.TOO_MANY_REQUESTS
        return HTTPStatus.OK if self.html is None else HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def code(self) -> str:
        """The error code in the response."""
        return self.error or ("ratelimited" if self.http_status == HTTPStatus.TOO_MANY_REQUESTS else "internal_error")


@dataclass
class SlackFaults:
    """The pending faults of each method, applied in the order they were added."""

    waiting: dict[str, deque[SlackFault]] = field(default_factory=dict)

    def add(self, method: str, fault: SlackFault) -> None:
        """Make the next calls of a method fail."""
        self.waiting.setdefault(method, deque()).append(fault)

    def clear(self, method: str | None = None) -> None:
        """Remove the faults of one method, or of all."""
        for name in [method] if method else list(self.waiting):
            self.waiting.pop(name, None)

    def next_for(self, method: str) -> SlackFault:
        """Consume the fault of the next call; without one, return a fault without effect."""
        queue = self.waiting.get(method)
        if not queue:
            return SlackFault()
        fault = queue[0]
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                queue.popleft()
        return fault
