"""A minimal HTTP/1.1 server for the fakes, so that their own cost stays small."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_REASONS = {200: "OK", 204: "No Content", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A received request; `path` includes the query, `head` is the raw request line and headers."""

    method: str
    path: str
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The bytes of a response, sent after `delay` seconds; without bytes the request is never answered."""

    wire: bytes
    delay: float = 0.0


Handler = Callable[[HttpRequest], HttpResponse]


def respond(status: int, payload: Any = None, *headers: str, delay: float = 0.0) -> HttpResponse:
    """Return a response with a JSON body, or without a body if the payload is None."""
    body = b"" if payload is None else json.dumps(payload, separators=(",", ":")).encode()
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", *headers, f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json; charset=utf-8")
    return HttpResponse("\r\n".join([*lines, "", ""]).encode() + body, delay)


class HttpProtocol(asyncio.Protocol):
    """One connection, whose requests are handled in order."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Handle every complete request in the buffer."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = end + 4 + content_length(head)
            if len(self._buffer) < length:
                return
            body, self._buffer = self._buffer[end + 4 : length], self._buffer[length:]
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self._send(self._handler(HttpRequest(method, path, head, body)))

    def _send(self, response: HttpResponse) -> None:
        if not response.wire:
            return
        if response.delay:
            self._loop.call_later(response.delay, self._transport.write, response.wire)
        else:
            self._transport.write(response.wire)


def content_length(head: bytes) -> int:
    """Return the Content-Length of a message, 0 if it has none."""
    at = head.lower().find(b"\r\ncontent-length:")
    return int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def listen(handler: Handler) -> tuple[asyncio.Server, str]:
    """Listen on a free local port; return the server and its URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpProtocol(handler), "127.0.0.1", 0, backlog=1024)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
