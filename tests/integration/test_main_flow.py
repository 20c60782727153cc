"""The main job, as people do it."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from tests.support.app_harness import AppHarness


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_revoke__confirmed_by_who_asked(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom laptop stolen")

    assert not app.deletes

    await app.slack.click(personas.OLIVIA, card, "approve")
    told = await app.wait_for_message("Revoked: every session of Tom Target")

    assert not app.slack.buttons(told)
    assert [entry.status for entry in app.deletes] == [200]
