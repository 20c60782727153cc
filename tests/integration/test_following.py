"""One open request per target over HTTP: who asks again follows, and learns how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.messages import PostedMessage
from tests.conftest import StartApp
from tests.support.agents import add_agents
from tests.support.app_harness import AppHarness
from tests.support.postgres import Server
from tests.support.replicas import Replicas, start_replicas

DONE = "Revoked: all sessions of Tom Target"
ASKED_ONCE = ["request:asked", "request:followed"]


@pytest.fixture
async def three(postgres: Server, tmp_path: Path) -> AsyncIterator[Replicas]:
    async with (
        postgres.database() as address,
        start_replicas(tmp_path, address, address, address, APPROVALS_CHANNEL="") as started,
    ):
        yield started


def cards_in(app: AppHarness | Replicas, channel: str) -> list[PostedMessage]:
    return [one for one in app.slack.messages if one.channel_id == channel and app.slack.buttons(one)]


async def follow(app: AppHarness, user_id: str, line: str, channel: str = personas.OPS) -> str:
    """Request what is requested already; return the reply."""
    await app.send_command(user_id, line, channel)
    reply = await app.wait_for_private_message(user_id, "has already requested this")
    await app.wait_until_idle()
    return app.slack.text_of(reply)


async def test_second_request__is_answered_with_a_link_and_makes_none(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.wait_until_idle()

    reply = await follow(app, personas.OLIVIA, "revoke tom.target@example.com phished")

    assert f"<@{personas.RAVI}> has already requested this" in reply
    assert "I made no second request." in reply
    assert "It now stays open until" in reply
    assert "Nothing was changed" not in reply
    assert "You will hear how it ends" in reply
    assert "|Open the card>" in reply
    assert await app.audit_tags() == ASKED_ONCE
    shown = app.slack.text_of(card)
    assert f"Also requested by <@{personas.OLIVIA}>: phished" in shown
    assert not app.deletes


async def test_follower__who_may_approve_does_so_on_a_card_of_their_own(start_app_with: StartApp) -> None:
    """Also with SELF_APPROVAL off, because another person made the request."""
    app = await start_app_with(SELF_APPROVAL="false")
    first = await app.request_card(personas.BEN, "revoke @tom")
    await app.wait_until_idle()

    await follow(app, personas.OLIVIA, "revoke @tom")
    (own,) = cards_in(app, app.slack.workspace.dm(personas.OLIVIA).id)
    await app.slack.click(personas.OLIVIA, own, "approve")
    await app.wait_for_message(DONE)
    await app.wait_until_idle()

    assert len(app.deletes) == 1
    for card in (first, own):
        assert DONE in app.slack.text_of(card)
        assert not app.slack.buttons(card)


async def test_follower__whose_card_cannot_be_edited_for_now_gets_the_outcome_as_a_message(
    start_app_with: StartApp,
) -> None:
    app = await start_app_with(SELF_APPROVAL="false")
    await app.request_card(personas.BEN, "revoke @tom")
    await app.wait_until_idle()
    await follow(app, personas.OLIVIA, "revoke @tom")
    (own,) = cards_in(app, app.slack.workspace.dm(personas.OLIVIA).id)
    app.slack.fault("chat.update", SlackFault(error="access_denied", times=None))
    app.slack.fault("response_url", SlackFault(status=404, html="expired_url", times=None))

    await app.slack.click(personas.OLIVIA, own, "approve")

    for user_id in (personas.OLIVIA, personas.BEN):
        await app.wait_for_private_message(user_id, DONE)
    assert len(app.deletes) == 1


async def test_follower__who_sees_no_card_learns_the_outcome_in_direct_messages(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")  # in her direct messages
    await app.wait_until_idle()

    await follow(app, personas.RAVI, "revoke @tom")
    (copy,) = cards_in(app, personas.APPROVALS)
    await app.slack.click(personas.BEN, copy, "approve")
    outcome = await app.wait_for_private_message(personas.RAVI, DONE)
    await app.wait_until_idle()

    assert outcome.channel_id == app.slack.workspace.dm(personas.RAVI).id
    assert DONE in app.slack.text_of(card)
    assert len(app.deletes) == 1


async def test_requester__cannot_cancel_while_others_follow_and_approvers_decline(
    start_app_with: StartApp,
) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.wait_until_idle()
    await follow(app, personas.OLIVIA, "revoke @tom")

    await app.slack.click(personas.RAVI, card, "cancel")
    denied = await app.wait_for_private_message(personas.RAVI, "so you can't cancel it for both of you")
    assert f"<@{personas.OLIVIA}> has requested this too" in app.slack.text_of(denied)
    assert "An approver can decline it" in app.slack.text_of(denied)

    await app.slack.click(personas.BEN, card, "decline")
    await app.slack.submit_view(personas.BEN, {"reason": "a false alarm"})
    await app.wait_until_idle()
    assert "Declined" in app.slack.text_of(card)
    assert not app.deletes


async def test_target__who_requested_it_themself_blocks_no_one(start_app_with: StartApp) -> None:
    requesters = f"{personas.TOM},{personas.RAVI},{personas.OLIVIA}"
    app = await start_app_with(REQUESTERS=requesters, APPROVALS_CHANNEL="")
    card = await app.request_card(personas.TOM, "revoke @tom")
    await app.wait_until_idle()

    await follow(app, personas.OLIVIA, "revoke @tom")
    await app.slack.click(personas.TOM, card, "cancel")
    await app.wait_for_private_message(personas.TOM, "so you can't cancel it for both of you")
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(DONE)

    assert len(app.deletes) == 1


async def test_requester__who_asks_again_gets_the_link_and_follows_nothing(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.wait_until_idle()

    await app.send_command(personas.RAVI, "revoke @tom")
    await app.wait_for_private_message(personas.RAVI, "You have already requested this")
    await app.slack.click(personas.RAVI, card, "cancel")
    await app.wait_until_idle()

    assert await app.audit_tags() == [*ASKED_ONCE, "request:cancelled"]


async def test_request__that_has_ended_does_not_block(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.RAVI, card, "cancel")
    await app.wait_until_idle()

    await app.request_card(personas.RAVI, "revoke @tom")
    assert (await app.audit_tags()).count("request:asked") == 2


async def test_rotation__counts_as_one_target(start_app_with: StartApp) -> None:
    app = await start_app_with(ADMINS=f"{personas.OLIVIA},{personas.BEN}")
    await app.request_card(personas.OLIVIA, "rotate")
    await app.wait_until_idle()

    await follow(app, personas.BEN, "rotate")

    assert await app.audit_tags() == ASKED_ONCE


async def test_copy__that_cannot_be_posted_is_reported_and_the_request_stays_open(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="C0MISSING1")
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()

    await app.send_command(personas.RAVI, "revoke @tom")
    await app.wait_for_private_message(personas.RAVI, "I could not post the card in <#C0MISSING1>")
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_private_message(personas.RAVI, DONE)
    await app.wait_until_idle()

    assert len(app.deletes) == 1


async def test_max_open_requests__refuses_more_and_counts_no_followed_ones(start_app_with: StartApp) -> None:
    app = await start_app_with(MAX_OPEN_REQUESTS="2")
    agents = add_agents(app.genesys, 3)
    await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()
    await follow(app, personas.RAVI, "revoke @tom")
    for agent in agents[:2]:
        await app.request_card(personas.RAVI, f"revoke {agent.id}")

    await app.send_command(personas.RAVI, f"revoke {agents[2].id}")

    refused = await app.wait_for_private_message(personas.RAVI, "limit of open requests for one person (2)")
    assert "Nothing was changed" in app.slack.text_of(refused)
    await app.wait_until_idle()
    assert (await app.audit_tags()).count("request:asked") == 3
    assert (await app.audit_tags())[-1] == "request:ask_refused"


async def test_require_reason__refuses_a_command_without_before_any_lookup(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUIRE_REASON="true")
    calls = len(app.genesys.requests)

    await app.send_command(personas.RAVI, "revoke @tom")

    refused = await app.wait_for_private_message(personas.RAVI, "A reason is required here")
    assert "`/purecloud revoke @tom laptop stolen`" in app.slack.text_of(refused)
    await app.wait_until_idle()
    assert app.genesys.received("search_by_email") == []
    assert len(app.genesys.requests) == calls
    await app.request_card(personas.RAVI, "revoke @tom laptop stolen")


async def test_pending_and_home__show_a_followed_request_as_made_by_its_followers(app: AppHarness) -> None:
    await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()
    await app.send_command(personas.RAVI, "pending")
    await app.wait_for_private_message(personas.RAVI, "There is no open request")
    await follow(app, personas.RAVI, "revoke @tom")

    await app.send_command(personas.RAVI, "pending")

    shown = app.slack.text_of(await app.wait_for_private_message(personas.RAVI, "Revoke all sessions of Tom Target?"))
    assert "Open the card" in shown


@pytest.mark.heavy
async def test_three_replicas__asked_at_once_make_one_request(three: Replicas) -> None:
    people = (personas.RAVI, personas.OLIVIA, personas.BEN)
    asking = [
        three.slack.command(person, "revoke @tom", personas.OPS, to=f"{three.url(number)}/slack/events")
        for number, person in enumerate(people)
    ]
    assert {one.status for one in await asyncio.gather(*asking)} == {200}
    await three.wait_until_idle()

    tags = await three.audit_tags()
    assert (tags.count("request:asked"), tags.count("request:followed")) == (1, 2)


@pytest.mark.heavy
async def test_three_replicas__clicks_on_card_and_copy_at_once_send_one_delete(three: Replicas) -> None:
    three.genesys.fault("delete_token", GenesysFault(delay=0.2))
    card = await three.request_card(personas.OLIVIA, "revoke @tom")
    await three.wait_until_idle()
    await three.slack.command(personas.BEN, "revoke @tom", personas.OPS, to=f"{three.url(1)}/slack/events")
    await three.wait_until_idle()
    (copy,) = cards_in(three, three.slack.workspace.dm(personas.BEN).id)

    clicks = [
        three.click(person, message, replica)
        for replica in range(3)
        for person, message in ((personas.OLIVIA, card), (personas.BEN, copy))
    ]
    assert {one.status for one in await asyncio.gather(*clicks)} == {200}
    await three.wait_until_idle()

    assert len(three.deletes) == 1
    for message in (card, copy):
        assert DONE in three.slack.text_of(message)
        assert not three.slack.buttons(message)
