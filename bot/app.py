"""The aiohttp application: Slack's way in, health, readiness, metrics; and how the process starts and ends."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

import handlers
from bot.bootstrap import Services, build
from bot.db.engine import DatabaseUnavailable
from bot.errors import BotError, SettingsError
from bot.services.error_text import error_text
from bot.settings import Settings
from bot.slack.dispatch import UNEXPECTED, Dispatcher, InvalidSlackRequest
from bot.slack.http import MOST_BYTES, SlackEndpoint
from bot.slack.socket_mode import SocketMode
from handlers.ui import cards

DRAIN = 7.0
"""Seconds that work in hand gets after SIGTERM; with closing it stays below the 10 s that platforms give."""

BEGUN = 2.5
"""Seconds of these for commands that were acknowledged and not answered; what is leased gets the rest."""

CLOSE = 1.0
"""Seconds that requests still open get when the door is closed."""

REMEMBER = 2.0
"""Seconds for which readiness believes that Genesys Cloud gives no token."""

RETRY = 2.0
"""Seconds between two tries of `auth.test` at start."""

REOPEN = 0.5
"""Seconds between two tries of a database that is away at start."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How Slack reaches the bot: one of the two."""

    admission: Dispatcher
    http: SlackEndpoint | None = None
    sockets: SocketMode | None = None


@dataclass
class Server:
    """A running bot: its address, and whether it takes work."""

    services: Services
    ways_in: WaysIn
    stopping: bool = False
    port: int = 0
    _refused: str | None = None
    _refused_until: float = 0.0

    async def health(self, _request: web.Request) -> web.Response:
        """`GET /healthz`: the process lives."""
        return web.json_response({"status": "alive"})

    async def ready(self, _request: web.Request) -> web.Response:
        """`GET /readyz`: whether the bot can do its work, and what is missing."""
        missing = await self._missing()
        status = 503 if missing else 200
        return web.json_response({"status": "not ready" if missing else "ready", "missing": missing}, status=status)

    async def metrics(self, _request: web.Request) -> web.Response:
        """`GET /metrics`: Prometheus text."""
        with suppress(Exception):  # the database may be away; the other numbers are wanted all the more
            for kind, count in (await self.services.store.jobs.depth()).items():
                self.services.metrics.queue_depth.labels(kind).set(count)
        return web.Response(body=self.services.metrics.render(), content_type="text/plain", charset="utf-8")

    async def _missing(self) -> dict[str, str]:
        if self.stopping:
            return {"process": "it is stopping"}
        missing = {} if self.services.directory.known.is_set() else {"slack": "auth.test has not passed"}
        if self.ways_in.sockets is not None and not await self.ways_in.sockets.is_up():
            missing["socket"] = "no connection of Socket Mode answers"
        found = {"genesys": await self._no_token(), "store": await _problem(self.services.store.jobs.check_writable())}
        return missing | {name: problem for name, problem in found.items() if problem}

    async def _no_token(self) -> str | None:
        """Tell why no token can be had; a refusal is remembered, so that probes do not hammer the login host."""
        if time.monotonic() > self._refused_until:
            self._refused = await _problem(self.services.purecloud.auth.token())
            self._refused_until = time.monotonic() + REMEMBER if self._refused else 0.0
        return self._refused


async def _problem(asked: Awaitable[Any]) -> str | None:
    """Tell what keeps an answer from coming, if something does."""
    try:
        await asyncio.wait_for(asked, timeout=5)
    except Exception as error:  # noqa: BLE001 - whatever it is, the bot is not ready
        return error_text(error) if isinstance(error, BotError) else type(error).__name__
    return None


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Server]:
    """Start a bot and stop it at the end, having finished what it has in hand.

    Raises SettingsError where Slack or the database refuses what the settings say.
    """
    async with build(settings, cards) as services:
        ways_in = _ways_in(settings, services)
        server = Server(services, ways_in)
        runner = web.AppRunner(application(server), access_log=None, shutdown_timeout=CLOSE)
        identifying = asyncio.create_task(_identify(services))
        working: asyncio.Task[None] | None = None
        try:
            await runner.setup()
            site = web.TCPSite(runner, settings.host, settings.port)
            await site.start()
            server.port = runner.addresses[0][1]
            log.info("listening", host=settings.host, port=server.port)
            if ways_in.sockets is not None:
                await ways_in.sockets.check()
            working = asyncio.create_task(_work(services, is_open=await _open(services)))
            if ways_in.sockets is not None:
                ways_in.sockets.start()
            yield server
        finally:
            server.stopping = True
            await _stop(server, runner, identifying, working)


