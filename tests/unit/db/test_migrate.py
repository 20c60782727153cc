"""Migrations: concurrent starts upgrade the schema once, and a newer schema is refused."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.db import migrate as migrations
from bot.db.cards import CardStore
from bot.db.driver import Driver
from bot.db.engine import Database
from bot.db.executions import ExecutionStore
from bot.db.migrate import HEAD, MIGRATIONS, Migration, migrate, revision
from bot.db.postgres import PostgresDriver
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from bot.domain.audit_chain import first_invalid
from bot.domain.requests import Event, MessageRef, State
from bot.errors import SettingsError
from tests.support.database import DatabaseHarness, approve, create_request
from tests.support.postgres import Server

DUMP = Path(__file__).parents[2] / "data" / "database_0001.sql"

START = """
import asyncio, sys
from pathlib import Path
from bot.db.engine import Database
from bot.db.sqlite import SqliteDriver
from bot.db.migrate import migrate

async def start():
    print("ready", flush=True)
    sys.stdin.readline()
    database = Database(SqliteDriver(Path(sys.argv[1])))
    print(await migrate(database))
    await database.close()

asyncio.run(start())
"""

HANG = """
import asyncio, sys, time
from pathlib import Path
from bot.db.engine import Database
from bot.db.migrate import MIGRATIONS, Migration, migrate
from bot.db.postgres import PostgresDriver
from bot.db.sqlite import SqliteDriver

def hang(tx):
    tx.execute("ALTER TABLE requests ADD COLUMN weather TEXT")
    print("migrating", flush=True)
    time.sleep(600)

kind, address = sys.argv[1:]
driver = PostgresDriver(address) if kind == "postgres" else SqliteDriver(Path(address))
asyncio.run(migrate(Database(driver), [*MIGRATIONS[:1], Migration("0002", hang)]))
"""


def add_weather(tx: Transaction) -> None:
    tx.execute("ALTER TABLE requests ADD COLUMN weather TEXT NOT NULL DEFAULT 'fair'")


NEXT = Migration("9000", add_weather)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(SqliteDriver(tmp_path / "bot.db"))
    yield opened
    await opened.close()


def schema_of(path: Path) -> dict[str, object]:
    """Return the columns, keys and indexes of each table of a SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: schema_of_table(connection, table) for table in tables}


def schema_of_table(connection: sqlite3.Connection, table: str) -> object:
    def pragma(name: str, of: str) -> list[tuple[object, ...]]:
        return connection.execute(f"PRAGMA {name}({of})").fetchall()

    columns = {(name, bool(required) or bool(key), key) for _, name, _, required, _, key in pragma("table_info", table)}
    indexes = {
        (unique, partial, tuple(column[2] for column in pragma("index_info", f"'{name}'")))
        for _, name, unique, _, partial in pragma("index_list", table)
    }
    foreign = {(row[2], row[3]) for row in pragma("foreign_key_list", table)}
    return columns, indexes, foreign


async def test_migrate__fresh_database_equals_one_that_alembic_created(database: Database, tmp_path: Path) -> None:
    """Version 0001 and 0002 of the schema were created by Alembic."""
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.executescript(DUMP.read_text())
    old = Database(SqliteDriver(tmp_path / "old.db"))

    assert await migrate(database) is True
    assert await migrate(old) is True
    await old.close()

    assert schema_of(tmp_path / "bot.db") == schema_of(tmp_path / "old.db")


