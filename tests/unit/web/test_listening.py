"""The port: hosts that work, hosts that never will, and `::` for IPv4 too."""

from __future__ import annotations

import asyncio
import socket

import pytest

from bot.errors import SettingsError
from bot.web.listening import open_server


class Greeting(asyncio.Protocol):
    """A protocol that sends one line."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the line and close."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


async def line_from(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::", "[::]", "0:0:0:0:0:0:0:0"])
async def test_open_server__on_every_ipv6_address_serves_ipv4_too(host: str) -> None:
    server = await open_server(Greeting, host, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]

        assert [await line_from(one, port) for one in ("127.0.0.1", "::1")] == [b"hello", b"hello"]


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost"])  # noqa: S104 - what people write
async def test_open_server__accepts_usual_hosts(host: str) -> None:
    async with await open_server(Greeting, host, 0) as server:
        assert await line_from("127.0.0.1", server.sockets[0].getsockname()[1]) == b"hello"


@pytest.mark.parametrize(
    "host",
    ["x86_64-conda-linux-gnu", "no-such-host.invalid", "203.0.113.7", "2001:db8::1", "1.2.3.4.5", "a" * 70, "a..b",
     "\0", "http://0.0.0.0", "0.0.0.0:3000"],
)  # fmt: skip
async def test_open_server__names_a_host_that_can_never_work(host: str) -> None:
    with pytest.raises(SettingsError) as raised:
        await open_server(Greeting, host, 0)

    (line,) = raised.value.problems
    assert line.startswith("HOST: ")
    assert "127.0.0.1 for this machine alone" in line


async def test_open_server__leaves_a_port_in_use_to_the_caller() -> None:
    async with await open_server(Greeting, "127.0.0.1", 0) as server:
        with pytest.raises(OSError, match="in use"):
            await open_server(Greeting, "127.0.0.1", server.sockets[0].getsockname()[1])
