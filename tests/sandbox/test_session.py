"""The sandbox's own bot on its stage: begun anew, a second replica beside it, time passing, things going wrong."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from bot.sandbox import personas
from bot.sandbox.replica import NotReady, Replica
from bot.sandbox.server import play
from bot.sandbox.session import Play, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.messages import PostedMessage

PATIENCE = 30.0


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    started = Stage(play)
    await started.start()
    yield started
    await started.stop()


def of(stage: Stage) -> Play:
    assert stage.play
    return stage.play


async def card(stage: Stage) -> PostedMessage:
    """Olivia asks for the end of Tom's sessions."""
    slack = of(stage).slack
    before = len(slack.messages)
    await slack.command(personas.OLIVIA, "revoke @tom", personas.OPS)
    return await slack.wait_for_message(
        lambda message: message in slack.messages[before:] and bool(slack.buttons(message)), PATIENCE
    )


async def tags(stage: Stage) -> list[str]:
    await stage.read_trail()
    return [row.tag for row, _ in of(stage).trail]


async def ends(stage: Stage, message: PostedMessage, words: str) -> None:
    slack = of(stage).slack
    await slack.wait_for_message(lambda other: other is message and words in slack.text_of(other), PATIENCE)
    assert slack.buttons(message) == []


async def test_begin_anew__nothing_is_left_of_the_play_before(stage: Stage) -> None:
    await card(stage)
    before = of(stage)
    await stage.begin_anew()
    assert (of(stage).slack.messages, of(stage).genesys.requests) == ([], [])
    assert of(stage).slack is not before.slack
    assert (before.number, of(stage).number) == (1, 2)
    await stage.read_trail()
    assert of(stage).trail == []


async def test_pass_time__lets_an_open_request_expire(stage: Stage) -> None:
    message = await card(stage)
    await stage.pass_time(240)
    assert of(stage).slack.buttons(message)
    await stage.pass_time(60)
    await ends(stage, message, "Expired")
    assert of(stage).genesys.received("delete_token") == []


@pytest.mark.process
async def test_replica__what_it_had_in_hand_is_taken_over_when_it_is_killed(stage: Stage) -> None:
    await stage.add_replica()
    playing = of(stage)
    assert playing.replica
    assert playing.slack.events_url == f"{playing.replica.url}/slack/events"
    message = await card(stage)
    playing.mishaps.choose("slow")
    assert (await playing.slack.click(personas.OLIVIA, message, "approve")).error is None
    await playing.genesys.wait_for_request("delete_token")
    await stage.kill_replica()
    playing.mishaps.heal()
    await ends(stage, message, "Revoked")
    assert playing.slack.events_url == playing.own_url
    assert len(playing.genesys.received("delete_token")) == 2


@pytest.mark.process
async def test_replica__one_that_somebody_else_killed_is_not_spoken_to_any_more(stage: Stage) -> None:
    await stage.add_replica()
    replica = of(stage).replica
    assert replica is not None
    await stage.miss_the_dead()
    assert of(stage).replica is replica
    os.kill(replica.pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while of(stage).replica is replica:
            await asyncio.sleep(0.02)
            await stage.miss_the_dead()
    assert of(stage).slack.events_url == of(stage).own_url
    await card(stage)


@pytest.mark.process
async def test_replica__one_that_cannot_start_is_told() -> None:
    with pytest.raises(NotReady, match="ended at once"):
        await Replica.start({"APPROVERS": ""})


async def test_mishaps__are_met_by_the_delete_and_healed(stage: Stage) -> None:
    message = await card(stage)
    of(stage).mishaps.choose("403")
    await of(stage).slack.click(personas.OLIVIA, message, "approve")
    await ends(stage, message, "oauth:token:delete")
    of(stage).mishaps.choose(None)
    again = await card(stage)
    await of(stage).slack.click(personas.OLIVIA, again, "approve")
    await ends(stage, again, "Revoked")


async def test_mishaps__while_slack_is_down_nobody_is_known_and_nothing_is_done(stage: Stage) -> None:
    message = await card(stage)
    of(stage).mishaps.let_slack_be_down(down=True)
    await of(stage).slack.click(personas.OLIVIA, message, "approve")
    async with asyncio.timeout(PATIENCE):
        while "click:refused" not in await tags(stage):  # noqa: ASYNC110 - the trail rings no bell
            await asyncio.sleep(0.02)
    of(stage).mishaps.heal()
    assert of(stage).slack.buttons(message)
    assert of(stage).genesys.received("delete_token") == []
    await of(stage).slack.click(personas.OLIVIA, message, "approve")
    await ends(stage, message, "Revoked")
