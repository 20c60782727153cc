"""A slow disk: after a long commit, a worker must not act on what the transaction saw."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from bot.db.driver import Driver
from bot.db.engine import Database, Result
from bot.db.job_queue import LEASE_DURATION, JobQueue
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.db.transaction import Step
from bot.domain.requests import EXECUTION_WINDOW, MessageRef, State
from bot.sandbox import personas
from tests.support.clock import FakeClock
from tests.support.components import WAIT_TIMEOUT, Components, deletes, open_components
from tests.support.database import stored
from tests.support.examples import SEALS


class SlowDatabase(Database):
    """A database whose first durable commit takes long."""

    def __init__(self, driver: Driver, disk: SlowDisk) -> None:
        super().__init__(driver, clock=disk.components.database.clock)
        self.disk = disk
        self.committed = False

    async def write(self, step: Step[Result], *, durable: bool = True, limited: bool = True) -> Result:
        result = await super().write(step, durable=durable, limited=limited)
        if durable and not self.committed:
            self.committed = True
            await self.disk.wait()
        return result


@dataclass
class SlowDisk:
    """A disk on which the commit of a click takes `seconds`; `then` runs meanwhile."""

    components: Components
    seconds: float
    then: Callable[[], Awaitable[object]] | None = None
    clock: FakeClock = field(default_factory=FakeClock)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[RequestStore]:
        """Open a store on this disk."""
        database = SlowDatabase(self.components.database.database.driver, self)
        try:
            yield RequestStore(database, JobQueue(database, "one#1"), SEALS)
        finally:
            await database.close()

    async def wait(self) -> None:
        """Let the time of the commit pass."""
        self.clock.advance(self.seconds)
        self.components.database.clock.advance(self.seconds)
        if self.then:
            await self.then()


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def run_without_polls(components: Components, disk: SlowDisk, job: Job) -> None:
    """Run a job and what follows from it.

    A poll would claim the execution again while the commit is late, which counts as a second attempt.
    """
    async with disk.store() as store:
        worker = components.worker(store, clock=disk.clock)
        worker.submit(job)
        await worker.drain(WAIT_TIMEOUT)


async def test_approval__committed_after_ten_minutes_sends_nothing(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    disk = SlowDisk(components, EXECUTION_WINDOW + 1)
    job = await components.click(by=personas.OLIVIA)

    await run_without_polls(components, disk, job)

    found = await stored(components.store)
    assert found.state is State.FAILED
    assert deletes(components) == []
    assert found.outcome["code"] == "too_late"


async def test_approval__claimed_by_another_replica_meanwhile_is_left_to_it(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    other = components.database.store("two#1")
    disk = SlowDisk(components, LEASE_DURATION, then=partial(other.jobs.claim, 1, most_urgent=JobKind.EXECUTE))
    job = await components.click(by=personas.OLIVIA)

    await run_without_polls(components, disk, job)

    assert deletes(components) == []
    assert (await stored(components.store)).state is State.APPROVED


async def test_approval__not_claimed_meanwhile_is_executed(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    disk = SlowDisk(components, LEASE_DURATION)
    job = await components.click(by=personas.OLIVIA)

    await run_without_polls(components, disk, job)

    assert (await stored(components.store)).state is State.REVOKED
    assert len(deletes(components)) == 1
