"""2,000 calls of delete_token, 50 ms each: by the client, and as a bulk request."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from typing import Any

from bench import bulk_requests
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
TOKENS = {"bulk1": 1, "bulk4": 4}
"""The number of tokens of a bulk request, by contestant."""
IN_A_BULK, ALONE = "during a bulk request", "without a bulk request"
DEFAULT_SDK_GOAL, IDEAL_GOAL, CPU_GOAL = Goal(0.067), Goal(1.053), Goal(0.4)
SINGLE_GOAL = Goal(1000, of="subject", unit="ms")
FIGURES = {"cpu": "CPU", "memory": "memory"}
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
        numbers = count(1)
        for name, tokens in TOKENS.items():
            turns[name] = partial(bulk_requests.execute, config, CALLS, LATENCY, tokens, numbers)
        samples = await interleave(turns, config.slow_rounds)
        singles = {
            name: partial(bulk_requests.singles, config, people=people, numbers=numbers)
            for name, people in ((IN_A_BULK, CALLS), (ALONE, 0))
        }
        return [
            *_rows(samples),
            *_bulk_rows(samples),
            *_single_rows(await interleave(singles, config.slow_rounds)),
        ]


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


def _bulk_rows(samples: Samples) -> list[Row]:
    """Return the rows of whole bulk requests, stored and audited, next to the SDK's calls."""
    rows = []
    for name, tokens in TOKENS.items():
        label = f"a bulk request of 2,000, 50 ms each, `TOKEN_POOL={tokens}`"
        for baseline in ("sdk64", "sdk64_pool64"):
            seconds = samples.median(name, "seconds"), samples.median(baseline, "seconds")
            notes = _note(samples, name), _note(samples, baseline)
            ratio = samples.ratio(baseline, name, "seconds")
            rates = CALLS / seconds[0], CALLS / seconds[1]
            rows.append(Row(f"{label}, rate", BASELINES[baseline], *rates, "/s", ratio, None, notes))
        for figure, unit in (("cpu", "ms"), ("memory", "MiB")):
            figures = samples.median(name, figure), samples.median("sdk64_pool64", figure)
            ratio = samples.ratio(name, "sdk64_pool64", figure)
            rows.append(Row(f"{label}, {FIGURES[figure]}", BASELINES["sdk64_pool64"], *figures, unit, ratio))
    return rows


def _single_rows(samples: Samples) -> list[Row]:
    return [
        Row(
            f"click → DELETE, {figure}, {IN_A_BULK}",
            ALONE,
            samples.median(IN_A_BULK, figure),
            samples.median(ALONE, figure),
            "ms",
            samples.ratio(IN_A_BULK, ALONE, figure),
            SINGLE_GOAL if figure == "p99" else None,
        )
        for figure in ("p50", "p99")
    ]


def _row_with_full_pool(samples: Samples, label: str, figure: str, unit: str, goal: Goal) -> Row:
    name = "sdk64_pool64"
    figures = samples.median("subject", figure), samples.median(name, figure)
    return Row(label, BASELINES[name], *figures, unit, samples.ratio("subject", name, figure), goal)


def _note(samples: Samples, name: str) -> str:
    return f" ({samples.median(name, 'in_flight'):.0f} in flight)"
