"""Build every object from the settings; the only place that opens connections."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot import __version__
from bot.background import BackgroundTasks
from bot.db.bulk_store import BulkStore
from bot.db.connect import database_from_settings, prepare_database, worker_identity
from bot.db.followers import FollowerStore
from bot.db.jobs import JobKind, JobQueue
from bot.db.request_pages import RequestPages
from bot.db.requests import RequestStore
from bot.db.unreadable import UnreadableRows
from bot.db.watches import WatchStore
from bot.domain.actions import ACTIONS, Actions, GenesysApi
from bot.domain.audit_chain import AuditChain
from bot.domain.denials import DenialCode
from bot.domain.principals import Principal
from bot.domain.requests import FINAL, Request, State
from bot.domain.rules import Rules, to_json
from bot.domain.seals import Seals, derive_key
from bot.errors import SettingsError
from bot.metrics import Metrics
from bot.proxies import proxy_name
from bot.purecloud import HttpAttempt, Limits, PureCloud, Region, region
from bot.purecloud.pace import SHARE
from bot.server_clock import ServerClock
from bot.services.account import AccountService
from bot.services.affected import AffectedPerson
from bot.services.announcements import Announcer
from bot.services.binding import Binding
from bot.services.bulk import BulkService
from bot.services.bulk_files import BulkFiles, FileUpload
from bot.services.bulk_lookup import BulkLookup
from bot.services.bulk_people import BulkPeople
from bot.services.bulk_requesting import BulkRequests
from bot.services.card_copies import CopyUpdater
from bot.services.cards import CardUpdater
from bot.services.clicks import ClickService
from bot.services.dry_run import DryRuns
from bot.services.early_lookups import EarlyLookups
from bot.services.execution import ExecutionService
from bot.services.expiry import ExpiryService
from bot.services.genesys_reads import MAX_REQUESTER_SHARE, MAX_SHARE, GenesysReads
from bot.services.identity import Identity
from bot.services.inbox import Inbox
from bot.services.lanes import Lane, TokenClient
from bot.services.live_state import LiveStates, Reads
from bot.services.notifications import Delivery, MessageRenderer, Notifier, recipients_of
from bot.services.open_tabs import OpenTabs
from bot.services.overview import Overview
from bot.services.pacing import Pace
from bot.services.protected_people import ProtectedPeople
from bot.services.reminders import Reminders
from bot.services.requesting import RequestService
from bot.services.rule_differences import RuleDifferences
from bot.services.threads import ThreadReplies
from bot.services.watch import Watches
from bot.settings import Settings
from bot.slack.api import SlackApi, web_client
from bot.slack.channels import Channels
from bot.slack.files import SlackFiles
from bot.slack.messages import SlackMessenger
from bot.slack.permalinks import Permalinks
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity
from bot.unencrypted import unencrypted_connections
from bot.worker import Process, Worker

_SLACK_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
_GENESYS_TIMEOUT = aiohttp.ClientTimeout(total=30)
"""An upper limit; the client has shorter ones for an attempt and for a call."""

log = structlog.get_logger()


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


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that lives as long as the process. Listeners use the part that `handlers.services` names."""

    account: AccountService
    overview: Overview
    tabs: OpenTabs
    inbox: Inbox
    dry_runs: DryRuns
    replies: Notifier
    tasks: BackgroundTasks
    actions: Actions
    require_reason: bool
    workspace: WorkspaceIdentity
    worker: Worker
    expiry: ExpiryService
    effective_settings: Mapping[str, Any]
    """The rules of this process, for the audit log."""
    store: RequestStore
    purecloud: PureCloud
    metrics: Metrics
    web_api: SlackApi
    slack: AsyncWebClient
    binding: Binding
    slack_clock: ServerClock
    genesys_clock: ServerClock
    prepare_database: Callable[[], Awaitable[None]]
    """Bring the schema up to date. Raises DatabaseUnavailable and SettingsError."""


