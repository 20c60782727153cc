"""The `sandbox` command: its banner, its port, and its end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.errors import SettingsError
from bot.sandbox.cli import BANNER, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
START_TIMEOUT = 45.0
"""Maximum time for the whole run of the process, in seconds."""


@asynccontextmanager
async def started(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.process
async def test_sandbox__prints_its_address_and_takes_a_free_port(
    session: aiohttp.ClientSession,
) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        async with asyncio.timeout(START_TIMEOUT), started(port) as process:
            assert process.stdout
            said = (await process.stdout.readuntil(b"To a real workspace")).decode()
            address = re.search(r"http://127.0.0.1:(\d+)/", said)
            assert address
            assert int(address[1]) != port
            assert f"(Port {port} is not available.)" in said
            assert "a fake Slack and a fake Genesys Cloud" in said
            assert "press Ctrl-C" in said
            async with session.get(address[0]) as page:
                assert page.status == 200
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0


def test_banner__names_a_section_of_the_readme() -> None:
    assert '"To a real workspace"' in BANNER
    assert "\n## To a real workspace\n" in README


@pytest.mark.parametrize("port", ["eighty", "-1", "65536", "3000.0", "²"])
async def test_sandbox__refuses_an_invalid_port(port: str) -> None:
    with pytest.raises(SettingsError, match="PORT: write a number from 0 to 65535"):
        await run({"PORT": port})
