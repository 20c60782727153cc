"""Startup of the database: which errors are retried, and which leases are released."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast

import pytest
from structlog.testing import capture_logs

from bot.app import _work
from bot.bootstrap import Services
from bot.db.connect import prepare_database, worker_identity
from bot.db.driver import DatabaseUnavailable
from bot.db.engine import Database
from bot.db.job_queue import JobQueue
from bot.db.postgres import PostgresDriver
from bot.db.requests import RequestStore
from bot.errors import SettingsError
from bot.logs import RepeatLimit
from bot.settings import Settings, read_settings
from tests.support.database import DatabaseHarness, create_request
from tests.support.examples import REQUIRED_SETTINGS, SEALS
from tests.support.postgres import Server


async def prepare(address: str) -> None:
    database = Database(PostgresDriver(address))
    try:
        await prepare_database(RequestStore(database, JobQueue(database, "one#1"), SEALS))
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


def settings_of(address: str, port: int = 3000) -> Settings:
    return read_settings(REQUIRED_SETTINGS | {"DATABASE_URL": address, "PORT": str(port)})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(f"sqlite:///{tmp_path / 'bot.db'}")


async def test_worker_identity__restarted_process_releases_its_leases(db: DatabaseHarness, settings: Settings) -> None:
    with worker_identity(settings) as owner:
        await create_request(RequestStore(db.database, JobQueue(db.database, owner), SEALS))
    with worker_identity(settings) as owner:
        jobs = JobQueue(db.database, owner)
        assert await jobs.release_own_leases() == 1
        assert len(await jobs.claim(5)) == 1


async def test_worker_identity__never_releases_leases_of_a_living_process_of_the_same_name(
    db: DatabaseHarness, settings: Settings
) -> None:
    """Containers may share host name, port and file, or an update starts the new process first."""
    with worker_identity(settings) as living, worker_identity(settings) as second:
        await create_request(RequestStore(db.database, JobQueue(db.database, living), SEALS))
        jobs = JobQueue(db.database, second)
        assert await jobs.release_own_leases() == 0
        assert await jobs.claim(5) == []
        with worker_identity(settings) as third:
            assert await JobQueue(db.database, third).release_own_leases() == 0


@pytest.mark.process
async def test_worker_identity__is_free_after_its_process_was_killed(settings: Settings) -> None:
    """The operating system releases the lock, whatever happens to the process."""
    environ = REQUIRED_SETTINGS | {"DATABASE_URL": settings.database_url}
    script = (
        "import sys, time\nfrom bot.db.connect import worker_identity\nfrom bot.settings import read_settings\n"
        f"with worker_identity(read_settings({environ!r})) as owner:\n"
        "    print(owner, flush=True)\n    time.sleep(600)\n"
    )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=pipe)
    assert process.stdout
    name = (await process.stdout.readline()).decode().partition("#")[0]
    with worker_identity(settings) as meanwhile:
        assert meanwhile.partition("#")[0] != name
    process.kill()
    await process.communicate()
    with worker_identity(settings) as afterwards:
        assert afterwards.partition("#")[0] == name


async def test_worker_identity__of_another_port_is_another_name(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'bot.db'}"
    with worker_identity(settings_of(address)) as one, worker_identity(settings_of(address, 3001)) as two:
        assert one.partition("#")[0].endswith(":3000")
        assert two.partition("#")[0].endswith(":3001")


async def test_worker_identity__replicas_on_postgresql_never_share_a_name() -> None:
    """They may have the same host name and port, so one of them could release the lease of a running job."""
    names = []
    for _ in range(2):
        with worker_identity(settings_of("postgres://bot@db/bot")) as owner:
            names.append(owner.partition("#")[0])
    assert names[0] != names[1]


async def test_worker_identity__missing_directory_is_left_to_the_database(tmp_path: Path) -> None:
    with worker_identity(settings_of(f"sqlite:///{tmp_path / 'missing' / 'bot.db'}")) as owner:
        assert "#" in owner


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

    @property
    def binding(self) -> FailingServices:
        return self

    @property
    def store(self) -> FailingServices:
        return self

    effective_settings: ClassVar[dict[str, str]] = {}

    async def record_settings(self, _effective: Mapping[str, str]) -> bool:
        return False

    async def confirm(self) -> None:
        """The database belongs to this bot."""

    async def run(self) -> None:
        self.worker_started.set()


async def test_work__retries_after_any_error_of_the_database() -> None:
    services = FailingServices([DatabaseUnavailable(), SettingsError(["DATABASE_URL: no"]), RuntimeError("unexpected")])

    with capture_logs() as logged:
        await _work(cast("Services", services), RepeatLimit(), database_ready=False)

    assert services.worker_started.is_set()
    assert [entry["log_level"] for entry in logged] == ["error", "error", "error"]
