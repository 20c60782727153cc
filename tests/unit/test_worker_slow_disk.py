"""What a worker does with an approval that was long on its way to the disk: what it saw then may be true no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.db.jobs import LEASE_DURATION, Job, JobKind, JobQueue
from bot.db.requests import RequestStore
from bot.domain.requests import EXECUTION_WINDOW, MessageRef, Request, State
from bot.sandbox import personas
from tests.support.clock import FakeClock
from tests.support.components import PATIENCE, Components, deletes, ended, open_components, running
from tests.support.database import stored


@dataclass
class SlowDisk:
    """A store whose approvals are long on their way to the disk, and the clock that tells; `then` is done meanwhile."""

    office: Components
    seconds: float
    then: Callable[[], Awaitable[object]] | None = None
    clock: FakeClock = field(default_factory=FakeClock)

    def store(self) -> RequestStore:
        disk = self

        class Slow(RequestStore):
            async def apply_click(self, *args: Any, **kwargs: Any) -> tuple[Request, list[Job]]:
                moved = await super().apply_click(*args, **kwargs)
                disk.clock.advance(disk.seconds)
                disk.office.ledger.clock.advance(disk.seconds)
                if disk.then:
                    await disk.then()
                return moved

        database = self.office.ledger.database
        return Slow(database, JobQueue(database, "one#1"))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_an_approval__ten_minutes_under_way_sends_nothing(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    disk = SlowDisk(office, EXECUTION_WINDOW + 1)
    job = await office.click(by=personas.OLIVIA)

    async with running(office.worker(disk.store(), clock=disk.clock)) as worker:
        worker.take(job)
        found = await ended(office, State.UNKNOWN)

    assert deletes(office) == []
    assert "10 minutes" in found.outcome["message"]


async def test_an_approval__that_another_replica_took_meanwhile_is_left_to_it(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    other = office.ledger.store("two#1")
    disk = SlowDisk(office, LEASE_DURATION, then=partial(other.jobs.claim, 1, most_urgent=JobKind.EXECUTE))
    job = await office.click(by=personas.OLIVIA)

    worker = office.worker(disk.store(), clock=disk.clock)
    worker.take(job)
    await worker.drain(PATIENCE)

    assert deletes(office) == []
    assert (await stored(office.store)).state is State.APPROVED


async def test_an_approval__that_nobody_took_meanwhile_is_carried_out(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    disk = SlowDisk(office, LEASE_DURATION)
    job = await office.click(by=personas.OLIVIA)

    async with running(office.worker(disk.store(), clock=disk.clock)) as worker:
        worker.take(job)
        await ended(office, State.REVOKED)

    assert len(deletes(office)) == 1
