"""Commits, statements and CPU of one revocation, from the command to the card that tells its end, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import count, islice

from bench.config import Plan
from bench.processes import OURS, TOOLS, Command, Process, program, server
from bench.revocations import People, a_moment, people
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Line

REVOCATIONS = 40
PROTOTYPE = {"commits": 7.7, "statements": 15.7, "cpu": 13.0}
"""A sketch of this state machine on PostgreSQL, thrown away: measured on 23 November 2026 on a machine of the same
kind, one request at a time. It said nothing to Slack."""
SAID = {"commits": "commits", "statements": "statements", "cpu": "CPU"}
GOAL = Goal(0.5)


async def measure(plan: Plan) -> list[Line]:
    """Let a bot on SQLite and one on PostgreSQL take turns."""
    async with AsyncExitStack() as opened:
        postgres = await opened.enter_async_context(program(TOOLS, "bench.subject.postgres", core=1))
        await postgres.says()
        urls = {
            "SQLite": plan.environ("counted")["DATABASE_URL"],
            "PostgreSQL": (await postgres.ask("database"))["url"],
        }
        turns = {}
        for number, (name, url) in enumerate(urls.items()):
            environ = plan.environ(DATABASE_URL=url)
            command: Command = [OURS, "-m", "bench.subject.counted"]
            running = await opened.enter_async_context(server(command, environ, path="/readyz"))
            somebody = await people(plan.world, plan.sends, running.port)
            turns[name] = partial(_turn, running, somebody, count(number * 1_000_000 + 1))
        samples = await interleave(turns, plan.rounds)
    return [_line(samples, database, figure) for database in urls for figure in PROTOTYPE]


async def _turn(running: Process, somebody: People, numbers: Iterator[int]) -> Sample:
    before, cpu = await running.ask("count"), running.cpu
    for number in islice(numbers, REVOCATIONS):
        card = await somebody.ask(number)
        await a_moment()
        await somebody.confirm(number, card)
        await a_moment()
    after, cpu = await running.ask("count"), running.cpu - cpu
    counted = {name: (after[name] - before.get(name, 0)) / REVOCATIONS for name in ("commits", "statements")}
    return counted | {"cpu": cpu / REVOCATIONS * 1e3}


def _line(samples: Samples, database: str, figure: str) -> Line:
    ours = samples.of(database, figure)
    theirs = PROTOTYPE[figure]
    unit = "ms" if figure == "cpu" else ""
    return Line(f"{SAID[figure]} of one revocation, {database}", "a prototype", ours, theirs, unit, ours / theirs, GOAL)
