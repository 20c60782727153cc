"""A database that is made ready at start: what is waited for, what is not, and that nobody stops asking."""

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
from tests.support.database import DatabaseHarness, ask
from tests.support.examples import ENOUGH
from tests.support.postgres import Server


async def ready(address: str) -> None:
    database = Database(postgres_engine(address))
    try:
        await prepare_database(database, JobQueue(database, "one#1"))
    finally:
        await database.close()


async def test_make_ready__a_standby_is_waited_for_until_it_takes_over(postgres: Server) -> None:
    async with postgres.database() as address:
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            await ready(f"{address}?options=-c%20default_transaction_read_only%3Don")
        await ready(address)


async def test_make_ready__a_schema_that_is_not_the_bots_is_a_setting(postgres: Server) -> None:
    async with postgres.database() as address:
        await postgres.do("ALTER TABLE jobs DROP COLUMN lease_owner", address.rpartition("/")[2])
        with pytest.raises(SettingsError, match=r"DATABASE_URL: .*lease_owner"):
            await ready(address)


@pytest.mark.parametrize(("address", "freed"), [("sqlite:///bot.db", True), ("postgres://bot@db/bot", False)])
async def test_start__frees_what_the_same_process_left_and_on_postgresql_nothing(
    ledger: DatabaseHarness, address: str, *, freed: bool
) -> None:
    """Replicas may be called alike: what one of them freed, another might be at."""
    settings = read_settings(ENOUGH | {"DATABASE_URL": address})
    await ask(RequestStore(ledger.database, JobQueue(ledger.database, worker_identity(settings))))

    again = RequestStore(ledger.database, JobQueue(ledger.database, worker_identity(settings)))
    await again.jobs.release_own_leases()

    assert bool(await again.jobs.claim(5)) is freed


@dataclass
class Opening:
    """A database that cannot be made ready in every way there is, then can; and the worker that waits for it."""

    problems: list[Exception]
    worked: asyncio.Event = field(default_factory=asyncio.Event)

    async def make_ready(self) -> None:
        if self.problems:
            raise self.problems.pop(0)

    @property
    def worker(self) -> Opening:
        return self

    async def run(self) -> None:
        self.worked.set()


async def test_work__waits_for_the_database_whatever_is_wrong_with_it() -> None:
    opening = Opening(
        [DatabaseUnavailable(), SettingsError(["DATABASE_URL: no"]), RuntimeError("nobody thought of it")]
    )

    with capture_logs() as said:
        await _work(cast("Services", opening), is_open=False)

    assert opening.worked.is_set()
    assert [entry["log_level"] for entry in said] == ["error", "error", "error"]
