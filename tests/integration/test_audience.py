"""No card, outcome or reply about a person reaches a channel that another organization shares."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness


def texts_for_outsiders(app: AppHarness) -> list[str]:
    return [app.slack.text_of(message) for message in app.slack.seen_by(personas.ONA)]


async def test_request__in_a_shared_channel_without_an_approvals_channel_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")

    await app.send_command(personas.RAVI, "revoke @tom laptop stolen", personas.SHARED)

    reply = await app.wait_for_private_message(personas.RAVI, "People of another organization see")
    await app.wait_until_idle()
    assert f"<#{personas.SHARED}>" in app.slack.text_of(reply)
    assert "Nothing was changed." in app.slack.text_of(reply)
    assert await app.audit_tags() == ["request:ask_refused"]
    assert texts_for_outsiders(app) == []
    assert app.deletes == []


async def test_request__in_a_shared_channel_goes_to_the_approvals_channel(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen", personas.SHARED)
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()

    assert card.channel_id == personas.APPROVALS
    assert texts_for_outsiders(app) == []
    assert len(app.deletes) == 1


async def test_request__of_an_approver_in_a_shared_channel_stays_private(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")
    card = await app.request_card(personas.OLIVIA, "revoke @tom", personas.SHARED)
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()

    assert card.channel_id == app.slack.workspace.dm(personas.OLIVIA).id
    assert texts_for_outsiders(app) == []


@pytest.mark.parametrize("change", ["is_ext_shared", "is_pending_ext_shared"])
async def test_outcome__is_not_posted_to_a_shared_audit_channel(start_app_with: StartApp, change: str) -> None:
    app = await start_app_with()
    audit = app.slack.channels[personas.AUDIT]
    audit.members.append(personas.ONA)
    setattr(audit, change, True)

    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_private_message(personas.RAVI, "Revoked: all sessions of Tom Target")

    assert texts_for_outsiders(app) == []
    assert len(app.deletes) == 1


async def test_request__without_the_scopes_for_channels_says_so(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")
    app.slack.fault("conversations.info", SlackFault(error="missing_scope", times=None))

    await app.send_command(personas.RAVI, "revoke @tom")

    await app.wait_for_private_message(personas.RAVI, "I can't find out who sees")
    await app.wait_until_idle()
    assert [message for message in app.slack.messages if app.slack.buttons(message)] == []