async def test_migrate__creates_keys_and_partial_indexes(database: Database, tmp_path: Path) -> None:
    await migrate(database)
    with closing(sqlite3.connect(tmp_path / "bot.db")) as connection:
        (definition,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'jobs_open'").fetchone()
        references = connection.execute("PRAGMA foreign_key_list(items)").fetchall()
    assert "done_at IS NULL" in definition
    assert [row[2] for row in references] == ["requests"]


async def test_migrate__current_schema_is_not_upgraded(database: Database) -> None:
    await migrate(database)
    assert await migrate(database) is False
    assert await database.read(revision) == HEAD


def test_migrations__are_in_order_and_name_every_file() -> None:
    revisions = [one.revision for one in MIGRATIONS]
    assert revisions == sorted(set(revisions))
    files = sorted(path.name for path in migrations.FOLDER.glob("*.sql"))
    assert files == sorted(one.upgrade.args[0] for one in MIGRATIONS if hasattr(one.upgrade, "args"))


async def test_migrate__newer_schema_is_refused_and_unchanged(database: Database) -> None:
    await migrate(database)
    await database.write(lambda tx: tx.execute("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match=r"DATABASE_URL: .*\(9999\) is newer"):
        await migrate(database)
    assert await database.read(revision) == "9999"


async def test_migrate__failure_rolls_back_the_whole_upgrade(database: Database, tmp_path: Path) -> None:
    await database.write(lambda tx: tx.execute("CREATE TABLE audit (existing TEXT)"))
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        await migrate(database)
    assert list(schema_of(tmp_path / "bot.db")) == ["audit"]


async def test_migrate__upgrade_keeps_open_requests_and_leases(db: DatabaseHarness) -> None:
    store, old = db.store(), db.store("old#1")
    _, card = await create_request(store)
    await CardStore(store).mark_posted(card, MessageRef("C1", "1.0"))
    _, before = await approve(old, (await create_request(store, "second"))[0].id)

    assert await migrate(db.database, [*MIGRATIONS, NEXT]) is True

    try:
        assert await db.rows("SELECT DISTINCT weather FROM requests") == [("fair",)]
        approved, after = await approve(store)
        assert (approved.state, approved.card) == (State.APPROVED, MessageRef("C1", "1.0"))
        for job, owner in ((before, old), (after, store)):
            finished = await ExecutionStore(owner).finish(job, Event.SUCCEED, outcome={"attempts": 1}, notify=())
            assert finished is not None
            assert finished[0].state is State.REVOKED
        assert first_invalid(await store.audit_events()) is None
    finally:  # the tests share the database on PostgreSQL
        await db.run("ALTER TABLE requests DROP COLUMN weather")
        await db.run("UPDATE alembic_version SET version_num = :head", head=HEAD)


async def test_migrate__concurrent_engines_upgrade_once(database: Database, tmp_path: Path) -> None:
    other = Database(SqliteDriver(tmp_path / "bot.db"))
    done = await asyncio.gather(migrate(database), migrate(other))
    await other.close()
    assert sorted(done) == [False, True]
    assert await database.read(revision) == HEAD


async def start_python(script: str, *arguments: str) -> asyncio.subprocess.Process:
    """Run a script in a process of its own."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )


@pytest.mark.process
async def test_migrate__concurrent_processes_upgrade_once(database: Database, tmp_path: Path) -> None:
    processes = [await start_python(START, str(tmp_path / "bot.db")) for _ in range(2)]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    output = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0], output
    assert sorted(stdout for stdout, _ in output) == [b"False\n", b"True\n"]
    assert await database.read(revision) == HEAD


async def kill_during_migration(kind: str, address: str, driver: Driver) -> None:
    """Kill a process that has changed a table; check that the change is gone and can be made again."""
    database = Database(driver)
    await migrate(database, MIGRATIONS[:1])
    process = await start_python(HANG, kind, address)
    assert process.stdout
    assert await process.stdout.readline() == b"migrating\n"
    process.kill()
    await process.communicate()

    assert await database.read(revision) == "0001"
    assert await migrate(database, [*MIGRATIONS[:1], Migration("0002", add_weather)]) is True
    assert list(await database.read(lambda tx: tx.fetch("SELECT weather FROM requests"))) == []
    await database.close()


@pytest.mark.process
async def test_migrate__killed_process_leaves_the_old_schema_on_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    await kill_during_migration("sqlite", str(path), SqliteDriver(path))


@pytest.mark.process
async def test_migrate__killed_process_leaves_the_old_schema_on_postgresql(postgres: Server) -> None:
    async with postgres.database(empty=True) as url:
        await kill_during_migration("postgres", url, PostgresDriver(url))
