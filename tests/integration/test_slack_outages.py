"""After an outage of Slack, everyone who typed or clicked gets the result within a minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from tests.support.components import Components, deletes, open_components
from tests.support.fault_harness import BotHarness, open_bot, recording_client
from tests.support.timeouts import Blackhole, InstantTimeoutSession

MAX_WAIT = 60.0
"""Longest time from the end of an outage until its effect is over, in seconds."""

METHODS = ("users.info", "usergroups.users.list", "chat.postMessage", "chat.update", "response_url")

OUTAGES = {
    "connection closed": SlackFault(drop=True, times=None),
    "503": SlackFault(status=503, html="<html>Sorry</html>", times=None),
    "timeout": SlackFault(delay=1, times=None),
}


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


@pytest.fixture
async def bot(components: Components) -> AsyncIterator[BotHarness]:
    """Return a bot; a call of Slack that is not answered fails at once."""
    blackhole = Blackhole()
    components.slack.api._sleep = blackhole.sleep
    async with aiohttp.ClientSession() as session:
        url = str(components.purecloud.region.api_url)
        genesys = recording_client(session, api_url=url, login_url=url)
        shared = InstantTimeoutSession(session, blackhole, "/")
        async with open_bot(components, shared, tokens=genesys, users=genesys, authorization=genesys) as opened:
            await opened.components.workspace.identify()
            yield opened
        blackhole.set()


def begin_outage(bot: BotHarness, fault: SlackFault) -> None:
    for method in METHODS:
        bot.components.slack.fault(method, replace(fault))


async def run_while(bot: BotHarness, condition: Callable[[], bool]) -> None:
    """Run the jobs that are due, and let half a second pass if there is none."""
    while condition():
        for job in [*bot.components.submitted, *await bot.components.store.jobs.claim(16)]:
            bot.worker.submit(job)
        bot.components.submitted.clear()
        if running := list(bot.worker._running.values()):
            await asyncio.wait(running)
        else:
            bot.components.database.clock.advance(0.5)


async def seconds_until(bot: BotHarness, done: Callable[[], bool], *, outage: float) -> float:
    """Return how long after an outage something is done; it must not be done before."""
    clock = bot.components.database.clock
    end = clock.now + outage
    await run_while(bot, lambda: clock.now < end)
    assert not done()
    bot.components.slack.clear_faults()
    await run_while(bot, lambda: not done() and clock.now < end + 2 * MAX_WAIT)
    return clock.now - end


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("outage", [8.0, 20.0, 120.0])
async def test_command__gets_its_card_within_a_minute_after_an_outage(
    bot: BotHarness, outage: float, fault: SlackFault
) -> None:
    begin_outage(bot, fault)
    await bot.command(f"revoke <@{personas.TOM}>")
    slack = bot.components.slack
    waited = await seconds_until(bot, lambda: any(slack.buttons(one) for one in bot.messages()), outage=outage)
    assert waited <= MAX_WAIT
    assert deletes(bot.components) == []


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("outage", [8.0, 20.0, 120.0])
async def test_refused_command__gets_its_reply_within_a_minute_after_an_outage(
    bot: BotHarness, outage: float, fault: SlackFault
) -> None:
    begin_outage(bot, fault)
    await bot.command(f"revoke <@{personas.TOM}>", by=personas.NADIA)

    def answered() -> bool:
        return any("You can't request this" in one.text for one in bot.messages(personas.NADIA))

    assert await seconds_until(bot, answered, outage=outage) <= MAX_WAIT
    assert not any(bot.components.slack.buttons(one) for one in bot.messages())


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("outage", [8.0, 20.0, 120.0])
async def test_click__sends_the_delete_within_a_minute_after_an_outage(
    bot: BotHarness, outage: float, fault: SlackFault
) -> None:
    await bot.command(f"revoke <@{personas.TOM}>")
    await bot.run_jobs()
    begin_outage(bot, fault)
    await bot.click(await bot.last_request_id())
    assert await seconds_until(bot, lambda: bool(deletes(bot.components)), outage=outage) <= MAX_WAIT
    await bot.run_jobs()
    assert any("Revoked" in one.text for one in bot.messages(personas.OLIVIA))
    assert len(deletes(bot.components)) == 1


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("outage", [8.0, 20.0, 120.0])
async def test_refused_click__gets_its_reply_within_a_minute_after_an_outage(
    bot: BotHarness, outage: float, fault: SlackFault
) -> None:
    await bot.command(f"revoke <@{personas.TOM}>", by=personas.RAVI)
    await bot.run_jobs()
    begin_outage(bot, fault)
    await bot.click(await bot.last_request_id(), by=personas.NADIA)

    def answered() -> bool:
        return any("You can't approve this request" in one.text for one in bot.messages(personas.NADIA))

    assert await seconds_until(bot, answered, outage=outage) <= MAX_WAIT
    assert deletes(bot.components) == []
