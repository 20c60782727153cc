"""At the real rate limits of Slack and Genesys Cloud, no member can keep a revocation back."""

from __future__ import annotations

import asyncio

import pytest

from bot.domain.requests import MessageRef
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysUser
from bot.sandbox.slack.messages import PostedMessage
from tests.conftest import StartApp
from tests.support import examples
from tests.support.app_harness import AppHarness

PEOPLE = 30

EXPIRATIONS = 200


async def limited_app(start_app_with: StartApp, **settings: str) -> AppHarness:
    """Return an app whose fakes enforce the rate limits."""
    app = await start_app_with(**settings)
    app.slack.api.enforces_rate_limits = True
    app.genesys.enforces_rate_limit = True
    return app


async def cards_for(app: AppHarness, count: int) -> list[PostedMessage]:
    """Return cards for so many people; several requesters type, as each may type 30 lines a minute."""
    cards = []
    for number in range(count):
        user_id = f"6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d5{number:03}"
        person = GenesysUser(id=user_id, name=f"Agent {number}", email=f"agent{number}@example.com")
        app.genesys.state.add(person)
        asker = (personas.RAVI, personas.OLIVIA)[number % 2]
        cards.append(await app.request_card(asker, f"revoke agent{number}@example.com"))
    return cards


@pytest.mark.heavy
async def test_thirty_approvals__within_35_seconds_lead_to_thirty_deletes(start_app_with: StartApp) -> None:
    """Meanwhile another member clicks and types as fast as possible."""
    app = await limited_app(
        start_app_with, APPROVERS=personas.TOKEN_APPROVERS, SELF_APPROVAL="false", MAX_OPEN_REQUESTS="100"
    )
    cards = await cards_for(app, PEOPLE)

    async def disturb() -> None:
        while True:
            await app.slack.click(personas.NADIA, cards[0], "approve", force=True)
            await app.send_command(personas.NADIA, "whoami")

    disturbing = asyncio.create_task(disturb())
    for card in cards:
        assert (await app.slack.click(personas.BEN, card, "approve")).status == 200
        await asyncio.sleep(1.1)
    async with asyncio.timeout(180):
        while len(app.deletes) < PEOPLE:  # noqa: ASYNC110 - the fake sends no event
            await asyncio.sleep(0.1)
    disturbing.cancel()

    assert len(app.deletes) == PEOPLE
    denied = [event for event, _ in await app.server.services.store.audit_events() if event.tag == "click:refused"]
    assert {event.actor for event in denied} <= {personas.NADIA}


async def test_revocation__during_two_hundred_expirations_is_executed_and_reported_at_once(
    start_app_with: StartApp,
) -> None:
    app = await limited_app(start_app_with, SELF_APPROVAL="true")
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    store = app.server.services.store
    for number in range(EXPIRATIONS):
        request = examples.request(
            id=f"late{number}", reference=f"LATE{number}", requester=personas.RAVI,
            card=MessageRef("C0OPS00001", "1.1"),
        )  # fmt: skip
        await store.create(request, ttl=0, key=f"late{number}", command_url=None)

    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    folded = await app.wait_for_message("requests expired")
    async with asyncio.timeout(60):
        while (await store.jobs.depth())["notice"]:  # noqa: ASYNC110 - the store sends no event
            await asyncio.sleep(0.1)

    audited = [app.slack.text_of(one) for one in app.slack.messages if one.channel_id == folded.channel_id]
    assert len(app.deletes) == 1
    assert all(any(f"LATE{number}:" in text for text in audited) for number in range(EXPIRATIONS))
    assert len(audited) <= EXPIRATIONS / 10
    assert not [call for call in app.slack.calls_of("chat.postMessage") if call.status == 429]


async def test_whoami__as_often_as_possible_leaves_the_allowance_for_a_revocation(start_app_with: StartApp) -> None:
    app = await limited_app(start_app_with, MAX_COMMANDS_PER_MINUTE="1000")
    for _ in range(100):
        await app.send_command(personas.NADIA, "whoami")
        await app.send_command(personas.GUS, "whoami")
    await app.wait_for_private_message(personas.NADIA, "The bot's token")

    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.slack.click(personas.OLIVIA, card, "approve")

    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert len(app.genesys.requests) < 20


async def test_guest__causes_no_call_of_genesys_cloud(app: AppHarness) -> None:
    for line in ("whoami", "help", "revoke @tom"):
        await app.send_command(personas.GUS, line)
    await app.wait_for_private_message(personas.GUS, "Guests can't use this bot")
    await app.wait_until_idle()

    assert app.genesys.requests == []
