"""What an operator relies on: readiness, exit codes, error messages, clean logs."""

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
from bot.settings import SECRETS
from tests.support.app_harness import TOM_ID
from tests.support.examples import REQUIRED_SETTINGS
from tests.support.process import BotProcess, ExitResult, bot_process, run_bot

pytestmark = pytest.mark.process


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[BotProcess]:
    async with bot_process(tmp_path, migrated=True) as running:
        yield running


def execute(bot: BotProcess, statement: str) -> None:
    """Execute a statement in the bot's database over another connection."""
    with closing(sqlite3.connect(bot.database, isolation_level=None)) as connection:
        connection.execute(statement)


async def test_readyz__names_failing_services_and_recovers(bot: BotProcess) -> None:
    bot.slack.fault("auth.test", SlackFault(error="invalid_auth", times=None))
    bot.genesys.fault("login", GenesysFault(status=401, times=None))
    bot.database.unlink()
    await bot.start("serve")

    missing = await bot.wait_for_readyz(503)
    while "store" in missing:  # the bot listens before it has created the schema
        missing = await bot.wait_for_readyz(503)
    assert set(missing) == {"slack", "genesys"}
    assert "auth.test" in missing["slack"]
    command = await bot.slack.command(personas.OLIVIA, "revoke @tom")
    assert (command.status, "still starting" in command.body) == (200, True)
    assert bot.audit_tags() == []

    bot.slack.clear_faults()
    bot.genesys.faults.clear()
    assert await bot.wait_for_readyz(200) == {}
    assert not bot.deletes


async def test_store__that_rejects_writes_is_named_and_no_click_is_acknowledged(bot: BotProcess) -> None:
    await bot.serve("serve")
    card = await bot.request_card(personas.OLIVIA, "revoke @tom")
    await bot.wait_until_idle()

    execute(bot, "ALTER TABLE jobs RENAME TO away")
    missing = await bot.wait_for_readyz(503)
    click = await bot.slack.click(personas.OLIVIA, card, "approve")
    execute(bot, "ALTER TABLE away RENAME TO jobs")

    assert set(missing) == {"store"}
    assert (click.status, click.error) == (503, "http_service_error")
    assert await bot.wait_for_readyz(200) == {}
    assert bot.audit_tags() == ["request:asked"]
    assert not bot.deletes


async def test_database_file__replaced_under_the_process_ends_it_with_exit_code_1(bot: BotProcess) -> None:
    """What it would acknowledge from then on would be lost with the old file."""
    process = await bot.serve("serve")
    other = bot.database.with_name("restored.db")
    with closing(sqlite3.connect(bot.database)) as source, closing(sqlite3.connect(other)) as copy:
        source.backup(copy)
    other.replace(bot.database)

    result = await process.wait()

    assert result.code == 1
    assert "was replaced" in result.stderr
    assert "Traceback" not in result.stderr


async def run_to_exit(arguments: list[str], environ: dict[str, str]) -> ExitResult:
    return await (await run_bot(arguments, environ)).wait()


INVALID_SETTINGS = {
    "DATABASE_URL": "mysql://bot:hunter2@db/bot",
    "SLACK_APP_TOKEN": "xoxp-1-made-up",
    "APPROVERS": " , ",
    "REQUEST_TTL": "soon",
    "PROTECTED": "all-staff",
    "PORT": "http",
    "AUDIT_CHANNEL": "#audit",
}


async def test_settings__that_are_invalid_are_reported_one_per_line_without_secrets() -> None:
    result = await run_to_exit([], REQUIRED_SETTINGS | INVALID_SETTINGS)

    assert (result.code, result.stdout) == (2, "")
    assert sorted(line.partition(":")[0] for line in result.stderr.splitlines()) == sorted(INVALID_SETTINGS)
    for secret in (
        "hunter2",
        "xoxp-1-made-up",
        *(REQUIRED_SETTINGS[name] for name in REQUIRED_SETTINGS if name != "APPROVERS"),
    ):
        assert secret not in result.stderr


async def test_secret_files__unusable_ones_are_reported_one_per_line_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    environ = REQUIRED_SETTINGS | {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(tmp_path / "empty")}
    ended = await run_to_exit(["serve"], environ | {"PURECLOUD_SECRET_FILE": str(tmp_path / "missing")})

    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.splitlines() == [
        "PURECLOUD_SECRET_FILE: PURECLOUD_SECRET is set too; set only one of the two",
        "SLACK_BOT_TOKEN_FILE: the file is empty",
    ]


