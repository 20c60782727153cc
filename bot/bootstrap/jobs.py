"""Create the service for each kind of job."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.bootstrap.clients import Clients
from bot.bootstrap.options import Options
from bot.db.bulk_store import BulkStore
from bot.db.followers import FollowerStore
from bot.db.jobs import JobKind
from bot.db.requests import RequestStore
from bot.db.watches import WatchStore
from bot.domain.actions import GenesysApi
from bot.domain.rules import Rules
from bot.metrics import Metrics
from bot.purecloud.pace import SHARE
from bot.services.affected import AffectedPerson
from bot.services.announcements import Announcer
from bot.services.bulk import BulkService
from bot.services.bulk_files import BulkFiles, FileUpload
from bot.services.bulk_lookup import BulkLookup
from bot.services.bulk_people import BulkPeople
from bot.services.bulk_requesting import BulkRequests
from bot.services.card_copies import CopyUpdater
from bot.services.cards import CardUpdater
from bot.services.clicks import ClickService
from bot.services.denied_people import DeniedPeople
from bot.services.drafts import RequestDrafts
from bot.services.dry_run import DryRuns
from bot.services.early_lookups import EarlyLookups
from bot.services.execution import ExecutionService
from bot.services.following import Following
from bot.services.genesys_sets import GenesysSets
from bot.services.identity import Identity
from bot.services.lanes import Lane, TokenClient
from bot.services.live_state import LiveStates, Reads
from bot.services.notifications import Delivery, MessageRenderer, Notifier
from bot.services.pacing import ChannelPace
from bot.services.protected_people import ProtectedPeople
from bot.services.reminders import Reminders
from bot.services.requesting import RequestService
from bot.services.rule_differences import RuleDifferences
from bot.services.threads import ThreadReplies
from bot.services.watch import Watches
from bot.slack.channels import Channels
from bot.slack.messages import SlackMessenger
from bot.slack.permalinks import Permalinks
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity
from bot.worker import Process


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

    sets = GenesysSets(genesys.members, genesys.allowance)
    people = BulkPeople(store.database, lookup, clients.files, users, sets, limit=limit)
    return BulkRequests(people, limit=limit, per_minute=per_minute)


def dry_runs(
    store: RequestStore, identity: Identity, bulk: BulkRequests, clients: Clients, *, options: Options,
    permalinks: Permalinks,
) -> DryRuns:  # fmt: skip
    """Return the service for commands that request nothing."""
    requests = request_service(
        store, identity, identity, clients.channels, metrics=clients.metrics, options=options, bulk=bulk
    )
    return DryRuns(
        store, requests, permalinks, actions=options.actions, rules=options.rules, ttl=options.ttl,
        secret_values=options.secret_values,
    )  # fmt: skip


def request_service(
    store: RequestStore, identity: Identity, requesters: Identity, channels: Channels, *, metrics: Metrics,
    options: Options, bulk: BulkRequests,
) -> RequestService:  # fmt: skip
    """Return the service for commands that request something."""
    actions, rules, approvals_channel = options.actions, options.rules, options.approvals_channel
    drafts = RequestDrafts(
        store, identity, requesters, channels, EarlyLookups(requesters), actions=actions, rules=rules,
        approvals_channel=approvals_channel, secret_values=options.secret_values,
        require_reason=options.require_reason, bulk=bulk,
    )  # fmt: skip
    following = Following(
        FollowerStore(store), identity, actions=actions, rules=rules, ttl=options.ttl,
        approvals_channel=approvals_channel,
    )  # fmt: skip
    return RequestService(
        store, drafts, following, metrics=metrics, ttl=options.ttl, ping_approvers=options.ping_approvers,
        remind_after=options.remind_after, secret_values=options.secret_values, max_open=options.max_open,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDependencies:
    """What the services for jobs need.

    `requesters` may answer from a cache, `identity` may not. `open_lane` returns a client for bulk requests, whose pace
    follows `clock`, in monotonic seconds.
    """

    store: RequestStore
    identity: Identity
    requesters: Identity
    lookups: EarlyLookups
    differences: RuleDifferences
    denied: DeniedPeople
    channels: Channels
    permalinks: Permalinks
    messenger: SlackMessenger
    notifier: Notifier
    pace: ChannelPace
    genesys: GenesysApi
    open_lane: Callable[[], TokenClient]
    renderer: MessageRenderer
    metrics: Metrics
    options: Options
    reads: Reads
    bulk: BulkRequests
    files: FileUpload
    clock: Callable[[], float] = time.monotonic


def job_services(needs: JobDependencies) -> dict[JobKind, Process]:
    """Return the service for each kind of job."""
    live = LiveStates(needs.reads, needs.channels, approvals_channel=needs.options.approvals_channel)
    return _decisions(needs, live) | _calls(needs, live) | _cards(needs, live) | _messages(needs, live)


def _decisions(needs: JobDependencies, live: LiveStates) -> dict[JobKind, Process]:
    """Return the services that decide what is requested and approved."""
    store, options, metrics = needs.store, needs.options, needs.metrics
    requests = request_service(
        store, needs.identity, needs.requesters, needs.channels, metrics=metrics, options=options, bulk=needs.bulk
    )
    clicks = ClickService(
        store, needs.identity, needs.lookups, actions=options.actions, rules=options.rules, metrics=metrics,
        recipients=options.recipients, differences=needs.differences, denied=needs.denied, live=live,
        announce_in=options.announce_in, secret_values=options.secret_values,
    )  # fmt: skip
    return {JobKind.COMMAND: requests.process, JobKind.CLICK: clicks.process}


def _calls(needs: JobDependencies, live: LiveStates) -> dict[JobKind, Process]:
    """Return the services that call Genesys Cloud for an approved request, and watch what follows."""
    store, options, metrics = needs.store, needs.options, needs.metrics
    watches = Watches(WatchStore(store), needs.reads, duration=options.watch_for)
    execution = ExecutionService(
        store, needs.genesys, options.actions, options.recipients, metrics, live=live, watches=watches,
        notify_target=options.notify_target,
    )  # fmt: skip

    def lane(number: int) -> Lane:
        return Lane(number, needs.open_lane(), clock=needs.clock)

    bulk = BulkService(BulkStore(store, options.recipients), options.actions, lane, metrics)
    return {JobKind.EXECUTE: execution.process, JobKind.BULK: bulk.process, JobKind.WATCH: watches.process}


def _cards(needs: JobDependencies, live: LiveStates) -> dict[JobKind, Process]:
    """Return the services that keep cards, and their copies, up to date."""
    store, options = needs.store, needs.options
    cards = CardUpdater(
        store, needs.messenger, needs.renderer, Delivery(store), options.recipients, pace=needs.pace,
        approvers=options.approvers, live=live,
    )  # fmt: skip
    copies = CopyUpdater(FollowerStore(store), cards, needs.messenger, ping=options.ping_approvers)
    return {JobKind.CARD: cards.process, JobKind.COPY: copies.process}


def _messages(needs: JobDependencies, live: LiveStates) -> dict[JobKind, Process]:
    """Return the services that post everything but cards."""
    store, messenger, renderer, options = needs.store, needs.messenger, needs.renderer, needs.options
    delivery = Delivery(store)
    reminders = Reminders(
        store, messenger, renderer, delivery, needs.pace, permalinks=needs.permalinks, approvers=options.approvers,
        ping=options.ping_approvers,
    )  # fmt: skip
    files = BulkFiles(store, needs.files, messenger, renderer, delivery, channels=needs.channels, live=live)
    announcer = Announcer(store, messenger, renderer, delivery, audit_channel=options.audit_channel)
    return {
        JobKind.ANNOUNCEMENT: announcer.process,
        JobKind.REMINDER: reminders.process,
        JobKind.AFFECTED: AffectedPerson(store, messenger, renderer, delivery, needs.identity).process,
        JobKind.NOTICE: needs.notifier.process_notice,
        JobKind.REPLY: needs.notifier.process_reply,
        JobKind.THREAD: ThreadReplies(store, messenger, renderer, delivery, needs.pace).process,
        JobKind.FILE: files.process,
    }
