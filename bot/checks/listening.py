"""Check that HTTP can listen on HOST and PORT. The port is opened for a moment and accepts nothing."""

from __future__ import annotations

import asyncio
import errno
from typing import Final

from bot.checks.result import CheckResult, failed, ok
from bot.settings import Settings
from bot.web.listening import open_server

LISTENING: Final = "HOST, PORT"


async def check_listening(settings: Settings) -> CheckResult:
    """Check that the port can be opened. A port in use passes, because the bot itself may be running."""
    host, port = settings.host, settings.port
    try:
        server = await open_server(asyncio.Protocol, host, port, start_serving=False)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return ok(LISTENING, f"port {port} is in use, as it is while the bot runs; if it does not, choose another")
        return failed(LISTENING, f"port {port} cannot be opened ({error.strerror})", "Choose another HOST or PORT.")
    server.close()
    return ok(LISTENING, f"port {port} on {host} can be opened")
