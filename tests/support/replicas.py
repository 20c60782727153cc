"""Several bots in this process on one PostgreSQL, between the same stand-ins, as behind a load balancer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from bot.app import Server, running
from bot.db.requests import RequestStore
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, RecordedRequest
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import Delivery, FakeSlack
from bot.settings import read_settings

PATIENCE = 60.0
"""Seconds after which what does not come is missed: long, because machines are slow at times."""


@dataclass
class Replicas:
    """The stand-ins, and the bots that share a database."""

    slack: FakeSlack
    genesys: FakeGenesys
    servers: list[Server]
    session: ClientSession

    @property
    def store(self) -> RequestStore:
        """What all of them keep, as the first sees it."""
        return self.servers[0].services.store

    def door(self, number: int) -> str:
        """Where Slack reaches one of them; the numbers go round."""
        return f"http://127.0.0.1:{self.servers[number % len(self.servers)].port}"

    async def card(self, user_id: str, line: str, through: int = 0) -> PostedMessage:
        """Somebody asks through one of them; returns the card once it is posted."""
        before = len(self.slack.messages)
        await self.slack.command(user_id, line, personas.OPS, to=f"{self.door(through)}/slack/events")
        return await self.slack.wait_for_message(
            lambda message: message in self.slack.messages[before:] and bool(self.slack.buttons(message)), PATIENCE
        )

    async def click(self, user_id: str, card: PostedMessage, through: int, action: str = "approve") -> Delivery:
        """Somebody clicks, and the load balancer hands it to one of them."""
        return await self.slack.click(user_id, card, action, force=True, to=f"{self.door(through)}/slack/events")

    async def reads(self, words: str, channel_id: str | None = None) -> PostedMessage:
        """Wait until a message, there if said, contains these words."""
        return await self.slack.wait_for_message(
            lambda message: channel_id in (None, message.channel_id) and words in self.slack.text_of(message), PATIENCE
        )

    async def idle(self) -> None:
        """Wait until nothing that is written down remains to be done."""
        async with asyncio.timeout(PATIENCE):
            while any((await self.store.jobs.depth()).values()):  # noqa: ASYNC110 - the store rings no bell
                await asyncio.sleep(0.02)

    async def becomes(self, status: int, number: int = 0) -> dict[str, str]:
        """Wait until `/readyz` of one of them answers so; returns what it names as missing."""
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.session.get(f"{self.door(number)}/readyz") as answer:
                    if answer.status == status:
                        missing: dict[str, str] = (await answer.json())["missing"]
                        return missing
                await asyncio.sleep(0.05)

    async def trail(self) -> list[str]:
        """The tags of the audit trail, oldest first."""
        return [row.tag for row, _ in await self.store.audit_events()]

    @property
    def deletes(self) -> list[RecordedRequest]:
        """Every DELETE of a person's tokens that reached Genesys Cloud."""
        return self.genesys.received("delete_token")


@asynccontextmanager
async def replicas(folder: Path, *addresses: str, **overrides: str) -> AsyncIterator[Replicas]:
    """Start one bot an address (all of the same database, perhaps by different ways), ready or not."""
    slack = FakeSlack(members=personas.members(), groups=personas.groups(), channels=personas.channels())
    genesys = FakeGenesys(users=genesys_users())
    await slack.start()
    environ = environment(slack, await genesys.start(), folder) | overrides
    try:
        async with AsyncExitStack() as running_ones:
            session = await running_ones.enter_async_context(ClientSession())
            started = [running(read_settings(environ | {"DATABASE_URL": one})) for one in addresses]
            servers = [await running_ones.enter_async_context(one) for one in started]
            for server in servers:
                await server.services.directory.known.wait()
            yield Replicas(slack, genesys, servers, session)
    finally:
        await genesys.stop()
        await slack.stop()
