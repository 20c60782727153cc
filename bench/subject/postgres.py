"""A PostgreSQL that keeps what it commits; hands out databases when asked (`bench.stdio_server`)."""

from __future__ import annotations

import asyncio
from typing import Any

from bench.stdio_server import obey, say
from tests.support.postgres import Server, server

DURABLE = ("fsync", "full_page_writes")
"""What the tests' server is made without, because only processes are killed there."""


class Databases:
    """One server and the databases made on it."""

    def __init__(self, started: Server) -> None:
        self._server = started
        self._made = 0

    def durable(self) -> None:
        """Have every commit reach the disk."""
        for name in DURABLE:
            asyncio.run(self._server.do(f"ALTER SYSTEM SET {name} = on"))
        asyncio.run(self._server.do("SELECT pg_reload_conf()"))

    def database(self) -> dict[str, Any]:
        """Make an empty database."""
        self._made += 1
        name = f"bench_{self._made}"
        asyncio.run(self._server.do(f"CREATE DATABASE {name}"))
        return {"url": self._server.address(name)}


def main() -> None:
    """Start it, say so, and serve until standard input ends."""
    with server() as started:
        databases = Databases(started)
        databases.durable()
        say({"ready": True})
        obey({"database": databases.database})


if __name__ == "__main__":
    main()
