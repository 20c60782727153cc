"""Replicas that are killed or disconnected at random moments while users request and approve."""

from __future__ import annotations

import signal

import pytest

from tests.soak import CARDS_PER_ROUND, FailureMode, soak
from tests.soak_commands import Case, CommandCount, stop_after_commands_of
from tests.support.postgres import Server
from tests.support.process import fork

pytestmark = pytest.mark.process

ROUNDS = 4


@pytest.mark.parametrize(
    "mode",
    [
        FailureMode.KILLS,
        *(pytest.param(mode, marks=pytest.mark.heavy) for mode in (FailureMode.SOCKETS, FailureMode.WIRES)),
    ],
)
async def test_soak__replicas_that_fail_at_random_lose_nothing_and_execute_only_approved_requests(
    postgres: Server, mode: FailureMode
) -> None:
    async with postgres.database() as address:
        result = await soak(address, mode, rounds=ROUNDS, seed=20_261_123, run_bot=fork)

    assert result.disruptions == ROUNDS
    assert result.approved == ROUNDS * CARDS_PER_ROUND
    assert result.lost == 0
    assert result.without_approval == 0
    assert result.unreported == 0
    assert result.broken_chain == 0
    assert result.unexplained_repeats == 0


@pytest.mark.parametrize(
    "case",
    [Case("SQLite", "HTTP", signal.SIGTERM), Case("PostgreSQL", "Socket Mode", signal.SIGKILL)],
    ids=str,
)
async def test_soak__stop_after_an_acknowledged_command_leads_to_one_card(postgres: Server, case: Case) -> None:
    counted = await stop_after_commands_of(case, rounds=1, seed=20_261_126, postgres=postgres, run=fork)

    assert counted == CommandCount(acknowledged=1, missing=0, repeated=0, deletes=0)
