"""The whole sandbox: a fake Slack, a fake Genesys Cloud, the real bot between them, and the page."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app import running
from bot.sandbox import personas
from bot.sandbox.agents import agents, queue_of
from bot.sandbox.genesys.server import CLIENT, EntityRef, FakeGenesys, GenesysUser
from bot.sandbox.page.server import PageServer
from bot.sandbox.session import SandboxRun, SandboxSession
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.workspace import SlackWorkspace
from bot.settings import read_settings

IDLE_TIMEOUT = 1800
"""Idle timeout of the bot's token, in seconds, so that `whoami` has one to show."""

LOGGED_IN_SINCE = 3600.0
"""Seconds since the users of Genesys Cloud have logged in when a run starts."""

INITIAL_SESSIONS = 2
"""Number of Genesys Cloud sessions of each user when a run starts."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox and the address of its page."""

    session: SandboxSession
    page_url: str


@asynccontextmanager
async def start_sandbox(*, page_port: int = 0) -> AsyncIterator[Sandbox]:
    """Start the sandbox and stop it on exit. The page takes a free port if its port is in use."""
    async with AsyncExitStack() as resources:
        session = SandboxSession(start_run)
        resources.push_async_callback(session.stop)
        await session.start()
        page = PageServer(session)
        resources.push_async_callback(page.stop)
        yield Sandbox(session, await _start_page(page, page_port))


@asynccontextmanager
async def start_run() -> AsyncIterator[SandboxRun]:
    """Start the fakes and a bot with an empty database, and stop them on exit."""
    slack = FakeSlack(
        members=personas.members(),
        groups=personas.groups(),
        channels=personas.channels(approvals=[personas.SAM]),
        workspace=SlackWorkspace(name="Acme (sandbox)", domain="acme-sandbox"),
    )
    staff = agents()
    genesys = FakeGenesys(users=[*genesys_users(), *staff], clients=[replace(CLIENT, idle_timeout=IDLE_TIMEOUT)])
    genesys.state.queues = [*personas.queues(), queue_of(staff)]
    genesys.state.groups = personas.genesys_groups()
    with TemporaryDirectory(prefix="purecloud-sandbox-") as folder:
        try:
            await slack.start()
            environ = environment(slack, await genesys.start(), Path(folder)) | {
                "ADMINS": ",".join(personas.BULK_ADMINS)
            }
            async with running(read_settings(environ)) as server:
                await server.services.binding.confirm()
                genesys.requests.clear()  # the page shows what people cause
                slack.events_url = f"http://127.0.0.1:{server.port}/slack/events"
                yield SandboxRun(slack, genesys, server.services.store, environ)
        finally:
            await genesys.stop()
            await slack.stop()


def genesys_users() -> list[GenesysUser]:
    """Return the personas that have a Genesys Cloud user."""
    divisions = {name: EntityRef(f"division-{name.lower()}", name) for name in ("Home", "Support", "Management")}
    return [
        GenesysUser(
            id=persona.genesys_id,
            name=persona.member.real_name,
            email=persona.member.email,
            division=divisions.get(persona.division, divisions["Home"]),
            sessions=INITIAL_SESSIONS,
            last_token_issued=time.time() - LOGGED_IN_SINCE,
            presence=persona.presence,
            routing_status=persona.routing_status,
            conversations=persona.conversations,
        )
        for persona in personas.personas()
        if persona.genesys_id and persona.member.email
    ]


def environment(slack: FakeSlack, genesys_url: str, folder: Path) -> dict[str, str]:
    """Return the bot's settings as environment variables."""
    transport = {"SLACK_SIGNING_SECRET": slack.signing_secret}
    if slack.socket_mode:
        transport = {"SLACK_APP_TOKEN": slack.sockets.app_token}
    return transport | {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_API_URL": slack.api_url,
        "PURECLOUD_CLIENT_ID": CLIENT.id,
        "PURECLOUD_SECRET": CLIENT.secret,
        "PURECLOUD_API_URL": genesys_url,
        "PURECLOUD_LOGIN_URL": genesys_url,
        "DATABASE_URL": f"sqlite:///{folder / 'sandbox.db'}",
        "HOST": "127.0.0.1",
        "PORT": "0",
        **{name: ",".join(principals) for name, principals in personas.RULES.items()},
        "APPROVALS_CHANNEL": personas.APPROVALS,
        "AUDIT_CHANNEL": personas.AUDIT,
        "REQUEST_TTL": "5m",
        "REMIND_AFTER": "2m",
        "WATCH_FOR": "1m",
    }


async def _start_page(page: PageServer, port: int) -> str:
    try:
        return await page.start(port)
    except OSError:
        return await page.start(0)
