"""Startup of the database: which errors are retried, and which leases are released."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest
from structlog.testing import capture_logs

from bot.app import _work
from bot.bootstrap import Services
from bot.db.connect import prepare_database, worker_identity
from bot.db.engine import Database, DatabaseUnavailable
from bot.db.jobs import JobQueue
from bot.db.postgres import postgres_engine
from bot.db.requests import RequestStore
from bot.errors import SettingsError
from bot.settings import read_settings
from tests.support.database import DatabaseHarness, create_request
from tests.support.examples import REQUIRED_SETTINGS
from tests.support.postgres import Server


async def prepare(address: str) -> None:
    database = Database(postgres_engine(address))
    try:
        await prepare_database(database, JobQueue(database, "one#1"))
    finally:
        await database.close()


async def test_prepare_database__standby_is_unavailable_until_it_is_promoted(postgres: Server) -> None:
    async with postgres.database() as address:
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            await prepare(f"{address}?options=-c%20default_transaction_read_only%3Don")
        await prepare(address)


async def test_prepare_database__foreign_schema_raises_settings_error(postgres: Server) -> None:
    async with postgres.database() as address:
        await postgres.do("ALTER TABLE jobs DROP COLUMN lease_owner", address.rpartition("/")[2])
        with pytest.raises(SettingsError, match=r"DATABASE_URL: .*lease_owner"):
            await prepare(address)


@pytest.mark.parametrize(("address", "released"), [("sqlite:///bot.db", True), ("postgres://bot@db/bot", False)])
async def test_worker_identity__restart_releases_its_leases_on_sqlite_only(
    db: DatabaseHarness, address: str, *, released: bool
) -> None:
    """On PostgreSQL replicas may share a name, so one of them could release the lease of a running job."""
    settings = read_settings(REQUIRED_SETTINGS | {"DATABASE_URL": address})
    await create_request(RequestStore(db.database, JobQueue(db.database, worker_identity(settings))))

    again = RequestStore(db.database, JobQueue(db.database, worker_identity(settings)))
    await again.jobs.release_own_leases()

    assert bool(await again.jobs.claim(5)) is released


@dataclass
class FailingServices:
    """Services whose database fails in several ways before it can be prepared, and their worker."""

    problems: list[Exception]
    worker_started: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare_database(self) -> None:
        if self.problems:
            raise self.problems.pop(0)

    @property
    def worker(self) -> FailingServices:
        return self

    async def run(self) -> None:
        self.worker_started.set()


async def test_work__retries_after_any_error_of_the_database() -> None:
    services = FailingServices([DatabaseUnavailable(), SettingsError(["DATABASE_URL: no"]), RuntimeError("unexpected")])

    with capture_logs() as logged:
        await _work(cast("Services", services), database_ready=False)

    assert services.worker_started.is_set()
    assert [entry["log_level"] for entry in logged] == ["error", "error", "error"]
