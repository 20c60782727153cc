"""The bot's pieces put together by hand between the stand-ins, with the database's clock in the test's hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.bootstrap import recipients_of
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.db.sqlite import sqlite_engine
from bot.domain.people import Person, parse_principals
from bot.domain.policy import Rules
from bot.domain.requests import APPROVE, MessageRef, Request, State
from bot.metrics import Metrics
from bot.purecloud import PureCloud, region
from bot.sandbox import personas
from bot.sandbox.genesys.server import CLIENT, FakeGenesys, RecordedRequest
from bot.sandbox.server import genesys_users
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.workspace import Channel
from bot.services.cards import CardUpdater
from bot.services.clicks import Click, Decisions
from bot.services.identity import Directory
from bot.services.requesting import Service
from bot.slack.messages import SlackMessenger
from bot.worker import Worker
from handlers.ui import cards
from tests.support import database as ledger
from tests.support.clock import FakeClock
from tests.support.database import TTL, DatabaseHarness, open_database, stored
from tests.support.schema import put_database

PATIENCE = 60.0
"""Seconds after which what does not come is missed: long, because machines are slow at times."""

QUIET = "C0QUIET001"
"""A channel the bot was not invited to."""

TOM = next(one for one in genesys_users() if one.name == "Tom Target")
PIA = next(one for one in genesys_users() if one.name == "Pia Protected")

RULES = Rules(
    approvers=parse_principals(",".join(personas.APPROVERS)),
    requesters=parse_principals(",".join(personas.REQUESTERS)),
    admins=parse_principals(",".join(personas.ADMINS)),
    protected=parse_principals(",".join(personas.PROTECTED)),
)


@dataclass
class Components:
    """Everything but the worker and the service, which a test makes as it wants them."""

    slack: FakeSlack
    genesys: FakeGenesys
    ledger: DatabaseHarness
    store: RequestStore
    courier: SlackMessenger
    directory: Directory
    purecloud: PureCloud
    monotonic: FakeClock
    metrics: Metrics = field(default_factory=Metrics)
    calls: list[tuple[str, str]] = field(default_factory=list)
    taken: list[Job] = field(default_factory=list)

    def audience(self, request: Request) -> tuple[str, ...]:
        return recipients_of(request, personas.AUDIT)

    def decisions(self, **rules: Any) -> Decisions:
        return Decisions(self.store, self.directory, replace(RULES, **rules), self.audience)

    def painter(self) -> CardUpdater:
        return CardUpdater(self.store, self.courier, cards, self.audience)

    def worker(
        self, store: RequestStore | None = None, *, clock: Callable[[], float] = time.monotonic, **rules: Any
    ) -> Worker:
        store = store or self.store
        decisions = Decisions(store, self.directory, replace(RULES, **rules), self.audience)
        painter = CardUpdater(store, self.courier, cards, self.audience)
        return Worker(
            store,
            decisions,
            self.purecloud.tokens,
            painter,
            metrics=self.metrics,
            audience=self.audience,
            clock=clock,
        )

    def service(self, *, approvals_channel: str | None = personas.APPROVALS, **rules: Any) -> Service:
        return Service(
            self.store,
            self.directory,
            self.purecloud.tokens,
            self.courier,
            rules=replace(RULES, **rules),
            region=self.purecloud.region,
            take=self.taken.append,
            metrics=self.metrics,
            ttl=TTL,
            approvals_channel=approvals_channel,
        )

    async def ask(self, **changes: Any) -> tuple[Request, Job]:
        """Ravi asks for the end of Tom's sessions; the card is to be posted in #ops unless said."""
        usual: dict[str, Any] = {
            "requester": personas.RAVI,
            "target_slack_id": personas.TOM,
            "target": TOM_IN_GENESYS,
            "requested_in": personas.OPS,
        }
        return await ledger.create_request(self.store, **({"card": MessageRef(personas.OPS)} | usual | changes))

    async def click(self, by: str = personas.OLIVIA, action: str = APPROVE, **more: Any) -> Job:
        """Somebody presses a button of the card; the click is written down."""
        press = Click(request_id="first", action=action, user_id=by, team_id=self.slack.team_id, key=f"{by} {action}")
        press = replace(press, **more)
        job = await self.store.record_click(press.request_id, press.key, press.payload)
        assert job
        return job

    def said_to(self, channel: str) -> list[str]:
        """What stands in a channel."""
        return [self.slack.text_of(one) for one in self.slack.messages if one.channel_id == channel]

    def response_url(self, user_id: str, channel: str = personas.OPS) -> str:
        """An address as it comes with a command."""
        return self.slack.response_url_for_command(user_id, channel, "revoke @tom")

    def second_copy(self, card: PostedMessage) -> PostedMessage:
        """The same card once more, as where the answer to its posting was lost and it was posted again."""
        return self.slack.conversations.post(card.channel_id, card.text, card.blocks)

    def click_url(self, message: PostedMessage, user_id: str = personas.OLIVIA) -> str:
        """An address as it comes with a click on a message."""
        return self.slack.response_url_for_click(message, user_id)


