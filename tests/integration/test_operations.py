"""What whoever runs the bot meets: readiness, exit codes, settings that are wrong, and logs without secrets."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support.examples import ENOUGH
from tests.support.process import Ended, Stage, run, stage

pytestmark = pytest.mark.process


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, migrated=True) as set_up:
        yield set_up


def alter(bot: Stage, statement: str) -> None:
    """Change the database behind the bot's back."""
    with closing(sqlite3.connect(bot.database, isolation_level=None)) as connection:
        connection.execute(statement)


async def test_readyz__names_what_is_down_and_recovers(bot: Stage) -> None:
    bot.slack.fault("auth.test", SlackFault(error="invalid_auth", times=None))
    bot.genesys.fault("login", GenesysFault(status=401, times=None))
    bot.database.unlink()
    await bot.start("serve")

    missing = await bot.becomes(503)
    while "store" in missing:  # the door is open before the schema is made
        missing = await bot.becomes(503)
    assert set(missing) == {"slack", "genesys"}
    assert "auth.test" in missing["slack"]
    command = await bot.slack.command(personas.OLIVIA, "revoke @tom")
    assert (command.status, "still starting" in command.body) == (200, True)
    assert bot.trail() == []

    bot.slack.clear_faults()
    bot.genesys.faults.clear()
    assert await bot.becomes(200) == {}
    assert not bot.deletes


async def test_store__that_cannot_be_written_is_named_and_acknowledges_no_click(bot: Stage) -> None:
    await bot.serve("serve")
    card = await bot.card(personas.OLIVIA, "revoke @tom")
    await bot.done()

    alter(bot, "ALTER TABLE jobs RENAME TO away")
    missing = await bot.becomes(503)
    click = await bot.slack.click(personas.OLIVIA, card, "approve")
    alter(bot, "ALTER TABLE away RENAME TO jobs")

    assert set(missing) == {"store"}
    assert (click.status, click.error) == (503, "dispatch_failed")
    assert await bot.becomes(200) == {}
    assert bot.trail() == ["request:asked"]
    assert not bot.deletes


async def ended(arguments: list[str], environ: dict[str, str]) -> Ended:
    """Run the bot to its end."""
    return await (await run(arguments, environ)).ended()


WRONG = {
    "DATABASE_URL": "mysql://bot:hunter2@db/bot",
    "SLACK_APP_TOKEN": "xoxp-1-made-up",
    "APPROVERS": " , ",
    "REQUEST_TTL": "soon",
    "PROTECTED": "everybody",
    "PORT": "http",
    "AUDIT_CHANNEL": "#audit",
}


async def test_settings__that_are_wrong_are_told_one_line_each() -> None:
    found = await ended([], ENOUGH | WRONG)

    assert (found.code, found.stdout) == (2, "")
    assert sorted(line.partition(":")[0] for line in found.stderr.splitlines()) == sorted(WRONG)
    for secret in ("hunter2", "xoxp-1-made-up", *(ENOUGH[name] for name in ENOUGH if name != "APPROVERS")):
        assert secret not in found.stderr


async def test_settings__that_turn_out_wrong_when_used_are_told_alike() -> None:
    found = await ended(["serve"], ENOUGH | {"DATABASE_URL": "sqlite:////no/such/folder/bot.db"})

    assert found.code == 2
    assert found.stderr.splitlines()[-1] == "DATABASE_URL: the folder /no/such/folder does not exist"
    assert "Traceback" not in found.stderr


async def test_port__that_is_taken_ends_the_run(bot: Stage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = await bot.start("serve", PORT=str(taken.getsockname()[1]))
        found = await running.ended()

    assert found.code == 1
    assert "address already in use" in found.stderr
    assert "Traceback" not in found.stderr


async def test_logs__hold_no_secret_even_when_asked_for_everything(bot: Stage) -> None:
    running = await bot.serve("serve", LOG_LEVEL="debug")
    deliveries = [
        await bot.slack.send_raw(b"token=xoxb-forged-0001", {}),
        await bot.slack.command(personas.OLIVIA, "whoami"),
        await bot.slack.command(personas.NADIA, "revoke @tom"),
    ]
    card = await bot.card(personas.RAVI, f"revoke @tom he pasted {bot.slack.bot_token}")
    deliveries += [
        await bot.slack.click(personas.RAVI, card, "approve", force=True),
        await bot.slack.click(personas.BEN, card, "approve"),
    ]
    await bot.reads("Revoked: every session of Tom Target", personas.APPROVALS)
    deliveries.append(await bot.slack.send_raw(deliveries[-1].raw, deliveries[-1].headers))
    await bot.reads("The bot's token")
    await bot.reads("nothing in APPROVERS names you")
    await bot.done()
    tokens = [token.value for token in bot.genesys.state.live_tokens]
    running.process.terminate()
    found = await running.ended()

    assert found.code == 0
    assert found.stdout == ""
    events = {json.loads(line)["event"] for line in found.stderr.splitlines()}
    assert {"asked", "click", "carried out", "rejected", "stopped"} <= events
    secrets: list[str | None] = [
        bot.slack.bot_token,
        bot.slack.signing_secret,
        bot.environ["PURECLOUD_SECRET"],
        *tokens,
    ]
    for delivery in deliveries:
        secrets += [delivery.payload.get("trigger_id"), delivery.payload.get("response_url")]
        secrets.append(delivery.headers.get("X-Slack-Signature"))
    kept = json.dumps(bot.rows())
    for secret in filter(None, secrets):
        assert secret not in found.stderr
        assert secret not in kept
    assert not re.search("(?i)bearer|basic [a-z0-9+/=]{8}", found.stderr)
    assert bot.trail().count("token:revoked") == 1
