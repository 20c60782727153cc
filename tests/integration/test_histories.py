"""Short random histories of two replicas keep the promises of each request, and broken bots do not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.actions import REVOKE, ROTATE, Action, Actions, GenesysApi, Response
from bot.domain.requests import Request
from bot.purecloud import Done
from tests.histories import empty_database
from tests.support.history import violations
from tests.support.history_entries import Kind
from tests.support.history_workload import WITHOUT_GROUPS, record_history
from tests.support.postgres import Server

SEEDS, MORE_SEEDS = (2, 7), range(10, 20)

SHORT: dict[str, Any] = {"steps": 15, "ttl": "10s", "targets": 4}


async def check(seeds: Sequence[int], postgres: Server | None, folder: Path, revoke: Action = REVOKE) -> list[str]:
    """Record a short history of each seed at the same time; return the violations."""
    async with AsyncExitStack() as stack:
        recording = []
        for seed in seeds:
            own = folder / str(seed)
            own.mkdir(parents=True)
            url = await stack.enter_async_context(empty_database(postgres, own))
            actions = Actions([revoke, ROTATE])
            recording.append(record_history(seed, url, own, **SHORT, actions=actions, approvers=WITHOUT_GROUPS))
        histories = await asyncio.gather(*recording)
    assert all(any(entry.kind is Kind.CLICK for entry in history) for history in histories)
    found = [violations(history) for history in histories]
    return [f"seed {seed}: {one}" for seed, promises in zip(seeds, found, strict=True) for one in promises]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_history__of_random_actions_and_failures_keeps_every_promise(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: Server | None = request.getfixturevalue("postgres") if database == "postgresql" else None
    assert await check(SEEDS, server, tmp_path) == []


async def send_twice(genesys: GenesysApi, request: Request) -> Response:
    await REVOKE.execute(genesys, request)
    return await REVOKE.execute(genesys, request)


async def send_nothing(_genesys: GenesysApi, _request: Request) -> Response:
    return Done(200, "correlation-1")


BROKEN = {
    "lacked approvals": replace(REVOKE, approvers=lambda rules: rules.effective_requesters),
    "a second DELETE has no explanation": replace(REVOKE, execute=send_twice),
    "without a DELETE answered 2xx": replace(REVOKE, execute=send_nothing),
}
"""Bots with a broken action, by the violation that the checker finds."""


async def test_history__of_a_broken_bot_breaks_a_promise(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(BROKEN))]
    results = await asyncio.gather(*map(broken_promises, BROKEN, folders, BROKEN.values()))
    for violation, found in zip(BROKEN, results, strict=True):
        assert any(violation in one for one in found), (violation, found)


async def broken_promises(violation: str, folder: Path, revoke: Action) -> list[str]:
    """Record histories until one has the violation; the machine's speed decides which click comes first."""
    found: list[str] = []
    for seeds in (SEEDS, *((seed,) for seed in MORE_SEEDS)):
        if any(violation in one for one in found):
            break
        found += await check(seeds, None, folder, revoke)
    return found
