"""The bot's services between fake servers, with a database whose clock the test moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.bootstrap.jobs import JobDependencies, job_services
from bot.bootstrap.options import Options
from bot.db.driver import Driver
from bot.db.executions import ExecutionStore
from bot.db.followers import FollowerStore
from bot.db.jobs import Job, JobKind
from bot.db.request_pages import RequestPages
from bot.db.requests import RequestStore
from bot.db.sqlite import SqliteDriver
from bot.domain.actions import ACTIONS
from bot.domain.clicks import Click
from bot.domain.commands import Invoker, RequestCommand, TargetRef
from bot.domain.denials import Denied
from bot.domain.people import Person
from bot.domain.principals import parse_principals
from bot.domain.requests import APPROVE, Event, MessageRef, Request, State
from bot.domain.rules import Rules
from bot.metrics import Metrics
from bot.purecloud import PureCloud, region
from bot.sandbox import personas
from bot.sandbox.genesys.server import CLIENT, FakeGenesys, RecordedRequest
from bot.sandbox.server import genesys_users
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.account import AccountService
from bot.services.bulk_lookup import BulkLookup
from bot.services.bulk_people import BulkPeople
from bot.services.bulk_requesting import BulkRequests
from bot.services.cards import CardUpdater
from bot.services.clicks import ClickService
from bot.services.denied_people import DeniedPeople
from bot.services.drafts import RequestDrafts
from bot.services.early_lookups import EarlyLookups
from bot.services.expiry import ExpiryService
from bot.services.following import Following
from bot.services.genesys_reads import GenesysReads
from bot.services.genesys_sets import GenesysSets
from bot.services.identity import Identity
from bot.services.inbox import Inbox
from bot.services.job_result import JobResult
from bot.services.live_state import LiveStates
from bot.services.notifications import Delivery, Notifier
from bot.services.overview import Overview
from bot.services.pacing import ChannelPace
from bot.services.protected_people import ProtectedPeople
from bot.services.requesting import RequestService
from bot.services.rule_differences import RuleDifferences
from bot.slack.api import SlackApi
from bot.slack.channels import Channels
from bot.slack.messages import SlackMessenger
from bot.slack.permalinks import Permalinks
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity
from bot.worker import Process, Worker
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.ui.renderer import MessageRenderer
from tests.support import database
from tests.support.clock import FakeClock
from tests.support.database import TTL, DatabaseHarness, approve, open_database, stored
from tests.support.schema import put_database

WAIT_TIMEOUT = 60.0
"""Maximum time to wait for an expected state, in seconds. It is long because test machines may be slow."""

NOT_INVITED = "C0QUIET001"
"""A channel that the bot is not a member of."""

TOM = next(one for one in genesys_users() if one.name == "Tom Target")
PIA = next(one for one in genesys_users() if one.name == "Pia Protected")
TOM_IN_GENESYS = Person(TOM.id, TOM.name, TOM.email, "Support", "active")

RULES = Rules(
    approvers=parse_principals(",".join(personas.APPROVERS)),
    requesters=parse_principals(",".join(personas.REQUESTERS)),
    admins=parse_principals(",".join(personas.ADMINS)),
    protected=parse_principals(",".join(personas.PROTECTED)),
)

RENDERER = MessageRenderer(Catalog(SENTENCES))


class NoFiles:
    """Has no file."""

    async def download(self, file_id: str) -> tuple[str, bytes]:
        raise NotImplementedError(file_id)

    async def upload(self, channel: str, thread_ts: str, name: str, content: bytes, comment: str) -> None:
        """Share nothing."""


@dataclass
class Components:
    """The clients of a bot; its services are made with the rules that a test needs."""

    slack: FakeSlack
    genesys: FakeGenesys
    database: DatabaseHarness
    store: RequestStore
    api: SlackApi
    channels: Channels
    messenger: SlackMessenger
    workspace: WorkspaceIdentity
    identity: Identity
    purecloud: PureCloud
    clock: FakeClock
    metrics: Metrics = field(default_factory=Metrics)
    calls: list[tuple[str, str]] = field(default_factory=list)
    submitted: list[Job] = field(default_factory=list)
    release_slack: Callable[[], None] = lambda: None
    """Ends the delay of every call that a fault of Slack delays."""

    def __post_init__(self) -> None:
        self.lookups = EarlyLookups(self.identity)
        self.request_lookups = EarlyLookups(self.identity)
        self.pace = ChannelPace(self.database.clock)

    def options(self, **changes: Any) -> Options:
        """Return the sandbox's options with some changed; `rules` of `Options` are changed by their own names."""
        names = (
            "actions", "approvals_channel", "secret_values", "ping_approvers", "remind_after", "max_open",
            "require_reason", "notify_target", "watch_for",
        )  # fmt: skip
        options = {name: changes.pop(name) for name in names if name in changes}
        usual = Options(replace(RULES, **changes), ACTIONS, TTL, personas.APPROVALS, personas.AUDIT)
        return replace(usual, **options)

    def differences(self, options: Options) -> RuleDifferences:
        return RuleDifferences(options.rules, self.metrics)

    def notifier(self, store: RequestStore | None = None) -> Notifier:
        store = store or self.store
        return Notifier(
            store,
            self.messenger,
            RENDERER,
            Delivery(store),
            self.pace,
            audit_channel=personas.AUDIT,
            permalinks=Permalinks(self.api),
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def cards(self, **changes: Any) -> CardUpdater:
        options = self.options(**changes)
        return CardUpdater(
            self.store, self.messenger, RENDERER, Delivery(self.store), options.recipients, pace=self.pace,
            approvers=options.approvers, live=self.live(options),
        )  # fmt: skip

    @property
    def reads(self) -> GenesysReads:
        api = self.purecloud
        return GenesysReads(api.users, api.authorization, api.tokens, api.allowance, clock=self.clock)

    def live(self, options: Options) -> LiveStates:
        return LiveStates(self.reads, self.channels, approvals_channel=options.approvals_channel)

    def clicks(self, **changes: Any) -> ClickService:
        options = self.options(**changes)
        return ClickService(
            self.store, self.identity, self.lookups, actions=options.actions, rules=options.rules,
            metrics=self.metrics, recipients=options.recipients, differences=self.differences(options),
            denied=DeniedPeople(clock=self.clock), live=self.live(options), secret_values=options.secret_values,
        )  # fmt: skip

    def requests(self, **changes: Any) -> RequestService:
        options = self.options(**changes)
        drafts = RequestDrafts(
            self.store, self.identity, self.identity, self.channels, self.request_lookups, actions=options.actions,
            rules=options.rules, approvals_channel=options.approvals_channel, secret_values=options.secret_values,
            require_reason=options.require_reason, bulk=self.bulk(options),
        )  # fmt: skip
        following = Following(
            FollowerStore(self.store), self.identity, actions=options.actions, rules=options.rules, ttl=TTL,
            approvals_channel=options.approvals_channel,
        )  # fmt: skip
        return RequestService(
            self.store, drafts, following, metrics=self.metrics, ttl=TTL, ping_approvers=options.ping_approvers,
            remind_after=options.remind_after, secret_values=options.secret_values, max_open=options.max_open,
        )  # fmt: skip

    def bulk(self, options: Options, limit: int = 10_000) -> BulkRequests:
        """Return the service that finds the people of bulk requests; it downloads no files."""
        users = SlackUsers(self.api, clock=self.clock)
        protected = ProtectedPeople(users, options.rules.protected)
        lookup = BulkLookup(self.purecloud.users, self.purecloud.allowance, users, protected, self.workspace)
        sets = GenesysSets(self.purecloud.members, self.purecloud.allowance)
        people = BulkPeople(self.store.database, lookup, NoFiles(), users, sets, limit=limit)
        return BulkRequests(people, limit=limit)

    def account(self, **changes: Any) -> AccountService:
        options = self.options(**changes)
        return AccountService(
            self.identity, self.purecloud.tokens, rules=options.rules, actions=options.actions,
            region=self.purecloud.region,
        )  # fmt: skip

    def overview(self, **changes: Any) -> Overview:
        options = self.options(**changes)
        return Overview(
            RequestPages(self.store.database, options.actions), self.identity, Permalinks(self.api),
            rules=options.rules, actions=options.actions,
        )  # fmt: skip

    def inbox(self, secret_values: Sequence[str] = ()) -> Inbox:
        return Inbox(
            self.store,
            self.submitted.append,
            self.lookups.start,
            clock=self.identity.clock,
            secret_values=secret_values,
        )

    def worker(
        self, store: RequestStore | None = None, *, clock: Callable[[], float] = time.monotonic, **changes: Any
    ) -> Worker:
        store, options = store or self.store, self.options(**changes)
        return Worker(
            store.jobs,
            ExpiryService(store, options.recipients, self.metrics, self.differences(options), clock=clock),
            self.services(store, options),
            clock=clock,
            count_lost_lease=self.metrics.leases_lost.inc,
        )

    def services(self, store: RequestStore, options: Options) -> dict[JobKind, Process]:
        return job_services(JobDependencies(
            store=store, identity=self.identity, requesters=self.identity, lookups=self.lookups,
            channels=self.channels, permalinks=Permalinks(self.api),
            messenger=self.messenger, notifier=self.notifier(store), genesys=self.purecloud,
            open_lane=lambda: self.purecloud, clock=self.clock, renderer=RENDERER,
            metrics=self.metrics, options=options, pace=self.pace, differences=self.differences(options),
            denied=DeniedPeople(clock=self.clock), reads=self.reads, bulk=self.bulk(options), files=NoFiles(),
        ))  # fmt: skip

    async def request(self, **changes: Any) -> tuple[Request, Job]:
        """Store a request by Ravi for Tom's sessions, made under `RULES`.

        Return it and the job that posts its card in #ops.
        """
        usual: dict[str, Any] = {
            "requester": personas.RAVI,
            "target_slack_id": personas.TOM,
            "target": TOM_IN_GENESYS,
            "requested_in": personas.OPS,
            "rules": RULES,
        }
        return await database.create_request(self.store, **({"card": MessageRef(personas.OPS)} | usual | changes))

    async def click(self, by: str = personas.OLIVIA, action: str = APPROVE, **more: Any) -> Job:
        """Store a click on the card."""
        click = Click(request_id="first", action=action, user_id=by, team_id=self.slack.team_id, key=f"{by} {action}")
        click = replace(click, **more)
        job = await self.store.record_click(click.request_id, click.key, click.payload)
        assert job
        return job

    async def command(
        self, by: Invoker, target: TargetRef | None = None, *, action: str = "revoke", reason: str = "",
        problem: Denied | None = None,
    ) -> Job:  # fmt: skip
        """Store a command."""
        command = RequestCommand(action, by, target, reason, problem)
        job = await self.store.record_command(f"request-{by.key}", by.key, command.payload)
        assert job
        return job

    async def run(self, job: Job, **changes: Any) -> JobResult:
        """Run one job with the service for its kind."""
        return await self.services(self.store, self.options(**changes))[job.kind](job)

    def texts_in(self, channel: str) -> list[str]:
        """Return the texts of the messages in a channel."""
        return [self.slack.text_of(one) for one in self.slack.messages if one.channel_id == channel]

    def response_url(self, user_id: str, channel: str = personas.OPS) -> str:
        """Return a `response_url` as it comes with a command."""
        return self.slack.response_url_for_command(user_id, channel, "revoke @tom")

    def second_copy(self, card: PostedMessage) -> PostedMessage:
        """Post a card once more, as after a lost response to `chat.postMessage`."""
        return self.slack.conversations.post(card.channel_id, card.text, card.blocks)

    def click_url(self, message: PostedMessage, user_id: str = personas.OLIVIA) -> str:
        """Return a `response_url` as it comes with a click on a message."""
        return self.slack.response_url_for_click(message, user_id)


@asynccontextmanager
async def open_components(
    folder: Path, *, timeout: float = 30, driver: Driver | None = None, slack_clock: Callable[[], float] = time.time,  # noqa: ASYNC109 - a session's
    genesys_clock: Callable[[], float] = time.time,
) -> AsyncIterator[Components]:  # fmt: skip
    """Open the fakes and the clients; `timeout` is how long Slack may take to answer, in seconds.

    Without a `driver`, the database is SQLite.
    """
    async with AsyncExitStack() as stack:
        channels = [
            *personas.channels(),
            Channel(id=NOT_INVITED, name="quiet", members=[personas.RAVI], is_member=False),
        ]
        released = asyncio.Event()

        async def hold(_seconds: float) -> None:
            await released.wait()

        slack = FakeSlack(
            members=personas.members(), groups=personas.groups(), channels=channels, clock=slack_clock, sleep=hold
        )
        genesys = FakeGenesys(users=genesys_users(), clock=genesys_clock)
        await slack.start()
        stack.push_async_callback(slack.stop)
        stack.callback(released.set)
        url = await genesys.start()
        stack.push_async_callback(genesys.stop)
        if driver is None:
            put_database(folder / "bot.db")
        opened = await stack.enter_async_context(open_database(driver or SqliteDriver(folder / "bot.db")))
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))
        components = await _assemble(slack, genesys, url, opened, await stack.enter_async_context(session))
        components.release_slack = released.set
        yield components


