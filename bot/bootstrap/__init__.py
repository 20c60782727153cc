"""Build every object from the settings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.background import BackgroundTasks
from bot.bootstrap.clients import Clients, open_clients
from bot.bootstrap.jobs import JobDependencies, bulk_requests, dry_runs, job_services
from bot.bootstrap.options import Options, client_of, effective_settings, options_of
from bot.db.request_pages import RequestPages
from bot.db.requests import RequestStore
from bot.domain.actions import ACTIONS, Actions
from bot.metrics import Metrics
from bot.network.server_clock import ServerClock
from bot.purecloud import PureCloud
from bot.services.account import AccountService
from bot.services.binding import Binding
from bot.services.denied_people import DeniedPeople
from bot.services.dry_run import DryRuns
from bot.services.early_lookups import EarlyLookups
from bot.services.expiry import ExpiryService
from bot.services.genesys_reads import MAX_REQUESTER_SHARE, MAX_SHARE, GenesysReads
from bot.services.identity import Identity
from bot.services.inbox import Inbox
from bot.services.notifications import Delivery, MessageRenderer, Notifier
from bot.services.open_tabs import OpenTabs
from bot.services.overview import Overview
from bot.services.pacing import ChannelPace
from bot.services.rule_differences import RuleDifferences
from bot.settings import Settings
from bot.slack.api import SlackApi
from bot.slack.permalinks import Permalinks
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity
from bot.worker import Worker


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
    async with open_clients(settings, actions) as clients:
        yield assemble(settings, renderer, actions, clients)


def assemble(settings: Settings, renderer: MessageRenderer, actions: Actions, clients: Clients) -> Services:
    """Connect the services with each other."""
    store, metrics, purecloud = clients.store, clients.metrics, clients.purecloud
    options, workspace = options_of(settings, actions), WorkspaceIdentity(clients.slack)
    users, reads = SlackUsers(clients.slack, clock=time.monotonic), genesys_reads(purecloud, MAX_SHARE)
    reader = Identity(workspace, users, reads, reads)
    needs = _job_dependencies(settings, renderer, clients, options, workspace=workspace, users=users, reads=reads)
    pages = RequestPages(store.database, actions)
    expiry = ExpiryService(store, options.recipients, metrics, needs.differences, clock=time.monotonic)
    worker = Worker(store.jobs, expiry, job_services(needs), count_lost_lease=metrics.leases_lost.inc)
    return Services(
        account=AccountService(reader, reads, rules=options.rules, actions=actions, region=purecloud.region),
        overview=Overview(pages, reader, needs.permalinks, rules=options.rules, actions=actions),
        tabs=OpenTabs(pages.revision, clock=time.monotonic),
        dry_runs=dry_runs(store, reader, needs.bulk, clients, options=options, permalinks=needs.permalinks),
        inbox=Inbox(
            store, worker.submit, needs.lookups.start, clock=needs.identity.clock, secret_values=options.secret_values
        ),
        replies=needs.notifier,
        tasks=BackgroundTasks(),
        actions=actions,
        require_reason=settings.require_reason,
        workspace=workspace,
        worker=worker,
        expiry=expiry,
        effective_settings=effective_settings(settings, options.rules),
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


def _job_dependencies(
    settings: Settings,
    renderer: MessageRenderer,
    clients: Clients,
    options: Options,
    *,
    workspace: WorkspaceIdentity,
    users: SlackUsers,
    reads: GenesysReads,
) -> JobDependencies:
    store, purecloud, rules, metrics = clients.store, clients.purecloud, options.rules, clients.metrics
    identity = Identity(workspace, users, purecloud.users, purecloud.authorization)
    requester_reads = genesys_reads(purecloud, MAX_REQUESTER_SHARE)
    pace, permalinks = ChannelPace(time.monotonic), Permalinks(clients.slack)
    notifier = Notifier(
        store, clients.messenger, renderer, Delivery(store), pace, audit_channel=settings.audit_channel,
        permalinks=permalinks,
    )  # fmt: skip
    return JobDependencies(
        store=store, identity=identity, requesters=Identity(workspace, users, requester_reads, requester_reads),
        lookups=EarlyLookups(identity), differences=RuleDifferences(rules, metrics),
        denied=DeniedPeople(clock=time.monotonic), channels=clients.channels, permalinks=permalinks,
        messenger=clients.messenger, notifier=notifier, pace=pace,
        bulk=bulk_requests(
            store, users, workspace, clients, rules=rules, limit=settings.bulk_limit, tokens=settings.token_pool
        ),
        files=clients.files, genesys=purecloud, open_lane=clients.open_lane, renderer=renderer, metrics=metrics,
        options=options, reads=reads,
    )  # fmt: skip


def genesys_reads(purecloud: PureCloud, max_share: float) -> GenesysReads:
    """Return the cached reads up to a share of the rate allowance."""
    return GenesysReads(
        purecloud.users, purecloud.authorization, purecloud.tokens, purecloud.allowance, clock=time.monotonic,
        max_share=max_share,
    )  # fmt: skip