@asynccontextmanager
async def build(settings: Settings, renderer: MessageRenderer, actions: Actions = ACTIONS) -> AsyncIterator[Services]:
    """Open everything, yield it and close it.

    Raises SettingsError for a setting that proves to be invalid only when it is used.
    """
    genesys_region = region_of(settings)
    for found in unencrypted_connections(settings):
        log.warning("setting.unencrypted", setting=found.setting, problem=found.problem, hint=found.hint)
    for setting, proxy in (("HTTPS_PROXY", settings.https_proxy), ("HTTP_PROXY", settings.http_proxy)):
        if proxy:
            log.info("proxy.used", setting=setting, proxy=proxy_name(proxy), except_for=settings.no_proxy)
    async with AsyncExitStack() as stack:
        metrics = metrics_of(actions)
        slack_clock, genesys_clock = ServerClock(), ServerClock()
        slack_session = await stack.enter_async_context(_session(_SLACK_TIMEOUT, slack_clock))
        genesys_session = await stack.enter_async_context(_session(_GENESYS_TIMEOUT, genesys_clock))
        database = database_from_settings(settings)
        stack.push_async_callback(database.close)
        owner = stack.enter_context(worker_identity(settings))
        unreadable = UnreadableRows(metrics.count_unreadable_row)
        jobs = JobQueue(database, owner, actions=actions, unreadable=unreadable)
        store = RequestStore(database, jobs, seals_of(settings), chain_of(settings), lanes=settings.token_pool)
        proxy_for = settings.proxies.proxy_for
        client = web_client(
            settings.slack_bot_token.get_secret_value(),
            settings.slack_api_url,
            slack_session,
            proxy_for(settings.slack_api_url),
        )
        lane_session = await stack.enter_async_context(_session(_GENESYS_TIMEOUT, genesys_clock, connections=0))
        open_client = partial(
            PureCloud,
            region=genesys_region,
            client_id=settings.purecloud_client_id,
            client_secret=settings.purecloud_secret.get_secret_value(),
            observe=_observer(metrics),
            proxy_for=proxy_for,
        )
        purecloud = open_client(genesys_session)
        open_lane = partial(open_client, lane_session, limits=Limits(max_attempts=1))
        slack = SlackApi(client, metrics.count_slack_call)
        configured = {one for one in (settings.approvals_channel, settings.audit_channel) if one}
        channels = Channels(slack, clock=time.monotonic, configured=configured)
        messenger = SlackMessenger(slack, slack_session, metrics.count_slack_call, channels, proxy_for)
        prepare = partial(prepare_database, store)
        files = SlackFiles(
            slack, slack_session, client.token or "", settings.slack_api_url, observe=metrics.count_slack_call,
            proxy_for=proxy_for,
        )  # fmt: skip
        clients = Clients(
            store, slack, channels, messenger, files, purecloud, open_lane, metrics, prepare, slack_clock,
            genesys_clock,
        )  # fmt: skip
        yield assemble(settings, renderer, actions, clients)


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


