"""CPU time and latency of get_tokens_me and delete_token in sequence on an open connection."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from bench.config import Config
from bench.fakes import FastGenesys, genesys_id
from bench.processes import BASELINE_PYTHON, BOT_PYTHON, MeasuredProcess, run_program
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Row

CALLS = 500
GOALS = {"get_tokens_me": Goal(0.40), "delete_token": Goal(0.60)}
LOWER_BOUND_GOAL = Goal(2.0)
PROGRAMS = {
    "subject": (BOT_PYTHON, "bench.subject.client"),
    "sdk": (BASELINE_PYTHON, "bench.baselines.sdk"),
    "lower_bound": (BASELINE_PYTHON, "bench.baselines.http_client"),
}
BASELINES = {"sdk": "official SDK", "lower_bound": "http.client (lower bound)"}


async def measure(config: Config) -> list[Row]:
    """Let the three clients take turns."""
    genesys = config.fakes.genesys
    async with AsyncExitStack() as stack:
        turns = {}
        for name, (python, module) in PROGRAMS.items():
            running = await stack.enter_async_context(run_program(python, module, genesys.url))
            await running.read_message()
            turns[name] = partial(_turn, running, genesys)
        samples = await interleave(turns, config.rounds)
    return [row for call, goal in GOALS.items() for row in _rows(samples, call, goal)]


async def _turn(running: MeasuredProcess, genesys: FastGenesys) -> Sample:
    get = await running.call("get", count=CALLS)
    user_ids = [genesys_id(number) for number in range(CALLS)]
    genesys.reset_counters()
    delete = await running.call("delete", user_ids=user_ids)
    if genesys.deletes != dict.fromkeys(user_ids, 1):
        raise RuntimeError("not every DELETE arrived exactly once")
    return {
        "get_tokens_me cpu": get["cpu"] * 1e6,
        "get_tokens_me p50": get["p50"] * 1e6,
        "delete_token cpu": delete["cpu"] * 1e6,
        "delete_token p50": delete["p50"] * 1e6,
    }


def _rows(samples: Samples, call: str, goal: Goal) -> list[Row]:
    rows = []
    for figure, label, limit in (("cpu", "CPU per call", goal), ("p50", "p50", None)):
        for name, title in BASELINES.items():
            key = f"{call} {figure}"
            rows.append(
                Row(
                    f"`{call}`, {label}",
                    title,
                    samples.median("subject", key),
                    samples.median(name, key),
                    "µs",
                    samples.ratio("subject", name, key),
                    LOWER_BOUND_GOAL if limit and name == "lower_bound" else limit,
                )
            )
    return rows
