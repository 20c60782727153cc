"""Revocations by sixteen users at the same time, each from the command to the card with its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count

from bench.config import Config
from bench.fakes import PostedCard, genesys_id
from bench.processes import DEV_PYTHON, MeasuredProcess, run_program
from bench.revocations import SimulatedUser, connect_user
from bench.sampling import Sample, Samples, interleave

USERS = 16
DATABASES = ("SQLite", "PostgreSQL")


async def interleave_on_databases(
    contestants: Iterable[str],
    turn: Callable[[str, str, MeasuredProcess, Iterator[int]], Awaitable[Sample]],
    rounds: int,
) -> Samples:
    """Let contestants take turns on each database. The samples are named `contestant, database`.

    `turn` gets a contestant, a database, the PostgreSQL server and the numbers of people that no turn has used.
    """
    numbers = count(1)
    async with run_program(DEV_PYTHON, "bench.subject.postgres", core=None) as postgres:
        await postgres.read_message()
        turns = {
            f"{one}, {database}": partial(turn, one, database, postgres, numbers)
            for database in DATABASES
            for one in contestants
        }
        return await interleave(turns, rounds)


async def create_database(config: Config, file: str, database: str, postgres: MeasuredProcess) -> str:
    """Return the address of a new database: a SQLite file of this name, or one of the PostgreSQL server."""
    if database == "SQLite":
        return config.environ(file)["DATABASE_URL"]
    return str((await postgres.call("create_database"))["url"])


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
