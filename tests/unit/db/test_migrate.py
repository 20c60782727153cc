"""Migrations: concurrent starts upgrade the schema once, and a newer schema is refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError

from bot.db import migrate as migrations
from bot.db.engine import Database
from bot.db.migrate import HEAD, migrate
from bot.db.schema import metadata
from bot.db.sqlite import sqlite_engine
from bot.errors import SettingsError

START = """
import asyncio, sys
from pathlib import Path
from bot.db.engine import Database
from bot.db.sqlite import sqlite_engine
from bot.db.migrate import migrate

async def start():
    print("ready", flush=True)
    sys.stdin.readline()
    database = Database(sqlite_engine(Path(sys.argv[1])))
    print(await migrate(database))
    await database.close()

asyncio.run(start())
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(sqlite_engine(tmp_path / "bot.db"))
    yield opened
    await opened.close()


async def revision(database: Database) -> str:
    return await database.read(lambda tx: str(tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one()))


async def test_migrate__empty_database_gets_the_tables_of_the_schema(database: Database) -> None:
    assert await migrate(database) is True

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await database.read(lambda tx: differences(tx.connection)) == []


async def test_migrate__creates_keys_and_partial_indexes(database: Database) -> None:
    """Check what `compare_metadata` ignores on SQLite."""
    await migrate(database)

    def constraints(connection: Connection) -> list[object]:
        found = inspect(connection)
        return [
            [(key["constrained_columns"], key["referred_table"]) for key in found.get_foreign_keys("items")],
            found.get_pk_constraint("items")["constrained_columns"],
            sorted(one["column_names"] for one in found.get_unique_constraints("requests")),
            found.get_unique_constraints("jobs")[0]["column_names"],
        ]

    assert await database.read(lambda tx: constraints(tx.connection)) == [
        [(["request_id"], "requests")],
        ["request_id", "place"],
        [["ask_key"], ["reference"]],
        ["key"],
    ]
    definition = text("SELECT sql FROM sqlite_master WHERE name = 'jobs_open'")
    assert "done_at IS NULL" in await database.read(lambda tx: tx.execute(definition).scalar_one())


async def test_migrate__current_schema_is_not_upgraded(database: Database) -> None:
    await migrate(database)
    assert await migrate(database) is False
    assert await revision(database) == HEAD


def test_head__is_the_newest_migration_file() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_migrate__newer_schema_is_refused_and_unchanged(database: Database) -> None:
    await migrate(database)
    await database.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(SettingsError, match=r"DATABASE_URL: .*\(9999\) is newer"):
        await migrate(database)
    assert await revision(database) == "9999"


async def test_migrate__failure_rolls_back_the_whole_upgrade(database: Database) -> None:
    await database.write(lambda tx: tx.execute(text("CREATE TABLE audit (existing TEXT)")))
    with pytest.raises(OperationalError, match="already exists"):
        await migrate(database)
    assert await database.read(lambda tx: inspect(tx.connection).get_table_names()) == ["audit"]


async def test_migrate__concurrent_engines_upgrade_once(database: Database, tmp_path: Path) -> None:
    other = Database(sqlite_engine(tmp_path / "bot.db"))
    done = await asyncio.gather(migrate(database), migrate(other))
    await other.close()
    assert sorted(done) == [False, True]
    assert await revision(database) == HEAD


@pytest.mark.process
async def test_migrate__concurrent_processes_upgrade_once(database: Database, tmp_path: Path) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            START,
            str(tmp_path / "bot.db"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    output = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0], output
    assert sorted(stdout for stdout, _ in output) == [b"False\n", b"True\n"]
    assert await revision(database) == HEAD
