"""A slow disk: after a long commit, a worker must not act on what the transaction saw."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.db.job_queue import LEASE_DURATION, JobQueue
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.domain.requests import EXECUTION_WINDOW, MessageRef, Request, State
from bot.sandbox import personas
from tests.support.clock import FakeClock
from tests.support.components import WAIT_TIMEOUT, Components, deletes, ended, open_components, running
from tests.support.database import stored
from tests.support.examples import SEALS


@dataclass
class SlowDisk:
    """A store whose clicks take `seconds` to commit; `then` runs meanwhile."""

    components: Components
    seconds: float
    then: Callable[[], Awaitable[object]] | None = None
    clock: FakeClock = field(default_factory=FakeClock)

    def store(self) -> RequestStore:
        disk = self

        class Slow(RequestStore):
            async def apply_click(self, *args: Any, **kwargs: Any) -> tuple[Request, list[Job]]:
                moved = await super().apply_click(*args, **kwargs)
                disk.clock.advance(disk.seconds)
                disk.components.database.clock.advance(disk.seconds)
                if disk.then:
                    await disk.then()
                return moved

        database = self.components.database.database
        return Slow(database, JobQueue(database, "one#1"), SEALS)


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_approval__committed_after_ten_minutes_sends_nothing(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    disk = SlowDisk(components, EXECUTION_WINDOW + 1)
    job = await components.click(by=personas.OLIVIA)

    async with running(components.worker(disk.store(), clock=disk.clock)) as worker:
        worker.submit(job)
        found = await ended(components, State.FAILED)

    assert deletes(components) == []
    assert found.outcome["code"] == "too_late"


async def test_approval__claimed_by_another_replica_meanwhile_is_left_to_it(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    other = components.database.store("two#1")
    disk = SlowDisk(components, LEASE_DURATION, then=partial(other.jobs.claim, 1, most_urgent=JobKind.EXECUTE))
    job = await components.click(by=personas.OLIVIA)

    worker = components.worker(disk.store(), clock=disk.clock)
    worker.submit(job)
    await worker.drain(WAIT_TIMEOUT)

    assert deletes(components) == []
    assert (await stored(components.store)).state is State.APPROVED


async def test_approval__not_claimed_meanwhile_is_executed(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    disk = SlowDisk(components, LEASE_DURATION)
    job = await components.click(by=personas.OLIVIA)

    async with running(components.worker(disk.store(), clock=disk.clock)) as worker:
        worker.submit(job)
        await ended(components, State.REVOKED)

    assert len(deletes(components)) == 1
