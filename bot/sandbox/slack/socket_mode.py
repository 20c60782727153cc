"""Slack's side of Socket Mode (docs.slack.dev, "Using Socket Mode")."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from bot.sandbox.slack.methods import MethodError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CONNECTIONS = 10
"""Maximum number of open connections per app (docs.slack.dev, "Using Socket Mode")."""

CONNECTION_LIFETIME = 18060
"""The value of `approximate_connection_time` in the hello message, in seconds."""

ANSWERABLE = ("block_actions", "block_suggestion", "view_submission")
"""Interactive payloads that accept a response in their acknowledgement."""


@dataclass(eq=False)
class Connection:
    """A WebSocket to the app; a frozen one ignores all that the app sends."""

    request: web.Request
    socket: web.WebSocketResponse
    frozen: bool = False


@dataclass(eq=False)
class Envelope:
    """A payload, its pending acknowledgement, and the connection that carried it."""

    content: dict[str, Any]
    acknowledged: asyncio.Future[dict[str, Any]]
    connection: Connection | None = None


class SocketModeServer:
    """Accepts the app's connections and sends envelopes over them."""

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self.app_token = f"xapp-1-{app_id}-{secrets.token_hex(12)}"
        self.base_url = ""
        self.connections: list[Connection] = []
        self.opened = 0
        """Number of connections accepted so far."""
        self.refused = 0
        """Number of connections refused so far."""
        self.refuse_next = 0
        """Number of the next connections to refuse with 503; each uses up its ticket."""
        self.freeze_new = False
        """Whether new connections are frozen from the start."""
        self.redeliver = False
        """Whether an envelope that was not acknowledged when its connection closed is sent over another one."""
        self._tickets: set[str] = set()
        self._waiting: dict[str, Envelope] = {}
        self._changed = asyncio.Condition()

    def open(self, token: object) -> dict[str, Any]:
        """Execute `apps.connections.open` and return a single-use URL; raises MethodError."""
        if token != self.app_token:
            raise MethodError("not_allowed_token_type" if str(token).startswith("xoxb-") else "invalid_auth")
        ticket = secrets.token_urlsafe(12)
        self._tickets.add(ticket)
        return {"url": f"{self.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self.app_id}"}

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Handle `GET /link/`: greet the app and read its acknowledgements."""
        if (status := self._refusal(request.query.get("ticket", ""))) is not None:
            self.refused += 1
            await self._notify()
            return web.Response(status=status)
        connection = Connection(request, web.WebSocketResponse(autoping=False, timeout=1), frozen=self.freeze_new)
        await connection.socket.prepare(request)
        try:
            await self._greet(connection)
            async for message in connection.socket:
                if message.type is WSMsgType.PING and not connection.frozen:
                    await connection.socket.pong(message.data)
                elif message.type is WSMsgType.TEXT and not connection.frozen:
                    self._acknowledge(message.data)
        except ConnectionError:
            pass  # the app closed the connection
        finally:
            await self._forget(connection)
        return connection.socket

    async def deliver(
        self, payload: dict[str, Any], seconds: float, retry: tuple[int, str] = (0, "")
    ) -> dict[str, Any] | None:
        """Send a payload over a random connection and return the acknowledgement.

        Returns None without an acknowledgement within `seconds` of real time. `retry` is the attempt's number
        and reason, for events.
        """
        name = secrets.token_hex(8)
        content = {"envelope_id": name, "payload": payload, **_envelope_fields(payload, retry)}
        envelope = Envelope(content, asyncio.get_running_loop().create_future())
        self._waiting[name] = envelope
        try:
            async with asyncio.timeout(seconds):
                await self._send(envelope)
                return await envelope.acknowledged
        except (TimeoutError, ConnectionError):
            return None
        finally:
            del self._waiting[name]

    async def broadcast(self, text: str) -> None:
        """Send a text frame over every connection."""
        for connection in list(self.connections):
            await connection.socket.send_str(text)

    async def disconnect(self, reason: str, *connections: Connection) -> None:
        """Send a disconnect message over the given connections, or all, and close them.

        Reasons: `warning` (only announces), `refresh_requested`, `link_disabled`, `too_many_websockets`.
        """
        for connection in connections or tuple(self.connections):
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            if reason != "warning":
                self._retire(connection)
                await connection.socket.close()

    def freeze(self) -> None:
        """Stop answering on every current connection without closing it."""
        for connection in self.connections:
            connection.frozen = True

    def abort(self) -> None:
        """Abort every connection without a close frame, as a network failure does."""
        for connection in self.connections:
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def wait_until(self, predicate: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until a predicate is true; TimeoutError after `seconds` of real time."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(predicate)

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(connection.socket.close() for connection in self.connections))

    def _refusal(self, ticket: str) -> int | None:
        if ticket not in self._tickets:
            return HTTPStatus.UNAUTHORIZED
        self._tickets.remove(ticket)
        if self.refuse_next:
            self.refuse_next -= 1
            return HTTPStatus.SERVICE_UNAVAILABLE
        return None

    async def _greet(self, connection: Connection) -> None:
        self.connections.append(connection)
        self.opened += 1
        await self._notify()
        if len(self.connections) > MAX_CONNECTIONS:
            await self.disconnect("too_many_websockets", connection)
            return
        debug_info = {"host": "applink-1", "approximate_connection_time": CONNECTION_LIFETIME}
        hello: dict[str, Any] = {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self.app_id},
            "debug_info": debug_info,
        }
        await connection.socket.send_json(hello)

    def _retire(self, connection: Connection) -> None:
        """Send no more envelopes over the connection."""
        if connection in self.connections:
            self.connections.remove(connection)

    async def _forget(self, connection: Connection) -> None:
        self._retire(connection)
        for envelope in [one for one in self._waiting.values() if one.connection is connection]:
            if self.redeliver and self.connections:
                await self._send(envelope)
            elif not envelope.acknowledged.done():
                envelope.acknowledged.set_exception(ConnectionError("The connection closed without acknowledgement."))
        await self._notify()

    async def _send(self, envelope: Envelope) -> None:
        if not self.connections:
            raise ConnectionError("The app is not connected.")
        envelope.connection = secrets.choice(self.connections)
        await envelope.connection.socket.send_json(envelope.content)

    def _acknowledge(self, text: str) -> None:
        acknowledgement = json.loads(text)
        envelope = self._waiting.get(acknowledgement["envelope_id"])
        if envelope is not None and not envelope.acknowledged.done():
            envelope.acknowledged.set_result(acknowledgement)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _envelope_fields(payload: dict[str, Any], retry: tuple[int, str]) -> dict[str, Any]:
    """Return the fields that depend on the payload (docs.slack.dev, "Using Socket Mode")."""
    if "command" in payload:
        return {"type": "slash_commands", "accepts_response_payload": True}
    if payload.get("type") != "event_callback":
        return {"type": "interactive", "accepts_response_payload": payload.get("type") in ANSWERABLE}
    attempt, reason = retry
    return {
        "type": "events_api",
        "accepts_response_payload": False,
        "retry_attempt": attempt,
        "retry_reason": reason,
    }
