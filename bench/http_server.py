"""A bare HTTP/1.1 server for stand-ins: one protocol object a connection, nothing that costs time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_REASONS = {200: "OK", 204: "No Content", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; `path` with its query, `head` the raw header lines."""

    method: str
    path: str
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes that go back, after `delay` seconds; no bytes: never an answer."""

    wire: bytes
    delay: float = 0.0


Answering = Callable[[Asked], Reply]


def reply(status: int, payload: Any = None, *headers: str, delay: float = 0.0) -> Reply:
    """Write an answer; `payload` is sent as JSON, None as nothing."""
    body = b"" if payload is None else json.dumps(payload, separators=(",", ":")).encode()
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", *headers, f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json; charset=utf-8")
    return Reply("\r\n".join([*lines, "", ""]).encode() + body, delay)


class Web(asyncio.Protocol):
    """One connection; requests are answered in the order they come."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._loop = asyncio.get_running_loop()
        self._waiting = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: Any) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end]
            whole = end + 4 + length_of(head)
            if len(self._waiting) < whole:
                return
            body, self._waiting = self._waiting[end + 4 : whole], self._waiting[whole:]
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self._send(self._answering(Asked(method, path, head, body)))

    def _send(self, answer: Reply) -> None:
        if not answer.wire:
            return
        if answer.delay:
            self._loop.call_later(answer.delay, self._transport.write, answer.wire)
        else:
            self._transport.write(answer.wire)


def length_of(head: bytes) -> int:
    """Read Content-Length; nothing is 0."""
    at = head.lower().find(b"\r\ncontent-length:")
    return int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def listen(answering: Answering) -> tuple[asyncio.Server, str]:
    """Listen on a free port of this machine; returns the server and its address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Web(answering), "127.0.0.1", 0, backlog=1024)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
