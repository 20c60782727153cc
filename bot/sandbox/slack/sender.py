"""Sends payloads to the app: signed over HTTP, or over Socket Mode."""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from bot.sandbox.slack import payloads
from bot.sandbox.slack.delivery import Delivery, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.sandbox.slack.socket_mode import SocketModeServer

FORM = "application/x-www-form-urlencoded"
NO_HEADERS: Mapping[str, str] = {}


class PayloadSender:
    """Sends each payload in the encoding that Slack uses for its type."""

    def __init__(
        self,
        sockets: SocketModeServer,
        clock: Callable[[], float],
        *,
        response_timeout: float,
        socket_mode: bool,
    ) -> None:
        self.events_url = ""
        self.signing_secret = secrets.token_hex(16)
        self.response_timeout = response_timeout
        self.socket_mode = socket_mode
        self._sockets = sockets
        self._clock = clock
        self._session: ClientSession | None = None

    def start(self) -> None:
        """Open the HTTP session; needs a running event loop."""
        timeout = ClientTimeout(total=self.response_timeout)
        self._session = ClientSession(connector=TCPConnector(limit=0), timeout=timeout)

    async def close(self) -> None:
        """Close the HTTP session, if it was opened."""
        if self._session is not None:
            await self._session.close()

    def signed_headers(self, body: bytes, timestamp: int | None = None, *, content_type: str = FORM) -> dict[str, str]:
        """Return the headers that Slack sends with a body, by default now."""
        at = str(int(self._clock()) if timestamp is None else timestamp)
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": payloads.signature(self.signing_secret, body, at),
        }

    async def send(self, payload: dict[str, Any], *, to: str | None = None, retry: Retry | None = None) -> Delivery:
        """Send a payload; `to` is another address than `events_url`, always over HTTP."""
        retry = retry or Retry()
        if self.socket_mode and to is None:
            return await self._send_over_socket(payload, retry)
        body, content_type = payloads.encode(payload)
        headers = self.signed_headers(body, content_type=content_type)
        if retry.number:
            headers |= {"X-Slack-Retry-Num": str(retry.number), "X-Slack-Retry-Reason": retry.reason}
        return await self.send_raw(body, headers, to=to, payload=payload)

    async def send_raw(
        self, body: bytes, headers: dict[str, str], *, to: str | None = None, payload: dict[str, Any] | None = None
    ) -> Delivery:
        """Post a body with exactly these headers."""
        if self._session is None:
            raise RuntimeError("Start the fake Slack first.")
        started = self._clock()
        status, text, content_type, response_headers = None, "", "", NO_HEADERS
        try:
            async with self._session.post(to or self.events_url, data=body, headers=headers) as response:
                status, text, content_type = response.status, await response.text(), response.content_type
                response_headers = response.headers
        except (ClientError, TimeoutError) as error:
            text = f"{type(error).__name__}: {error}"
        return Delivery(
            status=status,
            body=text,
            content_type=content_type,
            seconds=self._clock() - started,
            raw=body,
            headers=headers,
            payload=payload or {},
            response_headers=response_headers,
        )

    async def _send_over_socket(self, payload: dict[str, Any], retry: Retry) -> Delivery:
        started = self._clock()
        acknowledgement = await self._sockets.deliver(payload, self.response_timeout, retry)
        return Delivery(
            status=HTTPStatus.OK if acknowledgement is not None else None,
            body=json.dumps((acknowledgement or {}).get("payload", {})),
            content_type="application/json",
            seconds=self._clock() - started,
            raw=b"",
            headers={},
            payload=payload,
        )
