"""A bulk request uses the allowance of its tokens and never exceeds it, also when a replica dies."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.domain.requests import Request, State
from tests.support.bulk_run import NAME, BulkRun, Replica, VirtualGenesys
from tests.support.simulation import eventually
from tests.support.virtual_time import run

LIMIT = 300
"""Requests of a token that Genesys Cloud accepts in a minute."""

RAMP = 3.0
"""Seconds at the start and at the end in which not every lane is busy."""


class Result(NamedTuple):
    """A run that has ended: the request, what Genesys Cloud saw, and what was stored for each person."""

    request: Request
    genesys: VirtualGenesys
    outcomes: Counter[str]
    audited: Counter[str]

    def used(self, pool: int, ramp: float = 0.0) -> float:
        """Return the share of the allowance that was used, without some seconds at both ends."""
        times = [at for at, _, _ in self.genesys.deletes]
        since, until = times[0] + ramp, times[-1] - ramp
        sent = sum(one.count(since, until) for one in self.genesys.tokens.values())
        return sent / ((until - since) * pool * LIMIT / 60)


def start(folder: Path, people: int, pool: int) -> BulkRun:
    rng = random.Random(people + pool)  # noqa: S311 - a repeatable test
    genesys = VirtualGenesys(LIMIT, latency=lambda: rng.uniform(0.01, 0.2))
    running = BulkRun(folder, people, pool=pool, genesys=genesys)
    for number in (1, 2):
        running.start(number)
    return running


async def execute(folder: Path, people: int, pool: int, *, kill: bool = False) -> Result:
    running = start(folder, people, pool)
    await running.approve()
    if kill:
        assert await eventually(lambda: len(running.genesys.deletes) >= people / 2, 10_000)
        (await busiest(running)).kill()
    return await result_of(running)


async def result_of(running: BulkRun) -> Result:
    request = await running.finished()
    outcomes = Counter(row.outcome for row in await running.rows("SELECT outcome FROM bulk_entries"))
    events = [event for event, _ in await running.alive.store.audit_events(NAME)]
    audited = Counter(str(event.target) for event in events if str(event.tag).startswith("token:") and event.target)
    await running.stop()
    return Result(request, running.genesys, outcomes, audited)


async def busiest(running: BulkRun) -> Replica:
    """Return the replica that holds most lanes."""
    owners = Counter(row.lease_owner for row in await running.rows("SELECT lease_owner FROM jobs WHERE kind = 'bulk'"))
    return max(running.replicas, key=lambda one: owners[one.store.jobs.owner])


def assert_kept(result: Result, people: int) -> None:
    deleted = {target for _, target, _ in result.genesys.deletes}
    assert max(one.most_in_a_window for one in result.genesys.tokens.values()) <= LIMIT
    assert {status for _, _, status in result.genesys.deletes} == {200}
    assert len(deleted) == people
    assert result.outcomes == {"revoked": people}
    assert result.audited == dict.fromkeys(deleted, 1)
    assert result.request.state is State.REVOKED
    assert result.request.outcome["counts"] == {"revoked": people}


@pytest.mark.parametrize("pool", [1, 4, 10])
def test_bulk__of_a_few_hundred_people_uses_the_allowance_and_never_exceeds_it(tmp_path: Path, pool: int) -> None:
    people = 320 * pool
    result = run(execute(tmp_path, people, pool))

    assert_kept(result, people)
    assert len(result.genesys.deletes) == people
    assert result.used(pool, RAMP) >= 0.97
    assert len(result.genesys.tokens) >= pool


def test_bulk__whose_replica_dies_is_finished_by_the_other(tmp_path: Path) -> None:
    result = run(execute(tmp_path, 300, 1, kill=True))

    assert_kept(result, 300)
    assert 300 <= len(result.genesys.deletes) <= 310
    assert len(result.genesys.tokens) == 2


@pytest.mark.heavy
@pytest.mark.parametrize("pool", [1, 4])
def test_bulk__of_ten_thousand_people_survives_the_death_of_a_replica(tmp_path: Path, pool: int) -> None:
    result = run(execute(tmp_path, 10_000, pool, kill=True))

    assert_kept(result, 10_000)
    assert len(result.genesys.deletes) <= 10_000 + 10 * pool  # what was being sent when the replica died
    assert result.used(pool) >= 0.97


def test_bulk__lets_single_revocations_overtake_and_loses_no_time(tmp_path: Path) -> None:
    async def main() -> tuple[list[float], float]:
        running = start(tmp_path, 600, 1)
        await running.approve()
        waits = []
        for number in range(20):
            await asyncio.sleep(4)
            clicked, single = asyncio.get_running_loop().time(), 100_000 + number
            await running.revoke(running.replicas[number % 2], single)
            assert await eventually(lambda single=single: number_of(running, single) == 1, 60)  # type: ignore[misc]
            waits.append(next(at for at, target, _ in running.genesys.deletes if f"{single:08x}" in target) - clicked)
        request = await running.finished()
        await running.stop()
        return waits, request.outcome["seconds"]

    def number_of(running: BulkRun, single: int) -> int:
        return sum(f"{single:08x}" in target for _, target, _ in running.genesys.deletes)

    waits, seconds = run(main())
    undisturbed = run(execute(tmp_path, 600, 1)).request.outcome["seconds"]

    assert max(waits) < 1.0
    assert seconds <= undisturbed * 1.01
