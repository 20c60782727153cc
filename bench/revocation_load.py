"""Revocations by sixteen users at the same time, each from the command to the card with its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

from bench.config import Config
from bench.fakes import PostedCard, genesys_id
from bench.processes import MeasuredProcess
from bench.revocations import SimulatedUser, connect_user
from bench.sampling import Sample

USERS = 16


async def revoke_people(config: Config, replicas: Sequence[MeasuredProcess], people: Sequence[int]) -> Sample:
    """Revoke each person through the replicas; return the rate per second and the CPU time of each, in ms.

    Raises RuntimeError unless there was one DELETE for each person.
    """
    config.fakes.genesys.reset_counters()
    users = [
        [await connect_user(config.fakes, config.slack_requests, one.port) for one in replicas] for _ in range(USERS)
    ]
    remaining = iter(people)
    began, cpu = time.perf_counter(), sum(one.cpu for one in replicas)
    await asyncio.gather(*(_revoke_remaining(user, index, remaining) for index, user in enumerate(users)))
    seconds, cpu = time.perf_counter() - began, sum(one.cpu for one in replicas) - cpu
    if config.fakes.genesys.deletes != {genesys_id(number): 1 for number in people}:
        raise RuntimeError("not every DELETE arrived exactly once")
    return {"rate": len(people) / seconds, "cpu": cpu / len(people) * 1e3}


async def _revoke_remaining(connections: list[SimulatedUser], index: int, remaining: Iterator[int]) -> None:
    """Request and approve revocations through a different replica each time, as behind a load balancer.

    A user requests the next revocation before approving the last one, because no user clicks on a card within a
    millisecond.
    """
    last: tuple[int, PostedCard] | None = None
    for turn, number in enumerate(remaining, start=index):
        card = await connections[turn % len(connections)].request(number)
        if last:
            await connections[turn % len(connections)].approve(*last)
        last = number, card
    if last:
        await connections[index % len(connections)].approve(*last)
