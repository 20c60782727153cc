"""From the start of the server to ready; memory when idle and after 10,000 commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import count

from bench.config import Plan
from bench.fakes import Slack
from bench.load import acknowledged, volley
from bench.processes import Command, bot, free_port, peer, ready, server, start
from bench.sampling import Sample, Samples, interleave
from bench.slack_sends import Sends
from bench.table import Goal, Line
from bench.waiting import soon

COMMANDS, CONNECTIONS = 10_000, 16
NAMES = {"bolt": "bare Bolt AsyncApp", "stack": "sync Bolt + waitress + SDK"}
READY = {"bolt": Goal(1.4), "stack": Goal(0.2)}
MEMORY = {"bolt": Goal(1.6), "stack": None}
FLAT = Goal(1.05)


async def measure(plan: Plan) -> list[Line]:
    """Start all in turn; then give one of each its commands."""
    numbers = count()
    turns = {
        "ours": partial(_turn, plan, bot(), lambda: "kept"),
        "first": partial(_turn, plan, bot(), lambda: f"new{next(numbers)}"),
        "bolt": partial(_turn, plan, peer("bolt")),
        "stack": partial(_turn, plan, peer("stack")),
    }
    await turns["ours"]()  # makes the tables, which later starts find
    samples = await interleave(turns, plan.rounds)
    return [*_ready(samples), *await _memory(plan)]


async def _turn(plan: Plan, command: Command, database: Callable[[], str] = lambda: "none") -> Sample:
    """Start a server: ours is ready when it says so, a peer when it has acknowledged a command."""
    ours = command == bot()
    running = await start(command, plan.environ(database()), port=free_port())
    try:
        seconds = await ready(running, "/readyz" if ours else "")
        if not ours:
            await volley(running.port, [plan.sends.command("help")], 1)
            seconds = time.perf_counter() - running.began
        return {"seconds": seconds * 1e3, "cpu": running.cpu * 1e3, "memory": running.rss}
    finally:
        await running.stop()


def _ready(samples: Samples) -> list[Line]:
    lines = [
        Line(
            f"`serve` to ready, {said}",
            NAMES[who],
            samples.of("ours", figure),
            samples.of(who, figure),
            "ms",
            samples.ratio("ours", who, figure),
            READY[who] if figure == "seconds" else None,
        )
        for figure, said in (("seconds", "wall clock"), ("cpu", "CPU"))
        for who in NAMES
    ]
    first = samples.of("first", "seconds")
    ratio = samples.ratio("first", "ours", "seconds")
    return [
        *lines,
        Line(
            "the very first start, which makes the tables",
            "a later start",
            first,
            samples.of("ours", "seconds"),
            "ms",
            ratio,
        ),
    ]


async def _memory(plan: Plan) -> list[Line]:
    taken: dict[str, dict[str, float]] = {}
    async with AsyncExitStack() as opened:
        for name, command in (("ours", bot()), *((who, peer(who)) for who in NAMES)):
            path = "/readyz" if name == "ours" else ""
            running = await opened.enter_async_context(server(command, plan.environ("kept"), path=path))
            slack = plan.world.slack if name == "ours" else None
            await _commands(plan.sends, running.port, range(1), slack)
            taken[name] = {"idle": running.rss}
            for when, names in (("half", range(1, COMMANDS // 2)), ("after", range(COMMANDS // 2, COMMANDS))):
                await _commands(plan.sends, running.port, names, slack)
                taken[name][when] = running.rss
    lines = [
        Line(
            f"memory {said}",
            NAMES[who],
            taken["ours"][when],
            taken[who][when],
            "MiB",
            taken["ours"][when] / taken[who][when],
            MEMORY[who],
        )
        for when, said in (("idle", "when idle"), ("after", "after 10,000 `whoami`"))
        for who in NAMES
    ]
    half, after = taken["ours"]["half"], taken["ours"]["after"]
    return [
        *lines,
        Line("memory after 10,000 `whoami`", "after the first 5,000", after, half, "MiB", after / half, FLAT),
    ]


async def _commands(sends: Sends, port: int, names: Sequence[int], slack: Slack | None) -> None:
    """Send commands in small volleys, so that what follows an acknowledgement is not piled up; wait for the answers."""
    for first in range(0, len(names), CONNECTIONS * 4):
        some = [f"{port}-{name}" for name in names[first : first + CONNECTIONS * 4]]
        answers = [slack.arrivals.expect(f"answer {name}") for name in some] if slack else []
        commands = [sends.command("whoami", answer=name) for name in some]
        await volley(port, commands, min(len(some), CONNECTIONS), acknowledged)
        for answer in answers:
            await soon(answer)
