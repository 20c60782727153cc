"""A bot whose clients can meet a fault and whose jobs a test runs step by step, on a fake clock."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import aiohttp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.background import BackgroundTasks
from bot.db.request_pages import RequestPages
from bot.domain.actions import ACTIONS, Actions
from bot.domain.clicks import Click
from bot.domain.principals import parse_principals
from bot.domain.requests import APPROVE
from bot.purecloud import HttpAttempt, PureCloud, region
from bot.sandbox import personas
from bot.sandbox.genesys.server import CLIENT
from bot.sandbox.slack.messages import PostedMessage
from bot.services.account import AccountService
from bot.services.dry_run import DryRuns
from bot.services.identity import Identity
from bot.services.inbox import Inbox
from bot.services.notifications import Notifier
from bot.services.open_tabs import OpenTabs
from bot.services.overview import Overview
from bot.slack.api import SlackApi
from bot.slack.channels import Channels
from bot.slack.messages import SlackMessenger
from bot.slack.permalinks import Permalinks
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity
from bot.worker import Worker
from handlers import commands
from tests.support.clock import FakeClock
from tests.support.components import WAIT_TIMEOUT, Components
from tests.support.stub_services import ENGLISH
from tests.support.timeouts import Blackhole, InstantTimeoutSession

MAX_JOB_TIME = 86400
"""Maximum time until all jobs are done, in seconds of the database's clock."""

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass
class RecordingClient:
    """A Genesys Cloud client that records every attempt."""

    purecloud: PureCloud
    attempts: list[HttpAttempt]

    def count(self, operation: str) -> int:
        """Return the number of requests of an operation."""
        return sum(attempt.operation == operation for attempt in self.attempts)


@dataclass
class BotHarness:
    """The services of one bot, used by listeners as `handlers.services.Services`."""

    components: Components
    web_client: AsyncWebClient
    account: AccountService
    inbox: Inbox
    replies: Notifier
    worker: Worker
    messages_before: int
    events_before: int
    calls_before: int
    tasks: BackgroundTasks = field(default_factory=BackgroundTasks)

    async def command(self, line: str, by: str = personas.OLIVIA) -> None:
        """Run `/purecloud <line>` as a user, until it has been answered."""
        body = {
            "command": "/purecloud", "text": line, "user_id": by, "team_id": self.components.slack.team_id,
            "channel_id": personas.OPS, "trigger_id": secrets.token_hex(8),
            "response_url": self.components.response_url(by),
        }  # fmt: skip
        await commands.on_command(AsyncAck(), body, self, ENGLISH)  # type: ignore[no-untyped-call]
        await self.tasks.drain(WAIT_TIMEOUT)

    @property
    def require_reason(self) -> bool:
        return False

    @property
    def actions(self) -> Actions:
        return ACTIONS

    @property
    def tabs(self) -> OpenTabs:
        return OpenTabs(RequestPages(self.components.store.database, ACTIONS).revision, clock=self.components.clock)

    @property
    def dry_runs(self) -> DryRuns:
        components, options = self.components, self.components.options()
        return DryRuns(
            components.store, components.requests(), Permalinks(components.api), actions=ACTIONS, rules=options.rules,
            ttl=options.ttl,
        )  # fmt: skip

    @property
    def overview(self) -> Overview:
        return self.components.overview()

    @property
    def web_api(self) -> SlackApi:
        return self.components.api

    async def click(self, request_id: str, by: str = personas.OLIVIA) -> None:
        """Store a click on the button of a request's card."""
        request = await self.components.store.get(request_id)
        click = Click(request_id, APPROVE, by, self.components.slack.team_id, key=f"{request_id} {by}")
        card = request and request.card
        found = self.components.slack.conversations.find(card.channel, card.ts) if card and card.ts else None
        url = self.components.click_url(found, by) if found else self.components.response_url(by)
        await self.inbox.record_click(replace(click, response_url=url, ts=found.ts if found else None))

    async def run_jobs(self) -> None:
        """Run every job; when no job is due, advance the clock to the next one."""
        clock = self.components.database.clock
        deadline = clock.now + MAX_JOB_TIME
        while any((await self.components.store.jobs.depth()).values()):
            assert clock.now < deadline, await self.components.store.jobs.depth()
            for job in [*self.components.submitted, *await self.components.store.jobs.claim(16)]:
                self.worker.submit(job)
            self.components.submitted.clear()
            if running := list(self.worker._running.values()):
                await asyncio.wait(running)
            else:
                due = "SELECT min(due_at) AS next FROM jobs WHERE done_at IS NULL AND due_at > :now"
                (row,) = await self.components.database.rows(due, now=clock.now)
                clock.now = row.next or clock.now + 1

    async def last_request_id(self) -> str:
        """Return the id of the latest request, an empty string if there is no request."""
        ids = [event.request_id for event in await self.audit_events() if event.tag == "request:asked"]
        return str(ids[-1]) if ids else ""

    async def audit_events(self) -> list[Any]:
        """Return the audit events since this bot started."""
        return [event for event, _ in await self.components.store.audit_events()][self.events_before :]

    def messages(self, to: str | None = None) -> list[PostedMessage]:
        """Return the messages since this bot started; with `to`, only those that this user alone can see."""
        direct = self.components.slack.workspace.dm(to).id if to else None
        return [
            message
            for message in self.components.slack.messages[self.messages_before :]
            if to is None or message.only_for == to or message.channel_id == direct
        ]

    def count_calls(self, method: str) -> int:
        """Return the number of calls of a Web API method since this bot started."""
        return sum(name == method for name, _ in self.components.calls[self.calls_before :])


