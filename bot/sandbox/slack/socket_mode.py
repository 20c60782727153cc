"""Socket Mode as Slack speaks it: one-time tickets, any one connection for each envelope, and how connections die."""

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

MOST_CONNECTIONS = 10
"""How many an app may have open at a time (docs.slack.dev, "Using Socket Mode")."""

LIFE = 18060
"""Seconds a connection is said to live (`approximate_connection_time`)."""


@dataclass(eq=False)
class Connection:
    """One WebSocket to the app; a frozen one neither answers pings nor hears what the app says."""

    request: web.Request
    socket: web.WebSocketResponse
    frozen: bool = False


@dataclass(eq=False)
class Envelope:
    """One payload on its way to the app, and over which connection."""

    content: dict[str, Any]
    acknowledged: asyncio.Future[dict[str, Any]]
    over: Connection | None = None


class SocketModeServer:
    """Every connection of the app, and what shall go wrong with them."""

    def __init__(self, app_id: str) -> None:
        self.app_id = app_id
        self.app_token = f"xapp-1-{app_id}-{secrets.token_hex(12)}"
        self.base_url = ""
        self.connections: list[Connection] = []
        self.opened = 0
        """How many connections there ever were."""
        self.refused = 0
        """How many were refused, whatever the reason."""
        self.refuse_next = 0
        """How many of the next connections are answered 503, their tickets used up."""
        self.freeze_new = False
        """Whether the next connections are frozen from the start: they stand, and nobody is at the other end."""
        self.redeliver = False
        """Whether what was not acknowledged when its connection ended is sent again over another one."""
        self._tickets: set[str] = set()
        self._waiting: dict[str, Envelope] = {}
        self._changed = asyncio.Condition()

    def open(self, token: object) -> dict[str, Any]:
        """Answer `apps.connections.open`: an address that can be used once; raises MethodError."""
        if token != self.app_token:
            raise MethodError("not_allowed_token_type" if str(token).startswith("xoxb-") else "invalid_auth")
        ticket = secrets.token_urlsafe(12)
        self._tickets.add(ticket)
        return {"url": f"{self.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self.app_id}"}

    async def link(self, request: web.Request) -> web.StreamResponse:
        """`GET /link/`: take a connection, greet it and hear its acknowledgements until it ends."""
        if (status := self._refusal(request.query.get("ticket", ""))) is not None:
            self.refused += 1
            await self._tell()
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
            pass  # the app is gone; that is what connections do
        finally:
            await self._gone(connection)
        return connection.socket

    async def deliver(self, payload: dict[str, Any], patience: float) -> dict[str, Any] | None:
        """Send a payload over any one connection; the acknowledgement, None when none came in so many seconds."""
        kind, name = _kind_of(payload), secrets.token_hex(8)
        content = {"envelope_id": name, "type": kind, "payload": payload, "accepts_response_payload": True}
        envelope = Envelope(content, asyncio.get_running_loop().create_future())
        self._waiting[name] = envelope
        try:
            async with asyncio.timeout(patience):
                await self._send(envelope)
                return await envelope.acknowledged
        except (TimeoutError, ConnectionError):
            return None
        finally:
            del self._waiting[name]

    async def broadcast(self, text: str) -> None:
        """Send the same frame over every connection, whatever it says."""
        for connection in list(self.connections):
            await connection.socket.send_str(text)

    async def disconnect(self, reason: str, *connections: Connection) -> None:
        """Announce the end of some connections (all unless named) as Slack does, and end them.

        Reasons: `warning` (which only announces), `refresh_requested`, `link_disabled`, `too_many_websockets`.
        """
        for connection in connections or tuple(self.connections):
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            if reason != "warning":
                self._retire(connection)
                await connection.socket.close()

    def freeze(self) -> None:
        """Let every connection of now fall silent without closing it."""
        for connection in self.connections:
            connection.frozen = True

    def abort(self) -> None:
        """End every connection without a word, as a network does."""
        for connection in self.connections:
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def wait_until(self, met: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until something is true of the connections; TimeoutError after so many real seconds."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(met)

    async def close(self) -> None:
        """Hang up."""
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
        await self._tell()
        if len(self.connections) > MOST_CONNECTIONS:
            await self.disconnect("too_many_websockets", connection)
            return
        hello: dict[str, Any] = {"type": "hello", "num_connections": len(self.connections)}
        told = {"host": "applink-1", "approximate_connection_time": LIFE}
        await connection.socket.send_json(hello | {"connection_info": {"app_id": self.app_id}, "debug_info": told})

    def _retire(self, connection: Connection) -> None:
        """Send nothing more over it."""
        if connection in self.connections:
            self.connections.remove(connection)

    async def _gone(self, connection: Connection) -> None:
        self._retire(connection)
        for envelope in [one for one in self._waiting.values() if one.over is connection]:
            if self.redeliver and self.connections:
                await self._send(envelope)
            elif not envelope.acknowledged.done():
                envelope.acknowledged.set_exception(ConnectionError("it ended before an acknowledgement"))
        await self._tell()

    async def _send(self, envelope: Envelope) -> None:
        if not self.connections:
            raise ConnectionError("the app is not connected")
        envelope.over = secrets.choice(self.connections)
        await envelope.over.socket.send_json(envelope.content)

    def _acknowledge(self, text: str) -> None:
        said = json.loads(text)
        envelope = self._waiting.get(said["envelope_id"])
        if envelope is not None and not envelope.acknowledged.done():
            envelope.acknowledged.set_result(said)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _kind_of(payload: dict[str, Any]) -> str:
    """What Slack calls an envelope with such a payload."""
    if "command" in payload:
        return "slash_commands"
    return "events_api" if payload.get("type") == "event_callback" else "interactive"
