"""A bot that is killed and restarted executes and reports each acknowledged click."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.db.engine import Database
from bot.db.executions import ExecutionStore
from bot.db.job_queue import JobQueue
from bot.db.jobs import JobKind
from bot.db.requests import RequestStore
from bot.db.sqlite import SqliteDriver
from bot.domain.requests import Event
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support import examples
from tests.support.process import WAIT_TIMEOUT, BotProcess, ProcessHandle, bot_process, fork, run_bot

pytestmark = pytest.mark.process

DONE = "Revoked: all sessions of Tom Target"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[BotProcess]:
    async with bot_process(tmp_path, migrated=True, run=fork) as running:
        yield running


@pytest.fixture(params=[False, True], ids=["http", "socket"])
async def bot_of_either_mode(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[BotProcess]:
    async with bot_process(tmp_path, socket_mode=request.param, migrated=True, run=fork) as running:
        yield running


async def test_start__with_valid_settings_logs_no_warning(bot: BotProcess) -> None:
    bot.run = run_bot
    bot.database.unlink()  # the bot creates its own
    first = await bot.serve("serve")

    first.process.send_signal(signal.SIGTERM)
    result = await first.wait()

    logged = [json.loads(line) for line in result.stderr.splitlines()]
    assert "app.listening" in [line["event"] for line in logged]
    early = {"readiness.lost"}  # a probe may come before Slack has answered
    assert {line["event"] for line in logged if line["level"] != "info"} <= early
    assert [list(line)[:3] for line in logged] == [["timestamp", "level", "event"]] * len(logged)


@pytest.mark.parametrize("arguments", [["--version"], ["audit", "--help"], ["audit", "lst"], ["serve"]], ids=" ".join)
async def test_fork__prints_and_returns_the_same_as_a_new_process(arguments: list[str]) -> None:
    environ = {"COLUMNS": "100", "PORT": "no"}
    assert await (await fork(arguments, environ)).wait() == await (await run_bot(arguments, environ)).wait()


@pytest.mark.parametrize("owner", ["workspace", "organization"])
async def test_start__on_the_database_of_another_bot_exits_with_2_and_touches_nothing(
    bot: BotProcess, owner: str
) -> None:
    first = await bot.serve("serve")
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await first.kill()
    with closing(sqlite3.connect(bot.database)) as connection, connection:
        connection.execute("UPDATE metadata SET value = 'another' WHERE name = ?", (owner,))
        connection.execute("DELETE FROM metadata WHERE name = 'client'")

    second = await (await bot.start("serve")).wait()

    assert second.code == 2
    assert f"belongs to the {owner} another" in second.stderr
    assert bot.audit_tags() == ["request:asked"]
    assert bot.slack.buttons(card)
    assert not bot.deletes


async def test_kill__after_the_acknowledgement_executes_the_click_after_restart(bot_of_either_mode: BotProcess) -> None:
    bot = bot_of_either_mode
    first = await bot.serve()
    card = await bot.request_card(personas.RAVI, "revoke @tom laptop stolen")
    bot.slack.fault("users.info", SlackFault(delay=1))

    click = await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_slack_delay()
    killed = await first.kill()
    before = bot.audit_tags()
    bot.slack_delay.released.set()
    await bot.serve()
    await bot.wait_for_message(DONE, personas.APPROVALS)
    await bot.wait_until_idle()

    assert (click.status, killed.code) == (200, -signal.SIGKILL)
    assert before == ["request:asked"]
    assert bot.audit_tags() == ["request:asked", "request:approved", "token:revoked"]
    assert len(bot.deletes) == 1
    assert not bot.slack.buttons(card)


async def test_kill__after_an_acknowledged_command_posts_one_card_after_restart(bot_of_either_mode: BotProcess) -> None:
    bot = bot_of_either_mode
    first = await bot.serve()
    bot.slack.fault("users.info", SlackFault(delay=1))

    command = await bot.slack.command(personas.RAVI, "revoke @tom laptop stolen", personas.OPS)
    await bot.wait_for_slack_delay()
    await first.kill()
    before = (bot.audit_tags(), list(bot.slack.messages))
    bot.slack_delay.released.set()
    await bot.serve()
    card = await bot.wait_for_message("Revoke all sessions of Tom Target?", personas.APPROVALS)
    await bot.wait_until_idle()

    assert command.status == 200
    assert before == ([], [])
    assert bot.audit_tags() == ["request:asked"]
    assert [one for one in bot.slack.messages if bot.slack.buttons(one)] == [card]
    assert not bot.deletes


async def test_kill__while_a_revocation_waits_for_a_rate_limit_continues_at_its_time(bot: BotProcess) -> None:
    first = await bot.serve("serve")
    card = await bot.request_card(personas.RAVI, "revoke @tom laptop stolen")
    bot.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "11"}))

    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_message("Next attempt:", personas.APPROVALS)
    await first.kill()
    await bot.serve()
    await bot.wait_for_message(DONE, personas.APPROVALS)
    await bot.wait_until_idle()

    assert bot.audit_tags() == ["request:asked", "request:approved", "token:attempt_failed", "token:revoked"]
    limited, sent = bot.deletes
    assert (limited.status, sent.status) == (429, 200)
    assert sent.at - limited.at >= 11


async def test_kill__before_genesys_executes_the_delete_repeats_it_after_restart(bot: BotProcess) -> None:
    first = await bot.serve("serve")
    card = await bot.request_card(personas.RAVI, "revoke @tom laptop stolen")
    released = asyncio.Event()
    bot.genesys.fault("delete_token", GenesysFault(until=released, drop="before"))

    click = await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_request("delete_token")
    await first.kill()
    before = bot.audit_tags()
    await bot.serve()
    await bot.wait_for_message(DONE, personas.APPROVALS)
    await bot.wait_for_message(DONE, personas.AUDIT)
    await bot.wait_until_idle()
    released.set()

    assert click.status == 200
    assert before == ["request:asked", "request:approved"]
    assert bot.audit_tags() == [*before, "token:revoked"]
    assert [entry.status for entry in bot.deletes[1:]] == [200]
    assert not bot.slack.buttons(card)


async def test_kill__before_the_outcome_is_stored_repeats_the_delete_and_notifies_once(bot: BotProcess) -> None:
    first = await bot.serve("serve")
    card = await bot.request_card(personas.RAVI, "revoke @tom laptop stolen")
    released = asyncio.Event()
    bot.genesys.fault("delete_token", GenesysFault(drop="after"))
    bot.genesys.fault("delete_token", GenesysFault(until=released, drop="before"))

    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_request("delete_token", 2)
    await first.kill()
    sessions = [person.sessions for person in bot.genesys.users.values() if person.name == "Tom Target"]
    before = bot.audit_tags()
    await bot.serve()
    await bot.wait_for_message(DONE, personas.APPROVALS)
    await bot.wait_until_idle()
    released.set()

    assert sessions == [0]
    assert before == ["request:asked", "request:approved"]
    assert bot.audit_tags() == [*before, "token:revoked"]
    assert len(bot.deletes) == 3
    notices = [one for one in bot.slack.messages if one.channel_id == personas.AUDIT]
    assert len(notices) == 1


async def test_kill__before_the_card_is_updated_updates_it_after_restart(bot: BotProcess) -> None:
    first = await bot.serve("serve")
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    bot.slack.fault("chat.update", SlackFault(delay=1, drop=True))

    await bot.slack.click(personas.RAVI, card, "cancel", force=True)
    await bot.wait_for_slack_delay()
    await first.kill()
    assert bot.slack.buttons(card)
    bot.slack_delay.released.set()
    await bot.serve()
    await bot.wait_for_message("Cancelled: sessions of", personas.APPROVALS)
    await bot.wait_until_idle()

    assert not bot.slack.buttons(card)
    assert bot.audit_tags() == ["request:asked", "request:cancelled"]
    assert not bot.deletes


async def test_sigterm__finishes_running_jobs_and_refuses_new_requests(bot: BotProcess) -> None:
    first = await bot.serve("serve")
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    released = asyncio.Event()
    bot.genesys.fault("delete_token", GenesysFault(until=released))
    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_request("delete_token")

    first.process.terminate()
    missing = await bot.wait_for_readyz(503)
    async with bot.session.get(f"{bot.url}/healthz") as response:
        healthz = response.status
    click = await bot.slack.click(personas.BEN, card, "approve", force=True)
    command = await bot.slack.command(personas.OLIVIA, "revoke @tom")
    released.set()
    result = await first.wait()

    assert (click.status, "I am restarting. *Nothing was changed.*" in command.body) == (503, True)
    assert (result.code, healthz, missing) == (0, 200, {"process": "it is stopping"})
    assert bot.audit_tags() == ["request:asked", "request:approved", "token:revoked"]
    assert len(bot.deletes) == 1
    assert DONE in bot.slack.text_of(card)
    assert [DONE in bot.slack.text_of(one) for one in bot.slack.messages if one.channel_id == personas.AUDIT] == [True]


async def test_pause__after_which_another_replica_has_executed_the_request_sends_no_delete(bot: BotProcess) -> None:
    first = await bot.serve("serve")
    card = await bot.request_card(personas.RAVI, "revoke @tom laptop stolen")
    bot.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "1"}))
    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_request("delete_token")

    await pause_outside_a_transaction(bot, first)  # while the client waits for its second attempt
    try:
        await execute_as_another_replica(bot)
    finally:
        first.process.send_signal(signal.SIGCONT)
    await bot.wait_for_message(DONE, personas.AUDIT)
    later = await bot.request_card(personas.RAVI, "revoke @tom again")
    await bot.slack.click(personas.BEN, later, "approve")
    await bot.wait_for_request("delete_token", 2)
    await bot.wait_until_idle()

    assert len(bot.deletes) == 2  # the one that met the rate limit, and that of the second request
    assert bot.audit_tags().count("token:revoked") == 2


async def pause_outside_a_transaction(bot: BotProcess, running: ProcessHandle) -> None:
    """Stop a process while it does not hold SQLite's lock, which no other process could get then."""
    async with asyncio.timeout(WAIT_TIMEOUT):
        while True:
            running.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.01)  # the signal reaches each thread a moment later
            if is_unlocked(bot):
                return
            running.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.01)


def is_unlocked(bot: BotProcess) -> bool:
    """Return whether a transaction can write now."""
    with closing(sqlite3.connect(bot.database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


async def execute_as_another_replica(bot: BotProcess) -> None:
    """Take over the execution of a paused process, and record that it succeeded."""
    database = Database(SqliteDriver(bot.database))
    store = RequestStore(database, JobQueue(database, "two#1"), examples.SEALS)
    async with asyncio.timeout(WAIT_TIMEOUT):
        while not (jobs := [job for job in await store.jobs.claim(1) if job.kind is JobKind.EXECUTE]):  # noqa: ASYNC110 - a lease sends no event
            await asyncio.sleep(0.05)
    outcome = {"code": "executed", "attempts": 2, "uncertain": False}
    assert await ExecutionStore(store).finish(jobs[0], Event.SUCCEED, outcome=outcome, notify=[personas.AUDIT])
    await store.jobs.release_own_leases()
    await database.close()
