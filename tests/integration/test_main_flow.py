"""The shortest whole scenario: a request, an approval, a revocation."""

from __future__ import annotations

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
