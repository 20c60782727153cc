"""An attempt sends one request, reads a bounded response and raises the error that fits."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from bot.network.proxies import Proxies
from bot.purecloud import GenesysNoResponse, GenesysUnreachable, Limits, requests, responses
from bot.purecloud.transport import HttpAttempt, RawResponse, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DELETE = requests.delete_tokens_me()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
INCOMPLETE = b"HTTP/1.1 200 OK\r\n"


class ScriptedServer:
    """A server that answers each request with the next bytes of a script.

    It closes the connection at None and at the end of the script.
    """

    def __init__(self, *script: bytes | None) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.url = ""
        self.request_received = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []
        self.serving: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.serving.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the client closed the connection first
            while self.script:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                self.request_received.set()
                answer = self.script.pop(0)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def scripted_server(*script: bytes | None) -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer(*script)
    listener = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        yield scripted
        for writer in scripted.writers:
            writer.close()
        await asyncio.gather(*(task for task in scripted.serving if task))


@asynccontextmanager
async def transport(
    attempts: list[HttpAttempt] | None = None,
    limits: Limits | None = None,
    connector: aiohttp.BaseConnector | None = None,
) -> AsyncIterator[Transport]:
    async with aiohttp.ClientSession(connector=connector) as session:
        observe = attempts.append if attempts is not None else None
        yield Transport(session, limits or Limits(), clock=lambda: 7.0, observe=observe)


async def test_dropped_connection__sends_one_request_and_raises_no_response() -> None:
    async with scripted_server(None) as server, transport() as sender:
        with pytest.raises(GenesysNoResponse):
            await sender.send(server.url, DELETE)

        assert len(server.requests) == 1


async def test_dropped_connection__kept_alive_is_not_sent_again() -> None:
    async with scripted_server(OK, None, OK) as server, transport() as sender:
        await sender.send(server.url, DELETE)
        with pytest.raises(GenesysNoResponse):
            await sender.send(server.url, DELETE)

        assert len(server.requests) == 2
        assert (await sender.send(server.url, DELETE)).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ],
)
async def test_truncated_response__raises_no_response(answer: bytes) -> None:
    async with scripted_server(answer) as server, transport() as sender:
        with pytest.raises(GenesysNoResponse):
            await sender.send(server.url, DELETE)

        assert len(server.requests) == 1


async def test_redirect__is_not_followed() -> None:
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with scripted_server(moved, OK) as server, transport() as sender:
        received = await sender.send(server.url, DELETE)

        assert received.status == 307
        assert len(server.requests) == 1
        with pytest.raises(GenesysNoResponse):
            responses.parse_response(received.status, received.headers, received.body)


async def test_body__is_read_up_to_one_mebibyte() -> None:
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


async def test_attempt_timeout__raises_no_response() -> None:
    async with scripted_server(INCOMPLETE, OK) as server, transport(limits=Limits(attempt_timeout=0.5)) as sender:
        with pytest.raises(GenesysNoResponse):
            await sender.send(server.url, DELETE)

        assert len(server.requests) == 1


async def test_timeout__expired_deadline_is_the_minimum_timeout() -> None:
    async with transport() as sender:
        timeout = sender._timeout(-1.0)

    assert timeout.total == timeout.connect == 0.001


async def test_connection_refused__raises_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with transport() as sender:
            with pytest.raises(GenesysUnreachable):
                await sender.send(f"http://127.0.0.1:{taken.getsockname()[1]}", DELETE)


async def test_unknown_host__raises_unreachable() -> None:
    class Nowhere(aiohttp.abc.AbstractResolver):
        async def resolve(self, *_: object, **__: object) -> list[aiohttp.abc.ResolveResult]:
            raise OSError("no such host")

        async def close(self) -> None:
            pass

    async with transport(connector=aiohttp.TCPConnector(resolver=Nowhere())) as sender:
        with pytest.raises(GenesysUnreachable):
            await sender.send("https://api.nowhere.example", DELETE)


async def test_failed_tls_handshake__raises_unreachable() -> None:
    async with scripted_server() as server, transport() as sender:
        with pytest.raises(GenesysUnreachable):
            await sender.send(server.url.replace("http:", "https:"), DELETE)

        assert server.requests == []


async def test_exhausted_connection_pool__raises_unreachable() -> None:
    limits = Limits(connect_timeout=0.5)
    async with (
        scripted_server(INCOMPLETE, OK) as server,
        transport(limits=limits, connector=aiohttp.TCPConnector(limit=1)) as sender,
    ):
        waiting = asyncio.create_task(sender.send(server.url, DELETE))
        await server.request_received.wait()
        with pytest.raises(GenesysUnreachable):
            await sender.send(server.url, DELETE)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        assert len(server.requests) == 1


async def test_observe__gets_responses_and_failures() -> None:
    attempts: list[HttpAttempt] = []
    async with scripted_server(OK, None) as server, transport(attempts) as sender:
        await sender.send(server.url, DELETE, attempt=2)
        with pytest.raises(GenesysNoResponse):
            await sender.send(server.url, DELETE, attempt=3)

    assert attempts == [
        HttpAttempt("delete_tokens_me", "200", 0.0, 2),
        HttpAttempt("delete_tokens_me", "connection_lost", 0.0, 3),
    ]


async def test_token__is_sent_in_the_header() -> None:
    async with scripted_server(OK) as server, transport() as sender:
        await sender.send(server.url, requests.with_bearer_token(DELETE, "t0ken"))

    (sent,) = server.requests
    assert sent.startswith(b"DELETE /api/v2/tokens/me HTTP/1.1\r\n")
    assert b"Authorization: Bearer t0ken\r\n" in sent


def test_raw_response__repr_hides_body_and_headers() -> None:
    assert repr(RawResponse(200, {"Set-Cookie": "s3cret"}, b"s3cret")) == "RawResponse(status=200)"


async def test_send__names_a_proxy_whose_name_cannot_be_resolved() -> None:
    proxies = Proxies(http="http://jane:hunter2@proxy.invalid:3128")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=proxies.resolver())) as session:
        transport = Transport(session, Limits(), clock=lambda: 0.0, observe=None, proxy_for=proxies.proxy_for)
        with pytest.raises(GenesysUnreachable) as raised:
            await transport.send("http://api.invalid", DELETE)

    assert raised.value.problem == "proxy_unreachable"
    assert "hunter2" not in str(raised.value)
