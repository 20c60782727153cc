"""The world a test plays in: Slack's and Genesys Cloud's stand-ins and a bot between them, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.app import Server, running
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, RecordedRequest
from bot.sandbox.server import environment, people
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.server import Delivery, FakeSlack
from bot.settings import read_settings
from bot.slack.socket_mode import CONNECTIONS
from tests.support.schema import put_database

PATIENCE = 30.0
"""Seconds after which a message that does not come is missed: long, because machines are slow at times."""

TOM_ID = next(one.genesys_id for one in personas.personas() if one.member.id == personas.TOM)


@dataclass
class AppHarness:
    """Everything a scenario needs; people and ids are those of `bot.sandbox.personas`."""

    slack: FakeSlack
    genesys: FakeGenesys
    environ: dict[str, str]
    server: Server
    url: str

    async def types(self, user_id: str, line: str, channel_id: str = personas.OPS) -> Delivery:
        """Somebody types `/purecloud <line>`."""
        delivery: Delivery = await self.slack.command(user_id, line, channel_id=channel_id)
        return delivery

    async def card(self, user_id: str, line: str, channel_id: str = personas.OPS) -> Message:
        """Somebody asks; returns the card once it is posted."""
        before = len(self.slack.messages)
        await self.types(user_id, line, channel_id)
        return await self.slack.wait_for_message(
            lambda message: message in self.slack.messages[before:] and bool(self.slack.buttons(message)), PATIENCE
        )

    async def reads(self, words: str) -> Message:
        """Wait until a message that stands somewhere contains these words."""
        return await self.slack.wait_for_message(lambda message: words in self.slack.text_of(message), PATIENCE)

    async def hears(self, user_id: str, words: str) -> Message:
        """Wait until a person is told this in private: by an ephemeral message, or in their direct messages."""
        direct = self.slack.workspace.dm(user_id).id
        return await self.slack.wait_for_message(
            lambda message: (
                (message.only_for == user_id or message.channel_id == direct) and words in self.slack.text_of(message)
            ),
            PATIENCE,
        )

    async def idle(self) -> None:
        """Wait until nothing that is written down remains to be done."""
        async with asyncio.timeout(PATIENCE):
            while any((await self.server.services.store.depth()).values()):  # noqa: ASYNC110 - the store rings no bell
                await asyncio.sleep(0.01)

    async def trail(self) -> list[str]:
        """The tags of the audit trail, oldest first."""
        return [row.tag for row, _ in await self.server.services.store.trail()]

    @property
    def deletes(self) -> list[RecordedRequest]:
        """Every DELETE of a person's tokens that reached Genesys Cloud."""
        return self.genesys.received("delete_token")


@asynccontextmanager
async def start_app(folder: Path, *, socket_mode: bool = False, **overrides: str) -> AsyncIterator[AppHarness]:
    """Start a world whose bot's environment is the sandbox's, with what is overridden; an empty value unsets."""
    slack = FakeSlack(
        members=personas.members(), groups=personas.groups(), channels=personas.channels(), socket_mode=socket_mode
    )
    genesys = FakeGenesys(people=people())
    put_database(folder / "sandbox.db")
    await slack.start()
    genesys_url = await genesys.start()
    try:
        environ = environment(slack, genesys_url, folder) | overrides
        async with running(read_settings(environ)) as server:
            url = f"http://127.0.0.1:{server.port}"
            slack.events_url = f"{url}/slack/events"
            await server.services.directory.known.wait()
            if socket_mode:
                await slack.sockets.until(lambda: len(slack.sockets.connections) == CONNECTIONS, PATIENCE)
            yield AppHarness(slack, genesys, environ, server, url)
    finally:
        await genesys.stop()
        await slack.stop()
