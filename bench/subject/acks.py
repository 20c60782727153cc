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
from bot.app import Server, WaysIn, application, bolt, dispatcher
from bot.bootstrap import Services, build
from bot.db.requests import RequestStore
from bot.services.requesting import Service
from bot.settings import Settings, read_settings
from bot.slack.dispatch import Dispatcher
from bot.slack.http import SlackEndpoint
from handlers.ui import cards


class AckOnlyService(Service):
    """A service that stores clicks and starts no task."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store
        self._take = lambda _job: None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Discard the task."""
        work.close()


async def serve(settings: Settings) -> None:
    """Serve until the process is stopped."""
    async with build(settings, cards) as services:
        await services.make_ready()
        await services.directory.identify()
        server = Server(services, _transports(settings, services))
        runner = web.AppRunner(application(server), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.port).start()
        await asyncio.Event().wait()


def _transports(settings: Settings, services: Services) -> WaysIn:
    ack_only = replace(services, service=AckOnlyService(services.store))
    dispatch = Dispatcher(dispatcher(bolt(settings, ack_only)), services.directory, services.metrics)
    secret = settings.slack_signing_secret
    return WaysIn(dispatch, http=SlackEndpoint(secret.get_secret_value() if secret else "", dispatch))


if __name__ == "__main__":
    read = read_settings(os.environ)
    logs.configure(read.log_level, read.log_format)
    gc.freeze()  # as `bot.cli` does after imports
    uvloop.run(serve(read))
