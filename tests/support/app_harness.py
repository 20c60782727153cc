"""A running bot between a fake Slack and a fake Genesys Cloud, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.app import RunningApp, running
from bot.domain.actions import ACTIONS, Actions
from bot.domain.audit import EventType
from bot.purecloud.requests import ApiRequest
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, RecordedRequest
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import Delivery, FakeSlack
from bot.settings import read_settings
from bot.slack.socket_mode import CONNECTIONS
from handlers.messages import Catalog
from tests.support.blocked_loop import fail_if_blocked
from tests.support.schema import put_database

MESSAGE_TIMEOUT = 30.0
"""Maximum time to wait for an expected message, in seconds. It is long because test machines may be slow."""

TOM_ID = next(one.genesys_id for one in personas.personas() if one.member.id == personas.TOM)


@dataclass
class AppHarness:
    """A running bot and its fakes. People and ids are those of `bot.sandbox.personas`."""

    slack: FakeSlack
    genesys: FakeGenesys
    environ: dict[str, str]
    server: RunningApp
    url: str

    async def send_command(self, user_id: str, line: str, channel_id: str = personas.OPS) -> Delivery:
        """Send `/purecloud <line>` as a user."""
        delivery: Delivery = await self.slack.command(user_id, line, channel_id=channel_id)
        return delivery

    async def request_card(self, user_id: str, line: str, channel_id: str = personas.OPS) -> PostedMessage:
        """Send a command and return the card with buttons that it posts."""
        before = len(self.slack.messages)
        await self.send_command(user_id, line, channel_id)
        return await self.slack.wait_for_message(
            lambda message: message in self.slack.messages[before:] and bool(self.slack.buttons(message)),
            MESSAGE_TIMEOUT,
        )

    async def wait_for_message(self, words: str) -> PostedMessage:
        """Wait until a message in any channel contains these words, and return it."""
        return await self.slack.wait_for_message(lambda message: words in self.slack.text_of(message), MESSAGE_TIMEOUT)

    async def wait_for_private_message(self, user_id: str, words: str) -> PostedMessage:
        """Wait until an ephemeral or direct message to the user contains these words."""
        direct = self.slack.workspace.dm(user_id).id
        return await self.slack.wait_for_message(
            lambda message: (
                (message.only_for == user_id or message.channel_id == direct) and words in self.slack.text_of(message)
            ),
            MESSAGE_TIMEOUT,
        )

    async def wait_until_idle(self) -> None:
        """Wait until the job queue is empty."""
        async with asyncio.timeout(MESSAGE_TIMEOUT):
            while any((await self.server.services.store.jobs.depth()).values()):  # noqa: ASYNC110 - the store sends no notification
                await asyncio.sleep(0.01)

    async def audit_tags(self) -> list[str]:
        """Return the event types in the audit log, oldest first, without the rules at the start."""
        events = await self.server.services.store.audit_events()
        return [row.tag for row, _ in events if row.tag != EventType.SETTINGS]

    @property
    def deletes(self) -> list[RecordedRequest]:
        """The DELETE requests for a user's tokens that Genesys Cloud received."""
        return self.genesys.received("delete_token")

    @property
    def writes(self) -> list[RecordedRequest]:
        """The requests of any action that Genesys Cloud received: all that may change something."""
        return [one for one in self.genesys.requests if ApiRequest(one.operation, one.method, one.path).is_write]


@asynccontextmanager
async def start_app(
    folder: Path, *, socket_mode: bool = False, actions: Actions = ACTIONS, catalog: Catalog | None = None,
    overrides: Mapping[str, str] | None = None,
) -> AsyncIterator[AppHarness]:  # fmt: skip
    """Start the bot with the sandbox's environment without a watch, and with the overrides.

    An empty value unsets a setting.

    The test fails if a callback blocks the event loop while the app runs.
    """
    slack = FakeSlack(
        members=personas.members(), groups=personas.groups(), channels=personas.channels(), socket_mode=socket_mode
    )
    genesys = FakeGenesys(users=genesys_users())
    put_database(folder / "sandbox.db")
    await slack.start()
    genesys_url = await genesys.start()
    try:
        environ = environment(slack, genesys_url, folder) | {"WATCH_FOR": "off"} | dict(overrides or {})
        async with running(read_settings(environ), catalog=catalog, actions=actions) as server:
            url = f"http://127.0.0.1:{server.port}"
            slack.events_url = f"{url}/slack/events"
            await server.services.workspace.known.wait()
            if socket_mode:
                await slack.sockets.wait_until(lambda: len(slack.sockets.connections) == CONNECTIONS, MESSAGE_TIMEOUT)
            with fail_if_blocked():
                yield AppHarness(slack, genesys, environ, server, url)
    finally:
        await genesys.stop()
        await slack.stop()
