"""A TCP proxy between a bot and a service, which a test can cut, stall and restore."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class TcpProxy:
    """A proxy that forwards bytes in both directions while it is not cut or stalled."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._flowing = self._new_flow()
        self._stalled: list[asyncio.Event] = []
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @staticmethod
    def _new_flow() -> asyncio.Event:
        flowing = asyncio.Event()
        flowing.set()
        return flowing

    @property
    def broken(self) -> bool:
        """Whether the proxy is cut or stalled now."""
        return self._cut or not self._flowing.is_set()

    def route(self, url: str) -> str:
        """Return the URL with the proxy's host and port."""
        parts = urlsplit(url)
        userinfo, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{userinfo}{at}127.0.0.1:{self.port}").geturl()

    def redirect(self, url: str) -> None:
        """Forward new connections to the host and port of another URL."""
        parts = urlsplit(url)
        self._upstream = (parts.hostname or "", parts.port or 0)

    def cut(self) -> None:
        """Abort every connection and refuse new ones."""
        self._cut = True
        self.disconnect()

    def disconnect(self) -> None:
        """Abort every connection."""
        for writer in self._open:
            writer.transport.abort()

    def stall(self) -> None:
        """Forward nothing from now on, and keep all connections open."""
        self._flowing.clear()

    def stall_existing(self) -> None:
        """Stall the existing connections and forward new ones, as after a failover to another host."""
        self.stall()
        self._stalled.append(self._flowing)
        self._flowing = self._new_flow()

    def restore(self) -> None:
        """Forward everything again, including what was stalled."""
        self._cut = False
        for flowing in (*self._stalled, self._flowing):
            flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection until it ends."""
        if self._cut:
            writer.transport.abort()
            return
        flowing = self._flowing
        with suppress(OSError):
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
            self._open |= {writer, upstream_writer}
            await asyncio.gather(
                self._forward(reader, upstream_writer, flowing), self._forward(upstream_reader, writer, flowing)
            )
            self._open -= {writer, upstream_writer}
        writer.transport.abort()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[TcpProxy]:
    """Start a proxy on a free port that forwards to the host and port of a URL."""
    parts = urlsplit(url)
    proxy = TcpProxy(parts.hostname or "", parts.port or 0)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.restore()
        proxy.cut()
        server.close()
        await server.wait_closed()
