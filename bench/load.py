"""A load generator: persistent connections that send prepared requests and check every response."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.http_server import content_length

LOAD_TIMEOUT = 300.0
"""Maximum time for all requests of a load, in seconds."""

ResponseCheck = Callable[[int, bytes], bool]
"""Returns whether a status and a body are the expected response."""


class UnexpectedResponseError(Exception):
    """A response that is not the expected one, which ends the measurement."""


class HttpConnection(asyncio.Protocol):
    """One connection that sends one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport
        self._buffer = b""
        self._response: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Complete the pending request once its response is complete."""
        self._buffer += data
        response = _parse(self._buffer)
        if response and self._response and not self._response.done():  # a load that ended cancels its requests
            self._buffer = b""
            self._response.set_result(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the pending request."""
        if self._response and not self._response.done():
            self._response.set_exception(UnexpectedResponseError(f"connection lost: {exc}"))

    @property
    def is_closed(self) -> bool:
        """Whether the server has closed the connection, which it does after some idle seconds."""
        return self._transport.is_closing()

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return the status and the body of its response."""
        self._response = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._response

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def _parse(buffer: bytes) -> tuple[int, bytes] | None:
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, body = buffer[:end], buffer[end + 4 :]
    if b"chunked" in head.lower():
        return (int(head[9:12]), _join_chunks(body)) if body.endswith(b"0\r\n\r\n") else None
    return (int(head[9:12]), body) if len(body) >= content_length(head) else None


def _join_chunks(body: bytes) -> bytes:
    chunks: list[bytes] = []
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            return b"".join(chunks)
        chunks.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]


async def connect(port: int) -> HttpConnection:
    """Open a connection to a local port."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(HttpConnection, "127.0.0.1", port)
    return connection


def is_ack(status: int, body: bytes) -> bool:
    """Return whether a response is the empty 200 that Slack expects."""
    return status == 200 and not body  # noqa: PLR2004 - OK


def is_unauthorized(status: int, _body: bytes) -> bool:
    """Return whether a response rejects a forged request."""
    return status == 401  # noqa: PLR2004 - Unauthorized


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The latency of each request and the duration of all, in seconds."""

    latencies: list[float]
    seconds: float

    @property
    def p50(self) -> float:
        """The median latency, in seconds."""
        return median(self.latencies)

    @property
    def p99(self) -> float:
        """The 99th percentile of the latency, in seconds."""
        return sorted(self.latencies)[max(0, int(len(self.latencies) * 0.99) - 1)]

    @property
    def rate(self) -> float:
        """The number of responses per second."""
        return len(self.latencies) / self.seconds


async def send_load(
    port: int, requests: Sequence[bytes], connections: int, is_expected: ResponseCheck = is_ack
) -> LoadResult:
    """Send all requests over several connections; each connection sends its next request after a response."""
    opened = [await connect(port) for _ in range(connections)]
    remaining = iter(requests)
    latencies: list[float] = []

    async def send_remaining(connection: HttpConnection) -> None:
        for request in remaining:
            began = time.perf_counter()
            status, body = await connection.send(request)
            latencies.append(time.perf_counter() - began)
            if not is_expected(status, body):
                raise UnexpectedResponseError(f"port {port} returned {status}: {body[:200]!r}")

    began = time.perf_counter()
    try:
        async with asyncio.timeout(LOAD_TIMEOUT):
            await asyncio.gather(*map(send_remaining, opened))
    finally:
        for connection in opened:
            connection.close()
    return LoadResult(latencies, time.perf_counter() - began)
