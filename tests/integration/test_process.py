"""Processes that are killed, stopped and started again: what was acknowledged is done, once, and told truly."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support.process import Stage, stage

pytestmark = pytest.mark.process

DONE = "Revoked: every session of Tom Target"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, migrated=True) as set_up:
        yield set_up


async def test_start__of_a_bot_that_is_set_up_well_warns_of_nothing(bot: Stage) -> None:
    bot.database.unlink()  # it makes its own
    started = await bot.serve("serve")

    started.process.send_signal(signal.SIGTERM)
    ended = await started.ended()

    told = [json.loads(line) for line in ended.stderr.splitlines()]
    assert "listening" in [line["event"] for line in told]
    assert [line["event"] for line in told if line["level"] != "info"] == []


async def test_kill__between_acknowledgement_and_judgement(bot: Stage) -> None:
    first = await bot.serve("serve")
    card = await bot.card(personas.RAVI, "revoke @tom laptop stolen")
    bot.slack.fault("users.info", SlackFault(delay=1))

    click = await bot.slack.click(personas.BEN, card, "approve")
    await bot.held()
    killed = await first.kill()
    before = bot.trail()
    bot.hold.over.set()
    await bot.serve()
    await bot.reads(DONE, personas.APPROVALS)
    await bot.done()

    assert (click.status, killed.code) == (200, -signal.SIGKILL)
    assert before == ["request:asked"]
    assert bot.trail() == ["request:asked", "request:approved", "token:revoked"]
    assert len(bot.deletes) == 1
    assert not bot.slack.buttons(card)


async def test_kill__between_acknowledgement_and_delete(bot: Stage) -> None:
    first = await bot.serve("serve")
    card = await bot.card(personas.RAVI, "revoke @tom laptop stolen")
    late = asyncio.Event()
    bot.genesys.fault("delete_token", GenesysFault(until=late, drop="before"))

    click = await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_request("delete_token")
    await first.kill()
    before = bot.trail()
    await bot.serve()
    await bot.reads(DONE, personas.APPROVALS)
    await bot.reads(DONE, personas.AUDIT)
    await bot.done()
    late.set()

    assert click.status == 200
    assert before == ["request:asked", "request:approved"]
    assert bot.trail() == [*before, "token:revoked"]
    assert [entry.status for entry in bot.deletes[1:]] == [200]
    assert not bot.slack.buttons(card)


async def test_kill__between_delete_and_its_record(bot: Stage) -> None:
    first = await bot.serve("serve")
    card = await bot.card(personas.RAVI, "revoke @tom laptop stolen")
    late = asyncio.Event()
    bot.genesys.fault("delete_token", GenesysFault(drop="after"))
    bot.genesys.fault("delete_token", GenesysFault(until=late, drop="before"))

    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_request("delete_token", 2)
    await first.kill()
    ended = [person.sessions for person in bot.genesys.users.values() if person.name == "Tom Target"]
    before = bot.trail()
    await bot.serve()
    await bot.reads(DONE, personas.APPROVALS)
    await bot.done()
    late.set()

    assert ended == [0]
    assert before == ["request:asked", "request:approved"]
    assert bot.trail() == [*before, "token:revoked"]
    assert len(bot.deletes) == 3
    told = [one for one in bot.slack.messages if one.channel_id == personas.AUDIT]
    assert len(told) == 1


async def test_kill__a_card_that_was_not_repainted_is_repainted(bot: Stage) -> None:
    first = await bot.serve("serve")
    card = await bot.card(personas.RAVI, "revoke @tom")
    bot.slack.fault("chat.update", SlackFault(delay=1, drop=True))

    await bot.slack.click(personas.BEN, card, "cancel")
    await bot.held()
    await first.kill()
    assert bot.slack.buttons(card)
    bot.hold.over.set()
    await bot.serve()
    await bot.reads("Cancelled: every session", personas.APPROVALS)
    await bot.done()

    assert not bot.slack.buttons(card)
    assert bot.trail() == ["request:asked", "request:cancelled"]
    assert not bot.deletes


async def test_sigterm__finishes_what_is_in_hand_and_takes_no_more(bot: Stage) -> None:
    first = await bot.serve("serve")
    card = await bot.card(personas.RAVI, "revoke @tom")
    answering = asyncio.Event()
    bot.genesys.fault("delete_token", GenesysFault(until=answering))
    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_request("delete_token")

    first.process.terminate()
    missing = await bot.becomes(503)
    async with bot.session.get(f"{bot.url}/healthz") as answer:
        alive = answer.status
    late = await bot.slack.click(personas.BEN, card, "approve", force=True)
    typed = await bot.slack.command(personas.OLIVIA, "revoke @tom")
    answering.set()
    ended = await first.ended()

    assert (late.status, "I am being restarted. Nothing was changed" in typed.body) == (503, True)
    assert (ended.code, alive, missing) == (0, 200, {"process": "it is stopping"})
    assert bot.trail() == ["request:asked", "request:approved", "token:revoked"]
    assert len(bot.deletes) == 1
    assert DONE in bot.slack.text_of(card)
    assert [DONE in bot.slack.text_of(one) for one in bot.slack.messages if one.channel_id == personas.AUDIT] == [True]
