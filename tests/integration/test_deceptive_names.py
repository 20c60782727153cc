"""Names that deceive, on their way from Slack and Genesys Cloud to a card."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from tests.support.app_harness import AppHarness
from tests.support.components import TOM


async def test_card__says_who_was_requested_if_slack_shows_another_name(app: AppHarness) -> None:
    """A person who takes another person's address in Slack is not that person."""
    app.slack.members[personas.TOM].real_name = "Anna Admin"

    card = await app.request_card(personas.RAVI, "revoke @tom")

    shown = app.slack.text_of(card)
    assert "Anna Admin" in shown
    assert "Revoke all sessions of Tom Target?" in shown
    assert f"Requested for <@{personas.TOM}> (Slack: Anna Admin)" in card.text
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert len(app.deletes) == 1


async def test_card__of_a_person_with_the_same_name_warns_of_nothing(app: AppHarness) -> None:
    app.slack.members[personas.TOM].real_name = "TARGET, T\u00f3m"

    card = await app.request_card(personas.RAVI, "revoke @tom")

    assert ":warning:" not in app.slack.text_of(card)


async def test_card__of_a_name_with_hidden_characters_warns_and_still_works(app: AppHarness) -> None:
    app.genesys.users[TOM.id].name = "Tom\u202e\u3164\nTarget <!channel>"

    card = await app.request_card(personas.RAVI, "revoke tom.target@example.com")

    shown = app.slack.text_of(card)
    assert "Revoke all sessions of Tom Target <!channel>?" in shown
    assert "I removed hidden characters from: Name." in shown
    assert "\u202e" not in shown
    assert "<!channel>" not in card.text
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert len(app.deletes) == 1


@pytest.mark.parametrize("status", [400, 403])
async def test_outcome__has_the_detail_of_an_error_without_hidden_characters(app: AppHarness, status: int) -> None:
    body = {"status": status, "code": "bad\u202e", "message": "No\u202e.\x1b[31m\nRevoked <!channel>"}
    app.genesys.fault("delete_token", GenesysFault(status=status, body=body))
    card = await app.request_card(personas.RAVI, "revoke @tom")

    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("No.[31m Revoked" if status == 400 else "the bot's role lacks")
    await app.wait_until_idle()
    for message in app.slack.messages:
        shown = f"{message.text} {app.slack.text_of(message)}"
        assert not any(one in shown for one in ("\u202e", "\x1b", "\nRevoked"))
        assert "<!channel>" not in message.text
