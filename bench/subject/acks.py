"""The bot up to the acknowledgement: it stores clicks and starts no work after them.

The baselines do nothing after their acknowledgement, so both are compared for the same work.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import uvloop
from aiohttp import web

from bot import logs
from bot.app import slack_transport
from bot.background import BackgroundTasks
from bot.bootstrap import build
from bot.services.inbox import Inbox
from bot.settings import Settings, read_settings
from bot.web.connections import ConnectionLimits, listen
from bot.web.health import Health
from bot.web.readiness import Readiness
from bot.web.routes import application
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.ui.renderer import MessageRenderer


class DiscardedTasks(BackgroundTasks):
    """Tasks that never run."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Discard the task."""
        work.close()


async def serve(settings: Settings) -> None:
    """Serve until the process is stopped."""
    renderer = MessageRenderer(Catalog(SENTENCES))
    async with build(settings, renderer) as services:
        await services.prepare_database()
        await services.workspace.identify()
        inbox = Inbox(services.store, lambda _job: None)
        ack_only = replace(services, inbox=inbox, tasks=DiscardedTasks())
        transport = slack_transport(settings, ack_only, renderer.catalog)
        runner = web.AppRunner(application(Health(Readiness(ack_only), ack_only), transport.http))
        await runner.setup()
        await listen(runner, settings.host, settings.port, ConnectionLimits())
        await asyncio.Event().wait()


if __name__ == "__main__":
    read = read_settings(os.environ)
    logs.configure(read.log_level, read.log_format)
    gc.freeze()  # as `bot.cli` does after imports
    uvloop.run(serve(read))
