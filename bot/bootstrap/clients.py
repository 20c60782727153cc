"""Open the connections to Slack, Genesys Cloud and the database; the only place that does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

import aiohttp
import structlog

from bot.bootstrap.options import chain_of, region_of, seals_of
from bot.bootstrap.unencrypted import unencrypted_connections
from bot.db.connect import database_from_settings, prepare_database, worker_identity
from bot.db.job_queue import JobQueue
from bot.db.requests import RequestStore
from bot.db.unreadable import UnreadableRows
from bot.domain.actions import ACTIONS, Actions
from bot.domain.denials import DenialCode
from bot.domain.requests import FINAL
from bot.metrics import Metrics
from bot.network.proxies import Proxies, proxy_name
from bot.network.server_clock import ServerClock
from bot.purecloud import HttpAttempt, Limits, PureCloud
from bot.services.lanes import TokenClient
from bot.settings import Settings
from bot.slack.api import SlackApi, web_client
from bot.slack.channels import Channels
from bot.slack.files import SlackFiles
from bot.slack.messages import SlackMessenger

log = structlog.get_logger()

_SLACK_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
_GENESYS_TIMEOUT = aiohttp.ClientTimeout(total=30)
"""An upper limit; the client has shorter ones for an attempt and for a call."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The connections to the outside."""

    store: RequestStore
    slack: SlackApi
    channels: Channels
    messenger: SlackMessenger
    files: SlackFiles
    purecloud: PureCloud
    open_lane: Callable[[], TokenClient]
    """Returns a client for bulk requests, with a token and connections of its own. It repeats nothing by itself."""
    metrics: Metrics
    prepare_database: Callable[[], Awaitable[None]]
    slack_clock: ServerClock
    genesys_clock: ServerClock


@asynccontextmanager
async def open_clients(settings: Settings, actions: Actions = ACTIONS) -> AsyncIterator[Clients]:
    """Open the connections, yield them and close them.

    Raises SettingsError for a setting that proves to be invalid only when it is used.
    """
    genesys_region = region_of(settings)
    _log_exposed_connections(settings)
    async with AsyncExitStack() as stack:
        metrics, slack_clock, genesys_clock = metrics_of(actions), ServerClock(), ServerClock()
        proxies = settings.proxies
        slack_session = await stack.enter_async_context(_session(_SLACK_TIMEOUT, slack_clock, proxies))
        genesys_session = await stack.enter_async_context(_session(_GENESYS_TIMEOUT, genesys_clock, proxies))
        lane_session = await stack.enter_async_context(
            _session(_GENESYS_TIMEOUT, genesys_clock, proxies, connections=0)
        )
        store = _open_store(settings, actions, metrics, stack)
        open_purecloud = partial(
            PureCloud,
            region=genesys_region,
            client_id=settings.purecloud_client_id,
            client_secret=settings.purecloud_secret.get_secret_value(),
            observe=_observer(metrics),
            proxy_for=proxies.proxy_for,
        )
        yield Clients(
            store=store,
            **_slack_clients(settings, slack_session, metrics),
            purecloud=open_purecloud(genesys_session),
            open_lane=partial(open_purecloud, lane_session, limits=Limits(max_attempts=1)),
            metrics=metrics,
            prepare_database=partial(prepare_database, store),
            slack_clock=slack_clock,
            genesys_clock=genesys_clock,
        )


def _log_exposed_connections(settings: Settings) -> None:
    for found in unencrypted_connections(settings):
        log.warning("setting.unencrypted", setting=found.setting, problem=found.problem, hint=found.hint)
    for setting, proxy in (("HTTPS_PROXY", settings.https_proxy), ("HTTP_PROXY", settings.http_proxy)):
        if proxy:
            log.info("proxy.used", setting=setting, proxy=proxy_name(proxy), except_for=settings.no_proxy)


def _open_store(settings: Settings, actions: Actions, metrics: Metrics, stack: AsyncExitStack) -> RequestStore:
    database = database_from_settings(settings)
    stack.push_async_callback(database.close)
    owner = stack.enter_context(worker_identity(settings))
    jobs = JobQueue(database, owner, actions=actions, unreadable=UnreadableRows(metrics.count_unreadable_row))
    return RequestStore(database, jobs, seals_of(settings), chain_of(settings), lanes=settings.token_pool)


class _SlackClients(TypedDict):
    slack: SlackApi
    channels: Channels
    messenger: SlackMessenger
    files: SlackFiles


def _slack_clients(settings: Settings, session: aiohttp.ClientSession, metrics: Metrics) -> _SlackClients:
    """Return what calls Slack, all with one HTTP client."""
    token, address, proxy_for = (
        settings.slack_bot_token.get_secret_value(),
        settings.slack_api_url,
        settings.proxies.proxy_for,
    )
    observe = metrics.count_slack_call
    slack = SlackApi(web_client(token, address, session, proxy_for(address)), observe)
    configured = {one for one in (settings.approvals_channel, settings.audit_channel) if one}
    channels = Channels(slack, clock=time.monotonic, configured=configured)
    return {
        "slack": slack,
        "channels": channels,
        "messenger": SlackMessenger(slack, session, observe, channels, proxy_for),
        "files": SlackFiles(slack, session, token, address, observe=observe, proxy_for=proxy_for),
    }


def metrics_of(actions: Actions) -> Metrics:
    """Return metrics with a zero for each outcome and reason.

    A rule cannot see the growth of a counter that begins at one.
    """
    metrics = Metrics()
    for kind in actions:
        for outcome in FINAL:
            metrics.outcomes.labels(kind, outcome)
    for reason in DenialCode:
        metrics.refusals.labels(reason)
    return metrics


def _session(
    timeout: aiohttp.ClientTimeout, clock: ServerClock, proxies: Proxies, *, connections: int = 100
) -> aiohttp.ClientSession:
    """Return an HTTP client that reads the server's clock; 0 connections are any number.

    It keeps no cookies, because neither API uses them.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, resolver=proxies.resolver()),
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[clock.trace_config()],
    )


def _observer(metrics: Metrics) -> Callable[[HttpAttempt], None]:
    def observe(attempt: HttpAttempt) -> None:
        metrics.record_genesys_call(attempt.operation, attempt.outcome, attempt.seconds)

    return observe
