"""The message to the person whose sessions were revoked (NOTIFY_TARGET)."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness

NOTICE = "An administrator ended all your Genesys Cloud sessions"


def notified(app: AppHarness) -> list[str]:
    """Return the channels that have the message."""
    return [one.channel_id for one in app.slack.messages if NOTICE in app.slack.text_of(one)]


@pytest.fixture
async def bot(start_app_with: StartApp) -> AppHarness:
    return await start_app_with(NOTIFY_TARGET="true")


async def test_target__is_notified_once_after_the_revocation(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await bot.wait_until_idle()
    assert notified(bot) == []

    for person in (personas.BEN, personas.OLIVIA):
        await bot.slack.click(person, card, "approve", force=True)
    message = await bot.wait_for_private_message(personas.TOM, NOTICE)
    await bot.wait_until_idle()

    assert notified(bot) == [bot.slack.workspace.dm(personas.TOM).id]
    text = bot.slack.text_of(message)
    assert "laptop stolen" not in text
    assert not any(person in text for person in (personas.RAVI, personas.BEN, personas.OLIVIA))


async def test_target__found_by_address_and_under_break_glass_is_notified(bot: AppHarness) -> None:
    card = await bot.request_card(personas.SAM, "break-glass tom.target@example.com laptop stolen")
    await bot.slack.click(personas.SAM, card, "approve")

    await bot.wait_for_private_message(personas.TOM, NOTICE)
    await bot.wait_until_idle()
    assert len(notified(bot)) == 1


@pytest.mark.parametrize("action", ["cancel", "refuse"])
async def test_target__is_not_notified_if_nothing_was_revoked(bot: AppHarness, action: str) -> None:
    bot.genesys.fault("delete_token", GenesysFault(status=403))
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    if action == "cancel":
        await bot.slack.click(personas.RAVI, card, "cancel", force=True)
    else:
        await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_message("Cancelled:" if action == "cancel" else "Refused by Genesys Cloud:")
    await bot.wait_until_idle()

    assert notified(bot) == []


async def test_target__who_requested_it_is_not_notified(bot: AppHarness) -> None:
    card = await bot.request_card(personas.OLIVIA, "revoke me phone lost")
    await bot.wait_until_idle()
    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_message("Revoked: all sessions of Olivia Ortega")
    await bot.wait_until_idle()

    assert len(bot.deletes) == 1
    assert notified(bot) == []


async def test_target__is_not_notified_by_default(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()

    assert notified(app) == []


async def test_target__is_notified_although_slack_fails_first(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.wait_until_idle()
    dm = bot.slack.workspace.dm(personas.TOM).id
    bot.slack.fault("chat.postMessage", SlackFault(status=503, html="unavailable", times=2))
    await bot.slack.click(personas.BEN, card, "approve")

    await bot.wait_for_private_message(personas.TOM, NOTICE)
    await bot.wait_until_idle()
    assert notified(bot) == [dm]
    assert len(bot.deletes) == 1
