"""Settings that a start rejects fail with the same text, and databases are read without a change."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.bootstrap.options import region_of
from bot.checks.database import DATABASE, MIN_FREE_SPACE, with_free_space
from bot.checks.result import CheckResult, Status, ok
from bot.checks.run import run_checks
from bot.db.connect import database_from_settings, prepare_database, worker_identity
from bot.db.job_queue import JobQueue
from bot.db.migrate import HEAD
from bot.db.requests import RequestStore
from bot.errors import SettingsError
from bot.settings import read_settings
from tests.support.checks_harness import CheckReport, ChecksHarness
from tests.support.examples import SEALS
from tests.support.postgres import Server
from tests.support.process import free_port
from tests.support.schema import put_database


async def check_database(harness: ChecksHarness, url: str) -> CheckResult:
    """Return the result for a database."""
    return (await harness.check({"DATABASE_URL": url})).of(DATABASE)


@pytest.mark.parametrize(
    "environ",
    [
        {"APPROVERS": ""},
        {"SLACK_BOT_TOKEN": "", "PURECLOUD_SECRET": "", "REQUEST_TTL": "soon"},
        {"APPROVERS": "olivia"},
        {"DATABASE_URL": "mysql://bot:very-secret@db"},
    ],
)
async def test_settings__invalid_fail_with_the_text_of_a_start(harness: ChecksHarness, environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as rejected:
        read_settings(harness.environ | environ)

    report = await harness.check(environ)

    assert report.failures == rejected.value.problems
    assert report.exit_code == 2
    assert "very-secret" not in str(report.results)
    assert harness.genesys.requests == []


async def test_region__invalid_fails_with_the_text_of_a_start_and_slack_is_checked(harness: ChecksHarness) -> None:
    environ = {"PURECLOUD_ENVIRONMENT": "https://mypurecloud.ie", "APPROVERS": "role:Supervisor"}
    with pytest.raises(SettingsError) as rejected:
        region_of(read_settings(harness.environ | environ))

    report = await harness.check(environ)

    assert report.failures == rejected.value.problems
    assert report.of("SLACK_BOT_TOKEN").status is Status.OK
    assert report.undetermined == {"Genesys Cloud", "APPROVERS role:Supervisor"}
    assert report.exit_code == 2


async def test_sqlite__missing_file_is_not_created(harness: ChecksHarness) -> None:
    result = (await harness.check()).of(DATABASE)

    assert result.status is Status.OK
    assert "the first start creates it" in result.message
    assert list(harness.folder.iterdir()) == []


@pytest.mark.parametrize("path", [f"{'a' * 300}/bot.db", f"{'a' * 300}.db"])
async def test_sqlite__path_too_long_for_the_file_system_fails(harness: ChecksHarness, path: str) -> None:
    report = await harness.check({"DATABASE_URL": f"sqlite:////{path}"})

    assert report.of(DATABASE).message == "the database cannot be used (File name too long)"
    assert report.exit_code == 2


async def test_start__rejects_a_directory_name_that_is_too_long(harness: ChecksHarness) -> None:
    with pytest.raises(SettingsError, match="File name too long"):
        database_from_settings(read_settings(harness.environ | {"DATABASE_URL": f"sqlite:////{'a' * 300}/bot.db"}))


async def test_sqlite__missing_directory_fails_with_the_text_of_a_start(harness: ChecksHarness) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{harness.folder / 'missing' / 'bot.db'}"}
    with pytest.raises(SettingsError) as rejected:
        database_from_settings(read_settings(harness.environ | environ))

    report = await harness.check(environ)

    assert [f"{DATABASE}: {report.of(DATABASE).message}"] == rejected.value.problems
    assert report.exit_code == 2


async def test_sqlite__current_schema_passes_and_the_file_stays_unchanged(harness: ChecksHarness) -> None:
    put_database(harness.folder / "sandbox.db")

    result = (await harness.check()).of(DATABASE)

    assert result.status is Status.OK
    assert f"schema is current ({HEAD}); " in result.message
    assert result.message.endswith(" MiB are free")


@pytest.mark.parametrize(("free", "status"), [(MIN_FREE_SPACE, Status.OK), (MIN_FREE_SPACE - 1, Status.FAILED)])
def test_free_space__too_little_of_it_fails(free: int, status: Status) -> None:
    result = with_free_space(ok(DATABASE, "it is reachable"), Path("bot.db"), free)

    assert result.status is status
    assert f"{free} MiB" in result.message


async def test_sqlite__locked_by_a_writer_is_read_with_its_log(harness: ChecksHarness) -> None:
    path = harness.folder / "sandbox.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE alembic_version (version_num TEXT)")
        writer.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        writer.execute("BEGIN IMMEDIATE")  # holds the write lock during the check

        result = (await harness.check()).of(DATABASE)

    assert "schema is current" in result.message


async def test_sqlite__left_by_a_killed_process_is_read_with_its_log(
    harness: ChecksHarness, tmp_path_factory: pytest.TempPathFactory
) -> None:
    original = tmp_path_factory.mktemp("original") / "bot.db"
    with closing(sqlite3.connect(original, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE alembic_version (version_num TEXT)")
        writer.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{original}{suffix}", f"{harness.folder / 'sandbox.db'}{suffix}")

    assert "schema is current" in (await harness.check()).of(DATABASE).message


async def test_sqlite__without_a_schema_is_not_migrated(harness: ChecksHarness) -> None:
    with closing(sqlite3.connect(harness.folder / "sandbox.db")) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
        connection.commit()

    result = (await harness.check()).of(DATABASE)

    assert result.status is Status.OK
    assert f"no schema yet, so the next start migrates it to {HEAD}" in result.message


def newer_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()


def not_a_database(path: Path) -> None:
    path.write_text("this file is not a SQLite database " * 40)


@pytest.mark.parametrize("create", [newer_schema, not_a_database, Path.mkdir])
async def test_sqlite__unusable_file_fails_with_the_text_of_a_start(
    harness: ChecksHarness, create: Callable[[Path], None]
) -> None:
    create(harness.folder / "sandbox.db")

    report = CheckReport(await run_checks(harness.environ))

    settings = read_settings(harness.environ)
    database = database_from_settings(settings)
    with pytest.raises(SettingsError) as rejected, worker_identity(settings) as owner:
        await prepare_database(RequestStore(database, JobQueue(database, owner), SEALS))
    await database.close()
    assert [f"{DATABASE}: {report.of(DATABASE).message}"] == rejected.value.problems
    assert report.exit_code == 2


async def test_postgres__with_the_current_schema_passes(harness: ChecksHarness, postgres: Server) -> None:
    async with postgres.database() as url:
        result = await check_database(harness, url)

    assert result.status is Status.OK
    assert result.message == f"PostgreSQL is reachable, and its schema is current ({HEAD})"


async def test_postgres__without_a_schema_is_not_migrated(harness: ChecksHarness, postgres: Server) -> None:
    async with postgres.database(empty=True) as url:
        first, second = await check_database(harness, url), await check_database(harness, url)

    assert first == second
    assert "no schema yet" in first.message


async def test_postgres__user_who_may_not_create_tables_fails(harness: ChecksHarness, postgres: Server) -> None:
    async with postgres.database(empty=True) as url:
        await postgres.do("DROP SCHEMA public", url.rpartition("/")[2])
        result = await check_database(harness, url)

    assert result.status is Status.FAILED
    assert "may not create tables" in result.message


async def test_postgres__unreachable_fails_although_a_start_would_wait(harness: ChecksHarness) -> None:
    report = await harness.check({"DATABASE_URL": f"postgres://bot:very-secret@127.0.0.1:{free_port()}/bot"})

    assert report.failed == {DATABASE}
    assert "cannot be reached" in report.of(DATABASE).message
    assert "very-secret" not in str(report.results)
    assert report.exit_code == 1


async def test_postgres__unknown_database_is_an_invalid_setting(harness: ChecksHarness, postgres: Server) -> None:
    report = await harness.check({"DATABASE_URL": postgres.address("no_such_database")})

    assert "PostgreSQL cannot be used" in report.of(DATABASE).message
    assert report.exit_code == 2
