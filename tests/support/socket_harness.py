"""Socket Mode connections between the fake Slack and a Bolt app with one listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.metrics import Metrics
from bot.sandbox import personas
from bot.sandbox.slack.server import FakeSlack
from bot.slack.dispatch import Dispatcher
from bot.slack.socket_mode import CONNECTIONS, ConnectionSupervisor, SocketMode
from handlers.budgets import PersonBudgets
from handlers.middleware import Gate
from tests.support.bolt import StubWorkspace
from tests.support.clock import FakeClock
from tests.support.examples import WORKSPACE
from tests.support.process import PausedSleep
from tests.support.stub_services import ENGLISH, StubServices


async def short_sleep(_seconds: float) -> None:
    """Sleep for 5 ms instead, without moving the test's clock."""
    await asyncio.sleep(0.005)


@dataclass
class Rig:
    """The sockets under test, between the fake Slack and a Bolt app with one recording listener."""

    slack: FakeSlack
    web: AsyncWebClient
    metrics: Metrics
    clock: FakeClock
    hold: PausedSleep
    workspace: StubWorkspace
    received: list[dict[str, Any]] = field(default_factory=list)
    response: BoltResponse = field(default_factory=lambda: BoltResponse(status=200))
    responding: asyncio.Event = field(default_factory=asyncio.Event)
    """The listener waits for this before it responds."""

    def app(self) -> AsyncApp:
        """Return a Bolt app that records every command."""

        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id=self.slack.team_id, bot_token="xoxb-made-up")

        app = AsyncApp(
            authorize=authorize,
            before_authorize=Gate(StubServices(), self.workspace, ENGLISH, PersonBudgets(1000, 1000)),
            process_before_response=True,
            request_verification_enabled=False,
        )

        @app.command("/purecloud")
        async def record(body: dict[str, Any]) -> BoltResponse:
            self.received.append(body)
            await self.responding.wait()
            return self.response

        return app

    def sockets(self, token: str = "", ping_interval: float = 5.0) -> SocketMode:
        """Return unconnected sockets."""
        token = token or self.slack.sockets.app_token
        return SocketMode(
            token, self.web, Dispatcher(self.app(), self.metrics), ping_interval=ping_interval, clock=self.clock,
            sleep=short_sleep,
        )  # fmt: skip

    async def connected(self) -> None:
        """Wait until exactly the expected number of connections is open."""
        await self.slack.sockets.wait_until(lambda: len(self.slack.sockets.connections) == CONNECTIONS)


async def until(met: Callable[[], bool]) -> None:
    """Poll until a condition is met."""
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110 - nothing to wait for
            await asyncio.sleep(0.005)


async def becomes_up(sockets: SocketMode | ConnectionSupervisor, *, up: bool = True) -> None:
    async with asyncio.timeout(30):
        while await sockets.is_up() is not up:  # noqa: ASYNC110 - nothing to wait for
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
        workspace = StubWorkspace(replace(WORKSPACE, team_id=slack.team_id, app_id=slack.app_id))
        rig = Rig(slack, web, Metrics(), FakeClock(), hold, workspace)
        rig.responding.set()
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
