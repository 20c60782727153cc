"""Decline, from the button to the outcome: who may, and that each request has one outcome."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.messages import PostedMessage
from handlers.ui.modals import REASON
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness
from tests.support.replicas import start_replicas
from tests.support.schema import put_database

DECLINED = "Declined: sessions of Tom Target not touched"
DONE = "Revoked: all sessions of Tom Target"
WHY = {REASON: "Tom is on a call\nwith a customer"}


@pytest.fixture
async def bot(start_app_with: StartApp) -> AppHarness:
    """A bot whose cards everyone sees, and approvers of whom one may also request."""
    approvers = f"{personas.OLIVIA},{personas.BEN},{personas.TOM}"
    return await start_app_with(APPROVERS=approvers, APPROVALS_CHANNEL=personas.OPS)


async def decline(bot: AppHarness, who: str, card: PostedMessage) -> None:
    """Press the button, and submit the modal that opens."""
    assert (await bot.slack.click(who, card, "decline", force=True)).status == 200
    assert (await bot.slack.submit_view(who, WHY)).status == 200


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_decline__ends_the_request_and_gives_the_reason_to_everyone_concerned(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await decline(bot, personas.BEN, card)

    notice = await bot.wait_for_private_message(personas.RAVI, DECLINED)
    await bot.wait_until_idle()
    audited = [one for one in bot.slack.messages if one.channel_id == personas.AUDIT]
    for message in (card, notice, *audited):
        text = bot.slack.text_of(message)
        assert DECLINED in text
        assert f"declined by <@{personas.BEN}>" in text
        assert "The reason: Tom is on a call with a customer" in text
    assert len(audited) == 1
    assert not bot.slack.buttons(card)
    assert await bot.audit_tags() == ["request:asked", "request:declined"]
    assert not bot.deletes


async def test_decline__is_in_the_history_of_admins(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await decline(bot, personas.BEN, card)
    await bot.wait_for_message(DECLINED)
    await bot.send_command(personas.OLIVIA, "history")
    reply = await bot.wait_for_private_message(personas.OLIVIA, "declined by")
    assert DECLINED in bot.slack.text_of(reply)


REFUSALS = {
    "requester": (personas.RAVI, "You requested this yourself, so you can't decline it.", "Press *Cancel request*"),
    "outsider": (personas.NADIA, "Only approvers can decline this request.", "still open for its approvers"),
    "guest": (personas.GUS, "Guests can't use this bot", "Nothing was changed"),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
async def test_decline__of_others_is_refused_without_a_modal(bot: AppHarness, case: tuple[str, str, str]) -> None:
    who, words, hint = case
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.slack.click(who, card, "decline", force=True)
    reply = await bot.wait_for_private_message(who, words)
    assert hint in bot.slack.text_of(reply)
    await bot.wait_until_idle()
    assert bot.slack.views.top_modal(who) is None
    assert await bot.audit_tags() == ["request:asked", "click:refused"]
    assert len(bot.slack.buttons(card)) == 3


@pytest.mark.parametrize(
    ("requester", "who", "words"),
    [
        pytest.param(personas.OLIVIA, personas.OLIVIA, "so you can't decline it", id="requester who approves others"),
        pytest.param(personas.RAVI, personas.TOM, "This request is about you", id="target who approves others"),
    ],
)
async def test_decline__by_an_approver_whom_it_concerns_is_refused(
    bot: AppHarness, requester: str, who: str, words: str
) -> None:
    card = await bot.request_card(requester, "revoke @tom")
    await decline(bot, who, card)
    await bot.wait_for_private_message(who, words)
    await bot.wait_until_idle()
    assert (await bot.audit_tags())[-1] == "click:refused"
    assert len(bot.slack.buttons(card)) == 3


async def test_decline__after_the_role_is_lost_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.OPS)
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.BEN, card, "decline")
    app.slack.groups[personas.TOKEN_APPROVERS].members = [personas.OLIVIA]
    await app.slack.submit_view(personas.BEN, WHY)
    await app.wait_for_private_message(personas.BEN, "Only approvers can decline this request.")
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:asked", "click:refused"]


async def test_decline__that_is_submitted_twice_is_one_decline(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.slack.click(personas.BEN, card, "decline")
    view = bot.slack.views.top_modal(personas.BEN)
    sent = [bot.slack.submit_view(personas.BEN, WHY, view=view) for _ in range(2)]
    assert [one.status for one in await asyncio.gather(*sent)] == [200, 200]
    await bot.wait_for_message(DECLINED)
    await bot.wait_until_idle()
    assert await bot.audit_tags() == ["request:asked", "request:declined"]


async def test_decline__of_two_approvers_has_one_outcome(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await decline(bot, personas.BEN, card)
    await bot.wait_for_message(DECLINED)
    await decline(bot, personas.OLIVIA, card)
    await bot.wait_for_private_message(personas.OLIVIA, "this request is already declined")
    assert (await bot.audit_tags()).count("request:declined") == 1


async def test_decline__after_the_approval_is_too_late(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.slack.click(personas.OLIVIA, card, "decline")
    await bot.slack.click(personas.BEN, card, "approve")
    await bot.wait_for_message(DONE)
    await bot.slack.submit_view(personas.OLIVIA, WHY)
    await bot.wait_for_private_message(personas.OLIVIA, "this request is already approved and executed")
    await bot.wait_until_idle()
    assert len(bot.deletes) == 1
    assert await bot.audit_tags() == ["request:asked", "request:approved", "token:revoked", "click:stale"]


async def test_decline__without_a_reason_is_shown_in_the_modal(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.slack.click(personas.BEN, card, "decline")
    await bot.slack.submit_view(personas.BEN, {REASON: " "}, force=True)
    modal = bot.slack.views.top_modal(personas.BEN)
    assert modal is not None
    assert modal.errors == {REASON: "Write why you decline."}
    await bot.wait_until_idle()
    assert await bot.audit_tags() == ["request:asked"]


async def test_decline__from_the_home_tab(bot: AppHarness) -> None:
    await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.slack.open_home(personas.BEN)
    await bot.server.services.tasks.drain(5)
    await bot.slack.click_in_view(bot.slack.views.homes[personas.BEN], "decline")
    await bot.slack.submit_view(personas.BEN, WHY)
    await bot.wait_for_private_message(personas.RAVI, DECLINED)
    assert not bot.deletes


async def test_cancel__by_an_approver_is_refused_with_a_hint(bot: AppHarness) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.slack.click(personas.BEN, card, "cancel")
    reply = await bot.wait_for_private_message(personas.BEN, f"Only <@{personas.RAVI}> can cancel this request.")
    assert "press *Decline*" in bot.slack.text_of(reply)
    await bot.slack.click(personas.RAVI, card, "cancel")
    await bot.wait_for_message("Cancelled: sessions of Tom Target not touched")


@pytest.mark.parametrize("first", ["approve", "decline"])
async def test_decline__while_another_replica_judges_an_approval_has_one_outcome(tmp_path: Path, first: str) -> None:
    """The approval waits for Slack in one replica, or does not, while the other replica gets the decline."""
    put_database(tmp_path / "bot.db")
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    approvers = f"{personas.BEN},{personas.OLIVIA}"
    async with start_replicas(tmp_path, url, url, APPROVERS=approvers, APPROVALS_CHANNEL=personas.OPS) as bot:
        card = await bot.request_card(personas.RAVI, "revoke @tom")
        await bot.slack.click(personas.OLIVIA, card, "decline", to=f"{bot.url(1)}/slack/events")
        if first == "decline":
            bot.slack.fault("users.info", SlackFault(retry_after=1))  # postpones the approval
        sent = (
            bot.click(personas.BEN, card, 0),
            bot.slack.submit_view(personas.OLIVIA, WHY, to=f"{bot.url(1)}/slack/events"),
        )
        assert [one.status for one in await asyncio.gather(*sent)] == [200, 200]
        await bot.wait_until_idle()

        tags = await bot.audit_tags()
        declined, approved = tags.count("request:declined"), tags.count("request:approved")
        assert (declined + approved, tags.count("click:stale")) == (1, 1)
        assert len(bot.deletes) == approved
        outcomes = [bot.slack.text_of(one) for one in bot.slack.messages if one.channel_id == personas.AUDIT]
        assert [(DECLINED in one, DONE in one) for one in outcomes] == [(bool(declined), bool(approved))]