def recording_client(
    session: aiohttp.ClientSession | InstantTimeoutSession, *, api_url: str, login_url: str
) -> RecordingClient:
    """Return a Genesys Cloud client that waits on a fake clock.

    A plain session gets timeouts that never expire, because the client computes them from the fake clock. Waits of
    concurrent calls advance it, so a real timeout could be too short for a slow machine.
    """
    if isinstance(session, aiohttp.ClientSession):
        session = InstantTimeoutSession(session, Blackhole())
    clock = FakeClock()
    attempts: list[HttpAttempt] = []
    purecloud = PureCloud(
        cast("aiohttp.ClientSession", session),
        region("mypurecloud.ie", api_url=api_url, login_url=login_url),
        CLIENT.id,
        CLIENT.secret,
        clock=clock,
        sleep=clock.sleep,
        jitter=lambda: 1.0,
        observe=attempts.append,
    )
    return RecordingClient(purecloud, attempts)


async def end_open_requests(components: Components) -> None:
    """End what an earlier bot left open, so that the same people can be requested again."""
    await components.database.run("UPDATE requests SET state = 'cancelled' WHERE state = 'pending'")


@asynccontextmanager
async def open_bot(
    components: Components,
    session: aiohttp.ClientSession | InstantTimeoutSession,
    *,
    tokens: RecordingClient,
    users: RecordingClient,
    authorization: RecordingClient,
    approvers: str = personas.TOKEN_APPROVERS,
    requesters: str = ",".join(personas.REQUESTERS),
    protected: str = "",
    approvals_channel: str | None = personas.APPROVALS,
) -> AsyncIterator[BotHarness]:
    """Assemble a bot; its Genesys Cloud clients may differ, so that a fault occurs in one operation only."""
    shared = cast("aiohttp.ClientSession", session)
    web_client = AsyncWebClient(
        components.slack.bot_token, base_url=components.slack.api_url, session=shared, retry_handlers=[]
    )

    def observe(method: str, status: str) -> None:
        components.calls.append((method, status))

    clock = components.database.clock  # which `run_jobs` advances
    api = SlackApi(web_client, observe, sleep=components.clock.sleep, clock=clock)
    workspace = WorkspaceIdentity(api)
    identity = Identity(
        workspace, SlackUsers(api, clock=clock, sleep=clock.sleep), users.purecloud.users,
        authorization.purecloud.authorization,
    )  # fmt: skip
    channels = Channels(api, clock=clock, configured={personas.APPROVALS, personas.AUDIT})
    own = replace(
        components, api=api, channels=channels, messenger=SlackMessenger(api, shared, observe, channels),
        workspace=workspace, identity=identity,
        purecloud=tokens.purecloud, submitted=[],
    )  # fmt: skip
    settings = {"approvers": approvers, "requesters": requesters, "protected": protected}
    rules: dict[str, Any] = {name: parse_principals(text) for name, text in settings.items()}
    bot = BotHarness(
        own,
        web_client,
        own.account(**rules),
        own.inbox(),
        own.notifier(),
        own.worker(**rules, approvals_channel=approvals_channel),
        messages_before=len(components.slack.messages),
        events_before=len(await components.store.audit_events()),
        calls_before=len(components.calls),
    )
    yield bot
    await bot.worker.drain(1)


def replace_ids(text: str, *known: str) -> str:
    """Return a text with `(id)` in place of ids that differ in each run; `known` ids stay."""
    return _UUID.sub(lambda found: found[0] if found[0] in known else "(id)", text)
