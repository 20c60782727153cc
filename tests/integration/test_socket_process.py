"""A bot process in Socket Mode: start, rejected tokens, lost connections and SIGTERM."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.slack.socket_mode import CONNECTIONS
from tests.support.process import BotProcess, bot_process, fork

pytestmark = pytest.mark.process

DONE = "Revoked: all sessions of Tom Target"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[BotProcess]:
    async with bot_process(tmp_path, socket_mode=True, migrated=True, run=fork) as running:
        yield running


async def test_serve__needs_no_events_endpoint_and_reports_lost_connections(bot: BotProcess) -> None:
    serving = await bot.serve()
    async with bot.session.post(f"{bot.url}/slack/events", data=b"") as answer:
        unserved = answer.status
    async with bot.session.get(f"{bot.url}/healthz") as answer:
        alive = answer.status
    sockets = bot.slack.sockets

    sockets.refuse_next = 1000
    sockets.abort()
    missing = await bot.wait_for_readyz(503)
    disconnected = await bot.slack.command(personas.OLIVIA, "help")
    sockets.refuse_next = 0
    await bot.wait_for_readyz(200)

    assert (unserved, alive) == (404, 200)
    assert missing == {"socket": "no Socket Mode connection is up"}
    assert disconnected.error == "dispatch_failed"
    assert (await bot.slack.command(personas.OLIVIA, "help")).status == 200
    said = (await serving.kill()).stderr
    assert "socket.lost" in said
    assert "ticket=" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("token", ["xapp-1-made-up", "", "xoxb-made-up"])
async def test_serve__with_an_invalid_token_exits_and_names_it(bot: BotProcess, token: str) -> None:
    ended = await (await bot.start("serve", SLACK_APP_TOKEN=token)).wait()

    said = {
        "xapp-1-made-up": "SLACK_APP_TOKEN: Slack does not accept it (invalid_auth)",
        "xoxb-made-up": (
            "SLACK_APP_TOKEN: it is a bot token; "
            "write the app-level token (xapp-…), made with the scope connections:write"
        ),
        "": "SLACK_SIGNING_SECRET: it is required",
    }
    assert ended.code == 2
    assert ended.stderr.splitlines()[-1] == said[token]
    assert "Traceback" not in ended.stderr
    assert bot.slack.sockets.opened == 0


async def test_serve__waits_while_slack_is_unreachable(bot: BotProcess) -> None:
    bot.slack.fault("apps.connections.open", SlackFault(drop=True, times=1 + CONNECTIONS))

    await bot.start("serve")
    missing = await bot.wait_for_readyz(503)
    await bot.wait_for_readyz(200)

    assert "socket" in missing


async def test_serve__is_alive_while_slack_has_not_checked_the_token(bot: BotProcess) -> None:
    bot.slack.fault("apps.connections.open", SlackFault(delay=1))

    await bot.start("serve")
    missing = await bot.wait_for_readyz(503)
    await bot.wait_for_slack_delay()
    async with bot.session.get(f"{bot.url}/healthz") as answer:
        alive = answer.status
    bot.slack_delay.released.set()
    await bot.wait_for_readyz(200)

    assert "socket" in missing
    assert alive == 200


async def test_click__that_cannot_be_stored_is_not_acknowledged(bot: BotProcess) -> None:
    await bot.serve()
    card = await bot.request_card(personas.OLIVIA, "revoke @tom")
    await bot.wait_until_idle()
    with closing(sqlite3.connect(bot.database, isolation_level=None)) as database:
        database.execute("ALTER TABLE jobs RENAME TO away")
        bot.slack.response_timeout = 2.0
        failed = await bot.slack.click(personas.OLIVIA, card, "approve")
        database.execute("ALTER TABLE away RENAME TO jobs")
    bot.slack.response_timeout = 30.0

    assert (failed.status, failed.error) == (None, "dispatch_failed")
    assert bot.audit_tags() == ["request:asked"]
    assert not bot.deletes
    assert (await bot.slack.click(personas.OLIVIA, card, "approve")).status == 200
    await bot.wait_for_message(DONE)
    assert len(bot.deletes) == 1


async def test_sigterm__disconnects_and_finishes_pending_jobs(bot: BotProcess) -> None:
    first = await bot.serve(LOG_LEVEL="debug")
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    answering = asyncio.Event()
    bot.genesys.fault("delete_token", GenesysFault(until=answering))
    click = await bot.slack.click(personas.BEN, card, "approve")
    await bot.genesys.wait_for_request("delete_token")

    first.process.terminate()
    await bot.slack.sockets.wait_until(lambda: not bot.slack.sockets.connections)
    answering.set()
    ended = await first.wait()

    assert (ended.code, click.status) == (0, 200)
    assert bot.audit_tags() == ["request:asked", "request:approved", "token:revoked"]
    assert len(bot.deletes) == 1
    assert bot.slack.sockets.app_token not in ended.stderr
    assert "ticket=" not in ended.stderr
