"""This version next to one that writes rows it does not know: nothing else stops."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from structlog.testing import capture_logs

from bot.db.driver import Row
from bot.db.transaction import Transaction
from bot.db.unreadable import SET_ASIDE
from bot.domain.requests import MessageRef
from bot.sandbox import personas
from tests.support.components import RENDERER, TOM_IN_GENESYS
from tests.support.examples import request
from tests.support.other_version import (
    AUDIT,
    DAMAGED_JOBS,
    unknown_rows,
    write_damaged_jobs,
    write_jobs,
    write_request_without_rules,
    write_requests,
)
from tests.support.replicas import WAIT_TIMEOUT, Replicas


async def execute(bot: Replicas, statement: str, **values: object) -> None:
    await bot.store.database.write(lambda tx: tx.execute(statement, **values))


async def write_as_another_version(bot: Replicas) -> None:
    """Store everything that this version cannot read, overdue and more urgent than any other job."""

    def write(tx: Transaction) -> None:
        write_requests(tx, created_at=tx.now - 2, expires_at=tx.now - 1)
        write_jobs(tx, tx.now)
        write_damaged_jobs(tx, tx.now)
        tx.execute(AUDIT, now=tx.now, hash="of another version")

    await bot.store.database.write(write)


async def execution(bot: Replicas) -> Row:
    """Return the job of the execution that a test has added."""
    return (await bot.store.database.read(lambda tx: tx.fetch("SELECT * FROM jobs WHERE key = 'target'")))[0]


async def metrics(bot: Replicas) -> str:
    async with bot.session.get(f"{bot.url(0)}/metrics") as response:
        return await response.text()


async def test_bot__next_to_another_version_serves_every_request_that_it_knows(bot: Replicas) -> None:
    early = await bot.request_card(personas.RAVI, "revoke @tom early")
    with capture_logs() as logs:
        await write_as_another_version(bot)
        before = await unknown_rows(bot.store.database)
        later = await bot.request_card(personas.RAVI, "revoke @nadia later")
        overdue = await bot.request_card(personas.RAVI, "revoke @ben overdue")

        for card in (early, later):
            assert (await bot.click(personas.OLIVIA, card, 0)).status == 200
        await bot.slack.wait_for_message(
            lambda message: message is early and not bot.slack.buttons(message), WAIT_TIMEOUT
        )
        await bot.slack.wait_for_message(
            lambda message: message is later and not bot.slack.buttons(message), WAIT_TIMEOUT
        )
        await execute(bot, "UPDATE requests SET expires_at = 1 WHERE reason = 'overdue'")
        await bot.slack.wait_for_message(
            lambda message: message is overdue and not bot.slack.buttons(message), WAIT_TIMEOUT
        )
        await bot.wait_for_message("Revoked: all sessions of Tom Target", personas.AUDIT)
        await bot.wait_for_message("Expired", personas.AUDIT)
        await bot.wait_for_readyz(200)

    assert len(bot.deletes) == 2
    assert await unknown_rows(bot.store.database) == before
    assert "request:snoozed" in await bot.audit_tags()
    unknown_payloads = 5  # a button, an action, a problem, a place and a file
    counted = len(DAMAGED_JOBS) + unknown_payloads
    assert f'unreadable_rows_total{{column="payload",table="jobs"}} {counted}' in await metrics(bot)
    events = [entry["event"] for entry in logs if entry["log_level"] in ("warning", "error")]
    assert events.count("row.damaged") == 2  # payloads of jobs, and JSON of requests
    assert not [event for event in events if event in ("job.failed", "worker.failed")]


async def test_click__on_a_request_that_another_version_has_changed_is_answered_privately(bot: Replicas) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.wait_until_idle()
    await execute(bot, "UPDATE requests SET state = 'snoozed'")

    assert (await bot.click(personas.OLIVIA, card, 0)).status == 200
    reply = await bot.wait_for_message("another version of me made it")
    await bot.wait_until_idle()

    assert reply.only_for == personas.OLIVIA
    assert "*Nothing was changed.*" in bot.slack.text_of(reply)
    assert bot.deletes == []
    (row,) = await bot.store.database.read(lambda tx: tx.fetch("SELECT id, state, revision FROM requests"))
    assert (row.state, row.revision) == ("snoozed", 1)


async def test_click__on_a_request_under_rules_of_a_newer_version_is_left_to_that_version(bot: Replicas) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.wait_until_idle()
    with capture_logs() as logs:
        await execute(bot, 'UPDATE requests SET rules = \'{"approvers":[],"weather":1}\', expires_at = 1')
        await bot.click(personas.OLIVIA, card, 0)
        reply = await bot.wait_for_message("another version of me made it")
        await bot.wait_until_idle()

    assert reply.only_for == personas.OLIVIA
    assert bot.deletes == []
    (row,) = await bot.store.database.read(lambda tx: tx.fetch("SELECT state, revision FROM requests"))
    assert (row.state, row.revision) == ("pending", 1)
    assert 'unreadable_rows_total{column="rules",table="requests"} 1.0' in await metrics(bot)
    assert "row.of_other_version" in [entry["event"] for entry in logs]


async def test_click__on_a_request_of_the_previous_version_is_judged_by_the_rules_of_now(bot: Replicas) -> None:
    """The previous version runs beside this one, stores no rules, and lets this one decide."""
    made = replace(
        request(id="previous", target=TOM_IN_GENESYS, target_slack_id=personas.TOM, requester=personas.RAVI),
        created_at=time.time(), expires_at=time.time() + 600, card=MessageRef(personas.OPS, "1.0"),
    )  # fmt: skip
    await write_request_without_rules(bot.store.database, made, bot.store.seals)
    message = RENDERER.card(made)
    card = bot.slack.conversations.post(personas.OPS, message["text"], message["blocks"])

    await bot.click(personas.NADIA, card, 0)
    await bot.wait_for_message("You can't approve this request.")
    await bot.click(personas.BEN, card, 0)
    await bot.wait_for_message("Revoked: all sessions of Tom Target", personas.AUDIT)

    assert len(bot.deletes) == 1
    (row,) = await bot.store.database.read(lambda tx: tx.fetch("SELECT rules, protected FROM requests"))
    assert (row.rules, row.protected) == (None, 0)


async def test_execution__of_a_request_that_is_damaged_is_set_aside_unsent(bot: Replicas) -> None:
    await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.wait_until_idle()
    events = [event for event, _ in await bot.store.audit_events()]
    request_id = next(event.request_id for event in events if event.request_id)

    def approve_damaged(tx: Transaction) -> None:
        tx.execute("UPDATE requests SET state = 'approved', approved_at = :now, approvals = '{'", now=tx.now)
        tx.execute(
            "INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until) "
            "VALUES ('target', 'target', :request_id, :payload, 0, :now, :now, 0, 0)",
            request_id=request_id, payload='{"place": 0, "clicked_at": 1.0}', now=tx.now,
        )  # fmt: skip

    await bot.store.database.write(approve_damaged)
    other = await bot.request_card(personas.RAVI, "revoke @tom other")
    await bot.click(personas.OLIVIA, other, 0)
    await bot.wait_for_message("Revoked: all sessions of Tom Target", personas.AUDIT)

    async with asyncio.timeout(WAIT_TIMEOUT):
        while (row := await execution(bot)).due_at == row.created_at:  # noqa: ASYNC110 - the store sends no event
            await asyncio.sleep(0.02)

    assert row.due_at > row.created_at + SET_ASIDE
    assert (row.attempts, row.done_at) == (0, None)
    assert len(bot.deletes) == 1
