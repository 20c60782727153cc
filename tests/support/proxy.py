"""A wire between a bot and whatever it needs, that a test can cut, hold and mend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Wire:
    """Hands bytes on in both directions, as long as it is whole."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._flows = self._flowing()
        self._lost: list[asyncio.Event] = []
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @staticmethod
    def _flowing() -> asyncio.Event:
        flows = asyncio.Event()
        flows.set()
        return flows

    @property
    def broken(self) -> bool:
        """Whether it is cut or held just now."""
        return self._cut or not self._flows.is_set()

    def instead_of(self, url: str) -> str:
        """The same address, by way of this wire."""
        parts = urlsplit(url)
        person, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{person}{at}127.0.0.1:{self.port}").geturl()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        self._cut = True
        for writer in self._open:
            writer.transport.abort()

    def hold(self) -> None:
        """Swallow everything from now on, without a word."""
        self._flows.clear()

    def lose(self) -> None:
        """Swallow what comes over the connections of now; those that come are let through, as to another machine."""
        self.hold()
        self._lost.append(self._flows)
        self._flows = self._flowing()

    def mend(self) -> None:
        """Let everything through again; what was held arrives late."""
        self._cut = False
        for flows in (*self._lost, self._flows):
            flows.set()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        if self._cut:
            writer.transport.abort()
            return
        flows = self._flows
        with suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection(*self._there)
            self._open |= {writer, there_writer}
            await asyncio.gather(self._pump(reader, there_writer, flows), self._pump(there_reader, writer, flows))
            self._open -= {writer, there_writer}
        writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """Lay a wire from a free port of this machine to the host and port of an address."""
    parts = urlsplit(url)
    laid = Wire(parts.hostname or "", parts.port or 0)
    server = await asyncio.start_server(laid.connect, "127.0.0.1", 0)
    laid.port = server.sockets[0].getsockname()[1]
    try:
        yield laid
    finally:
        laid.mend()
        laid.cut()
        server.close()
        await server.wait_closed()