async def _assemble(
    slack: FakeSlack, genesys: FakeGenesys, url: str, opened: DatabaseHarness, session: aiohttp.ClientSession
) -> Components:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
    clock = FakeClock()
    place = region("mypurecloud.ie", api_url=url, login_url=url)
    purecloud = PureCloud(session, place, CLIENT.id, CLIENT.secret, clock=clock, sleep=clock.sleep)
    calls: list[tuple[str, str]] = []

    def observe(method: str, status: str) -> None:
        calls.append((method, status))

    api = SlackApi(client, observe, clock=clock)
    workspace = WorkspaceIdentity(api)
    await workspace.identify()
    identity = Identity(workspace, SlackUsers(api, clock=clock), purecloud.users, purecloud.authorization)
    channels = Channels(api, clock=clock, configured={personas.APPROVALS, personas.AUDIT})
    messenger = SlackMessenger(api, session, observe, channels)
    return Components(
        slack,
        genesys,
        opened,
        opened.store(),
        api,
        channels,
        messenger,
        workspace,
        identity,
        purecloud,
        clock,
        calls=calls,
    )


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Worker]:
    """Run a worker, and drain it at the end."""
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.drain(WAIT_TIMEOUT)
        await task


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Poll the store until a check is true."""
    async with asyncio.timeout(WAIT_TIMEOUT):
        while not await check():  # noqa: ASYNC110 - the store sends no notification
            await asyncio.sleep(0.01)


async def ended(components: Components, state: State) -> Request:
    """Wait until a request has ended and no job is left; return it.

    Time passes once it has ended, because a message that met a busy channel is due a second later.
    """

    async def done() -> bool:
        if (await stored(components.store)).finished_at is None:
            return False
        left = any((await components.store.jobs.depth()).values())
        if left:
            components.database.clock.advance(0.1)
        return not left

    await until(done)
    found = await stored(components.store)
    assert found.state is state
    return found


async def revoke(components: Components, **changes: str) -> None:
    """Approve and execute the request, which notifies the audit channel and the requester."""
    moved, work = await approve(components.store, by=personas.OLIVIA)
    recipients = components.options().recipients(moved)
    await ExecutionStore(components.store).finish(
        work, Event.SUCCEED, outcome={"attempts": 1, "status": 200} | changes, notify=recipients
    )
    await components.database.run("UPDATE jobs SET lease_owner = NULL, attempts = 0 WHERE done_at IS NULL")


def deletes(components: Components) -> list[RecordedRequest]:
    """Return the DELETEs of a person's tokens that reached Genesys Cloud."""
    return components.genesys.received("delete_token")
