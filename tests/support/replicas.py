"""Several bots in one process, on one PostgreSQL and with the same fakes, as behind a load balancer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import ClientSession

from bot.app import RunningApp, running
from bot.db.requests import RequestStore
from bot.domain.audit import EventType
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, RecordedRequest
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import Delivery, FakeSlack
from bot.settings import read_settings
from tests.support.blocked_loop import fail_if_blocked

WAIT_TIMEOUT = 60.0
"""Maximum time a test waits for an event, in seconds. Long, because a test machine can be slow."""


@dataclass
class Replicas:
    """The fakes, and the bots that share a database. Replica numbers wrap around."""

    slack: FakeSlack
    genesys: FakeGenesys
    servers: list[RunningApp]
    session: ClientSession
    environ: Mapping[str, str]

    @property
    def store(self) -> RequestStore:
        """The shared store, through the first replica."""
        return self.servers[0].services.store

    def url(self, replica: int) -> str:
        """Return the base URL of a replica."""
        return f"http://127.0.0.1:{self.servers[replica % len(self.servers)].port}"

    async def request_card(self, user_id: str, line: str, replica: int = 0) -> PostedMessage:
        """Send a command to a replica; return the card once it is posted."""
        before = len(self.slack.messages)
        await self.slack.command(user_id, line, personas.OPS, to=f"{self.url(replica)}/slack/events")
        return await self.slack.wait_for_message(
            lambda message: message in self.slack.messages[before:] and bool(self.slack.buttons(message)), WAIT_TIMEOUT
        )

    async def click(self, user_id: str, card: PostedMessage, replica: int, action: str = "approve") -> Delivery:
        """Send a user's click to a replica."""
        return await self.slack.click(user_id, card, action, force=True, to=f"{self.url(replica)}/slack/events")

    async def wait_for_message(self, text: str, channel_id: str | None = None) -> PostedMessage:
        """Wait until a message contains a text, in one channel if given."""
        return await self.slack.wait_for_message(
            lambda message: channel_id in (None, message.channel_id) and text in self.slack.text_of(message),
            WAIT_TIMEOUT,
        )

    async def wait_until_idle(self) -> None:
        """Wait until every job in the database is done."""
        async with asyncio.timeout(WAIT_TIMEOUT):
            while any((await self.store.jobs.depth()).values()):  # noqa: ASYNC110 - the store sends no event
                await asyncio.sleep(0.02)

    async def wait_for_readyz(self, status: int, replica: int = 0) -> dict[str, str]:
        """Wait until `/readyz` of a replica returns a status; return the problems it lists."""
        async with asyncio.timeout(WAIT_TIMEOUT):
            while True:
                async with self.session.get(f"{self.url(replica)}/readyz") as response:
                    if response.status == status:
                        missing: dict[str, str] = (await response.json())["missing"]
                        return missing
                await asyncio.sleep(0.05)

    async def audit_tags(self) -> list[str]:
        """Return the tags in the audit log, oldest first, without the rules at the start."""
        return [row.tag for row, _ in await self.store.audit_events() if row.tag != EventType.SETTINGS]

    @property
    def deletes(self) -> list[RecordedRequest]:
        """Every DELETE of a person's tokens that the fake Genesys Cloud received."""
        return self.genesys.received("delete_token")


@asynccontextmanager
async def start_beside(replicas: Replicas) -> AsyncIterator[Replicas]:
    """Start one more bot with the same fakes and database."""
    async with _serving([replicas.environ]) as (servers, session):
        yield replace(replicas, servers=servers, session=session)


@asynccontextmanager
async def _serving(environs: Sequence[Mapping[str, str]]) -> AsyncIterator[tuple[list[RunningApp], ClientSession]]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        starting = [running(read_settings(one)) for one in environs]
        servers = [await stack.enter_async_context(one) for one in starting]
        for server in servers:
            await server.services.workspace.known.wait()
        yield servers, session


@asynccontextmanager
async def start_replicas(
    folder: Path, *database_urls: str, each: Sequence[Mapping[str, str]] = (), **overrides: str
) -> AsyncIterator[Replicas]:
    """Start one bot for each URL, ready or not; the URLs may lead to one database by different routes.

    `each` has settings for one replica after the other.
    """
    slack = FakeSlack(members=personas.members(), groups=personas.groups(), channels=personas.channels())
    genesys = FakeGenesys(users=genesys_users())
    await slack.start()
    budgets = {"MAX_COMMANDS_PER_MINUTE": "100000", "MAX_CLICKS_PER_MINUTE": "100000", "MAX_OPEN_REQUESTS": "100"}
    environ = environment(slack, await genesys.start(), folder) | budgets | {"WATCH_FOR": "off"} | overrides
    own = [*each, *[{}] * (len(database_urls) - len(each))]
    environs = [environ | {"DATABASE_URL": url, **one} for url, one in zip(database_urls, own, strict=True)]
    try:
        async with _serving(environs) as (servers, session):
            with fail_if_blocked():
                yield Replicas(slack, genesys, servers, session, environs[0])
    finally:
        await genesys.stop()
        await slack.stop()
