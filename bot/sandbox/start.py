"""The sandbox at a terminal: started by a person, told what it is, ended by Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from bot import logs
from bot.errors import SettingsError
from bot.sandbox.run import sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_PORT = 3000

BANNER = """
  The sandbox is running.      {page}

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
    async with sandbox(page_port=_port(environ.get("PORT"))) as started:
        print(BANNER.format(page=started.page_url), flush=True)  # noqa: T201 - a person at a terminal reads it
        await stop.wait()


def _port(text: str | None) -> int:
    if text and not text.isdigit():
        raise SettingsError(["PORT: write a number"])
    return int(text) if text else PAGE_PORT
