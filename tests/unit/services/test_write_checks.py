"""Until when a request may be executed is derived once, and remembered for a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.db.jobs import Job
from bot.db.sqlite import SqliteDriver
from bot.services.write_checks import APPROVAL_MEMORY, WriteChecks
from tests.support.database import DatabaseHarness, approve, create_request, open_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[DatabaseHarness]:
    async with open_database(SqliteDriver(tmp_path / "bot.db")) as opened:
        yield opened


async def approved_job(database: DatabaseHarness) -> tuple[WriteChecks, Job]:
    store = database.store()
    await create_request(store)
    _, job = await approve(store)
    return WriteChecks(store), job


async def test_latest_send__does_not_follow_a_clock_that_is_set_later(database: DatabaseHarness) -> None:
    checks, job = await approved_job(database)
    request, now, _ = job.snapshot or await database.store().snapshot(job.request_id)
    assert request

    latest = checks.latest_send(request, job, now)
    database.boottime.advance(APPROVAL_MEMORY - 1)
    later = replace(job, leased_at=None)

    assert checks.latest_send(request, later, now) == latest


async def test_latest_send__is_forgotten_after_a_day_in_the_order_of_execution(database: DatabaseHarness) -> None:
    checks, job = await approved_job(database)
    request, now, _ = job.snapshot or await database.store().snapshot(job.request_id)
    assert request
    later = replace(job, leased_at=None)

    first = checks.latest_send(request, later, now)
    database.boottime.advance(1)
    other = checks.latest_send(replace(request, id="other"), later, now)
    database.boottime.advance(APPROVAL_MEMORY - 1)

    assert checks.latest_send(replace(request, id="other"), later, now) == other
    assert checks.latest_send(request, later, now) == first + APPROVAL_MEMORY