def _session(timeout: aiohttp.ClientTimeout, clock: ServerClock, *, connections: int = 100) -> aiohttp.ClientSession:
    """Return an HTTP client that reads the server's clock; 0 connections are any number.

    It keeps no cookies, because neither API uses them.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[clock.trace_config()],
    )


def assemble(settings: Settings, renderer: MessageRenderer, actions: Actions, clients: Clients) -> Services:
    """Connect the services with each other."""
    store, metrics, purecloud, rules = clients.store, clients.metrics, clients.purecloud, rules_of(settings)
    workspace = WorkspaceIdentity(clients.slack)
    users = SlackUsers(clients.slack, clock=time.monotonic)
    identity = Identity(workspace, users, purecloud.users, purecloud.authorization)
    reads, requester_reads = (genesys_reads(purecloud, share) for share in (MAX_SHARE, MAX_REQUESTER_SHARE))
    options = Options(
        rules, actions, settings.request_ttl, settings.approvals_channel, settings.audit_channel,
        settings.secret_values, settings.ping_approvers, settings.remind_after, settings.max_open_requests,
        settings.require_reason, settings.notify_target, settings.watch_for,
    )  # fmt: skip
    pace = Pace(time.monotonic)
    permalinks = Permalinks(clients.slack)
    notifier = Notifier(
        store, clients.messenger, renderer, Delivery(store), pace, audit_channel=settings.audit_channel,
        permalinks=permalinks,
    )  # fmt: skip
    lookups, differences = EarlyLookups(identity), RuleDifferences(rules, metrics)
    bulk = bulk_requests(
        store, users, workspace, clients, rules=rules, limit=settings.bulk_limit, tokens=settings.token_pool
    )
    services = job_services(
        store=store, identity=identity, requesters=Identity(workspace, users, requester_reads, requester_reads),
        lookups=lookups, differences=differences, channels=clients.channels, permalinks=permalinks,
        messenger=clients.messenger,
        notifier=notifier, pace=pace, bulk=bulk, files=clients.files,
        genesys=purecloud, open_lane=clients.open_lane, renderer=renderer, metrics=metrics, options=options,
        reads=reads,
    )  # fmt: skip
    pages = RequestPages(store.database, actions)
    expiry = ExpiryService(store, options.recipients, metrics, differences, clock=time.monotonic)
    worker = Worker(store.jobs, expiry, services, count_lost_lease=metrics.leases_lost.inc)
    return Services(
        account=AccountService(
            Identity(workspace, users, reads, reads), reads, rules=rules, actions=actions, region=purecloud.region
        ),
        overview=Overview(
            pages,
            Identity(workspace, users, reads, reads),
            permalinks,
            rules=rules,
            actions=actions,
        ),
        tabs=OpenTabs(pages.revision, clock=time.monotonic),
        dry_runs=dry_runs(store, Identity(workspace, users, reads, reads), bulk, clients, options),
        inbox=Inbox(store, worker.submit, lookups.start, clock=identity.clock),
        replies=notifier,
        tasks=BackgroundTasks(),
        actions=actions,
        require_reason=settings.require_reason,
        workspace=workspace,
        worker=worker,
        expiry=expiry,
        effective_settings=effective_settings(settings, rules),
        store=store,
        purecloud=purecloud,
        metrics=metrics,
        web_api=clients.slack,
        slack=clients.slack.client,
        binding=Binding(store.database, workspace, purecloud.tokens, client_of(settings, purecloud.region)),
        slack_clock=clients.slack_clock,
        genesys_clock=clients.genesys_clock,
        prepare_database=clients.prepare_database,
    )


def genesys_reads(purecloud: PureCloud, max_share: float) -> GenesysReads:
    """Return the cached reads up to a share of the rate allowance."""
    return GenesysReads(
        purecloud.users, purecloud.authorization, purecloud.tokens, purecloud.allowance, clock=time.monotonic,
        max_share=max_share,
    )  # fmt: skip


def client_of(settings: Settings, region: Region) -> str:
    """Return what identifies the OAuth client."""
    return f"{settings.purecloud_client_id}@{region.domain}"


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say about requests; `ttl` is in seconds."""

    rules: Rules
    actions: Actions
    ttl: float
    approvals_channel: str | None = None
    audit_channel: str | None = None
    secret_values: tuple[str, ...] = ()
    ping_approvers: bool = True
    remind_after: float | None = None
    max_open: int | None = None
    require_reason: bool = False
    notify_target: bool = False
    watch_for: float | None = None

    def approvers(self, request: Request) -> tuple[Principal, ...]:
        """Return who may approve a request of this action now."""
        return self.actions[request.action].approvers(self.rules)

    def recipients(self, request: Request) -> tuple[str, ...]:
        """Return who is notified when a request ends, and both channels after a call under break glass."""
        announced = self.announce_in if request.break_glass and request.state is State.APPROVED else ()
        return tuple(dict.fromkeys((*recipients_of(request, self.audit_channel), *announced)))

    @property
    def announce_in(self) -> tuple[str, ...]:
        """The channels to notify before a DELETE under break glass."""
        return tuple(one for one in (self.approvals_channel, self.audit_channel) if one)


