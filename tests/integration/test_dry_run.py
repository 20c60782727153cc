"""Dry run: the card as it would be, in private, and nothing is stored but an audit row."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from tests.support.app_harness import AppHarness

TITLE = "Dry run: nothing was requested"


@pytest.mark.parametrize(
    ("who", "line", "said"),
    [
        (personas.RAVI, "revoke --dry-run @tom laptop stolen", f"The card would go to <#{personas.APPROVALS}>"),
        (personas.RAVI, "revoke @tom --dry-run laptop stolen", f"<!subteam^{personas.TOKEN_APPROVERS}>"),
        (personas.RAVI, "logout \u2014dry-run @tom laptop stolen", "one approval by"),
        (personas.RAVI, "revoke @pia laptop stolen --dry-run", "2 approvals"),
        (personas.OLIVIA, "revoke --dry-run @tom", "you alone would decide"),
        (personas.OLIVIA, "rotate --dry-run", "you alone would decide"),
        (personas.SAM, "break-glass --dry-run @tom laptop stolen", "you alone would decide"),
    ],
)
async def test_dry_run__shows_the_card_in_private_and_stores_an_audit_row(
    app: AppHarness, who: str, line: str, said: str
) -> None:
    await app.send_command(who, line)

    message = await app.wait_for_private_message(who, TITLE)
    assert message.only_for == who
    assert said in app.slack.text_of(message)
    assert app.slack.buttons(message) == []
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:dry_run"]
    assert app.slack.messages == [message]
    assert app.writes == []


@pytest.mark.parametrize(
    ("who", "line", "said"),
    [
        (personas.NADIA, "revoke --dry-run @tom", "You can't request this."),
        (personas.RAVI, "revoke --dry-run", "Who is it about?"),
        (personas.RAVI, "revoke --dry-run @una", "has not confirmed their email address"),
        (personas.RAVI, "break-glass --dry-run @tom stolen", "You can't revoke alone under break glass."),
        (personas.SAM, "break-glass --dry-run @tom", "Break glass needs a reason"),
    ],
)
async def test_dry_run__denies_as_usual(app: AppHarness, who: str, line: str, said: str) -> None:
    await app.send_command(who, line)

    await app.wait_for_private_message(who, said)
    assert await app.audit_tags() == ["request:ask_refused"]
    assert app.writes == []
