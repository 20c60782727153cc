"""The sandbox at a terminal: started by a person, told what it is, ended by Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot import logs
from bot.errors import SettingsError
from bot.sandbox.server import sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_PORT = 3000

HIGHEST_PORT = 65535

BANNER = """
  The sandbox is running.      {page}{elsewhere}

  Nothing here is the real Slack or Genesys Cloud: both are stand-ins on this machine, and nobody is logged out.
  The page shows you round in three steps. Ctrl-C ends it and forgets everything.

  For the real thing:          README.md, "To a real workspace", then .venv/bin/python -m bot check
"""


async def run(environ: Mapping[str, str]) -> None:
    """Run until Ctrl-C; `PORT` is the page's, a free one is taken where it is in use."""
    logs.configure(environ.get("LOG_LEVEL", "warning"), environ.get("LOG_FORMAT", "auto"))
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    port = _port(environ.get("PORT"))
    async with sandbox(page_port=port) as started:
        print(_banner(started.page_url, port), flush=True)  # noqa: T201 - a person at a terminal reads it
        await stop.wait()


def _banner(page: str, wanted: int) -> str:
    taken = wanted not in (0, urlsplit(page).port)
    return BANNER.format(page=page, elsewhere=f"  (port {wanted} cannot be had)" if taken else "")


def _port(text: str | None) -> int:
    if not text:
        return PAGE_PORT
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise SettingsError([f"PORT: write a number from 0 to {HIGHEST_PORT}"])
    return int(text)
