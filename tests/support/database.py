"""A migrated database for one test, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.db.clicks import ClickStore
from bot.db.driver import Driver, Row
from bot.db.engine import Database
from bot.db.job_queue import JobQueue
from bot.db.jobs import Job
from bot.db.migrate import migrate
from bot.db.requests import RequestStore
from bot.db.sealing import seal_older_rows
from bot.domain.audit_chain import first_invalid
from bot.domain.requests import Event, Request
from tests.support import examples
from tests.support.clock import FakeClock

TTL = 900.0
"""Seconds until a request of a test expires."""


@dataclass(frozen=True, slots=True)
class DatabaseHarness:
    """A database and its clocks; `boottime` is the one that nothing sets."""

    database: Database
    clock: FakeClock
    boottime: FakeClock = field(default_factory=FakeClock)

    def jobs(self, owner: str = "one#1") -> JobQueue:
        """Return the job queue of the process `owner`."""
        return JobQueue(self.database, owner)

    def store(self, owner: str = "one#1") -> RequestStore:
        """Return the request store of the process `owner`."""
        return RequestStore(self.database, self.jobs(owner), examples.SEALS)

    async def run(self, statement: str, **values: Any) -> None:
        """Execute a statement that the store has no method for."""
        await self.database.write(lambda tx: tx.execute(statement, **values))

    async def rows(self, query: str, **values: Any) -> list[Row]:
        """Return the rows of a query that the store has no method for."""
        return list(await self.database.read(lambda tx: tx.fetch(query, **values)))


@asynccontextmanager
async def open_database(driver: Driver) -> AsyncIterator[DatabaseHarness]:
    """Open a database and upgrade its schema to the newest revision."""
    clock = FakeClock(examples.NOON)
    boottime = FakeClock()
    database = Database(driver, clock=clock, boottime=boottime)
    try:
        opened = DatabaseHarness(database, clock, boottime)
        await migrate(database, upgraded=partial(seal_older_rows, seals=opened.store().seals))
        yield opened
    finally:
        await database.close()


async def create_request(
    store: RequestStore,
    name: str = "first",
    *,
    command_url: str | None = None,
    ping: bool = False,
    remind_after: float | None = None,
    **changes: Any,
) -> tuple[Request, Job]:
    """Create a request with `name` as its id and key; return it as stored, and the job of its card."""
    request = examples.request(id=name, reference=name.upper(), **changes)
    job = await store.create(request, ttl=TTL, key=name, command_url=command_url, ping=ping, remind_after=remind_after)
    assert job
    return await stored(store, name), job


async def stored(store: RequestStore, name: str = "first") -> Request:
    """Return the current state of a request."""
    found = await store.get(name)
    assert found
    return found


async def click(store: RequestStore, name: str = "first", by: str = examples.OLIVIA, key: str | None = None) -> Job:
    """Record a click on the approve button, and return its job."""
    job = await store.record_click(name, key or f"{name} by {by}", {"action": "approve", "user_id": by})
    assert job
    return job


async def approve(store: RequestStore, name: str = "first", by: str = examples.OLIVIA) -> tuple[Request, Job]:
    """Approve a request; return it and the job of its execution."""
    request = await stored(store, name)
    moved, follow_up = await ClickStore(store).apply(request, Event.APPROVE, job=await click(store, name, by), by=by)
    assert len(follow_up) == 1
    return moved, follow_up[0]


async def tags(store: RequestStore, name: str | None = None) -> list[str]:
    """Return the event types in the audit log, oldest first, after a check of its chain."""
    assert first_invalid(await store.audit_events()) is None
    return [event.tag for event, _ in await store.audit_events(name)]
