"""Dry run: the card as it would be, in private, and nothing is stored but an audit row."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from tests.conftest import StartApp
from tests.support.app_harness import MESSAGE_TIMEOUT, AppHarness

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


async def dry_run(app: AppHarness, who: str, line: str) -> str:
    """Send a dry run; return the reply, which is the only message that it causes."""
    before, seen = len(app.slack.messages), [len(one.versions) for one in app.slack.messages]
    await app.send_command(who, line)
    await app.server.services.tasks.drain(MESSAGE_TIMEOUT)
    await app.wait_until_idle()
    (message,) = app.slack.messages[before:]
    assert message.only_for == who
    assert app.slack.buttons(message) == []
    assert [len(one.versions) for one in app.slack.messages[:before]] == seen
    return app.slack.text_of(message)


@pytest.mark.parametrize("who", [personas.OLIVIA, personas.RAVI, personas.BEN])
async def test_dry_run__shows_the_open_request_that_the_person_would_follow(app: AppHarness, who: str) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.wait_until_idle()
    request_id = str(app.slack.buttons(card)[0]["value"])
    store = app.server.services.store
    request = await store.get(request_id)
    assert request

    text = await dry_run(app, who, "revoke --dry-run tom.target@example.com phished")

    assert TITLE in text
    first = "You have already requested this" if who == personas.RAVI else f"<@{personas.RAVI}> has already requested"
    assert first in text
    assert "The command would make no second request. You would hear how it ends." in text
    assert "|Open the card>" in text
    assert request.reference in text
    assert await store.get(request_id) == request
    assert await app.audit_tags() == ["request:asked", "request:dry_run"]
    assert app.writes == []


async def test_dry_run__after_the_open_request_has_ended_shows_the_card(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.RAVI, card, "cancel", force=True)
    await app.wait_until_idle()

    assert "The card would go to" in await dry_run(app, personas.RAVI, "revoke --dry-run @tom")


async def test_dry_run__of_break_glass_does_not_wait_for_an_open_request(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom")
    await app.wait_until_idle()

    assert "you alone would decide" in await dry_run(app, personas.SAM, "break-glass --dry-run @tom laptop stolen")


async def test_dry_run__of_a_rotation_shows_the_open_one(start_app_with: StartApp) -> None:
    app = await start_app_with(ADMINS=f"{personas.OLIVIA},{personas.BEN}")
    await app.request_card(personas.OLIVIA, "rotate")
    await app.wait_until_idle()

    assert f"<@{personas.OLIVIA}> has already requested this" in await dry_run(app, personas.BEN, "rotate --dry-run")


async def test_dry_run__counts_open_requests_as_the_command_does(start_app_with: StartApp) -> None:
    app = await start_app_with(MAX_OPEN_REQUESTS="1", BREAK_GLASS=personas.BEN)
    await app.request_card(personas.BEN, "revoke @tom")
    await app.wait_until_idle()

    refused = await dry_run(app, personas.BEN, "revoke --dry-run nadia.novak@example.com")
    assert "limit of open requests for one person (1)" in refused
    assert await app.audit_tags() == ["request:asked", "request:ask_refused"]
    assert "You have already requested this" in await dry_run(app, personas.BEN, "revoke --dry-run @tom")
    assert "alone would decide" in await dry_run(app, personas.BEN, "break-glass --dry-run @pia stolen")
    assert "The card would go to" in await dry_run(app, personas.RAVI, "revoke --dry-run @pia")
