"""Run the bot: start, become ready, drain, stop."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

import handlers
from bot import __version__
from bot.bootstrap import Services, build
from bot.db.driver import DatabaseUnavailable
from bot.domain.actions import ACTIONS, Actions
from bot.errors import BotError, SettingsError
from bot.logs import RepeatLimit
from bot.settings import Settings
from bot.slack.dispatch import Dispatcher
from bot.slack.http import SlackEndpoint
from bot.slack.workspace import WorkspaceIdentity
from bot.web.connections import ConnectionLimits, listen, raise_descriptor_limit
from bot.web.health import Health, no_connections
from bot.web.readiness import Readiness
from bot.web.routes import application
from handlers.budgets import PersonBudgets
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.middleware import Gate
from handlers.ui.renderer import MessageRenderer

if TYPE_CHECKING:
    from bot.slack.socket_mode import SocketMode

DRAIN_TIMEOUT = 7.0
"""Seconds for work in progress after SIGTERM; with closing, that stays below the 10 s that platforms give."""

COMMAND_DRAIN_TIMEOUT = 2.5
"""Share of `DRAIN_TIMEOUT` for acknowledged read-only commands; leased jobs get the remainder."""

CLOSE_TIMEOUT = 1.0
"""Seconds for open HTTP requests when the server closes."""

IDENTIFY_INTERVAL = 2.0
"""Seconds between the first two calls of `auth.test` at startup. Each later interval is twice as long."""

MAX_IDENTIFY_INTERVAL = 10.0
"""Longest interval between two calls of `auth.test`, in seconds, because people wait once Slack answers again."""

READY_INTERVAL = 1.0
"""Seconds between the first two looks whether the bot is ready. Each later interval is twice as long."""

MAX_READY_INTERVAL = 30.0
"""Longest interval between two such looks, in seconds; probes follow readiness more closely."""

DATABASE_RETRY_INTERVAL = 0.5
"""Seconds between two attempts to reach an unavailable database at startup."""

BINDING_TIMEOUT = 3.0
"""Seconds to wait for Slack and Genesys Cloud before the worker starts without a confirmed owner of the database."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SlackTransport:
    """How Slack reaches the bot: over HTTP or Socket Mode."""

    gate: Gate
    http: SlackEndpoint | None = None
    sockets: SocketMode | None = None


@dataclass
class RunningApp:
    """A running bot and the port it listens on."""

    services: Services
    transport: SlackTransport
    health: Health
    readiness: Readiness
    port: int = 0
    listener: asyncio.Server | None = None
    working: asyncio.Task[None] | None = None
    """The worker's task, which ends only with the process."""


@asynccontextmanager
async def running(
    settings: Settings, *, catalog: Catalog | None = None, actions: Actions = ACTIONS
) -> AsyncIterator[RunningApp]:
    """Start a bot; on exit, finish the work in progress and stop.

    Raises SettingsError if Slack or the database rejects what the settings say.
    """
    renderer = MessageRenderer(catalog or Catalog(SENTENCES, settings.contact))
    async with build(settings, renderer, actions) as services:
        transport = slack_transport(settings, services, renderer.catalog)
        readiness = Readiness(services, transport.sockets.is_up if transport.sockets else None)
        connections = transport.sockets.connections if transport.sockets else no_connections
        health = Health(readiness, services, settings.metrics_token, connections=connections)
        app = RunningApp(services, transport, health, readiness)
        runner = web.AppRunner(application(health, transport.http), shutdown_timeout=CLOSE_TIMEOUT)
        identifying = asyncio.create_task(identify(services.workspace))
        refreshing = asyncio.create_task(services.tabs.run())
        try:
            await runner.setup()
            limits = ConnectionLimits(count=services.metrics.count_closed_connection)
            app.listener = await listen(runner, settings.host, settings.port, limits)
            app.port = app.listener.sockets[0].getsockname()[1]
            log.info("app.listening", host=settings.host, port=app.port)
            if transport.sockets is not None:
                await transport.sockets.check()
            limit = RepeatLimit()
            database_ready = await _prepare_database(services, limit)
            app.working = asyncio.create_task(_work(services, limit, database_ready=database_ready))
            if transport.sockets is not None:
                transport.sockets.start()
            yield app
        finally:
            readiness.stopping = True
            refreshing.cancel()
            await _stop(app, runner, identifying)


async def _stop(app: RunningApp, runner: web.AppRunner, identifying: asyncio.Task[None]) -> None:
    """Stop in order: sockets, read-only commands, leased jobs, HTTP."""
    services, sockets, working = app.services, app.transport.sockets, app.working
    deadline = time.monotonic() + DRAIN_TIMEOUT
    identifying.cancel()
    if sockets is not None:
        await sockets.stop(deadline - time.monotonic())
    app.transport.gate.stop()
    await services.tasks.drain(COMMAND_DRAIN_TIMEOUT)
    if working is not None:
        await services.worker.drain(deadline - time.monotonic())
        with suppress(TimeoutError, BotError):
            await asyncio.wait_for(services.expiry.log_checkpoint(), CLOSE_TIMEOUT)
        working.cancel()  # what still runs waits for a database that does not answer
    if app.listener is not None:
        app.listener.close()
    await runner.cleanup()
    await asyncio.wait([task for task in (identifying, working) if task], timeout=CLOSE_TIMEOUT)
    log.info("app.stopped")


