"""A bulk request through the whole bot: its rate next to the SDK, and single revocations meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import islice

from bench.config import Config
from bench.fakes import APPROVER, genesys_id
from bench.processes import BOT_PYTHON, MeasuredProcess, run_program, run_server, unpaced_bot_command
from bench.revocations import SimulatedUser, connect_user, settle
from bench.sampling import Sample

UNLIMITED = 10_000_000
"""An allowance that limits nothing, so that the rate is that of the bot."""

ALLOWANCE = 300
"""Requests of a token in a minute, as Genesys Cloud allows (developer.genesys.cloud, Platform API, Rate limits)."""

SINGLES = 50
"""Single revocations; the slowest counts as p99."""

SINGLE_INTERVAL = 0.6
"""Seconds between two single revocations."""

MAX_TIME = 120.0
"""Seconds after which a bulk request has failed."""

FIRST = 1_000_000
"""The number of the first person of a bulk request; single revocations have lower ones."""


async def execute(config: Config, people: int, latency: float, tokens: int, numbers: Iterator[int]) -> Sample:
    """Execute a bulk request with a new database; return the rate and what it cost the bot."""
    genesys = config.fakes.genesys
    async with _bot(config, f"bulk{next(numbers)}", UNLIMITED, tokens) as (running, environ):
        genesys.reset_counters()
        genesys.latency = latency
        cpu = running.cpu
        async with _request(environ, people):
            await _until(lambda: bool(genesys.deletes))
            began = time.perf_counter()
            await _until(lambda: len(genesys.deletes) >= people)
            seconds = time.perf_counter() - began
        genesys.latency = 0.0
        if genesys.deletes != {genesys_id(FIRST + number): 1 for number in range(people)}:
            raise RuntimeError("not every DELETE arrived exactly once")
        cost = (running.cpu - cpu) * 1e3
        return {"seconds": seconds, "cpu": cost, "memory": running.rss, "in_flight": genesys.max_in_flight}


async def singles(config: Config, *, people: int, numbers: Iterator[int]) -> Sample:
    """Make single revocations while a bulk request of this many people is executed; none if it is 0."""
    async with _bot(config, f"singles{next(numbers)}", ALLOWANCE, 1) as (running, environ):
        user = await connect_user(config.fakes, config.slack_requests, running.port)
        targets = list(islice(numbers, SINGLES))
        if not people:
            return _percentiles([await _revoke(user, number) for number in targets])
        async with _request(environ, people):
            await _until(lambda: bool(config.fakes.genesys.deletes))
            return _percentiles([await _revoke(user, number) for number in targets])


async def _revoke(user: SimulatedUser, number: int) -> float:
    card = await user.request(number)
    await settle()
    seconds = await user.approve(number, card)
    await asyncio.sleep(SINGLE_INTERVAL)  # Slack's limits for reads allow no more clicks
    return seconds


def _percentiles(seconds: list[float]) -> Sample:
    ordered = sorted(seconds)
    return {"p50": ordered[len(ordered) // 2] * 1e3, "p99": ordered[-1] * 1e3}


@asynccontextmanager
async def _bot(
    config: Config, name: str, allowed: int, tokens: int
) -> AsyncIterator[tuple[MeasuredProcess, dict[str, str]]]:
    """Run a bot whose tokens have an allowance."""
    environ = config.environ(name, TOKEN_POOL=str(tokens), APPROVERS=APPROVER)
    config.fakes.genesys.reset_counters()
    config.fakes.genesys.allowed = allowed
    try:
        async with run_server(unpaced_bot_command(), environ, path="/readyz") as running:
            yield running, environ
    finally:
        config.fakes.genesys.allowed = 0


@asynccontextmanager
async def _request(environ: dict[str, str], people: int) -> AsyncIterator[None]:
    """Store an approved bulk request from another process."""
    arguments = ("bulk", str(people), str(FIRST))
    async with run_program(BOT_PYTHON, "bench.subject.bulk_request", *arguments, environ=environ) as storing:
        if await storing.process.wait():
            raise RuntimeError("the bulk request could not be stored")
        yield


async def _until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(MAX_TIME):
        while not check():  # noqa: ASYNC110 - the fake signals one event
            await asyncio.sleep(0.002)
