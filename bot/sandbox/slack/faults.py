"""Faults that a test injects into the Web API."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(kw_only=True)
class SlackFault:
    """Something that goes wrong with a method: an error of Slack's, a broken answer, or only slowness.

    `retry_after` (seconds) makes it a 429 with that header, `html` sends a page instead of JSON (503 unless `status`
    says otherwise), `drop` closes the connection without an answer, `delay` (seconds) waits first. With `after` the
    method is carried out and only its answer is lost. It wears off after `times` calls; None means never.
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
    def spoils_answer(self) -> bool:
        """Whether the caller gets something else than the method's own answer."""
        said = (self.error, self.status, self.retry_after, self.html)
        return self.drop or any(part is not None for part in said)

    @property
    def http_status(self) -> int:
        """The status that goes with what is said."""
        if self.status is not None:
            return self.status
        if self.retry_after is not None:
            return HTTPStatus.TOO_MANY_REQUESTS
        return HTTPStatus.OK if self.html is None else HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def code(self) -> str:
        """The error's name in the answer."""
        return self.error or ("ratelimited" if self.http_status == HTTPStatus.TOO_MANY_REQUESTS else "internal_error")


@dataclass
class SlackFaults:
    """The faults in store for each method, used up in the order they were asked for."""

    waiting: dict[str, deque[SlackFault]] = field(default_factory=dict)

    def add(self, method: str, fault: SlackFault) -> None:
        """Let a method go wrong from its next call on."""
        self.waiting.setdefault(method, deque()).append(fault)

    def clear(self, method: str | None = None) -> None:
        """Let a method work again; without one, all of them."""
        for name in [method] if method else list(self.waiting):
            self.waiting.pop(name, None)

    def next_for(self, method: str) -> SlackFault:
        """What goes wrong with this call; a Fault that does nothing when nothing does."""
        queue = self.waiting.get(method)
        if not queue:
            return SlackFault()
        fault = queue[0]
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                queue.popleft()
        return fault
