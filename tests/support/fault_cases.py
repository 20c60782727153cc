"""What can become of a request on its way to Genesys Cloud and back, down to the bytes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, FakeGenesys, GenesysFault
from tests.support.timeouts import Blackhole

HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"id":'
TRUNCATED = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n{"id":'
WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class Mishap:
    """One way to fail: an answer of Genesys Cloud's, or bytes of whoever sits in its place.

    `raw` is sent in answer to whatever comes, then the line is cut, or held where `silent`. `https`: the client expects
    TLS and does not get it. `refused`: nobody listens. `unanswered`: Genesys Cloud has it and says nothing.
    """

    name: str
    fault: GenesysFault | None = None
    raw: bytes | None = None
    silent: bool = False
    https: bool = False
    refused: bool = False
    unanswered: bool = False


def _status(status: int, note: str = "", **headers: str) -> Mishap:
    name = f"{status} {HTTPStatus(status).phrase}{note}"
    return Mishap(
        name, GenesysFault(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, times=None)
    )


ALL = (
    Mishap("no answer", unanswered=True),
    Mishap("half an answer, then silence", raw=HALF, silent=True),
    Mishap("cut before it acted", GenesysFault(drop="before", times=None)),
    Mishap("cut after it acted", GenesysFault(drop="after", times=None)),
    Mishap("half an answer, then cut", raw=HALF),
    Mishap("connection refused", refused=True),
    Mishap("TLS cut in the handshake", raw=b"", https=True),
    Mishap("plain HTTP where TLS is expected", raw=WELL, https=True),
    *map(_status, (400, 401, 403, 404, 408, 409, 413)),
    _status(429, ", `Retry-After: 2`", Retry_After="2"),
    _status(429, ", `Retry-After: 7200`", Retry_After="7200"),
    *map(_status, (500, 502, 503, 504)),
    Mishap("200 with a web page", GenesysFault(status=200, body="<html>Please log in to the proxy</html>", times=None)),
    Mishap("200 with nothing in it", GenesysFault(status=200, body="", executes=True, times=None)),
    Mishap("200 with truncated JSON", raw=TRUNCATED),
)

AT_LOGIN = (
    *ALL,
    Mishap("400 for its rate limit", GenesysFault(LOGIN_RATE_LIMITED.status, LOGIN_RATE_LIMITED.body, times=None)),
)


@dataclass
class _Impostor:
    """Whoever sits in Genesys Cloud's place: takes a request and says what it was told to."""

    mishap: Mishap
    blackhole: Blackhole
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self.serving.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if self.mishap.raw:
                await (reader.read(1) if self.mishap.https else reader.readuntil(b"\r\n\r\n"))
                writer.write(self.mishap.raw)
                await writer.drain()
            if self.mishap.silent:
                await self.blackhole.wait()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def place_of(
    genesys: FakeGenesys, url: str, operation: str, mishap: Mishap
) -> AsyncIterator[tuple[str, Blackhole]]:
    """The address at which an operation meets a mishap, and the silence in it."""
    blackhole = Blackhole()
    async with AsyncExitStack() as undone:
        undone.callback(blackhole.set)
        if mishap.refused:
            taken = undone.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))  # taken, and nobody listens
            yield f"http://127.0.0.1:{taken.getsockname()[1]}", blackhole
            return
        if mishap.raw is not None:
            yield await undone.enter_async_context(_posing(mishap, blackhole)), blackhole
            return
        genesys.fault(operation, mishap.fault or GenesysFault(until=blackhole, times=None))
        undone.callback(partial(genesys.faults.clear, operation))
        yield url, blackhole


@asynccontextmanager
async def _posing(mishap: Mishap, blackhole: Blackhole) -> AsyncIterator[str]:
    impostor = _Impostor(mishap, blackhole)
    server = await asyncio.start_server(impostor.serve, "127.0.0.1", 0)
    scheme = "https" if mishap.https else "http"
    async with server:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        blackhole.set()
        await asyncio.gather(*impostor.serving)
