"""get_tokens_me and delete_token in sequence on a warm connection: CPU a call and p50."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from bench.config import Plan
from bench.fakes import Genesys, genesys_id
from bench.processes import OURS, PEERS, Process, program
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Line

CALLS = 500
GOALS = {"get_tokens_me": Goal(0.40), "delete_token": Goal(0.60)}
FLOOR = Goal(2.0)
CLIENTS = (
    ("ours", OURS, "bench.subject.client"),
    ("sdk", PEERS, "bench.baselines.sdk"),
    ("floor", PEERS, "bench.baselines.http_client"),
)
NAMES = {"sdk": "official SDK", "floor": "http.client (floor)"}


async def measure(plan: Plan) -> list[Line]:
    """Let the three clients take turns."""
    genesys = plan.world.genesys
    async with AsyncExitStack() as opened:
        turns = {}
        for name, python, module in CLIENTS:
            running = await opened.enter_async_context(program(python, module, genesys.url))
            await running.says()
            turns[name] = partial(_turn, running, genesys)
        samples = await interleave(turns, plan.rounds)
    return [line for call, goal in GOALS.items() for line in _lines(samples, call, goal)]


async def _turn(running: Process, genesys: Genesys) -> Sample:
    got = await running.ask("get", count=CALLS)
    people = [genesys_id(number) for number in range(CALLS)]
    genesys.forget()
    deleted = await running.ask("delete", people=people)
    _once_each(genesys, people)
    return {
        "get_tokens_me cpu": got["cpu"] * 1e6,
        "get_tokens_me p50": got["p50"] * 1e6,
        "delete_token cpu": deleted["cpu"] * 1e6,
        "delete_token p50": deleted["p50"] * 1e6,
    }


def _once_each(genesys: Genesys, people: Sequence[str]) -> None:
    if genesys.deletes != dict.fromkeys(people, 1):
        raise RuntimeError("not every DELETE arrived exactly once")


def _lines(samples: Samples, call: str, goal: Goal) -> list[Line]:
    lines = []
    for figure, said, limit in (("cpu", "CPU a call", goal), ("p50", "p50", None)):
        for who, name in NAMES.items():
            key = f"{call} {figure}"
            lines.append(
                Line(
                    f"`{call}`, {said}",
                    name,
                    samples.of("ours", key),
                    samples.of(who, key),
                    "µs",
                    samples.ratio("ours", who, key),
                    FLOOR if limit and who == "floor" else limit,
                )
            )
    return lines
