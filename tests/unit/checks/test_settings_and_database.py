"""What a start would refuse the doctor refuses in the same words; databases are looked at and left as they are."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.bootstrap import region_of
from bot.checks.database import CHECK
from bot.checks.result import Finding, Mark
from bot.checks.run import examine
from bot.db.connect import database_of, prepare_database, worker_identity
from bot.db.jobs import JobQueue
from bot.db.migrate import HEAD
from bot.errors import SettingsError
from bot.settings import read_settings
from tests.support.checks_harness import ChecksHarness, Report
from tests.support.postgres import Server
from tests.support.process import free_port
from tests.support.schema import put_database


async def of_database(ward: ChecksHarness, url: str) -> Finding:
    """What the doctor finds out about a database."""
    return (await ward.check({"DATABASE_URL": url})).of(CHECK)


@pytest.mark.parametrize(
    "environ",
    [
        {"APPROVERS": ""},
        {"SLACK_BOT_TOKEN": "", "PURECLOUD_SECRET": "", "REQUEST_TTL": "soon"},
        {"APPROVERS": "olivia"},
        {"DATABASE_URL": "mysql://bot:very-secret@db"},
    ],
)
async def test_settings__are_refused_in_the_words_of_a_start(ward: ChecksHarness, environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(ward.environ | environ)

    report = await ward.check(environ)

    lines = [f"{one.check}: {one.says}" for one in report.findings if one.mark is Mark.WRONG]
    assert lines == refused.value.problems
    assert report.code == 2
    assert "very-secret" not in str(report.findings)
    assert ward.genesys.requests == []


async def test_region__that_is_none_is_refused_and_slack_is_examined_all_the_same(ward: ChecksHarness) -> None:
    environ = {"PURECLOUD_ENVIRONMENT": "https://mypurecloud.ie", "APPROVERS": "role:Supervisor"}
    with pytest.raises(SettingsError) as refused:
        region_of(read_settings(ward.environ | environ))

    report = await ward.check(environ)

    assert [f"{one.check}: {one.says}" for one in report.findings if one.mark is Mark.WRONG] == refused.value.problems
    assert report.of("SLACK_BOT_TOKEN").mark is Mark.WELL
    assert report.unknown == {"Genesys Cloud", "APPROVERS role:Supervisor"}
    assert report.code == 2


async def test_file__that_is_not_there_is_not_made(ward: ChecksHarness) -> None:
    finding = (await ward.check()).of(CHECK)

    assert "the first start creates it" in finding.says
    assert list(ward.folder.iterdir()) == []


@pytest.mark.parametrize("path", [f"{'a' * 300}/bot.db", f"{'a' * 300}.db"])
async def test_path__that_no_file_system_takes_is_refused(ward: ChecksHarness, path: str) -> None:
    report = await ward.check({"DATABASE_URL": f"sqlite:////{path}"})

    assert report.of(CHECK).says == "the database cannot be used (File name too long)"
    assert report.code == 2


async def test_folder__that_is_too_long_is_refused_at_start(ward: ChecksHarness) -> None:
    with pytest.raises(SettingsError, match="File name too long"):
        database_of(read_settings(ward.environ | {"DATABASE_URL": f"sqlite:////{'a' * 300}/bot.db"}))


async def test_folder__that_is_not_there_is_refused_in_the_words_of_a_start(ward: ChecksHarness) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{ward.folder / 'missing' / 'bot.db'}"}
    with pytest.raises(SettingsError) as refused:
        database_of(read_settings(ward.environ | environ))

    report = await ward.check(environ)

    assert [f"{CHECK}: {report.of(CHECK).says}"] == refused.value.problems
    assert report.code == 2


async def test_file__with_the_current_schema_is_read_and_left_as_it_is(ward: ChecksHarness) -> None:
    put_database(ward.folder / "sandbox.db")

    finding = (await ward.check()).of(CHECK)

    assert finding.mark is Mark.WELL
    assert f"schema is current ({HEAD})" in finding.says


async def test_file__that_a_bot_is_writing_to_is_read_with_its_log(ward: ChecksHarness) -> None:
    path = ward.folder / "sandbox.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE alembic_version (version_num TEXT)")
        writer.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        writer.execute("BEGIN IMMEDIATE")  # somebody holds the write lock all the while

        finding = (await ward.check()).of(CHECK)

    assert "schema is current" in finding.says


async def test_file__that_a_killed_bot_left_is_read_with_its_log(
    ward: ChecksHarness, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "bot.db"
    with closing(sqlite3.connect(elsewhere, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE alembic_version (version_num TEXT)")
        writer.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{elsewhere}{end}", f"{ward.folder / 'sandbox.db'}{end}")

    assert "schema is current" in (await ward.check()).of(CHECK).says


async def test_file__without_a_schema_is_not_migrated(ward: ChecksHarness) -> None:
    with closing(sqlite3.connect(ward.folder / "sandbox.db")) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
        connection.commit()

    finding = (await ward.check()).of(CHECK)

    assert finding.mark is Mark.WELL
    assert f"no schema yet, the next start brings it to {HEAD}" in finding.says


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()


def another_file(path: Path) -> None:
    path.write_text("no database at all, by far not one" * 40)


@pytest.mark.parametrize("lay", [newer, another_file, Path.mkdir])
async def test_file__that_cannot_serve_is_refused_in_the_words_of_a_start(
    ward: ChecksHarness, lay: Callable[[Path], None]
) -> None:
    lay(ward.folder / "sandbox.db")

    report = Report(await examine(ward.environ))

    settings = read_settings(ward.environ)
    database = database_of(settings)
    with pytest.raises(SettingsError) as refused:
        await prepare_database(database, JobQueue(database, worker_identity(settings)))
    await database.close()
    assert [f"{CHECK}: {report.of(CHECK).says}"] == refused.value.problems
    assert report.code == 2


async def test_postgres__with_the_current_schema(ward: ChecksHarness, postgres: Server) -> None:
    async with postgres.database() as address:
        finding = await of_database(ward, address)

    assert finding.says == f"PostgreSQL answers, its schema is current ({HEAD})"


async def test_postgres__without_a_schema_is_not_migrated(ward: ChecksHarness, postgres: Server) -> None:
    async with postgres.database(empty=True) as address:
        first, second = await of_database(ward, address), await of_database(ward, address)

    assert first == second
    assert "no schema yet" in first.says


async def test_postgres__whose_user_may_create_nothing(ward: ChecksHarness, postgres: Server) -> None:
    async with postgres.database(empty=True) as address:
        name = address.rpartition("/")[2]
        await postgres.do("DROP SCHEMA public", name)
        finding = await of_database(ward, address)

    assert "may not create tables" in finding.says


async def test_postgres__that_nobody_answers_for_is_waited_for_by_a_start_and_a_cross_here(ward: ChecksHarness) -> None:
    report = await ward.check({"DATABASE_URL": f"postgres://bot:very-secret@127.0.0.1:{free_port()}/bot"})

    assert report.wrong == {CHECK}
    assert "cannot be reached" in report.of(CHECK).says
    assert "very-secret" not in str(report.findings)
    assert report.code == 1


async def test_postgres__that_refuses_is_a_wrong_setting(ward: ChecksHarness, postgres: Server) -> None:
    report = await ward.check({"DATABASE_URL": postgres.address("no_such_database")})

    assert "PostgreSQL cannot be used" in report.of(CHECK).says
    assert report.code == 2
