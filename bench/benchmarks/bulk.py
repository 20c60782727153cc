"""2,000 calls of delete_token to a server with a latency of 50 ms."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from bench.config import Config
from bench.fakes import FastGenesys, genesys_id
from bench.processes import BASELINE_PYTHON, BOT_PYTHON, MeasuredProcess, run_program
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Row

CALLS, LATENCY, IN_FLIGHT = 2000, 0.05, 64
IDEAL = CALLS / IN_FLIGHT * LATENCY
ARGUMENTS: dict[str, dict[str, int]] = {
    "subject": {},
    "sdk16": {"threads": 16, "pool": 0},
    "sdk64": {"threads": 64, "pool": 0},
    "sdk64_pool64": {"threads": 64, "pool": 64},
}
"""The arguments of method `bulk`, by contestant."""
BASELINES = {
    "sdk16": "SDK, 16 threads",
    "sdk64": "SDK, 64 threads",
    "sdk64_pool64": "SDK, 64 threads, 64 connections",
}
DEFAULT_SDK_GOAL, IDEAL_GOAL, CPU_GOAL = Goal(0.067), Goal(1.053), Goal(0.4)
MEMORY_GOAL = Goal(60, of="subject", unit="MiB")


async def measure(config: Config) -> list[Row]:
    """Let the bot's client and three configurations of the SDK take turns."""
    genesys = config.fakes.genesys
    async with AsyncExitStack() as stack:
        subject = await stack.enter_async_context(run_program(BOT_PYTHON, "bench.subject.client", genesys.url))
        sdk = await stack.enter_async_context(run_program(BASELINE_PYTHON, "bench.baselines.sdk", genesys.url))
        await subject.read_message()
        await sdk.read_message()
        turns = {
            name: partial(_turn, subject if name == "subject" else sdk, genesys, arguments)
            for name, arguments in ARGUMENTS.items()
        }
        return _rows(await interleave(turns, config.slow_rounds))


async def _turn(running: MeasuredProcess, genesys: FastGenesys, arguments: dict[str, Any]) -> Sample:
    user_ids = [genesys_id(number) for number in range(CALLS)]
    genesys.reset_counters()
    genesys.latency = LATENCY
    result = await running.call("bulk", user_ids=user_ids, **arguments)
    genesys.latency = 0.0
    if genesys.deletes != dict.fromkeys(user_ids, 1) or result["done"] != CALLS:
        raise RuntimeError("not every DELETE arrived exactly once")
    return {
        "seconds": result["seconds"],
        "cpu": result["cpu"] * 1e3,
        "memory": running.rss,
        "in_flight": genesys.max_in_flight,
    }


def _rows(samples: Samples) -> list[Row]:
    label = "2,000 `delete_token`, 50 ms each"
    subject = samples.median("subject", "seconds")
    rows = [
        Row(
            f"{label}, seconds",
            title,
            subject,
            samples.median(name, "seconds"),
            "s",
            samples.ratio("subject", name, "seconds"),
            None if name == "sdk64_pool64" else DEFAULT_SDK_GOAL,
            (_note(samples, "subject"), _note(samples, name)),
        )
        for name, title in BASELINES.items()
    ]
    rows.append(Row(f"{label}, seconds", "the ideal: 64 in flight", subject, IDEAL, "s", subject / IDEAL, IDEAL_GOAL))
    return [
        *rows,
        _row_with_full_pool(samples, f"{label}, CPU", "cpu", "ms", CPU_GOAL),
        _row_with_full_pool(samples, f"{label}, memory", "memory", "MiB", MEMORY_GOAL),
    ]


def _row_with_full_pool(samples: Samples, label: str, figure: str, unit: str, goal: Goal) -> Row:
    name = "sdk64_pool64"
    figures = samples.median("subject", figure), samples.median(name, figure)
    return Row(label, BASELINES[name], *figures, unit, samples.ratio("subject", name, figure), goal)


def _note(samples: Samples, name: str) -> str:
    return f" ({samples.median(name, 'in_flight'):.0f} in flight)"