def bulk_requests(
    store: RequestStore,
    users: SlackUsers,
    workspace: WorkspaceIdentity,
    clients: Clients,
    *,
    rules: Rules,
    limit: int,
    tokens: int,
) -> BulkRequests:
    """Return the service that finds the people of bulk requests, which `tokens` tokens execute."""
    genesys = clients.purecloud
    protected = ProtectedPeople(users, rules.protected)
    lookup = BulkLookup(genesys.users, genesys.allowance, users, protected, workspace)

    def per_minute() -> float | None:
        allowed = genesys.allowance.allowed
        return allowed * tokens * SHARE if allowed else None

    people = BulkPeople(store.database, lookup, clients.files, users, limit=limit)
    return BulkRequests(people, limit=limit, per_minute=per_minute)


def dry_runs(
    store: RequestStore, identity: Identity, bulk: BulkRequests, clients: Clients, options: Options
) -> DryRuns:
    """Return the service for commands that request nothing."""
    requests = request_service(
        store, identity, identity, clients.channels, metrics=clients.metrics, options=options, bulk=bulk
    )
    return DryRuns(
        store, requests, actions=options.actions, rules=options.rules, ttl=options.ttl,
        secret_values=options.secret_values,
    )  # fmt: skip


def request_service(
    store: RequestStore, identity: Identity, requesters: Identity, channels: Channels, *, metrics: Metrics,
    options: Options, bulk: BulkRequests,
) -> RequestService:  # fmt: skip
    """Return the service for commands that request something."""
    return RequestService(
        store, identity, requesters, channels, actions=options.actions, rules=options.rules, metrics=metrics,
        ttl=options.ttl, approvals_channel=options.approvals_channel, secret_values=options.secret_values,
        ping_approvers=options.ping_approvers, remind_after=options.remind_after,
        max_open=options.max_open, require_reason=options.require_reason, bulk=bulk,
    )  # fmt: skip


