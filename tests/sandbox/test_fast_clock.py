"""The sandbox plays a bulk request of three hundred people, whose minutes can be short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.sandbox import personas
from bot.sandbox.agents import agents
from bot.sandbox.fast_clock import FACTOR
from bot.sandbox.genesys.server import RATE_LIMIT
from bot.sandbox.server import start_run
from bot.sandbox.session import SandboxRun

WAIT_TIMEOUT = 60.0


@pytest.fixture
async def run() -> AsyncIterator[SandboxRun]:
    async with start_run() as started:
        yield started


def test_agents__are_three_hundred_different_people() -> None:
    people = agents()
    assert len({one.id for one in people}) == len({one.email for one in people}) == 300


async def test_switch__changes_what_genesys_cloud_allows(run: SandboxRun) -> None:
    for on, allowed in ((True, RATE_LIMIT * FACTOR), (False, RATE_LIMIT)):
        run.fast_clock.on = on
        assert run.fast_clock.on is on
        assert run.genesys.rate_limit == allowed


async def test_queue__of_three_hundred_is_revoked_after_two_admins_have_approved(run: SandboxRun) -> None:
    run.fast_clock.on = True
    await run.slack.command(personas.OLIVIA, 'revoke queue:"Contact centre" phished', personas.OPS)
    card = await run.slack.wait_for_message(lambda one: one.channel_id == personas.APPROVALS, WAIT_TIMEOUT)
    assert "Revoke all sessions of 300 people?" in run.slack.text_of(card)
    assert "75 in a call or chat now" in run.slack.text_of(card)

    await run.slack.click(personas.BEN, card, "approve")
    await run.slack.wait_for_message(lambda one: one is card and "1 of 2" in run.slack.text_of(one), WAIT_TIMEOUT)
    assert run.genesys.received("delete_token") == []
    await run.slack.click(personas.SAM, card, "approve")

    await run.slack.wait_for_message(
        lambda one: one is card and "Revoked: all sessions of 300 people" in run.slack.text_of(one), WAIT_TIMEOUT
    )
    assert len(run.genesys.received("delete_token")) == 300
    assert sum(run.genesys.users[one.id].sessions for one in agents()) == 0
    async with asyncio.timeout(WAIT_TIMEOUT):
        while not any(one.shared_in and "outcomes" in one.name for one in run.slack.files.stored.values()):  # noqa: ASYNC110 - the fake sends no notification
            await asyncio.sleep(0.05)
