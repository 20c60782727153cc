"""Delivers events and retries them (docs.slack.dev, "The Events API")."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.delivery import ACK_TIMEOUT, Delivery, Retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.slack.sender import PayloadSender

RETRY_DELAYS = (0.0, 60.0, 300.0)
"""Delays before the three retries of an event, in seconds."""


class EventSender:
    """Sends events to the app and retries the unacknowledged ones in the background."""

    def __init__(self, sender: PayloadSender, sleep: Callable[[float], Awaitable[object]]) -> None:
        self.attempts: list[Delivery] = []
        """Every attempt to deliver an event, oldest first."""
        self._sender = sender
        self._sleep = sleep
        self._retries: set[asyncio.Task[None]] = set()

    async def send(self, payload: dict[str, Any], *, to: str | None = None) -> Delivery:
        """Send an event and return the first attempt."""
        first = await self._attempt(payload, to, Retry())
        if self._retry_reason(first) is not None:
            task = asyncio.create_task(self._retry(payload, to, first))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)
        return first

    async def wait(self) -> None:
        """Wait until no retry is pending."""
        await asyncio.gather(*self._retries)

    async def close(self) -> None:
        """Cancel the pending retries."""
        for task in self._retries:
            task.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)

    async def _attempt(self, payload: dict[str, Any], to: str | None, retry: Retry) -> Delivery:
        delivery = await self._sender.send(payload, to=to, retry=retry)
        self.attempts.append(delivery)
        return delivery

    async def _retry(self, payload: dict[str, Any], to: str | None, last: Delivery) -> None:
        for number, delay in enumerate(RETRY_DELAYS, start=1):
            reason = self._retry_reason(last)
            if reason is None:
                return
            if delay:
                await self._sleep(delay)
            last = await self._attempt(payload, to, Retry(number, reason))

    def _retry_reason(self, delivery: Delivery) -> str | None:
        """Return why Slack retries the event; None if it does not."""
        if delivery.response_headers.get("X-Slack-No-Retry") == "1":
            return None
        if delivery.status is None and self._sender.socket_mode:
            return "timeout"
        if delivery.seconds > ACK_TIMEOUT:
            return "http_timeout"
        if delivery.status is None:
            return "connection_failed"
        return None if HTTPStatus.OK <= delivery.status < HTTPStatus.MULTIPLE_CHOICES else "http_error"
