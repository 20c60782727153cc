"""APPROVALS_REQUIRED and PROTECTED_APPROVALS: how many different people must approve, and who counts."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness

THREE = f"{personas.OLIVIA},{personas.BEN},{personas.NADIA}"
DONE = "Revoked: all sessions of Tom Target"


@pytest.fixture
async def start_with(start_app_with: StartApp) -> StartApp:
    """Return a function that starts the bot with three approvers, who see every card."""

    async def start(**settings: str) -> AppHarness:
        return await start_app_with(**{"APPROVERS": THREE, "APPROVALS_CHANNEL": personas.OPS} | settings)

    return start


async def test_two_approvals__of_different_approvers_other_than_the_requester(start_with: StartApp) -> None:
    app = await start_with(APPROVALS_REQUIRED="2")
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    assert card.channel_id == personas.OPS
    assert "0 of 2 approvals. Still needed: two other approvers" in app.slack.text_of(card)

    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_private_message(personas.OLIVIA, "It needs the approval of two other approvers")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message(
        f"1 of 2 approvals (<@{personas.BEN}>). Still needed: one other approver, not <@{personas.OLIVIA}>."
    )
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_private_message(personas.BEN, "You have already approved this request")
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_until_idle()
    assert not app.deletes

    await app.slack.click(personas.NADIA, card, "approve")
    await app.wait_for_message(DONE)
    await app.wait_until_idle()
    assert len(app.deletes) == 1
    assert await app.audit_tags() == [
        "request:asked", "click:refused", "request:signed", "click:refused", "click:refused", "request:approved",
        "token:revoked",
    ]  # fmt: skip


async def test_first_approval__of_a_person_who_lost_the_role_does_not_count(start_with: StartApp) -> None:
    app = await start_with(APPROVALS_REQUIRED="2", APPROVERS=f"{personas.TOKEN_APPROVERS},{personas.NADIA}")
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message(f"1 of 2 approvals (<@{personas.BEN}>)")

    app.slack.groups[personas.TOKEN_APPROVERS].members = [personas.OLIVIA]
    await app.slack.click(personas.NADIA, card, "approve")
    await app.wait_for_message(f"1 of 2 approvals (<@{personas.NADIA}>)")
    assert f"The approval of <@{personas.BEN}> no longer counts" in app.slack.text_of(card)
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_private_message(personas.BEN, "You can't approve this request")
    await app.wait_until_idle()
    assert not app.deletes

    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(DONE)
    assert len(app.deletes) == 1


async def test_request__for_which_too_few_approvers_exist_is_denied(start_with: StartApp) -> None:
    app = await start_with(APPROVALS_REQUIRED="3", PROTECTED_APPROVALS="3")
    await app.send_command(personas.OLIVIA, "revoke @tom")
    await app.wait_for_private_message(
        personas.OLIVIA,
        f"Only <@{personas.BEN}>, <@{personas.NADIA}> could approve this request, and 3 approvers are needed",
    )
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:ask_refused"]


async def test_protected_target__with_one_approval_never_counts_the_requester(start_with: StartApp) -> None:
    app = await start_with(PROTECTED_APPROVALS="1")
    card = await app.request_card(personas.OLIVIA, "revoke @pia")
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_private_message(personas.OLIVIA, "It needs the approval of one other approver")
    await app.wait_until_idle()
    assert not app.deletes

    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Pia Protected")
    assert len(app.deletes) == 1


async def test_protected_target__needs_the_number_of_its_own(start_with: StartApp) -> None:
    app = await start_with(PROTECTED_APPROVALS="3")
    card = await app.request_card(personas.RAVI, "revoke @pia")
    for number, who in enumerate((personas.OLIVIA, personas.BEN), 1):
        await app.slack.click(who, card, "approve")
        await app.wait_for_message(f"{number} of 3 approvals")
    await app.wait_until_idle()
    assert not app.deletes

    await app.slack.click(personas.NADIA, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Pia Protected")
    assert len(app.deletes) == 1


async def test_rotation__needs_one_approval_whatever_a_revocation_needs(start_with: StartApp) -> None:
    app = await start_with(APPROVALS_REQUIRED="2")
    card = await app.request_card(personas.OLIVIA, "rotate")
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Rotated: the bot's own token")


async def test_help__does_not_promise_the_own_approval(start_with: StartApp) -> None:
    app = await start_with(APPROVALS_REQUIRED="2")
    await app.send_command(personas.OLIVIA, "help")
    reply = await app.wait_for_private_message(personas.OLIVIA, "A request about a person needs 2 approvers")
    assert "your own too" not in app.slack.text_of(reply)
