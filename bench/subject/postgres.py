"""A PostgreSQL server with durable commits that creates databases when called."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from bench.stdio_server import serve, write_message
from tests.support.postgres import Server, server

DURABILITY_SETTINGS = ("fsync", "full_page_writes")
"""The settings that the tests' server turns off, because tests kill only processes."""


class Databases:
    """The server and the databases created on it."""

    def __init__(self, running: Server) -> None:
        self._server = running
        self._count = 0

    def make_durable(self) -> None:
        """Make every commit wait for the disk."""
        for name in DURABILITY_SETTINGS:
            asyncio.run(self._server.do(f"ALTER SYSTEM SET {name} = on"))
        asyncio.run(self._server.do("SELECT pg_reload_conf()"))

    def create_database(self) -> dict[str, Any]:
        """Create an empty database and return its URL."""
        self._count += 1
        name = f"bench_{self._count}"
        asyncio.run(self._server.do(f"CREATE DATABASE {name}"))
        return {"url": self._server.address(name)}


def main() -> None:
    """Start the server and serve calls until stdin ends or SIGTERM arrives; then stop the server."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with server() as running:
        databases = Databases(running)
        databases.make_durable()
        write_message({"ready": True})
        serve({"create_database": databases.create_database})


if __name__ == "__main__":
    main()
