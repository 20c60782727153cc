"""One attempt is one request on the wire; what comes back is bounded; what went wrong is named."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from bot.purecloud import GenesysNoResponse, GenesysRejected, GenesysUnreachable, Limits
from bot.purecloud import requests as wire
from bot.purecloud import responses as answers
from bot.purecloud.transport import Call, Received, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DELETE = wire.delete_tokens_me()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BEGUN = b"HTTP/1.1 200 OK\r\n"


class Wire:
    """A server that reads whole requests and answers each with the next bytes; at None and at the end it hangs up."""

    def __init__(self, *script: bytes | None) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.url = ""
        self.came = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []
        self.serving: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.serving.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the client hung up first
            while self.script:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                self.came.set()
                answer = self.script.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def listening(*script: bytes | None) -> AsyncIterator[Wire]:
    raw = Wire(*script)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield raw
        for writer in raw.writers:
            writer.close()
        await asyncio.gather(*(task for task in raw.serving if task))


@asynccontextmanager
async def transport(
    calls: list[Call] | None = None, limits: Limits | None = None, connector: aiohttp.BaseConnector | None = None
) -> AsyncIterator[Transport]:
    async with aiohttp.ClientSession(connector=connector) as session:
        observe = calls.append if calls is not None else None
        yield Transport(session, limits or Limits(), clock=lambda: 7.0, observe=observe)


async def test_dropped_connection__fresh_is_one_request_and_no_answer() -> None:
    async with listening(None) as raw, transport() as sender:
        with pytest.raises(GenesysNoResponse):
            await sender.send(raw.url, DELETE)

        assert len(raw.requests) == 1


async def test_dropped_connection__kept_alive_is_one_request_too() -> None:
    async with listening(OK, None, OK) as raw, transport() as sender:
        await sender.send(raw.url, DELETE)
        with pytest.raises(GenesysNoResponse):
            await sender.send(raw.url, DELETE)

        assert len(raw.requests) == 2
        assert (await sender.send(raw.url, DELETE)).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ],
)
async def test_truncated_answer__is_no_answer(answer: bytes) -> None:
    async with listening(answer) as raw, transport() as sender:
        with pytest.raises(GenesysNoResponse):
            await sender.send(raw.url, DELETE)

        assert len(raw.requests) == 1


async def test_redirect__is_not_followed() -> None:
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with listening(moved, OK) as raw, transport() as sender:
        received = await sender.send(raw.url, DELETE)

        assert received.status == 307
        assert len(raw.requests) == 1
        with pytest.raises(GenesysRejected):
            answers.decipher(received.status, received.headers, received.body)


async def test_body__is_read_up_to_a_bound() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport and not request.transport.is_closing():
            await response.write(b"x" * 65536)
        return response

    app = web.Application()
    app.router.add_delete("/api/v2/tokens/me", endless)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with transport() as sender:
            received = await sender.send(f"http://127.0.0.1:{runner.addresses[0][1]}", DELETE)
    finally:
        await runner.cleanup()

    assert len(received.body) == 1024 * 1024


async def test_silence__ends_with_the_attempt_and_is_no_answer() -> None:
    async with listening(BEGUN, OK) as raw, transport(limits=Limits(attempt_timeout=0.5)) as sender:
        with pytest.raises(GenesysNoResponse):
            await sender.send(raw.url, DELETE)

        assert len(raw.requests) == 1


async def test_no_time_left__is_not_for_ever() -> None:
    async with transport() as sender:
        timeout = sender._timeout(-1.0)

    assert timeout.total == timeout.connect == 0.001


async def test_connection_refused__did_not_leave() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with transport() as sender:
            with pytest.raises(GenesysUnreachable):
                await sender.send(f"http://127.0.0.1:{taken.getsockname()[1]}", DELETE)


async def test_unknown_host__did_not_leave() -> None:
    class Nowhere(aiohttp.abc.AbstractResolver):
        async def resolve(self, *_: object, **__: object) -> list[aiohttp.abc.ResolveResult]:
            raise OSError("no such host")

        async def close(self) -> None:
            pass

    async with transport(connector=aiohttp.TCPConnector(resolver=Nowhere())) as sender:
        with pytest.raises(GenesysUnreachable):
            await sender.send("https://api.nowhere.example", DELETE)


async def test_no_tls__did_not_leave() -> None:
    async with listening() as raw, transport() as sender:
        with pytest.raises(GenesysUnreachable):
            await sender.send(raw.url.replace("http:", "https:"), DELETE)

        assert raw.requests == []


async def test_no_free_connection__did_not_leave() -> None:
    limits = Limits(connect_timeout=0.5)
    async with listening(BEGUN, OK) as raw, transport(limits=limits, connector=aiohttp.TCPConnector(limit=1)) as sender:
        waiting = asyncio.create_task(sender.send(raw.url, DELETE))
        await raw.came.wait()
        with pytest.raises(GenesysUnreachable):
            await sender.send(raw.url, DELETE)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        assert len(raw.requests) == 1


async def test_observer__hears_of_answers_and_of_failures() -> None:
    calls: list[Call] = []
    async with listening(OK, None) as raw, transport(calls) as sender:
        await sender.send(raw.url, DELETE, attempt=2)
        with pytest.raises(GenesysNoResponse):
            await sender.send(raw.url, DELETE, attempt=3)

    assert calls == [
        Call("delete_tokens_me", "200", 0.0, 2),
        Call("delete_tokens_me", "GenesysNoResponse", 0.0, 3),
    ]


async def test_token__leaves_in_the_header_alone() -> None:
    async with listening(OK) as raw, transport() as sender:
        await sender.send(raw.url, wire.bearer(DELETE, "t0ken"))

    (sent,) = raw.requests
    assert sent.startswith(b"DELETE /api/v2/tokens/me HTTP/1.1\r\n")
    assert b"Authorization: Bearer t0ken\r\n" in sent


def test_received__shows_neither_body_nor_headers() -> None:
    assert repr(Received(200, {"Set-Cookie": "s3cret"}, b"s3cret")) == "Received(status=200)"
