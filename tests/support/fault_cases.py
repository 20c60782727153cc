"""The ways in which a request to Genesys Cloud can fail, down to the bytes of the connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from bot.sandbox.genesys.responses import error
from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, FakeGenesys, GenesysFault
from tests.support.timeouts import Blackhole

PARTIAL = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"id":'
TRUNCATED = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n{"id":'
COMPLETE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class FaultCase:
    """One way to fail.

    `fault`: the fake responds like this.
    `raw`: a raw server in place of the fake sends these bytes and closes the connection, or keeps it open if `silent`.
    `https`: the client expects TLS from the raw server, which does not support it.
    `refused`: no server listens on the port.
    `unanswered`: the fake receives the request and never responds.
    """

    name: str
    fault: GenesysFault | None = None
    raw: bytes | None = None
    silent: bool = False
    https: bool = False
    refused: bool = False
    unanswered: bool = False

    @property
    def status(self) -> int | None:
        """The HTTP status, None if there is no complete response."""
        return self.fault.status if self.fault else 200


def _status(status: int, suffix: str = "", **headers: str) -> FaultCase:
    name = f"{status} {HTTPStatus(status).phrase}{suffix}"
    return FaultCase(
        name, GenesysFault(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, times=None)
    )


API_FAULTS = (
    FaultCase("no response", unanswered=True),
    FaultCase("partial response, then no data", raw=PARTIAL, silent=True),
    FaultCase("connection closed before execution", GenesysFault(drop="before", times=None)),
    FaultCase("connection closed after execution", GenesysFault(drop="after", times=None)),
    FaultCase("partial response, then connection closed", raw=PARTIAL),
    FaultCase("connection refused", refused=True),
    FaultCase("connection closed in the TLS handshake", raw=b"", https=True),
    FaultCase("plain HTTP in place of TLS", raw=COMPLETE, https=True),
    *map(_status, (400, 401, 403, 404, 408, 409, 413)),
    _status(429, ", `Retry-After: 2`", Retry_After="2"),
    _status(429, ", `Retry-After: 7200`", Retry_After="7200"),
    *map(_status, (500, 502, 503, 504)),
    _status(503, ", `Retry-After: 45`", Retry_After="45"),
    FaultCase(
        "200 with an HTML page", GenesysFault(status=200, body="<html>Please log in to the proxy</html>", times=None)
    ),
    FaultCase("200 with an empty body", GenesysFault(status=200, body="", executes=True, times=None)),
    FaultCase("200 with truncated JSON", raw=TRUNCATED),
)

DELETE_FAULTS = (
    *API_FAULTS,
    _status(302, Location="https://proxy.example/"),
    FaultCase(
        "200 with a page of plain text",
        GenesysFault(status=200, body="Please log in", headers={"Content-Type": "text/plain"}, times=None),
    ),
    FaultCase("200 with an error in its body", GenesysFault(status=200, body=error(503, "c-503"), times=None)),
    FaultCase("200 with an empty object", GenesysFault(status=200, body={}, executes=True, times=None)),
)

LOGIN_FAULTS = (
    *API_FAULTS,
    FaultCase("400 for the rate limit", GenesysFault(LOGIN_RATE_LIMITED.status, LOGIN_RATE_LIMITED.body, times=None)),
)


@dataclass
class _RawServer:
    """A TCP server that receives a request and sends the bytes of a case."""

    case: FaultCase
    blackhole: Blackhole
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self.serving.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if self.case.raw:
                await (reader.read(1) if self.case.https else reader.readuntil(b"\r\n\r\n"))
                writer.write(self.case.raw)
                await writer.drain()
            if self.case.silent:
                await self.blackhole.wait()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def inject_fault(
    genesys: FakeGenesys, url: str, operation: str, case: FaultCase
) -> AsyncIterator[tuple[str, Blackhole]]:
    """Inject a fault into an operation.

    Return the URL at which it occurs and the blackhole that holds unanswered requests.
    """
    blackhole = Blackhole()
    async with AsyncExitStack() as stack:
        stack.callback(blackhole.set)
        if case.refused:
            bound = stack.enter_context(socket.socket())
            bound.bind(("127.0.0.1", 0))  # occupied, but not listening
            yield f"http://127.0.0.1:{bound.getsockname()[1]}", blackhole
            return
        if case.raw is not None:
            yield await stack.enter_async_context(_raw_server(case, blackhole)), blackhole
            return
        genesys.fault(operation, case.fault or GenesysFault(until=blackhole, times=None))
        stack.callback(partial(genesys.faults.clear, operation))
        yield url, blackhole


@asynccontextmanager
async def _raw_server(case: FaultCase, blackhole: Blackhole) -> AsyncIterator[str]:
    raw_server = _RawServer(case, blackhole)
    server = await asyncio.start_server(raw_server.serve, "127.0.0.1", 0)
    scheme = "https" if case.https else "http"
    async with server:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        blackhole.set()
        await asyncio.gather(*raw_server.serving)
