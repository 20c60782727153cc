"""Replicas that are killed or cut off at random moments while people ask and click."""

from __future__ import annotations

import pytest

from tests.soak import ASKED, Trouble, soak
from tests.support.postgres import Server

pytestmark = pytest.mark.process

ROUNDS = 10


@pytest.mark.parametrize(
    "trouble",
    [Trouble.KILLS, *(pytest.param(one, marks=pytest.mark.heavy) for one in (Trouble.SOCKETS, Trouble.WIRES))],
)
async def test_replica__to_which_anything_happens_at_any_moment_loses_nothing_and_does_nothing_unasked(
    postgres: Server, trouble: Trouble
) -> None:
    async with postgres.database() as address:
        figures = await soak(address, trouble, rounds=ROUNDS, seed=20_261_123)

    assert figures.mishaps == ROUNDS
    assert figures.approved == ROUNDS * ASKED
    assert figures.lost == 0
    assert figures.without_approval == 0
    assert figures.untold == 0
    assert figures.broken_chain == 0
    assert figures.repeated_unexplained == 0
