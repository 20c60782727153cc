"""CPU time of Bolt's dispatch without sockets, compared with the example app of Bolt's documentation."""

from __future__ import annotations

from functools import partial

from bench.config import Config
from bench.processes import BOT_PYTHON, MeasuredProcess, run_program
from bench.sampling import Sample, interleave
from bench.table import Goal, Row

GOALS = {"command": Goal(1.0), "click": Goal(0.7)}


async def measure(config: Config) -> list[Row]:
    """Compare both apps repeatedly in one process."""
    async with run_program(BOT_PYTHON, "bench.subject.dispatch", environ=config.environ("dispatch")) as running:
        await running.read_message()
        turns = {kind: partial(_turn, running, kind) for kind in GOALS}
        samples = await interleave(turns, config.rounds)
    return [
        Row(
            f"dispatch in Bolt, {kind}, CPU",
            "Bolt's example app",
            samples.median(kind, "subject"),
            samples.median(kind, "example"),
            "µs",
            samples.median(kind, "ratio"),
            goal,
        )
        for kind, goal in GOALS.items()
    ]


async def _turn(running: MeasuredProcess, kind: str) -> Sample:
    return await running.call("compare", kind=kind)
