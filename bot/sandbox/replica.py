"""A second replica of the bot, in a process of its own so that it can be killed."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Self

from aiohttp import ClientError, ClientSession

if TYPE_CHECKING:
    from collections.abc import Mapping

START_TIMEOUT = 20.0
"""Maximum time until the replica is ready, in seconds. A loaded machine needs several seconds for the imports."""

_POLL_INTERVAL = 0.1
"""Time between two readiness checks, in seconds."""

_INHERITED = ("PATH", "HOME", "LANG", "SYSTEMROOT")
"""Environment variables that the process inherits. No others, because they may configure a real bot."""


class ReplicaNotReadyError(Exception):
    """The replica did not become ready and was stopped; the message is shown on the page."""


class SandboxReplica:
    """A `python -m bot serve` process that shares the database with the bot of this process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url
        self.pid = process.pid

    @classmethod
    async def start(cls, environ: Mapping[str, str]) -> Self:
        """Start a replica on a free port and wait until it is ready. Raises ReplicaNotReadyError."""
        port = _free_port()
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "serve",
            cwd=Path(__file__).parents[2],
            env=inherited | dict(environ) | {"PORT": str(port), "LOG_LEVEL": "error"},
        )
        replica = cls(process, f"http://127.0.0.1:{port}")
        try:
            async with asyncio.timeout(START_TIMEOUT), ClientSession() as session:
                while not await replica._is_ready(session):  # noqa: ASYNC110 - another process sets no event here
                    await asyncio.sleep(_POLL_INTERVAL)
        except TimeoutError:
            await replica.kill()
            raise ReplicaNotReadyError("Replica 2 did not start in time. See the terminal for its log.") from None
        return replica

    @property
    def alive(self) -> bool:
        """Whether the process still runs; it may also be killed from a terminal."""
        return self._process.returncode is None

    async def kill(self) -> None:
        """Kill the process with SIGKILL, which leaves its work unfinished."""
        if self.alive:
            self._process.kill()
        await self._process.wait()

    async def _is_ready(self, session: ClientSession) -> bool:
        if not self.alive:
            raise ReplicaNotReadyError("Replica 2 exited at start. See the terminal for its log.")
        try:
            async with session.get(f"{self.url}/readyz") as response:
                return response.status == HTTPStatus.OK
        except ClientError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
