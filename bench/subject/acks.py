"""The bot's way in as it is served, and the click written to disk; what follows an acknowledgement is left out.

So that the peers, which do nothing after theirs, are compared with the same work.
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


class OnlyAcknowledges(Service):
    """Writes clicks down and begins nothing."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store
        self._take = lambda _job: None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Leave it."""
        work.close()


async def serve(settings: Settings) -> None:
    """Serve until the end."""
    async with build(settings, cards) as services:
        await services.make_ready()
        await services.directory.identify()
        server = Server(services, _way_in(settings, services))
        runner = web.AppRunner(application(server), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.port).start()
        await asyncio.Event().wait()


def _way_in(settings: Settings, services: Services) -> WaysIn:
    quiet = replace(services, service=OnlyAcknowledges(services.store))
    admission = Dispatcher(dispatcher(bolt(settings, quiet)), services.directory, services.metrics)
    secret = settings.slack_signing_secret
    return WaysIn(admission, http=SlackEndpoint(secret.get_secret_value() if secret else "", admission))


if __name__ == "__main__":
    read = read_settings(os.environ)
    logs.configure(read.log_level, read.log_format)
    gc.freeze()  # as `bot.cli` does when everything is loaded
    uvloop.run(serve(read))
