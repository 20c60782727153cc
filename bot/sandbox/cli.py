"""The `sandbox` command: print the page's address and run until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot import logs
from bot.errors import SettingsError
from bot.sandbox.server import start_sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 3000

MAX_PORT = 65535

BANNER = """
  The sandbox is running. Open this page in your browser:{port_note}

      {page}

  It shows the real bot between a fake Slack and a fake Genesys Cloud. Both run on this machine: no account
  is needed, and no real user is logged out. The incident drill on the page takes about a minute.

  To stop it, press Ctrl-C. All data of the sandbox is then deleted.
  To connect the bot to your own Slack workspace, see "To a real workspace" in README.md.
"""


async def run(environ: Mapping[str, str]) -> None:
    """Run the sandbox until SIGINT or SIGTERM. `PORT` is the preferred port of the page."""
    logs.configure(environ.get("LOG_LEVEL", "warning"), environ.get("LOG_FORMAT", "auto"))
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    port = _port(environ.get("PORT"))
    async with start_sandbox(page_port=port) as sandbox:
        print(_banner(sandbox.page_url, port), flush=True)  # noqa: T201 - read in a terminal
        await stop.wait()


def _banner(page: str, wanted: int) -> str:
    in_use = wanted not in (0, urlsplit(page).port)
    return BANNER.format(page=page, port_note=f"\n  (Port {wanted} is not available.)" if in_use else "")


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise SettingsError([f"PORT: write a number from 0 to {MAX_PORT}"])
    return int(text)
