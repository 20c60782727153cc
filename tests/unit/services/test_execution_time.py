"""Execution after a pause or on a clock that was set: no late DELETE is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind
from bot.domain.requests import EXECUTION_WINDOW, MessageRef, Request, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.services.attempts import RETRY_DELAY
from bot.services.job_result import JobResult
from tests.support.components import Components, deletes, open_components
from tests.support.database import approve, stored

HOUR = 3600.0


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def approved(components: Components) -> Job:
    """Return the job of a request that has just been approved."""
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, job = await approve(components.store, by=personas.OLIVIA)
    return job


async def ended(components: Components) -> Request:
    return await stored(components.store)


async def test_delete__is_sent_right_after_the_approval(components: Components) -> None:
    await components.run(await approved(components))

    assert len(deletes(components)) == 1
    assert (await ended(components)).state is State.REVOKED


async def test_delete__is_not_sent_ten_minutes_after_the_approval_whatever_the_clock_says(
    components: Components,
) -> None:
    job = await approved(components)
    components.database.boottime.advance(EXECUTION_WINDOW + 1)

    await components.run(job)

    assert deletes(components) == []
    found = await ended(components)
    assert (found.state, found.outcome["code"], found.outcome["attempts"]) == (State.FAILED, "too_late", 0)


async def test_delete__is_not_sent_while_the_clock_is_behind(components: Components) -> None:
    job = await approved(components)
    components.database.clock.advance(-HOUR)
    await components.store.jobs.now()

    await components.run(job)

    assert deletes(components) == []
    found = await ended(components)
    assert (found.state, found.outcome["code"], found.outcome["attempts"]) == (State.FAILED, "clock_behind", 0)


async def test_delete__is_left_to_the_replica_that_has_taken_over_during_a_pause(components: Components) -> None:
    job = await approved(components)
    components.database.clock.advance(LEASE_DURATION)
    taken = await components.database.store("two#1").jobs.claim(1, most_urgent=JobKind.EXECUTE)
    components.database.boottime.advance(LEASE_DURATION)

    assert await components.run(job) == JobResult()

    assert [one.id for one in taken] == [job.id]
    assert components.metrics.registry.get_sample_value("purecloud_bot_leases_lost_total") == 1
    assert deletes(components) == []
    assert (await ended(components)).state is State.APPROVED


async def test_delete__is_sent_after_a_pause_in_which_no_replica_took_over(components: Components) -> None:
    job = await approved(components)
    components.database.clock.advance(LEASE_DURATION)
    components.database.boottime.advance(LEASE_DURATION)

    await components.run(job)

    assert len(deletes(components)) == 1
    assert (await ended(components)).state is State.REVOKED


@pytest.mark.parametrize(
    ("clock", "boottime", "state", "code"),
    [
        (0.0, RETRY_DELAY, State.REVOKED, "executed"),
        (RETRY_DELAY, EXECUTION_WINDOW + 1, State.UNKNOWN, "too_late"),
        (-HOUR, RETRY_DELAY + 1, State.UNKNOWN, "clock_behind"),
    ],
)
async def test_retry__is_sent_only_while_the_approval_is_young_on_every_clock(
    components: Components, clock: float, boottime: float, state: State, code: str
) -> None:
    job = await approved(components)
    execute = components.services(components.store, components.options())[JobKind.EXECUTE]
    components.genesys.fault("delete_token", GenesysFault(status=500))
    await execute(job)
    assert len(deletes(components)) == 1

    components.database.clock.advance(clock or RETRY_DELAY)
    components.database.boottime.advance(boottime)
    (again,) = await components.store.jobs.claim(1)
    await execute(again)

    found = await ended(components)
    assert (found.state, found.outcome["code"]) == (state, code)
    assert len(deletes(components)) == (2 if state is State.REVOKED else 1)


async def test_delete__of_another_replica_counts_from_the_approval(components: Components) -> None:
    await approved(components)
    components.database.clock.advance(EXECUTION_WINDOW - 1)  # on a slow clock, this is more than the window
    (job,) = await components.store.jobs.claim(1)

    await components.run(job)

    assert deletes(components) == []
    assert (await ended(components)).outcome["code"] == "too_late"
