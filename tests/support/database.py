"""A migrated database of a test's own, whose clock moves only when the test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable

from bot.db.engine import Database, Engine, Transaction
from bot.db.jobs import Job, JobQueue
from bot.db.migrate import migrate
from bot.db.requests import RequestStore
from bot.domain.audit import first_invalid
from bot.domain.requests import Event, Request
from tests.support import examples
from tests.support.clock import FakeClock

TTL = 900.0


@dataclass(frozen=True, slots=True)
class DatabaseHarness:
    """One database and what a test does with it time and again."""

    database: Database
    clock: FakeClock

    def store(self, owner: str = "one#1") -> RequestStore:
        """The database as a process of that name sees it."""
        return RequestStore(self.database, JobQueue(self.database, owner))

    async def run(self, statement: Executable, *parameters: Any) -> list[Any]:
        """Do something to the tables that the store has no word for."""

        def step(tx: Transaction) -> list[Any]:
            done = tx.execute(statement, *parameters)
            return list(done.all()) if done.returns_rows else []

        return await self.database.write(step)


@asynccontextmanager
async def open_database(engine: Engine) -> AsyncIterator[DatabaseHarness]:
    """Open a database at its newest schema, and close it."""
    clock = FakeClock(examples.NOON)
    database = Database(engine, clock=clock)
    try:
        await migrate(database)
        yield DatabaseHarness(database, clock)
    finally:
        await database.close()


async def ask(
    store: RequestStore, name: str = "first", *, command_url: str | None = None, **changes: Any
) -> tuple[Request, Job]:
    """Somebody asks; returns the request as it is kept, and the order to post its card."""
    asked = examples.request(id=name, reference=name.upper(), **changes)
    job = await store.create(asked, ttl=TTL, key=name, command_url=command_url)
    assert job
    return await stored(store, name), job


async def stored(store: RequestStore, name: str = "first") -> Request:
    """The request as it stands."""
    found = await store.get(name)
    assert found
    return found


async def click(store: RequestStore, name: str = "first", by: str = examples.OLIVIA, key: str | None = None) -> Job:
    """Somebody presses the button; nobody has judged it yet."""
    job = await store.record_click(name, key or f"{name} by {by}", {"action": "approve", "user_id": by})
    assert job
    return job


async def approve(store: RequestStore, name: str = "first", by: str = examples.OLIVIA) -> tuple[Request, Job]:
    """Somebody approves; returns the approved request and the order to send the DELETE."""
    request = await stored(store, name)
    moved, work = await store.apply_click(request, Event.APPROVE, job=await click(store, name, by), by=by)
    assert len(work) == 1
    return moved, work[0]


async def tags(store: RequestStore, name: str | None = None) -> list[str]:
    """What the trail tells, oldest first; the chain is whole."""
    assert first_invalid(await store.audit_events()) is None
    return [row.tag for row, _ in await store.audit_events(name)]
