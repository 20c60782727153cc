"""A watch survives the death of its process, and reports once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.watch import MAX_LOOKS
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from tests.support.components import TOM
from tests.support.process import BotProcess, bot_process, fork

pytestmark = pytest.mark.process

DONE = "Revoked: all sessions of Tom Target"


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[BotProcess]:
    async with bot_process(tmp_path, migrated=True, run=fork) as running:
        yield running


async def test_kill__while_it_looks_for_a_new_login_reports_it_once_after_restart(bot: BotProcess) -> None:
    first = await bot.serve("serve", WATCH_FOR="2s")
    card = await bot.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_message("I watch until", personas.APPROVALS)
    before = len(bot.genesys.received("get_user"))
    hold = asyncio.Event()
    bot.genesys.fault("get_user", GenesysFault(until=hold))
    bot.genesys.users[TOM.id].last_token_issued = time.time() + 1  # single sign-on, not in the second of the DELETE

    await bot.wait_for_request("get_user", before + 1)
    await first.kill()
    hold.set()
    assert "watch:logged_in" not in bot.audit_tags()
    await bot.serve(WATCH_FOR="2s")
    await bot.wait_for_message("Logged in again", personas.APPROVALS)
    await bot.wait_until_idle()

    assert bot.audit_tags() == ["request:asked", "request:approved", "token:revoked", "watch:logged_in"]
    assert len(bot.deletes) == 1
    assert len(bot.genesys.received("get_user")) - before == 2 <= MAX_LOOKS
    for person in (personas.RAVI, personas.BEN):
        direct = bot.slack.workspace.dm(person).id
        found = [one for one in bot.slack.messages if one.channel_id == direct and "again" in bot.slack.text_of(one)]
        assert len(found) == 1
    assert bot.slack.text_of(card).count("Logged in again") == 1