TOM_IN_GENESYS = Person(TOM.id, TOM.name, TOM.email, "Support", "active")


@asynccontextmanager
async def open_components(folder: Path, *, timeout: float = 30) -> AsyncIterator[Components]:  # noqa: ASYNC109 - a session's
    """Open it all; `timeout` is how many seconds Slack may take to answer."""
    async with AsyncExitStack() as opened:
        channels = [*personas.channels(), Channel(id=QUIET, name="quiet", members=[personas.RAVI], is_member=False)]
        held = asyncio.Event()

        async def hold(_seconds: float) -> None:
            await held.wait()

        slack = FakeSlack(members=personas.members(), groups=personas.groups(), channels=channels, sleep=hold)
        genesys = FakeGenesys(users=genesys_users())
        await slack.start()
        opened.push_async_callback(slack.stop)
        opened.callback(held.set)
        url = await genesys.start()
        opened.push_async_callback(genesys.stop)
        put_database(folder / "bot.db")
        book = await opened.enter_async_context(open_database(sqlite_engine(folder / "bot.db")))
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout))
        yield await _assemble(slack, genesys, url, book, await opened.enter_async_context(session))


async def _assemble(
    slack: FakeSlack, genesys: FakeGenesys, url: str, book: DatabaseHarness, session: aiohttp.ClientSession
) -> Components:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
    quick = FakeClock()
    place = region("mypurecloud.ie", api_url=url, login_url=url)
    purecloud = PureCloud(session, place, CLIENT.id, CLIENT.secret, clock=quick, sleep=quick.sleep)
    calls: list[tuple[str, str]] = []

    def observe(method: str, status: str) -> None:
        calls.append((method, status))

    courier = SlackMessenger(client, session, observe)
    directory = Directory(client, purecloud.users, purecloud.authorization, observe, clock=quick)
    await directory.identify()
    return Components(slack, genesys, book, book.store(), courier, directory, purecloud, quick, calls=calls)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Worker]:
    """A worker at work, drained at the end."""
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.drain(PATIENCE)
        await task


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the store will say; it rings no bell."""
    async with asyncio.timeout(PATIENCE):
        while not await check():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


async def ended(office: Components, state: State) -> Request:
    """Wait for a request's end and for everybody to have been told."""

    async def done() -> bool:
        final = (await stored(office.store)).finished_at is not None
        return final and not any((await office.store.jobs.depth()).values())

    await until(done)
    found = await stored(office.store)
    assert found.state is state
    return found


def deletes(office: Components) -> list[RecordedRequest]:
    """Every DELETE of a person's tokens that reached Genesys Cloud."""
    return office.genesys.received("delete_token")
