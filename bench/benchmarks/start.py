"""From the start of a process to its first answered get_tokens_me: wall clock, CPU, memory."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from bench.config import Plan
from bench.processes import OURS, PEERS, program
from bench.sampling import Sample, interleave
from bench.table import Goal, Line

CLIENTS = {
    "ours": (OURS, "bench.subject.client"),
    "sdk": (PEERS, "bench.baselines.sdk"),
    "floor": (PEERS, "bench.baselines.http_client"),
}
NAMES = {"sdk": "official SDK", "floor": "http.client (floor)"}
FIGURES = {"wall": ("wall clock", "ms"), "cpu": ("CPU", "ms"), "memory": ("memory", "MiB")}
GOALS = {"wall": Goal(0.18), "cpu": Goal(0.16), "memory": Goal(0.22)}


async def measure(plan: Plan) -> list[Line]:
    """Start each in turn."""
    url = plan.world.genesys.url
    turns = {name: partial(_turn, python, module, url) for name, (python, module) in CLIENTS.items()}
    samples = await interleave(turns, plan.rounds)
    return [
        Line(
            f"process start → first `get_tokens_me`, {said}",
            name,
            samples.of("ours", figure),
            samples.of(who, figure),
            unit,
            samples.ratio("ours", who, figure),
            GOALS[figure] if who == "sdk" else None,
        )
        for figure, (said, unit) in FIGURES.items()
        for who, name in NAMES.items()
    ]


async def _turn(python: Path, module: str, url: str) -> Sample:
    async with program(python, module, url) as running:
        first = await running.says()
        wall = time.perf_counter() - running.began
        if first != {"first": "client-1"}:
            raise RuntimeError(f"it was told {first}")
        return {"wall": wall * 1e3, "cpu": running.cpu * 1e3, "memory": running.rss}
