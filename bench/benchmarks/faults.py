"""Faults of Genesys Cloud: fifty calls on an expired token, a server that never answers, one that asks for an hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.config import Plan
from bench.fakes import Genesys, genesys_id
from bench.processes import OURS, PEERS, Process, program
from bench.table import Goal, Line

CALLS = 50
BOUND = 20.0
"""Seconds after which a call that has not ended is left."""
HOUR = 3600
NONE = Goal(0, of="ours")
ONE = Goal(1, of="ours")
BOUNDED = Goal(16, of="ours", unit="s")
SDK = "official SDK"


async def measure(plan: Plan) -> list[Line]:
    """Meet each fault once: what happens is counted, not timed against each other."""
    genesys = plan.world.genesys
    lines = await _expired(genesys)
    genesys.retry_after = HOUR
    lines.append(await _bounded("`Retry-After: 3600`, a call ends after", genesys))
    genesys.retry_after, genesys.stalled = 0, True
    lines.append(await _bounded("a server that never answers, a call ends after", genesys))
    genesys.stalled = False
    return lines


@asynccontextmanager
async def _both(genesys: Genesys) -> AsyncIterator[list[Process]]:
    """Start both clients anew, and let them log in while all is well."""
    retry_after, stalled = genesys.retry_after, genesys.stalled
    genesys.retry_after, genesys.stalled = 0, False
    async with (
        program(OURS, "bench.subject.client", genesys.url) as ours,
        program(PEERS, "bench.baselines.sdk", genesys.url) as theirs,
    ):
        await ours.says()
        await theirs.says()
        genesys.retry_after, genesys.stalled = retry_after, stalled
        yield [ours, theirs]


async def _expired(genesys: Genesys) -> list[Line]:
    failed: list[float] = []
    logins: list[float] = []
    async with _both(genesys) as both:
        for one in both:
            genesys.expire()
            genesys.forget()
            told = await one.ask("at_once", people=[genesys_id(number) for number in range(CALLS)])
            failed.append(float(told["failed"]))
            logins.append(float(genesys.logins))
    return [
        Line("50 calls at once on an expired token, calls that fail", SDK, failed[0], failed[1], goal=NONE),
        Line("50 calls at once on an expired token, token requests", SDK, logins[0], logins[1], goal=ONE),
    ]


async def _bounded(what: str, genesys: Genesys) -> Line:
    async with _both(genesys) as both:
        ours, theirs = await asyncio.gather(*map(_one_call, both))
    return Line(what, SDK, ours, theirs, "s", goal=BOUNDED)


async def _one_call(running: Process) -> float | str:
    try:
        async with asyncio.timeout(BOUND):
            told: dict[str, Any] = await running.ask("at_once", people=[genesys_id(1)])
    except TimeoutError:
        return f"not within {BOUND:.0f} s"
    return float(told["seconds"])