async def _stop(
    server: Server, runner: web.AppRunner, identifying: asyncio.Task[None], working: asyncio.Task[None] | None
) -> None:
    """End in order: what was begun, then what is leased, then the door."""
    services, sockets = server.services, server.ways_in.sockets
    deadline = time.monotonic() + DRAIN
    identifying.cancel()
    if sockets is not None:
        await sockets.stop(deadline - time.monotonic())
    server.ways_in.admission.closing = True
    await services.service.drain(BEGUN)
    if working is not None:
        await services.worker.drain(deadline - time.monotonic())
        working.cancel()  # what still runs then waits for a database that does not answer
    await runner.cleanup()
    await asyncio.wait([task for task in (identifying, working) if task], timeout=CLOSE)
    log.info("stopped")


def _ways_in(settings: Settings, services: Services) -> WaysIn:
    """Make the one way in that is set."""
    admission = Dispatcher(dispatcher(bolt(settings, services)), services.directory, services.metrics)
    if settings.slack_app_token is not None:
        sockets = SocketMode(settings.slack_app_token.get_secret_value(), services.slack, admission)
        return WaysIn(admission, sockets=sockets)
    if settings.slack_signing_secret is None:
        raise SettingsError(["SLACK_SIGNING_SECRET: it is required"])
    return WaysIn(admission, http=SlackEndpoint(settings.slack_signing_secret.get_secret_value(), admission))


async def _open(services: Services) -> bool:
    """Make the database ready; False while it is away. Raises SettingsError where no waiting helps."""
    try:
        await services.make_ready()
    except DatabaseUnavailable as error:
        log.error("the database is away; the bot is not ready and asks again", problem=str(error))  # noqa: TRY400
        return False
    return True


async def _work(services: Services, *, is_open: bool) -> None:
    """Wait for the database, however long it is away, then do what is written down in it.

    What it refuses only now is told by `/readyz`; at start it would have ended the process.
    """
    while not is_open:
        await asyncio.sleep(REOPEN)
        try:
            is_open = await _open(services)
        except SettingsError as error:
            log.error("the database cannot be used; the bot is not ready and asks again", problem=str(error))  # noqa: TRY400
        except Exception:  # or nobody would ever ask again
            log.exception("the database cannot be made ready; it is tried again")
    await services.worker.run()


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with running(settings):
        await stop.wait()
        log.info("stopping; work in hand is finished first")


def application(server: Server) -> web.Application:
    """Put the routes together."""
    app = web.Application(client_max_size=MOST_BYTES)
    app.add_routes(
        [
            web.get("/healthz", server.health),
            web.get("/readyz", server.ready),
            web.get("/metrics", server.metrics),
        ]
    )
    if server.ways_in.http is not None:
        app.add_routes([web.post("/slack/events", server.ways_in.http.handle)])
    return app


def bolt(settings: Settings, services: Services) -> AsyncApp:
    """Make Bolt's application, without what the entry does itself.

    `process_before_response` because its other way of waiting for an acknowledgement polls every 10 ms and loses it
    when a listener raises.
    """
    return AsyncApp(
        name="bolt",  # else it reads the source of every caller for one; `bot` would give our loggers its own level
        token=settings.slack_bot_token.get_secret_value(),
        before_authorize=handlers.Door(services.service),
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
    )


def dispatcher(app: AsyncApp) -> Any:
    """Hand a parsed body to Bolt; `socket_mode` is its name for a body that needs no parsing and no signature."""

    async def dispatch(body: dict[str, Any]) -> BoltResponse:
        try:
            request = AsyncBoltRequest(body=body, mode="socket_mode")
        except (AttributeError, KeyError, TypeError) as error:  # it looks into parts without asking what they are
            raise InvalidSlackRequest(UNEXPECTED, 400) from error
        return await app.async_dispatch(request)

    return dispatch


async def _identify(services: Services) -> None:
    """Ask Slack who the bot is until it says so; the bot is not ready before."""
    while not services.directory.known.is_set():
        try:
            workspace = await services.directory.identify()
        except BotError as error:
            log.error("slack does not tell who the bot is; it is not ready and asks again", problem=str(error))  # noqa: TRY400
            await asyncio.sleep(RETRY)
        else:
            log.info("workspace", team_id=workspace.team_id, name=workspace.name, app_id=workspace.app_id)
