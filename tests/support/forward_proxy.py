"""A forward proxy, as companies have one: it alone resolves some names, and may ask for a password."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class ForwardProxy:
    """A proxy for http:// by absolute URLs and for https:// by CONNECT.

    `hosts` maps the names that it resolves to addresses (`127.0.0.1:4000`); it refuses others with 502.
    """

    hosts: Mapping[str, str]
    credentials: str | None = None
    port: int = 0
    lines: list[str] = field(default_factory=list)
    """The request lines that it received."""

    @property
    def url(self) -> str:
        """The value of HTTP_PROXY."""
        return (
            f"http://{self.credentials}@127.0.0.1:{self.port}" if self.credentials else f"http://127.0.0.1:{self.port}"
        )

    @property
    def targets(self) -> set[str]:
        """The hosts that clients asked for."""
        return {self._host_of(line) for line in self.lines}

    @staticmethod
    def _host_of(line: str) -> str:
        method, target, _ = line.split(" ")
        return target.partition(":")[0] if method == "CONNECT" else urlsplit(target).hostname or ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which stays with the first host that it asks for."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line = head.partition("\r\n")[0]
            self.lines.append(line)
            address = self.hosts.get(self._host_of(line))
            if self.credentials and not self._is_allowed(head):
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif address is None:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            else:
                await self._connect(head, address, reader, writer)
        writer.close()

    def _is_allowed(self, head: str) -> bool:
        wanted = base64.b64encode((self.credentials or "").encode()).decode()
        return f"proxy-authorization: basic {wanted}".lower() in head.lower()

    async def _connect(
        self, head: str, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, _, port = address.partition(":")
        upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
        method, target, version = head.partition("\r\n")[0].split(" ")
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            path = parts._replace(scheme="", netloc="").geturl() or "/"
            rest = head.partition("\r\n")[2]
            upstream_writer.write(f"{method} {path} {version}\r\n{rest}".encode("latin-1"))
        await asyncio.gather(
            self._forward(reader, upstream_writer, absolute=method != "CONNECT"),
            self._forward(upstream_reader, writer),
        )

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, absolute: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(self._with_path(data) if absolute else data)
                await writer.drain()
        writer.close()

    def _with_path(self, data: bytes) -> bytes:
        """Return a later request of a kept connection with its path alone."""
        line, separator, rest = data.partition(b"\r\n")
        words = line.split(b" ")
        if not separator or len(words) != 3 or not words[1].startswith(b"http://"):
            return data
        self.lines.append(line.decode("latin-1"))
        path = urlsplit(words[1].decode("latin-1"))._replace(scheme="", netloc="").geturl() or "/"
        return b" ".join([words[0], path.encode("latin-1"), words[2]]) + separator + rest


@asynccontextmanager
async def forward_proxy(hosts: Mapping[str, str], credentials: str | None = None) -> AsyncIterator[ForwardProxy]:
    """Start a forward proxy on a free port."""
    proxy = ForwardProxy(hosts, credentials)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
