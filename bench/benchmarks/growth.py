"""What a click costs as work grows: a trail of 100 to 1,000,000 rows, 10 to 100,000 requests that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import count, islice
from statistics import median

from bench.config import Plan
from bench.processes import OURS, Process, bot, program, server
from bench.revocations import People, a_moment, people
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Line

CLICKS, TURNS = 5, 4
"""Short turns, and some of them a round: a slow second of the machine must not meet one size alone."""
SIZES = {
    "small": (100, 10),
    "10,000 audit rows": (10_000, 10),
    "1,000,000 audit rows": (1_000_000, 10),
    "1,000 pending": (100, 1_000),
    "100,000 pending": (100, 100_000),
}
"""Audit rows and pending requests."""
FLAT = Goal(1.2)
WATCHED = 3.0
"""Seconds for which an idle bot is watched."""
FIGURES = {"delete": ("click → DELETE, p50", "ms"), "cpu": ("CPU of the whole click", "ms")}


async def measure(plan: Plan) -> list[Line]:
    """Let bots with differently full SQLite files take turns."""
    bots: dict[str, Process] = {}
    async with AsyncExitStack() as opened:
        turns = {}
        for place, (name, sizes) in enumerate(SIZES.items()):
            environ = plan.environ(f"filled{place}")
            async with server(bot(), environ, path="/readyz"):
                pass  # it makes the tables
            await _fill(environ["DATABASE_URL"], *sizes)
            running = await opened.enter_async_context(server(bot(), environ, path="/readyz"))
            somebody = await people(plan.world, plan.sends, running.port)
            turns[name] = partial(_turn, running, somebody, count(place * 1_000_000 + 1))
            bots[name] = running
        samples = await interleave(turns, plan.rounds * TURNS)
        idle = {name: await _idle(running) for name, running in bots.items()}
    return [*_lines(samples), *_idle_lines(idle)]


async def _fill(url: str, trail: int, pending: int) -> None:
    async with program(OURS, "bench.subject.fill", url, str(trail), str(pending)) as filling:
        if await filling.process.wait():
            raise RuntimeError("the database could not be filled")


async def _idle(running: Process) -> float:
    """Percent of a core that a bot uses which only looks for work."""
    before = running.cpu
    await asyncio.sleep(WATCHED)
    return (running.cpu - before) / WATCHED * 100


async def _turn(running: Process, somebody: People, numbers: Iterator[int]) -> Sample:
    mine = list(islice(numbers, CLICKS))
    cards = {number: await somebody.ask(number) for number in mine}
    await a_moment()
    before, delays = running.cpu, []
    for number, card in cards.items():
        delays.append(await somebody.confirm(number, card) * 1e3)
        await a_moment()
    return {"delete": median(delays), "cpu": (running.cpu - before) / CLICKS * 1e3}


def _lines(samples: Samples) -> list[Line]:
    return [
        Line(
            f"{said}, {name}",
            "100 audit rows, 10 pending",
            samples.of(name, figure),
            samples.of("small", figure),
            unit,
            samples.ratio(name, "small", figure),
            FLAT,
        )
        for figure, (said, unit) in FIGURES.items()
        for name in SIZES
        if name != "small"
    ]


def _idle_lines(idle: dict[str, float]) -> list[Line]:
    return [
        Line(f"CPU when idle, {name}", "100 audit rows, 10 pending", idle[name], idle["small"], "%")
        for name in ("1,000,000 audit rows", "100,000 pending")
    ]
