"""The composition root: settings in, all that lives as long as the process out; the one place that opens things."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.db.connect import database_from_settings, prepare_database, worker_identity
from bot.db.jobs import JobQueue
from bot.db.requests import RequestStore
from bot.domain.policy import Rules
from bot.domain.requests import Request
from bot.errors import SettingsError
from bot.metrics import Metrics
from bot.purecloud import HttpAttempt, PureCloud, Region, region
from bot.services.cards import CardUpdater, Words
from bot.services.clicks import Decisions
from bot.services.identity import Directory
from bot.services.requesting import Service
from bot.settings import Settings
from bot.slack.messages import SlackMessenger
from bot.worker import Worker

_SLACK_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
_GENESYS_TIMEOUT = aiohttp.ClientTimeout(total=30)
"""The client has closer limits of its own, an attempt and a call."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Services:
    """What the server needs of the rest."""

    service: Service
    worker: Worker
    directory: Directory
    store: RequestStore
    purecloud: PureCloud
    metrics: Metrics
    slack: AsyncWebClient
    make_ready: Callable[[], Awaitable[None]]
    """Make the database ready; raises DatabaseUnavailable and SettingsError."""


@dataclass(frozen=True, slots=True)
class ExternalClients:
    """What stands between the bot and the world."""

    store: RequestStore
    courier: SlackMessenger
    directory: Directory
    purecloud: PureCloud
    metrics: Metrics
    slack: AsyncWebClient
    make_ready: Callable[[], Awaitable[None]]


@asynccontextmanager
async def build(settings: Settings, words: Words) -> AsyncIterator[Services]:
    """Open everything, hand it out, close it again.

    Raises SettingsError where a setting turns out to be wrong only when it is used.
    """
    where = region_of(settings)
    async with AsyncExitStack() as opened:
        metrics = Metrics()
        slack = await opened.enter_async_context(aiohttp.ClientSession(timeout=_SLACK_TIMEOUT))
        genesys = await opened.enter_async_context(aiohttp.ClientSession(timeout=_GENESYS_TIMEOUT))
        database = database_from_settings(settings)
        opened.push_async_callback(database.close)
        store = RequestStore(database, JobQueue(database, worker_identity(settings)))
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=f"{settings.slack_api_url}/",
            session=slack,
            retry_handlers=[],  # its default re-sends a post that may have arrived
        )
        purecloud = PureCloud(
            genesys,
            where,
            settings.purecloud_client_id,
            settings.purecloud_secret.get_secret_value(),
            observe=_observer(metrics),
        )
        observe = metrics.count_slack_call
        courier = SlackMessenger(client, slack, observe)
        directory = Directory(client, purecloud.users, purecloud.authorization, observe, clock=time.monotonic)
        ready = partial(prepare_database, database, store.jobs)
        yield _assemble(settings, words, ExternalClients(store, courier, directory, purecloud, metrics, client, ready))


def _assemble(settings: Settings, words: Words, outside: ExternalClients) -> Services:
    store, courier, directory = outside.store, outside.courier, outside.directory
    purecloud, metrics, rules = outside.purecloud, outside.metrics, rules_of(settings)

    def audience(request: Request) -> tuple[str, ...]:
        return recipients_of(request, settings.audit_channel)

    decisions = Decisions(store, directory, rules, audience)
    painter = CardUpdater(store, courier, words, audience)
    worker = Worker(store, decisions, purecloud.tokens, painter, metrics=metrics, audience=audience)
    service = Service(
        store,
        directory,
        purecloud.tokens,
        courier,
        rules=rules,
        region=purecloud.region,
        take=worker.take,
        metrics=metrics,
        ttl=settings.request_ttl,
        approvals_channel=settings.approvals_channel,
    )
    return Services(service, worker, directory, store, purecloud, metrics, outside.slack, outside.make_ready)


def rules_of(settings: Settings) -> Rules:
    """Who may what."""
    return Rules(
        approvers=settings.approvers,
        requesters=settings.requesters,
        admins=settings.admins,
        protected=settings.protected,
        self_approval=settings.self_approval,
    )


def region_of(settings: Settings) -> Region:
    """Where Genesys Cloud is; an unknown region is allowed, Genesys keeps adding some. Raises SettingsError."""
    name = "PURECLOUD_ENVIRONMENT"
    try:
        where = region(settings.purecloud_environment)
        name = "PURECLOUD_API_URL, PURECLOUD_LOGIN_URL"
        where = region(where.domain, api_url=settings.purecloud_api_url, login_url=settings.purecloud_login_url)
    except ValueError as error:
        raise SettingsError([f"{name}: {error}"]) from None
    if not where.known:
        log.warning("PURECLOUD_ENVIRONMENT is no region this version knows; it is used as it is", region=where.domain)
    return where


def recipients_of(request: Request, audit_channel: str | None) -> tuple[str, ...]:
    """Name who hears how a request ends: the audit channel, and the requester unless they see the card."""
    place = request.card.channel if request.card else ""
    theirs = place.startswith("D") or place in (request.requester, request.requested_in)
    return tuple(channel for channel in (audit_channel, None if theirs else request.requester) if channel)


def _observer(metrics: Metrics) -> Callable[[HttpAttempt], None]:
    def observe(attempt: HttpAttempt) -> None:
        metrics.record_genesys_call(attempt.operation, attempt.outcome, attempt.seconds)

    return observe
