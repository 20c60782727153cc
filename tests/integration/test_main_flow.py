"""The shortest whole scenario: a request, an approval, a revocation."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox import personas
from tests.support.app_harness import AppHarness


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_revoke__approved_by_its_requester(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom laptop stolen")

    assert not app.writes

    await app.slack.click(personas.OLIVIA, card, "approve")
    outcome = await app.wait_for_message("Revoked: all sessions of Tom Target")

    assert not app.slack.buttons(outcome)
    assert [(request.operation, request.status) for request in app.writes] == [("delete_token", 200)]


async def test_revoke__never_stores_a_secret_that_its_requester_types(app: AppHarness) -> None:
    secret = app.environ["SLACK_SIGNING_SECRET"]

    await app.request_card(personas.RAVI, f"revoke @tom mailed {secret} and xoxb-1234567890-abcdef")
    await app.send_command(personas.RAVI, f"revoke {secret}")
    await app.wait_for_private_message(personas.RAVI, "[redacted]")
    await app.wait_until_idle()

    stored = b"".join(
        file.read_bytes()
        for file in Path(app.environ["DATABASE_URL"].removeprefix("sqlite:///")).parent.glob("sandbox.db*")
    )
    assert b"mailed [redacted] and [redacted]" in stored
    assert secret.encode() not in stored
    assert b"1234567890" not in stored
