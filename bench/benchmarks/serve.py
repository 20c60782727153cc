"""Time until a server is ready, and its memory when idle and after 10,000 commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import count

from bench.config import Config
from bench.events import wait_for
from bench.fakes import FastSlack
from bench.load import send_load
from bench.processes import (
    Command,
    MeasuredProcess,
    baseline_command,
    bot_command,
    free_port,
    run_server,
    start,
    wait_until_ready,
)
from bench.sampling import Sample, Samples, interleave
from bench.slack_requests import SlackRequests
from bench.table import Goal, Row

COMMANDS, CONNECTIONS = 10_000, 16
BASELINES = {"bolt": "bare Bolt AsyncApp", "sync_stack": "sync Bolt + waitress + SDK"}
READY_GOALS = {"bolt": Goal(1.4), "sync_stack": Goal(0.2)}
MEMORY_GOALS = {"bolt": Goal(1.6), "sync_stack": None}
GROWTH_GOAL = Goal(1.05)


async def measure(config: Config) -> list[Row]:
    """Start all servers in turn; then send commands to one of each."""
    numbers = count()
    turns = {
        "subject": partial(_turn, config, bot_command(), lambda: "existing"),
        "first_start": partial(_turn, config, bot_command(), lambda: f"new{next(numbers)}"),
        "bolt": partial(_turn, config, baseline_command("bolt")),
        "sync_stack": partial(_turn, config, baseline_command("sync_stack")),
    }
    await turns["subject"]()  # creates the tables for the later starts
    samples = await interleave(turns, config.rounds)
    return [*_ready_rows(samples), *_memory_rows(await _measure_memory(config))]


async def _turn(config: Config, command: Command, database: Callable[[], str] = lambda: "none") -> Sample:
    """Start a server: the bot until /readyz returns 200, a baseline until its first ack."""
    is_subject = command == bot_command()
    running = await start(command, config.environ(database()), port=free_port())
    try:
        seconds = await wait_until_ready(running, "/readyz" if is_subject else "")
        if not is_subject:
            await send_load(running.port, [config.slack_requests.command("help")], 1)
            seconds = time.perf_counter() - running.started_at
        return {"seconds": seconds * 1e3, "cpu": running.cpu * 1e3, "memory": running.rss}
    finally:
        await running.stop()


def _ready_rows(samples: Samples) -> list[Row]:
    rows = [
        Row(
            f"`serve` to ready, {label}",
            BASELINES[name],
            samples.median("subject", figure),
            samples.median(name, figure),
            "ms",
            samples.ratio("subject", name, figure),
            READY_GOALS[name] if figure == "seconds" else None,
        )
        for figure, label in (("seconds", "wall clock"), ("cpu", "CPU"))
        for name in BASELINES
    ]
    figures = samples.median("first_start", "seconds"), samples.median("subject", "seconds")
    ratio = samples.ratio("first_start", "subject", "seconds")
    return [*rows, Row("first start, which creates the tables", "a later start", *figures, "ms", ratio)]


async def _measure_memory(config: Config) -> dict[str, dict[str, float]]:
    """Return the memory of each server when idle, after half of the commands, and after all, in MiB."""
    memory: dict[str, dict[str, float]] = {}
    async with AsyncExitStack() as stack:
        for name, command in (("subject", bot_command()), *((name, baseline_command(name)) for name in BASELINES)):
            is_subject = name == "subject"
            server = run_server(command, config.environ("existing"), path="/readyz" if is_subject else "")
            running = await stack.enter_async_context(server)
            memory[name] = await _memory_of(running, config, config.fakes.slack if is_subject else None)
    return memory


async def _memory_of(running: MeasuredProcess, config: Config, slack: FastSlack | None) -> dict[str, float]:
    memory = {}
    half = COMMANDS // 2
    for phase, numbers in (("idle", range(1)), ("half", range(1, half)), ("after", range(half, COMMANDS))):
        await _send_commands(config.slack_requests, running.port, numbers, slack)
        memory[phase] = running.rss
    return memory


async def _send_commands(requests: SlackRequests, port: int, numbers: Sequence[int], slack: FastSlack | None) -> None:
    """Send commands in small batches and wait for the bot's replies, so that its work does not pile up."""
    for first in range(0, len(numbers), CONNECTIONS * 4):
        names = [f"{port}-{number}" for number in numbers[first : first + CONNECTIONS * 4]]
        replies = [slack.events.expect(f"response {name}") for name in names] if slack else []
        commands = [requests.command("whoami", response=name) for name in names]
        await send_load(port, commands, min(len(names), CONNECTIONS))
        for reply in replies:
            await wait_for(reply)


def _memory_rows(memory: dict[str, dict[str, float]]) -> list[Row]:
    subject = memory["subject"]
    rows = [
        Row(
            f"memory {label}",
            BASELINES[name],
            subject[phase],
            memory[name][phase],
            "MiB",
            subject[phase] / memory[name][phase],
            MEMORY_GOALS[name],
        )
        for phase, label in (("idle", "when idle"), ("after", "after 10,000 `whoami`"))
        for name in BASELINES
    ]
    half, after = subject["half"], subject["after"]
    growth = Row("memory after 10,000 `whoami`", "after the first 5,000", after, half, "MiB", after / half, GROWTH_GOAL)
    return [*rows, growth]