def slack_transport(settings: Settings, services: Services, catalog: Catalog) -> SlackTransport:
    """Return the transport that the settings choose."""
    budgets = PersonBudgets(settings.max_commands_per_minute, settings.max_clicks_per_minute)
    gate = Gate(services, services.workspace, catalog, budgets)
    dispatcher = Dispatcher(bolt_app(services, gate), services.metrics)
    if settings.slack_app_token is not None:
        from bot.slack.socket_mode import SocketMode  # noqa: PLC0415 - loads clients that HTTP does not need

        token, proxy_for = settings.slack_app_token.get_secret_value(), settings.proxies.proxy_for
        sockets = SocketMode(token, services.slack, dispatcher, proxy_for=proxy_for)
        return SlackTransport(gate, sockets=sockets)
    if settings.slack_signing_secret is None:
        raise SettingsError(["SLACK_SIGNING_SECRET: it is required"])
    return SlackTransport(gate, http=SlackEndpoint(settings.slack_signing_secret.get_secret_value(), dispatcher))


def bolt_app(services: Services, gate: Gate) -> AsyncApp:
    """Return Bolt's application with every listener.

    `process_before_response`, because otherwise Bolt polls for the acknowledgement every 10 ms and loses it when a
    listener raises. `authorize` makes no call, because an `auth.test` would be a hidden dependency of every
    acknowledgement. The transport has verified the signature, so Bolt does not.
    """

    async def authorize(**_context: Any) -> AuthorizeResult:
        workspace = services.workspace.current
        return AuthorizeResult(
            enterprise_id=workspace.enterprise_id,
            team_id=workspace.team_id,
            bot_user_id=workspace.bot_user_id,
            bot_token=services.slack.token,
        )

    app = AsyncApp(
        name="bolt",  # otherwise Bolt reads the source of every caller to find a name
        client=services.slack,
        authorize=authorize,
        before_authorize=gate,
        process_before_response=True,
        request_verification_enabled=False,
        raise_error_for_unhandled_request=True,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    handlers.register(app)
    return app


async def _prepare_database(services: Services, limit: RepeatLimit) -> bool:
    """Bring the schema up to date; return False while the database is unavailable.

    Raises SettingsError if waiting cannot help.
    """
    try:
        await services.prepare_database()
    except DatabaseUnavailable as error:
        if limit.allows(str(error)):
            log.error("database.unavailable_at_start", problem=str(error))  # noqa: TRY400
        return False
    return True


async def _work(services: Services, limit: RepeatLimit, *, database_ready: bool) -> None:
    """Wait for the database, however long it is unavailable, then run the worker.

    At startup a database that rejects the bot ends the process; from here on `/readyz` reports it. The worker starts
    without a confirmed owner of the database only if Slack or Genesys Cloud takes longer than `BINDING_TIMEOUT`.

    Raises SettingsError if the database belongs to others, and what the worker raises.
    """
    while not database_ready:
        await asyncio.sleep(DATABASE_RETRY_INTERVAL)
        try:
            database_ready = await _prepare_database(services, limit)
        except SettingsError as error:
            if limit.allows(str(error)):
                log.error("database.refused", problem=str(error))  # noqa: TRY400
        except Exception as error:  # otherwise the bot would never retry
            if limit.allows(repr(error)):
                log.exception("database.not_prepared")
    binding = asyncio.create_task(services.binding.confirm())
    await asyncio.wait({binding}, timeout=BINDING_TIMEOUT)
    if binding.done():
        binding.result()
    await _record_settings(services)
    working = asyncio.create_task(services.worker.run())
    try:
        await asyncio.wait({binding, working}, return_when=asyncio.FIRST_COMPLETED)
        if binding.done():
            binding.result()
        await working
    finally:
        binding.cancel()
        working.cancel()


async def _record_settings(services: Services) -> None:
    """Append the rules of this process to the audit log, unless the last process had the same."""
    try:
        if await services.store.record_settings(services.effective_settings):
            log.info("settings.recorded")
    except DatabaseUnavailable as error:  # the next start records them
        log.warning("settings.not_recorded", problem=str(error))


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises what ends the worker: DatabaseReplaced, SettingsError."""
    raise_descriptor_limit()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with running(settings) as app:
        announcing = asyncio.create_task(log_ready(app.readiness, ready_facts(settings, app.services)))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({one for one in (stopping, app.working) if one}, return_when=asyncio.FIRST_COMPLETED)
        if app.working and app.working.done():
            app.working.result()
        announcing.cancel()
        log.info("app.stopping")


async def identify(
    workspace: WorkspaceIdentity,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Call `auth.test` until Slack answers; the bot is not ready before."""
    interval, limit = IDENTIFY_INTERVAL, RepeatLimit(clock)
    while not workspace.is_known:
        try:
            found = await workspace.identify()
        except BotError as error:
            if limit.allows(str(error)):
                log.error("workspace.unknown", problem=str(error))  # noqa: TRY400
            await sleep(interval)
            interval = min(2 * interval, MAX_IDENTIFY_INTERVAL)
        else:
            log.info("workspace.known", team_id=found.team_id, name=found.name, app_id=found.app_id)


async def log_ready(
    readiness: Readiness,
    facts: Callable[[], Mapping[str, Any]],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Log once that the bot can do its work."""
    interval = READY_INTERVAL
    while not await readiness.is_ready():
        await sleep(interval)
        interval = min(2 * interval, MAX_READY_INTERVAL)
    log.info("app.ready", **facts())


def ready_facts(settings: Settings, services: Services) -> Callable[[], dict[str, Any]]:
    """Return a function that describes this bot, to be called once the workspace is known."""
    return lambda: {
        "version": __version__,
        "transport": "socket_mode" if settings.slack_app_token else "http",
        "workspace": services.workspace.current.name,
        "team_id": services.workspace.current.team_id,
        "region": services.purecloud.region.domain,
        "approvers": len(settings.approvers),
    }
