"""2,000 revocations asked for, approved, carried out and told, sixteen people at a time, on SQLite and on PostgreSQL.

Everything shares this machine's two cores: the bots, PostgreSQL, the stand-ins and the people.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count, islice

from bench.config import Plan
from bench.fakes import Card, genesys_id
from bench.processes import TOOLS, Process, bot, program, server
from bench.revocations import People, people
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Line

REVOCATIONS, PEOPLE = 2000, 16
WAYS = {"SQLite": 1, "1 replica": 1, "2 replicas": 2, "4 replicas": 4}
GOALS = {"1 replica": Goal(150, of="ours", least=True, unit="/s")}


async def measure(plan: Plan) -> list[Line]:
    """Let one, two and four bots take turns, each round on a new database."""
    numbers = count(1)
    async with program(TOOLS, "bench.subject.postgres", core=None) as postgres:
        await postgres.says()
        turns = {name: partial(_turn, plan, name, postgres, numbers) for name in WAYS}
        samples = await interleave(turns, min(plan.rounds, 3))
    return [_line(samples, name) for name in WAYS]


async def _turn(plan: Plan, name: str, postgres: Process, numbers: Iterator[int]) -> Sample:
    mine = list(islice(numbers, REVOCATIONS))
    url = plan.environ(f"together{mine[0]}")["DATABASE_URL"]
    if name != "SQLite":
        url = (await postgres.ask("database"))["url"]
    plan.world.genesys.forget()
    async with _replicas(plan, url, WAYS[name]) as replicas:
        doors = [[await people(plan.world, plan.sends, one.port) for one in replicas] for _ in range(PEOPLE)]
        waiting = iter(mine)
        began, cpu = time.perf_counter(), sum(one.cpu for one in replicas)
        await asyncio.gather(*(_work(theirs, place, waiting) for place, theirs in enumerate(doors)))
        seconds, cpu = time.perf_counter() - began, sum(one.cpu for one in replicas) - cpu
    if plan.world.genesys.deletes != {genesys_id(number): 1 for number in mine}:
        raise RuntimeError("not every DELETE arrived exactly once")
    return {"rate": REVOCATIONS / seconds, "cpu": cpu / REVOCATIONS * 1e3}


@asynccontextmanager
async def _replicas(plan: Plan, url: str, how_many: int) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as opened:
        environ = plan.environ(DATABASE_URL=url)
        yield [
            await opened.enter_async_context(server(bot(), environ, core=None, path="/readyz")) for _ in range(how_many)
        ]


async def _work(doors: list[People], place: int, waiting: Iterator[int]) -> None:
    """Ask through one replica, confirm through the next, as behind a load balancer.

    The next is asked for before the last is confirmed: nobody clicks in the millisecond in which a card appears.
    """
    asked: tuple[int, Card] | None = None
    for turn, number in enumerate(waiting, start=place):
        card = await doors[turn % len(doors)].ask(number)
        if asked:
            await doors[turn % len(doors)].confirm(*asked)
        asked = number, card
    if asked:
        await doors[place % len(doors)].confirm(*asked)


def _line(samples: Samples, name: str) -> Line:
    other = "1 replica" if name != "1 replica" else "SQLite"
    return Line(
        f"2,000 revocations, {name if name == 'SQLite' else name + ' on PostgreSQL'}",
        other if other == "SQLite" else "1 replica on PostgreSQL",
        samples.of(name, "rate"),
        samples.of(other, "rate"),
        "/s",
        samples.ratio(name, other, "rate"),
        GOALS.get(name),
        (_cpu(samples, name), _cpu(samples, other)),
    )


def _cpu(samples: Samples, name: str) -> str:
    return f" ({samples.of(name, 'cpu'):.3g} ms CPU each)"
