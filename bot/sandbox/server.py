"""The sandbox whole: stand-ins for Slack and Genesys Cloud, the bot between them as it always runs, and the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app import running
from bot.sandbox import personas
from bot.sandbox.genesys.server import CLIENT, EntityRef, FakeGenesys, FakeOAuthClient, GenesysUser
from bot.sandbox.page.server import SandboxPage
from bot.sandbox.session import Play, Stage
from bot.sandbox.slack.server import FakeSlack
from bot.settings import read_settings

IDLE_TIMEOUT = 1800
"""Seconds after which the made-up organization lets the bot's token idle out, so that whoami has that to show."""

SESSIONS = 2
"""How many sessions everybody begins with."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What runs: the stage, and the page's address."""

    stage: Stage
    page_url: str


@asynccontextmanager
async def sandbox(*, page_port: int = 0) -> AsyncIterator[Sandbox]:
    """Start everything, hand it out, end it; a free port is taken where the page's is in use."""
    async with AsyncExitStack() as opened:
        stage = Stage(play)
        opened.push_async_callback(stage.stop)
        await stage.start()
        page = SandboxPage(stage)
        opened.push_async_callback(page.stop)
        yield Sandbox(stage, await _start(page, page_port))


@asynccontextmanager
async def play() -> AsyncIterator[Play]:
    """Begin from nothing: stand-ins, an empty database, the bot."""
    slack = FakeSlack(members=personas.members(), groups=personas.groups(), channels=personas.channels())
    genesys = FakeGenesys(users=genesys_users(), clients=[_client()])
    with TemporaryDirectory(prefix="purecloud-sandbox-") as folder:
        try:
            await slack.start()
            environ = environment(slack, await genesys.start(), Path(folder))
            async with running(read_settings(environ)) as server:
                await server.services.directory.known.wait()
                slack.events_url = f"http://127.0.0.1:{server.port}/slack/events"
                yield Play(slack, genesys, server.services.store, environ)
        finally:
            await genesys.stop()
            await slack.stop()


def genesys_users() -> list[GenesysUser]:
    """The cast as Genesys Cloud knows it."""
    divisions = {name: EntityRef(f"division-{name.lower()}", name) for name in ("Home", "Support", "Management")}
    return [
        GenesysUser(
            id=one.genesys_id,
            name=one.member.real_name,
            email=one.member.email,
            division=divisions.get(one.division, divisions["Home"]),
            sessions=SESSIONS,
        )
        for one in personas.personas()
        if one.genesys_id and one.member.email
    ]


def environment(slack: FakeSlack, genesys_url: str, folder: Path) -> dict[str, str]:
    """What would stand in a real bot's environment."""
    way_in = {"SLACK_SIGNING_SECRET": slack.signing_secret}
    if slack.socket_mode:
        way_in = {"SLACK_APP_TOKEN": slack.sockets.app_token}
    return way_in | {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_API_URL": slack.api_url,
        "PURECLOUD_CLIENT_ID": CLIENT.id,
        "PURECLOUD_SECRET": CLIENT.secret,
        "PURECLOUD_API_URL": genesys_url,
        "PURECLOUD_LOGIN_URL": genesys_url,
        "DATABASE_URL": f"sqlite:///{folder / 'sandbox.db'}",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "REQUESTERS": ",".join(personas.REQUESTERS),
        "APPROVERS": ",".join(personas.APPROVERS),
        "ADMINS": ",".join(personas.ADMINS),
        "PROTECTED": ",".join(personas.PROTECTED),
        "APPROVALS_CHANNEL": personas.APPROVALS,
        "AUDIT_CHANNEL": personas.AUDIT,
        "REQUEST_TTL": "5m",
    }


def _client() -> FakeOAuthClient:
    return replace(CLIENT, idle_timeout=IDLE_TIMEOUT)


async def _start(page: SandboxPage, port: int) -> str:
    try:
        return await page.start(port)
    except OSError:
        return await page.start(0)