def job_services(
    *,
    store: RequestStore,
    identity: Identity,
    requesters: Identity,
    lookups: EarlyLookups,
    differences: RuleDifferences,
    channels: Channels,
    permalinks: Permalinks,
    messenger: SlackMessenger,
    notifier: Notifier,
    pace: Pace,
    genesys: GenesysApi,
    open_lane: Callable[[], TokenClient],
    renderer: MessageRenderer,
    metrics: Metrics,
    options: Options,
    reads: Reads,
    bulk: BulkRequests,
    files: FileUpload,
    clock: Callable[[], float] = time.monotonic,
) -> dict[JobKind, Process]:
    """Return the service for each kind of job. `requesters` may answer from a cache, `identity` may not.

    `open_lane` returns a client for bulk requests, whose pace follows `clock`, in monotonic seconds.
    """
    rules, actions = options.rules, options.actions
    requests = request_service(store, identity, requesters, channels, metrics=metrics, options=options, bulk=bulk)
    clicks = ClickService(
        store, identity, lookups, actions=actions, rules=rules, metrics=metrics, recipients=options.recipients,
        differences=differences, announce_in=options.announce_in, secret_values=options.secret_values,
    )  # fmt: skip
    live = LiveStates(reads, channels, approvals_channel=options.approvals_channel)
    watches = Watches(WatchStore(store), reads, duration=options.watch_for)
    execution = ExecutionService(
        store, genesys, actions, options.recipients, metrics, live=live, watches=watches,
        notify_target=options.notify_target,
    )  # fmt: skip
    lanes = BulkService(
        BulkStore(store, options.recipients), actions, lambda number: Lane(number, open_lane(), clock=clock), metrics
    )
    affected = AffectedPerson(store, messenger, renderer, Delivery(store), identity)
    reminders = Reminders(
        store, messenger, renderer, Delivery(store), pace,
        permalinks=permalinks, approvers=options.approvers, ping=options.ping_approvers,
    )  # fmt: skip
    threads = ThreadReplies(store, messenger, renderer, Delivery(store), pace)
    announcer = Announcer(store, messenger, renderer, Delivery(store), audit_channel=options.audit_channel)
    cards = CardUpdater(
        store, messenger, renderer, Delivery(store), options.recipients, pace=pace, approvers=options.approvers,
        live=live,
    )  # fmt: skip
    copies = CopyUpdater(FollowerStore(store), cards, messenger)
    return {
        JobKind.CLICK: clicks.process,
        JobKind.EXECUTE: execution.process,
        JobKind.ANNOUNCEMENT: announcer.process,
        JobKind.COMMAND: requests.process,
        JobKind.CARD: cards.process,
        JobKind.REMINDER: reminders.process,
        JobKind.COPY: copies.process,
        JobKind.AFFECTED: affected.process,
        JobKind.NOTICE: notifier.process_notice,
        JobKind.REPLY: notifier.process_reply,
        JobKind.THREAD: threads.process,
        JobKind.BULK: lanes.process,
        JobKind.WATCH: watches.process,
        JobKind.FILE: BulkFiles(store, files, messenger, renderer, Delivery(store), channels=channels).process,
    }


def rules_of(settings: Settings) -> Rules:
    """Return who may do what."""
    return Rules(
        approvers=settings.approvers,
        requesters=settings.requesters,
        admins=settings.admins,
        protected=settings.protected,
        self_approval=settings.self_approval,
        approvals_required=settings.approvals_required,
        protected_approvals=settings.protected_approvals,
        bulk_approvals=settings.bulk_approvals,
        break_glass=settings.break_glass,
    )


def effective_settings(settings: Settings, rules: Rules) -> dict[str, Any]:
    """Return what decides who may do what, for the audit log; no secrets."""
    return {
        "rules": json.loads(to_json(rules)),
        "request_ttl": settings.request_ttl,
        "approvals_channel": settings.approvals_channel,
        "audit_channel": settings.audit_channel,
        "version": __version__,
    }


def seals_of(settings: Settings) -> Seals:
    """Return the seals, with AUDIT_KEY or a key that all replicas derive from PURECLOUD_SECRET."""
    secret = settings.audit_key or settings.purecloud_secret
    return Seals(derive_key(secret.get_secret_value()))


def chain_of(settings: Settings) -> AuditChain:
    """Return the chain of the audit log, with AUDIT_KEY if it is set."""
    return AuditChain(settings.audit_key.get_secret_value() if settings.audit_key else None)


def region_of(settings: Settings) -> Region:
    """Return the region; an unknown one is allowed, because Genesys adds some. Raises SettingsError."""
    name = "PURECLOUD_ENVIRONMENT"
    try:
        found = region(settings.purecloud_environment)
        name = "PURECLOUD_API_URL, PURECLOUD_LOGIN_URL"
        found = region(found.domain, api_url=settings.purecloud_api_url, login_url=settings.purecloud_login_url)
    except ValueError as error:
        raise SettingsError([f"{name}: {error}"]) from None
    if not found.known:
        log.warning("setting.unknown_region", region=found.domain)
    return found


def _observer(metrics: Metrics) -> Callable[[HttpAttempt], None]:
    def observe(attempt: HttpAttempt) -> None:
        metrics.record_genesys_call(attempt.operation, attempt.outcome, attempt.seconds)

    return observe
