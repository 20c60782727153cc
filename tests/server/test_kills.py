"""Replicas that are killed at random moments, and started again, while people ask and click."""

from __future__ import annotations

import pytest

from tests.postgres import Server
from tests.soak import soak

pytestmark = [pytest.mark.process, pytest.mark.heavy]


async def test_kill__of_any_replica_at_any_moment_loses_nothing_and_does_nothing_unasked(postgres: Server) -> None:
    async with postgres.database() as address:
        figures = await soak(address, rounds=10, seed=20_261_123)

    assert figures.kills == 10
    assert figures.approved == 40
    assert figures.lost == 0
    assert figures.without_approval == 0
    assert figures.untold == 0
    assert figures.broken_chain == 0
    assert figures.repeated_without_a_kill == 0
