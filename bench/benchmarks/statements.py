"""Commits, statements and CPU time of one revocation, from the command to the card with its outcome."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import count, islice

from bench.config import Config
from bench.processes import BOT_PYTHON, DEV_PYTHON, Command, MeasuredProcess, run_program, run_server
from bench.revocations import SimulatedUser, connect_user, settle
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Row

REVOCATIONS = 40
PROTOTYPE = {"commits": 7.7, "statements": 15.7, "cpu": 13.0}
"""A discarded sketch of the state machine on PostgreSQL that sent Slack no messages.

Measured on 23 November 2026 on a machine of the same kind, one request at a time.
"""
LABELS = {"commits": "commits", "statements": "statements", "cpu": "CPU"}
GOAL = Goal(0.5)


async def measure(config: Config) -> list[Row]:
    """Let a bot on SQLite and one on PostgreSQL take turns."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(run_program(DEV_PYTHON, "bench.subject.postgres", core=1))
        await postgres.read_message()
        urls = {
            "SQLite": config.environ("counted")["DATABASE_URL"],
            "PostgreSQL": (await postgres.call("create_database"))["url"],
        }
        turns = {}
        for index, (name, url) in enumerate(urls.items()):
            command: Command = [BOT_PYTHON, "-m", "bench.subject.counted"]
            server = run_server(command, config.environ(DATABASE_URL=url), path="/readyz")
            running = await stack.enter_async_context(server)
            user = await connect_user(config.fakes, config.slack_requests, running.port)
            turns[name] = partial(_turn, running, user, count(index * 1_000_000 + 1))
        samples = await interleave(turns, config.rounds)
    return [_row(samples, database, figure) for database in urls for figure in PROTOTYPE]


async def _turn(running: MeasuredProcess, user: SimulatedUser, numbers: Iterator[int]) -> Sample:
    before, cpu = await running.call("count"), running.cpu
    for number in islice(numbers, REVOCATIONS):
        card = await user.request(number)
        await settle()
        await user.approve(number, card)
        await settle()
    after, cpu = await running.call("count"), running.cpu - cpu
    counts = {name: (after[name] - before.get(name, 0)) / REVOCATIONS for name in ("commits", "statements")}
    return counts | {"cpu": cpu / REVOCATIONS * 1e3}


def _row(samples: Samples, database: str, figure: str) -> Row:
    subject = samples.median(database, figure)
    baseline = PROTOTYPE[figure]
    unit = "ms" if figure == "cpu" else ""
    label = f"{LABELS[figure]} per revocation, {database}"
    return Row(label, "a prototype", subject, baseline, unit, subject / baseline, GOAL)
