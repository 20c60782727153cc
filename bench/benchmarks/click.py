"""Time from a click to its DELETE.

The bot stores the click first and checks the role of the clicker with Slack. One user clicks at a time. The baselines
get a click on a card of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from itertools import count
from statistics import median

from bench.chart import AFTER_CLICK, STEPS
from bench.config import Config
from bench.fakes import PostedCard, genesys_id
from bench.processes import Command, MeasuredProcess, baseline_command, run_server, unpaced_bot_command
from bench.revocations import SimulatedUser, connect_user, settle
from bench.sampling import Sample, Samples, interleave
from bench.slack_requests import EXAMPLE_CARD
from bench.table import Goal, Row

CLICKS, TURNS_PER_ROUND = 10, 4
"""Turns are short and repeated in each round, so that a slow second of the machine affects all contestants."""
BASELINES = {
    "lower_bound_roles": "bare protocols, one fdatasync, with role check (lower bound)",
    "lower_bound": "bare protocols, one fdatasync, no role check",
    "stack_roles": "sync Bolt + waitress + SDK, stores nothing, with role check",
    "stack": "sync Bolt + waitress + SDK, stores nothing, no role check",
}
GOALS = {
    ("delete", "lower_bound_roles"): Goal(3.0),
    ("delete", "stack_roles"): Goal(1.5),
    ("ack", "stack_roles"): Goal(0.25),
}
LABELS = {"delete": "click → DELETE, p50", "ack": "click → ack, p50", "cpu": "CPU of the whole click"}


async def measure(config: Config) -> list[Row]:
    """Let the bot and the four baselines take turns."""
    numbers = count(1)
    async with AsyncExitStack() as stack:
        turns = {}
        for name, command in _commands().items():
            path = "/readyz" if name == "subject" else ""
            environ = config.environ("clicks", CLICKS_FILE=str(config.folder / f"{name}.clicks"))
            running = await stack.enter_async_context(run_server(command, environ, path=path))
            user = await connect_user(config.fakes, config.slack_requests, running.port)
            turns[name] = partial(_turn, name, running, user, numbers)
        samples = await interleave(turns, config.rounds * TURNS_PER_ROUND)
    return [_row(samples, figure, name) for figure in LABELS for name in BASELINES] + _step_rows(samples)


def _commands() -> dict[str, Command]:
    return {
        "subject": unpaced_bot_command(),
        "lower_bound_roles": baseline_command("bare_protocols", "--check-roles"),
        "lower_bound": baseline_command("bare_protocols"),
        "stack_roles": baseline_command("sync_stack", "--check-roles"),
        "stack": baseline_command("sync_stack"),
    }


async def _turn(name: str, running: MeasuredProcess, user: SimulatedUser, numbers: Iterator[int]) -> Sample:
    is_subject = name == "subject"
    targets = [next(numbers) for _ in range(CLICKS)]
    cards = {number: await user.request(number) if is_subject else _example_card(number) for number in targets}
    await settle()
    before = running.cpu
    clicks: list[dict[str, float]] = []
    for number, card in cards.items():
        approve = user.approve_with_steps if is_subject else user.approve_without_card
        clicks.append(await approve(number, card))
        await settle()
    cpu = (running.cpu - before) / CLICKS * 1e3
    return {step: median(click[step] for click in clicks) * 1e3 for step in clicks[0]} | {"cpu": cpu}


def _example_card(number: int) -> PostedCard:
    """Return a card whose button holds the person's id, for baselines that store nothing."""
    blocks = [dict(block) for block in EXAMPLE_CARD.blocks]
    buttons = [button | {"value": genesys_id(number)} for button in EXAMPLE_CARD.blocks[-1]["elements"]]
    return replace(EXAMPLE_CARD, blocks=[*blocks[:-1], blocks[-1] | {"elements": buttons}])


def _row(samples: Samples, figure: str, name: str) -> Row:
    return Row(
        LABELS[figure],
        BASELINES[name],
        samples.median("subject", figure),
        samples.median(name, figure),
        "ms",
        samples.ratio("subject", name, figure),
        GOALS.get((figure, name)),
    )


def _step_rows(samples: Samples) -> list[Row]:
    """Return a row for each step of the chart."""
    return [Row(label, AFTER_CLICK, samples.median("subject", step), unit="ms") for step, label in STEPS.items()]
