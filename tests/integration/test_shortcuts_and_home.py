"""The shortcuts, their modal and the Home tab, from Slack's payload to the card."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from handlers import revoke_many
from handlers.revoke import GLOBAL_SHORTCUT, MESSAGE_SHORTCUT
from handlers.ui.modals import IDENTIFIER, REASON, USER
from tests.support.app_harness import MESSAGE_TIMEOUT, AppHarness

TITLE = "Revoke all sessions of Tom Target?"


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_modal__posts_a_card_that_can_be_approved(app: AppHarness) -> None:
    await app.slack.shortcut(personas.OLIVIA, GLOBAL_SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, {USER: personas.TOM, REASON: "laptop stolen"})
    card = await app.wait_for_message(TITLE)
    assert "laptop stolen" in app.slack.text_of(card)
    assert app.deletes == []

    await app.slack.click(personas.OLIVIA, card, "approve")

    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert [request.status for request in app.deletes] == [200]


async def test_revoke__without_a_person_opens_the_modal(app: AppHarness) -> None:
    await app.send_command(personas.RAVI, "revoke")
    assert app.slack.messages == []

    await app.slack.submit_view(personas.RAVI, {USER: personas.TOM, REASON: "laptop stolen"})

    card = await app.wait_for_message(TITLE)
    assert card.channel_id == personas.APPROVALS
    assert "laptop stolen" in app.slack.text_of(card)
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:asked"]


async def test_message_shortcut__fills_in_the_author(app: AppHarness) -> None:
    message = app.slack.conversations.post(personas.OPS, "my laptop is gone", author_id=personas.TOM)

    await app.slack.message_shortcut(personas.OLIVIA, message, MESSAGE_SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, {})

    await app.wait_for_message(TITLE)
    assert (await app.audit_tags()) == ["request:asked"]


async def test_modal__by_a_user_without_the_right_is_denied_in_private(app: AppHarness) -> None:
    await app.slack.shortcut(personas.NADIA, GLOBAL_SHORTCUT)
    await app.slack.submit_view(personas.NADIA, {USER: personas.TOM})

    await app.wait_for_private_message(personas.NADIA, "You can't request this")
    assert await app.audit_tags() == ["request:ask_refused"]


async def test_modal__with_an_unreadable_target_stays_open_and_stores_nothing(app: AppHarness) -> None:
    await app.slack.shortcut(personas.OLIVIA, GLOBAL_SHORTCUT)

    delivery = await app.slack.submit_view(personas.OLIVIA, {IDENTIFIER: "Tom T."})

    assert "neither an email address" in delivery.body
    await app.wait_until_idle()
    assert await app.audit_tags() == []


async def test_home__shows_each_user_their_own_commands(app: AppHarness) -> None:
    for user in (personas.OLIVIA, personas.NADIA):
        assert (await app.slack.open_home(user)).status == 200
    await app.server.services.tasks.drain(5)

    homes = app.slack.views.homes
    assert "/purecloud revoke" in str(homes[personas.OLIVIA])
    assert "/purecloud revoke" not in str(homes[personas.NADIA])


async def test_home__approves_a_request_and_follows_it(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.slack.open_home(personas.BEN)
    await app.server.services.tasks.drain(5)
    home = app.slack.views.homes[personas.BEN]
    assert "laptop stolen" in str(home.body)

    assert (await app.slack.click_in_view(home, "approve")).status == 200

    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert [request.status for request in app.deletes] == [200]
    async with asyncio.timeout(MESSAGE_TIMEOUT):
        while "Revoked: all sessions" not in str(app.slack.views.homes[personas.BEN].body):  # noqa: ASYNC110 - the fake sends no notification
            await asyncio.sleep(0.05)
    assert "No request waits for you" in str(app.slack.views.homes[personas.BEN].body)


@pytest.mark.parametrize(
    ("shortcut", "instead"),
    [(GLOBAL_SHORTCUT, "`/purecloud revoke @name reason`"), (revoke_many.SHORTCUT, "`/purecloud revoke-many`")],
)
async def test_shortcut__whose_modal_slack_does_not_open_is_answered_in_direct_messages(
    app: AppHarness, shortcut: str, instead: str
) -> None:
    app.slack.fault("views.open", SlackFault(error="expired_trigger_id"))
    assert (await app.slack.shortcut(personas.OLIVIA, shortcut)).status == 503

    message = await app.wait_for_private_message(personas.OLIVIA, "Slack didn't do what I asked for")
    assert "Nothing was changed" in app.slack.text_of(message)
    assert instead in app.slack.text_of(message)


async def test_home__lets_a_requester_cancel_what_others_decide(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.slack.open_home(personas.RAVI)
    await app.server.services.tasks.drain(MESSAGE_TIMEOUT)
    home = app.slack.views.homes[personas.RAVI]
    assert "Your open requests" in str(home.body)

    assert (await app.slack.click_in_view(home, "cancel")).status == 200
    await app.wait_for_message("Cancelled: sessions of Tom Target not touched")
    await app.wait_until_idle()
    assert app.slack.buttons(card) == []
    async with asyncio.timeout(MESSAGE_TIMEOUT):
        while "Your open requests" in str(app.slack.views.homes[personas.RAVI].body):  # noqa: ASYNC110 - the fake sends no notification
            await asyncio.sleep(0.01)


async def test_home__click_by_a_person_without_the_right_is_denied_in_direct_messages(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.open_home(personas.BEN)
    await app.server.services.tasks.drain(5)
    app.slack.workspace.groups[personas.TOKEN_APPROVERS].members = [personas.OLIVIA]

    await app.slack.click_in_view(app.slack.views.homes[personas.BEN], "approve")

    await app.wait_for_private_message(personas.BEN, "You can't approve this request")
    assert app.deletes == []
