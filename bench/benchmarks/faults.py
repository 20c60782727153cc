"""Faults of Genesys Cloud: an expired token, no response, and a long Retry-After."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.config import Config
from bench.fakes import FastGenesys, genesys_id
from bench.processes import BASELINE_PYTHON, BOT_PYTHON, MeasuredProcess, run_program
from bench.table import Goal, Row

CALLS = 50
CALL_TIMEOUT = 20.0
"""Maximum time to wait for the end of a call, in seconds."""
RETRY_AFTER = 3600
"""The Retry-After that the fake sends, in seconds."""
NO_FAILURE = Goal(0, of="subject")
ONE_LOGIN = Goal(1, of="subject")
CALL_GOAL = Goal(16, of="subject", unit="s")
SDK = "official SDK"


async def measure(config: Config) -> list[Row]:
    """Cause each fault once, because these rows count failures and compare no speed."""
    genesys = config.fakes.genesys
    rows = await _expired_token(genesys)
    genesys.retry_after = RETRY_AFTER
    rows.append(await _duration("`Retry-After: 3600`, a call ends after", genesys))
    genesys.retry_after, genesys.stalled = 0, True
    rows.append(await _duration("a server that never responds, a call ends after", genesys))
    genesys.stalled = False
    return rows


@asynccontextmanager
async def _both_clients(genesys: FastGenesys) -> AsyncIterator[list[MeasuredProcess]]:
    """Start both clients and let them log in before the fault begins."""
    retry_after, stalled = genesys.retry_after, genesys.stalled
    genesys.retry_after, genesys.stalled = 0, False
    async with (
        run_program(BOT_PYTHON, "bench.subject.client", genesys.url) as subject,
        run_program(BASELINE_PYTHON, "bench.baselines.sdk", genesys.url) as sdk,
    ):
        await subject.read_message()
        await sdk.read_message()
        genesys.retry_after, genesys.stalled = retry_after, stalled
        yield [subject, sdk]


async def _expired_token(genesys: FastGenesys) -> list[Row]:
    failed: list[float] = []
    logins: list[float] = []
    async with _both_clients(genesys) as clients:
        for client in clients:
            genesys.expire_tokens()
            genesys.reset_counters()
            result = await client.call("concurrent", user_ids=[genesys_id(number) for number in range(CALLS)])
            failed.append(float(result["failed"]))
            logins.append(float(genesys.logins))
    label = "50 concurrent calls with an expired token"
    return [
        Row(f"{label}, failed calls", SDK, failed[0], failed[1], goal=NO_FAILURE),
        Row(f"{label}, token requests", SDK, logins[0], logins[1], goal=ONE_LOGIN),
    ]


async def _duration(label: str, genesys: FastGenesys) -> Row:
    async with _both_clients(genesys) as clients:
        subject, sdk = await asyncio.gather(*map(_time_one_call, clients))
    return Row(label, SDK, subject, sdk, "s", goal=CALL_GOAL)


async def _time_one_call(running: MeasuredProcess) -> float | str:
    try:
        async with asyncio.timeout(CALL_TIMEOUT):
            result: dict[str, Any] = await running.call("concurrent", user_ids=[genesys_id(1)])
    except TimeoutError:
        return f"not within {CALL_TIMEOUT:.0f} s"
    return float(result["seconds"])
