"""The main job, as people do it."""

from __future__ import annotations

import pytest

from bot.sandbox import personas as cast
from tests.support.app_harness import World


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_revoke__confirmed_by_who_asked(world: World) -> None:
    card = await world.card(cast.OLIVIA, "revoke @tom laptop stolen")

    assert not world.deletes

    await world.slack.click(cast.OLIVIA, card, "approve")
    told = await world.reads("Revoked: every session of Tom Target")

    assert not world.slack.buttons(told)
    assert [entry.status for entry in world.deletes] == [200]
