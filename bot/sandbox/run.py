"""The sandbox whole: stand-ins for Slack and Genesys Cloud, the bot between them as it always runs, and the page."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import logs
from bot.errors import SettingsError
from bot.sandbox import cast
from bot.sandbox.genesys import CLIENT, GenesysStandIn, Named, OAuthClient, Person
from bot.sandbox.page import SandboxPage
from bot.sandbox.slack import SlackStandIn
from bot.server import running
from bot.settings import read_settings

PAGE_PORT = 3000
IDLE_TIMEOUT = 1800
"""Seconds after which the made-up organization lets the bot's token idle out, so that whoami has that to show."""

BANNER = """
  The sandbox is running.      {page}

  Nothing here is the real Slack or Genesys Cloud: both are stand-ins on this machine, and nobody is logged out.
  Pick a person, type /purecloud help, and click. Ctrl-C ends it and forgets everything.
  For the real thing: README.md, "To a real workspace".
"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What runs: the two stand-ins, the bot's address and the page's."""

    slack: SlackStandIn
    genesys: GenesysStandIn
    bot_url: str
    page_url: str


async def run(environ: Mapping[str, str]) -> None:
    """Run until Ctrl-C; `PORT` is the page's, a free one is taken where it is in use."""
    logs.configure(environ.get("LOG_LEVEL", "warning"), environ.get("LOG_FORMAT", "auto"))
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with sandbox(page_port=_port(environ.get("PORT"))) as started:
        print(BANNER.format(page=started.page_url), flush=True)  # noqa: T201 - a person at a terminal reads it
        await stop.wait()


@asynccontextmanager
async def sandbox(*, page_port: int = 0) -> AsyncIterator[Sandbox]:
    """Start everything, hand it out, end it."""
    slack = SlackStandIn(members=cast.members(), groups=cast.groups(), channels=cast.channels())
    genesys = GenesysStandIn(people=people(), clients=[_client()])
    page = SandboxPage(slack, genesys)
    with TemporaryDirectory(prefix="purecloud-sandbox-") as folder:
        try:
            await slack.start()
            settings = read_settings(environment(slack, await genesys.start(), Path(folder)))
            async with running(settings) as server:
                bot_url = f"http://127.0.0.1:{server.port}"
                slack.events_url = f"{bot_url}/slack/events"
                yield Sandbox(slack, genesys, bot_url, await _start(page, page_port))
        finally:
            await page.stop()
            await genesys.stop()
            await slack.stop()


def people() -> list[Person]:
    """The cast as Genesys Cloud knows it."""
    divisions = {name: Named(f"division-{name.lower()}", name) for name in ("Home", "Support", "Management")}
    return [
        Person(
            id=one.genesys_id,
            name=one.member.real_name,
            email=one.member.email,
            division=divisions.get(one.division, divisions["Home"]),
            sessions=2,
        )
        for one in cast.characters()
        if one.genesys_id and one.member.email
    ]


def environment(slack: SlackStandIn, genesys_url: str, folder: Path) -> dict[str, str]:
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
        "REQUESTERS": ",".join(cast.REQUESTERS),
        "APPROVERS": ",".join(cast.APPROVERS),
        "ADMINS": ",".join(cast.ADMINS),
        "PROTECTED": ",".join(cast.PROTECTED),
        "APPROVALS_CHANNEL": cast.APPROVALS,
        "AUDIT_CHANNEL": cast.AUDIT,
        "REQUEST_TTL": "5m",
    }


def _port(text: str | None) -> int:
    if text and not text.isdigit():
        raise SettingsError(["PORT: write a number"])
    return int(text) if text else PAGE_PORT


def _client() -> OAuthClient:
    return replace(CLIENT, idle_timeout=IDLE_TIMEOUT)


async def _start(page: SandboxPage, port: int) -> str:
    try:
        return await page.start(port)
    except OSError:
        return await page.start(0)
