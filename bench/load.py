"""Load: kept-alive connections that send prepared requests and look at every answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.web import length_of

Right = Callable[[int, bytes], bool]
"""Whether an answer, status and body, is the one that must come."""


class WrongAnswerError(Exception):
    """An answer that must not come; nothing is measured with it."""


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep the way out."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand out the answer once it is whole."""
        self._buffer += data
        whole = _read(self._buffer)
        if whole and self._answer:
            self._buffer = b""
            self._answer.set_result(whole)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that no answer will come."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(WrongAnswerError(f"the connection broke: {exc}"))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, return status and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def _read(buffer: bytes) -> tuple[int, bytes] | None:
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, body = buffer[:end], buffer[end + 4 :]
    if b"chunked" in head.lower():
        return (int(head[9:12]), _unchunk(body)) if body.endswith(b"0\r\n\r\n") else None
    return (int(head[9:12]), body) if len(body) >= length_of(head) else None


def _unchunk(body: bytes) -> bytes:
    parts: list[bytes] = []
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            return b"".join(parts)
        parts.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]


async def connect(port: int) -> Connection:
    """Open a connection."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    return connection


def acknowledged(status: int, body: bytes) -> bool:
    """Whether it is the empty 200 that Slack wants."""
    return status == 200 and not body  # noqa: PLR2004 - OK


def rejected(status: int, _body: bytes) -> bool:
    """Whether it is the refusal that a forged request gets."""
    return status == 401  # noqa: PLR2004 - Unauthorized


@dataclass(frozen=True, slots=True)
class Volley:
    """How a number of requests went: seconds each, and seconds in all."""

    latencies: list[float]
    seconds: float

    @property
    def p50(self) -> float:
        """Half took no longer."""
        return median(self.latencies)

    @property
    def p99(self) -> float:
        """All but one in a hundred took no longer."""
        return sorted(self.latencies)[max(0, int(len(self.latencies) * 0.99) - 1)]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


async def volley(port: int, requests: Sequence[bytes], connections: int, right: Right = acknowledged) -> Volley:
    """Send all requests over so many connections, each sending its next when its last was answered."""
    open_ones = [await connect(port) for _ in range(connections)]
    waiting = iter(requests)
    latencies: list[float] = []

    async def work(connection: Connection) -> None:
        for request in waiting:
            began = time.perf_counter()
            status, body = await connection.ask(request)
            latencies.append(time.perf_counter() - began)
            if not right(status, body):
                raise WrongAnswerError(f"port {port} answered {status}: {body[:200]!r}")

    began = time.perf_counter()
    try:
        async with asyncio.timeout(300):
            await asyncio.gather(*map(work, open_ones))
    finally:
        for connection in open_ones:
            connection.close()
    return Volley(latencies, time.perf_counter() - began)
