"""The main job, as people do it."""

from __future__ import annotations

import pytest

from bot.sandbox import personas
from tests.support.app_harness import AppHarness


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_revoke__confirmed_by_who_asked(world: AppHarness) -> None:
    card = await world.card(personas.OLIVIA, "revoke @tom laptop stolen")

    assert not world.deletes

    await world.slack.click(personas.OLIVIA, card, "approve")
    told = await world.reads("Revoked: every session of Tom Target")

    assert not world.slack.buttons(told)
    assert [entry.status for entry in world.deletes] == [200]