async def test_secret_files__serve_as_the_variables_do_and_stay_out_of_the_log(bot: BotProcess, tmp_path: Path) -> None:
    secrets = {name: bot.environ.pop(name) for name in SECRETS if name in bot.environ}
    for name, value in secrets.items():
        (tmp_path / name).write_text(f"{value}\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in secrets}

    handle = await bot.serve("serve", **files, LOG_LEVEL="debug")
    handle.process.terminate()
    result = await handle.wait()

    assert result.code == 0
    assert sorted(secrets) == ["DATABASE_URL", "PURECLOUD_SECRET", "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]
    assert [name for name, value in secrets.items() if name != "DATABASE_URL" and value in result.stderr] == []


async def test_settings__that_fail_when_used_are_reported_the_same_way() -> None:
    result = await run_to_exit(["serve"], REQUIRED_SETTINGS | {"DATABASE_URL": "sqlite:////no/such/folder/bot.db"})

    assert result.code == 2
    assert result.stderr.splitlines()[-1] == "DATABASE_URL: the folder /no/such/folder does not exist"
    assert "Traceback" not in result.stderr


async def test_host__that_can_never_work_ends_the_process_and_is_named(bot: BotProcess) -> None:
    result = await (await bot.start("serve", HOST="x86_64-conda-linux-gnu")).wait()

    assert result.code == 2
    assert result.stderr.splitlines()[-1].startswith("HOST: 'x86_64-conda-linux-gnu' is not a name or address")
    assert "Traceback" not in result.stderr


async def test_settings__with_misspelt_names_are_logged_at_startup(bot: BotProcess) -> None:
    handle = await bot.serve("serve", PROTECTD="U0VIP00001", ADMIN_EMAIL="a@example.com")
    handle.process.terminate()
    result = await handle.wait()

    doubts = [line for line in result.stderr.splitlines() if "setting.doubtful" in line]
    assert len(doubts) == 1
    assert "PROTECTD" in doubts[0]
    assert result.code == 0


async def test_port__that_is_taken_ends_the_process(bot: BotProcess) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        handle = await bot.start("serve", PORT=str(taken.getsockname()[1]))
        result = await handle.wait()

    assert result.code == 1
    assert "address already in use" in result.stderr
    assert "Traceback" not in result.stderr


async def test_logs__contain_no_secret_at_debug_level(bot: BotProcess) -> None:
    handle = await bot.serve("serve", LOG_LEVEL="debug")
    deliveries = [
        await bot.slack.send_raw(b"token=xoxb-forged-0001", {}),
        await bot.slack.command(personas.OLIVIA, "whoami"),
        await bot.slack.command(personas.NADIA, "revoke @tom"),
    ]
    card = await bot.request_card(personas.RAVI, f"revoke @tom he pasted {bot.slack.bot_token}")
    deliveries += [
        await bot.slack.click(personas.RAVI, card, "approve", force=True),
        await bot.slack.click(personas.BEN, card, "approve"),
    ]
    await bot.wait_for_message("Revoked: all sessions of Tom Target", personas.APPROVALS)
    deliveries.append(await bot.slack.send_raw(deliveries[-1].raw, deliveries[-1].headers))
    await bot.wait_for_message("The bot's token")
    await bot.wait_for_message("You can't approve this request")
    await bot.wait_until_idle()
    tokens = [token.value for token in bot.genesys.state.live_tokens]
    handle.process.terminate()
    result = await handle.wait()

    assert result.code == 0
    assert result.stdout == ""
    logged = [json.loads(line) for line in result.stderr.splitlines()]
    events = {line["event"] for line in logged}
    about = [
        (line["event"], line["kind"], line["target"], line["requester"], line["by"])
        for line in logged
        if line["event"] in ("request.created", "click.denied", "click.applied", "request.executed")
    ]
    assert about == [
        ("request.created", "revoke", TOM_ID, personas.RAVI, personas.RAVI),
        ("click.denied", "revoke", TOM_ID, personas.RAVI, personas.RAVI),
        ("click.applied", "revoke", TOM_ID, personas.RAVI, personas.BEN),
        ("request.executed", "revoke", TOM_ID, personas.RAVI, personas.BEN),
    ]
    assert {"request.created", "click.applied", "request.executed", "payload.rejected", "app.stopped"} <= events
    secrets: list[str | None] = [
        bot.slack.bot_token,
        bot.slack.signing_secret,
        bot.environ["PURECLOUD_SECRET"],
        *tokens,
    ]
    for delivery in deliveries:
        secrets += [delivery.payload.get("trigger_id"), delivery.payload.get("response_url")]
        secrets.append(delivery.headers.get("X-Slack-Signature"))
    stored = json.dumps(bot.audit_rows())
    for secret in filter(None, secrets):
        assert secret not in result.stderr
        assert secret not in stored
    assert not re.search("(?i)bearer|basic [a-z0-9+/=]{8}", result.stderr)
    assert bot.audit_tags().count("token:revoked") == 1
