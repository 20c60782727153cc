"""Bolt's own part of the way in, beside its hello-world: CPU a request, no sockets."""

from __future__ import annotations

from functools import partial

from bench.config import Plan
from bench.processes import OURS, Process, program
from bench.sampling import Sample, interleave
from bench.table import Goal, Line

GOALS = {"slash": Goal(0.65), "button": Goal(0.45)}


async def measure(plan: Plan) -> list[Line]:
    """Ask the one process that has both, again and again."""
    async with program(OURS, "bench.subject.dispatch", environ=plan.environ("dispatch")) as running:
        await running.says()
        turns = {kind: partial(_turn, running, kind) for kind in GOALS}
        samples = await interleave(turns, plan.rounds)
    return [
        Line(
            f"Bolt's own part, {kind}: CPU",
            "its hello-world",
            samples.of(kind, "ours"),
            samples.of(kind, "hello"),
            "µs",
            samples.of(kind, "ratio"),
            goal,
        )
        for kind, goal in GOALS.items()
    ]


async def _turn(running: Process, kind: str) -> Sample:
    return await running.ask("compare", kind=kind)
