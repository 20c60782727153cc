"""A second replica of the bot, as a process of its own, so that it can die as processes do."""

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

PATIENCE = 20.0
"""Seconds within which it must be ready."""

_LOOK_AGAIN = 0.1
_FROM_HERE = ("PATH", "HOME", "LANG", "SYSTEMROOT")
"""What a process needs of the environment; no setting of somebody's real bot may come along."""


class NotReady(Exception):
    """The replica did not come up; it was ended again."""


class Replica:
    """`python -m bot serve` on the sandbox's database, beside the bot that runs in this process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url
        self.pid = process.pid

    @classmethod
    async def start(cls, environ: Mapping[str, str]) -> Self:
        """Start it on a free port and wait until it takes work; raises NotReady."""
        port = _free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "serve",
            cwd=Path(__file__).parents[2],
            env={name: os.environ[name] for name in _FROM_HERE if name in os.environ}
            | dict(environ)
            | {"PORT": str(port), "LOG_LEVEL": "error"},
        )
        replica = cls(process, f"http://127.0.0.1:{port}")
        try:
            async with asyncio.timeout(PATIENCE), ClientSession() as session:
                while not await replica._is_ready(session):  # noqa: ASYNC110 - another process rings no bell here
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError:
            await replica.kill()
            raise NotReady("The second replica did not start. The terminal tells more.") from None
        return replica

    @property
    def alive(self) -> bool:
        """Whether the process is there; anybody may end it from a terminal."""
        return self._process.returncode is None

    async def kill(self) -> None:
        """Take its life as `kill -9` does: nothing is finished, nothing is said."""
        if self.alive:
            self._process.kill()
        await self._process.wait()

    async def _is_ready(self, session: ClientSession) -> bool:
        if not self.alive:
            raise NotReady("The second replica ended at once. The terminal tells more.")
        try:
            async with session.get(f"{self.url}/readyz") as answer:
                return answer.status == HTTPStatus.OK
        except ClientError:
            return False


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])
