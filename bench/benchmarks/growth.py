"""The cost of a click as the number of audit rows and pending requests grows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import count, islice
from statistics import median

from bench.config import Config
from bench.processes import BOT_PYTHON, MeasuredProcess, run_program, run_server, unpaced_bot_command
from bench.revocations import SimulatedUser, connect_user, settle
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Row

CLICKS, TURNS_PER_ROUND = 5, 4
"""Turns are short and repeated in each round, so that a slow second of the machine affects all sizes."""
SIZES = {
    "small": (100, 10),
    "10,000 audit rows": (10_000, 10),
    "1,000,000 audit rows": (1_000_000, 10),
    "1,000 pending": (100, 1_000),
    "100,000 pending": (100, 100_000),
}
"""The numbers of audit rows and of pending requests."""
SMALL = "100 audit rows, 10 pending"
GOAL = Goal(1.2)
IDLE_TIME = 3.0
"""How long the CPU time of an idle bot is measured, in seconds."""
FIGURES = {"delete": ("click → DELETE, p50", "ms"), "cpu": ("CPU of the whole click", "ms")}


async def measure(config: Config) -> list[Row]:
    """Let bots with SQLite files of different sizes take turns."""
    bots: dict[str, MeasuredProcess] = {}
    async with AsyncExitStack() as stack:
        turns = {}
        for index, (name, sizes) in enumerate(SIZES.items()):
            environ = config.environ(f"filled{index}")
            async with run_server(unpaced_bot_command(), environ, path="/readyz"):
                pass  # the bot creates the tables
            await _fill(environ["DATABASE_URL"], *sizes)
            running = await stack.enter_async_context(run_server(unpaced_bot_command(), environ, path="/readyz"))
            user = await connect_user(config.fakes, config.slack_requests, running.port)
            turns[name] = partial(_turn, running, user, count(index * 1_000_000 + 1))
            bots[name] = running
        samples = await interleave(turns, config.rounds * TURNS_PER_ROUND)
        idle = {name: await _idle_cpu(running) for name, running in bots.items()}
    return [*_rows(samples), *_idle_rows(idle)]


async def _fill(url: str, audit_rows: int, pending: int) -> None:
    async with run_program(BOT_PYTHON, "bench.subject.fill", url, str(audit_rows), str(pending)) as running:
        if await running.process.wait():
            raise RuntimeError("the database could not be filled")


async def _idle_cpu(running: MeasuredProcess) -> float:
    """Return the CPU usage of a bot without work, in percent of a core."""
    before = running.cpu
    await asyncio.sleep(IDLE_TIME)
    return (running.cpu - before) / IDLE_TIME * 100


async def _turn(running: MeasuredProcess, user: SimulatedUser, numbers: Iterator[int]) -> Sample:
    targets = list(islice(numbers, CLICKS))
    cards = {number: await user.request(number) for number in targets}
    await settle()
    before, delays = running.cpu, []
    for number, card in cards.items():
        delays.append(await user.approve(number, card) * 1e3)
        await settle()
    return {"delete": median(delays), "cpu": (running.cpu - before) / CLICKS * 1e3}


def _rows(samples: Samples) -> list[Row]:
    return [
        Row(
            f"{label}, {name}",
            SMALL,
            samples.median(name, figure),
            samples.median("small", figure),
            unit,
            samples.ratio(name, "small", figure),
            GOAL,
        )
        for figure, (label, unit) in FIGURES.items()
        for name in SIZES
        if name != "small"
    ]


def _idle_rows(idle: dict[str, float]) -> list[Row]:
    return [
        Row(f"CPU when idle, {name}", SMALL, idle[name], idle["small"], "%")
        for name in ("1,000,000 audit rows", "100,000 pending")
    ]
