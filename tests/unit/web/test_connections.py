"""The limits of the HTTP server's connections."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from bot.web.connections import ConnectionLimits, listen, raise_descriptor_limit, track_request

REQUEST = b"GET / HTTP/1.1\r\nHost: bot\r\n\r\n"
PUBLIC, PRIVATE = "8.8.4.4", "10.0.0.7"


@dataclass
class LimitedServer:
    """A server with limits, and the reasons why it closed connections."""

    port: int
    closed: list[str]
    release: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection and send these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(data)
        await writer.drain()
        return reader, writer


@asynccontextmanager
async def limited_server(total: int = 100, header_timeout: float = 30.0) -> AsyncIterator[LimitedServer]:
    """Serve `GET /` at once, `GET /slow` after `release`, and `POST /` with the number of its bytes."""
    server = LimitedServer(0, [])

    async def at_once(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def slow(_request: web.Request) -> web.Response:
        await server.release.wait()
        return web.Response(text="slow")

    async def size(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    app = web.Application(middlewares=[track_request])
    app.add_routes([web.get("/", at_once), web.get("/slow", slow), web.post("/", size)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    limits = ConnectionLimits(total=total, header_timeout=header_timeout, count=server.closed.append)
    listener = await listen(runner, "127.0.0.1", 0, limits)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        for writer in server.writers:
            writer.close()
        listener.close()
        await runner.cleanup()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: bo"], ids=["nothing", "half of the headers"])
async def test_connection__without_headers_in_time_is_closed(sent: bytes) -> None:
    async with limited_server(header_timeout=0.05) as server:
        reader, _ = await server.connect(sent)

        assert await reader.read() == b""
        assert server.closed == ["headers_too_slow"]


MALFORMED = {
    "length and chunks": b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "length too large": b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: bot\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 5000 + b"\r\n",
    "no host name": b"GET / HTTP/1.1\r\n\x00: x\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_connection__with_malformed_headers_is_counted_and_not_logged(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with limited_server() as server:
        reader, _ = await server.connect(sent)

        assert (await reader.read()).startswith(b"HTTP/1.0 400")
        assert server.closed == ["malformed"]
        assert [one for one in caplog.records if one.name.startswith(("aiohttp", "asyncio"))] == []


async def test_connection__that_trickles_headers_is_closed_although_bytes_arrive() -> None:
    async with limited_server(header_timeout=0.1) as server:
        reader, writer = await server.connect(b"GET / HTTP/1.1\r\n")
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b"X: 1\r\n")
            await asyncio.sleep(0.01)

        with suppress(ConnectionResetError):  # the last bytes arrived at a closed connection
            assert b"200" not in await reading


async def test_connection__that_is_kept_alive_must_send_its_next_headers_in_time() -> None:
    async with limited_server(header_timeout=0.1) as server:
        reader, writer = await server.connect(REQUEST)
        assert b"200" in await reader.readuntil(b"hello")
        await asyncio.sleep(0.2)  # idle for longer than the time for headers
        writer.write(REQUEST)
        assert b"200" in await reader.readuntil(b"hello")
        writer.write(b"GET / HT")

        assert await reader.read() == b""


async def test_request__that_takes_long_to_answer_is_not_closed() -> None:
    async with limited_server(header_timeout=0.05) as server:
        reader, _ = await server.connect(REQUEST.replace(b"/ ", b"/slow ", 1))
        await asyncio.sleep(0.2)
        server.release.set()

        assert b"200" in await reader.readuntil(b"slow")
        assert server.closed == []


async def test_new_connection__takes_the_place_of_the_longest_idle_one() -> None:
    async with limited_server(total=3) as server:
        first, first_writer = await server.connect(b"GET")
        second, _ = await server.connect(b"GET")
        third, _ = await server.connect(b"GET")
        first_writer.write(REQUEST[3:])
        assert b"200" in await first.readuntil(b"hello")  # so the second is the longest idle one now

        fourth, _ = await server.connect(REQUEST)

        assert b"200" in await fourth.readuntil(b"hello")
        assert await second.read() == b""
        assert server.closed == ["idle_replaced"]
        assert not first.at_eof()
        assert not third.at_eof()


async def test_new_connection__takes_the_place_of_one_whose_body_is_missing() -> None:
    async with limited_server(total=1) as server:
        held, _ = await server.connect(b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 10\r\n\r\nhalf")
        await asyncio.sleep(0.05)

        other, _ = await server.connect(REQUEST)

        assert b"200" in await other.readuntil(b"hello")
        assert b"200" not in await held.read()


async def test_new_connection__is_refused_while_all_others_are_being_answered() -> None:
    async with limited_server(total=1) as server:
        busy, _ = await server.connect(REQUEST.replace(b"/ ", b"/slow ", 1))
        await asyncio.sleep(0.05)

        refused, _ = await server.connect()
        assert await refused.read() == b""
        server.release.set()

        assert b"200" in await busy.readuntil(b"slow")
        assert server.closed == ["too_many"]


async def test_compressed_body__is_not_decompressed() -> None:
    async with limited_server() as server, ClientSession() as session:
        url = f"http://127.0.0.1:{server.port}/"
        headers = {"Content-Encoding": "gzip"}
        async with session.post(url, data=b"x" * 100, headers=headers, compress=False) as answer:
            assert await answer.text() == "100"


class StubConnection:
    """A connection, as the limits see one."""

    address = PUBLIC
    replaceable = True

    def force_close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("address", [PUBLIC, f"::ffff:{PUBLIC}"])
def test_public_address__may_hold_a_part_of_the_connections_only(address: str) -> None:
    closed: list[str] = []
    limits = ConnectionLimits(total=100, per_peer=2, count=closed.append)
    one, two, three = StubConnection(), StubConnection(), StubConnection()

    admitted = [limits.admit(each, address) for each in (one, two, three)]  # type: ignore[arg-type]
    limits.release(one)  # type: ignore[arg-type]

    assert admitted == [True, True, False]
    assert limits.admit(three, PUBLIC)  # type: ignore[arg-type]
    assert closed == ["too_many_of_peer"]


def test_reverse_proxy__is_not_limited_because_it_speaks_for_many() -> None:
    limits = ConnectionLimits(total=100, per_peer=2)

    assert all(limits.admit(StubConnection(), PRIVATE) for _ in range(50))  # type: ignore[arg-type]


def test_descriptor_limit__is_raised_and_never_lowered() -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, 1024), hard))
        raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(hard, 65536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
