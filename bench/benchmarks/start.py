"""Time, CPU and memory from the start of a process to the response to its first get_tokens_me."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from bench.benchmarks.calls import BASELINES, PROGRAMS
from bench.config import Config
from bench.processes import run_program
from bench.sampling import Sample, interleave
from bench.table import Goal, Row

FIGURES = {"wall": ("wall clock", "ms"), "cpu": ("CPU", "ms"), "memory": ("memory", "MiB")}
GOALS = {"wall": Goal(0.18), "cpu": Goal(0.16), "memory": Goal(0.22)}


async def measure(config: Config) -> list[Row]:
    """Start each client in turn."""
    url = config.fakes.genesys.url
    turns = {name: partial(_turn, python, module, url) for name, (python, module) in PROGRAMS.items()}
    samples = await interleave(turns, config.rounds)
    return [
        Row(
            f"process start → first `get_tokens_me`, {label}",
            title,
            samples.median("subject", figure),
            samples.median(name, figure),
            unit,
            samples.ratio("subject", name, figure),
            GOALS[figure] if name == "sdk" else None,
        )
        for figure, (label, unit) in FIGURES.items()
        for name, title in BASELINES.items()
    ]


async def _turn(python: Path, module: str, url: str) -> Sample:
    async with run_program(python, module, url) as running:
        message = await running.read_message()
        wall = time.perf_counter() - running.started_at
        if message != {"first": "client-1"}:
            raise RuntimeError(f"unexpected message: {message}")
        return {"wall": wall * 1e3, "cpu": running.cpu * 1e3, "memory": running.rss}
