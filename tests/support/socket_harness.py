"""Two connections of Socket Mode between the stand-in and a listener that does what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.metrics import Metrics
from bot.purecloud import PureCloud, region
from bot.sandbox import personas
from bot.sandbox.slack.server import FakeSlack
from bot.services.identity import Directory
from bot.slack.dispatch import Dispatcher
from bot.slack.socket_mode import CONNECTIONS, Line, SocketMode
from tests.support.clock import FakeClock
from tests.support.process import PausedSleep


async def short_sleep(_seconds: float) -> None:
    """Sleep for 5 ms instead, without moving the test's clock."""
    await asyncio.sleep(0.005)


@dataclass
class Rig:
    """The sockets under test, between the stand-in and a listener that does what it is told."""

    slack: FakeSlack
    web: AsyncWebClient
    directory: Directory
    metrics: Metrics
    clock: FakeClock
    hold: PausedSleep
    heard: list[dict[str, Any]] = field(default_factory=list)
    answer: BoltResponse = field(default_factory=lambda: BoltResponse(status=200))
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: the listener answers at once; cleared: once it is set."""

    async def dispatch(self, body: dict[str, Any]) -> BoltResponse:
        self.heard.append(body)
        await self.listening.wait()
        return self.answer

    def sockets(self, token: str = "", ping: float = 5.0) -> SocketMode:
        admission = Dispatcher(self.dispatch, self.directory, self.metrics)
        token = token or self.slack.sockets.app_token
        return SocketMode(token, self.web, admission, ping=ping, clock=self.clock, sleep=short_sleep)

    async def connected(self) -> None:
        """Wait until as many connections stand as shall, and none besides."""
        await self.slack.sockets.wait_until(lambda: len(self.slack.sockets.connections) == CONNECTIONS)


async def until(met: Callable[[], bool]) -> None:
    """Wait for something that rings no bell."""
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110 - that is how
            await asyncio.sleep(0.005)


async def becomes_up(sockets: SocketMode | Line, *, up: bool = True) -> None:
    async with asyncio.timeout(30):
        while await sockets.is_up() is not up:  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(0.005)


@asynccontextmanager
async def open_rig() -> AsyncIterator[Rig]:
    hold = PausedSleep()
    slack = FakeSlack(
        members=personas.members(), groups=personas.groups(), channels=personas.channels(), sleep=hold, socket_mode=True
    )
    await slack.start()
    async with ClientSession() as session:
        web = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        purecloud = PureCloud(session, region("mypurecloud.com"), "made-up", "made-up")
        directory = Directory(web, purecloud.users, purecloud.authorization, lambda *_: None, clock=lambda: 0.0)
        await directory.identify()
        rig = Rig(slack, web, directory, Metrics(), FakeClock(), hold)
        rig.listening.set()
        yield rig
    hold.released.set()
    await slack.stop()


@asynccontextmanager
async def open_sockets(rig: Rig) -> AsyncIterator[SocketMode]:
    """Start the sockets under test and stop them."""
    started = rig.sockets()
    started.start()
    try:
        await rig.connected()
        await becomes_up(started)
        yield started
    finally:
        await started.stop(5)
