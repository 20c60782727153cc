"""The schema comes up to date once, whoever starts first, and is never taken back."""

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


async def test_migrate__an_empty_database_becomes_what_the_code_expects(database: Database) -> None:
    assert await migrate(database) is True

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await database.read(lambda tx: differences(tx.connection)) == []


async def test_migrate__keys_and_partial_indexes_are_made_as_the_code_expects(database: Database) -> None:
    """What `compare_metadata` does not look at on SQLite."""
    await migrate(database)

    def facts(connection: Connection) -> list[object]:
        found = inspect(connection)
        return [
            [(key["constrained_columns"], key["referred_table"]) for key in found.get_foreign_keys("items")],
            found.get_pk_constraint("items")["constrained_columns"],
            sorted(one["column_names"] for one in found.get_unique_constraints("requests")),
            found.get_unique_constraints("jobs")[0]["column_names"],
        ]

    assert await database.read(lambda tx: facts(tx.connection)) == [
        [(["request_id"], "requests")],
        ["request_id", "place"],
        [["ask_key"], ["reference"]],
        ["key"],
    ]
    how = text("SELECT sql FROM sqlite_master WHERE name = 'jobs_open'")
    assert "done_at IS NULL" in await database.read(lambda tx: tx.execute(how).scalar_one())


async def test_migrate__an_up_to_date_database_is_left_alone(database: Database) -> None:
    await migrate(database)
    assert await migrate(database) is False
    assert await revision(database) == HEAD


def test_migrate__head_is_the_newest_file() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_migrate__a_newer_database_is_refused_and_kept(database: Database) -> None:
    await migrate(database)
    await database.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(SettingsError, match=r"DATABASE_URL: .*\(9999\) is newer"):
        await migrate(database)
    assert await revision(database) == "9999"


async def test_migrate__what_fails_halfway_leaves_the_database_as_it_was(database: Database) -> None:
    await database.write(lambda tx: tx.execute(text("CREATE TABLE audit (somebody_elses TEXT)")))
    with pytest.raises(OperationalError, match="already exists"):
        await migrate(database)
    assert await database.read(lambda tx: inspect(tx.connection).get_table_names()) == ["audit"]


async def test_migrate__two_engines_at_once_upgrade_once(database: Database, tmp_path: Path) -> None:
    other = Database(sqlite_engine(tmp_path / "bot.db"))
    done = await asyncio.gather(migrate(database), migrate(other))
    await other.close()
    assert sorted(done) == [False, True]
    assert await revision(database) == HEAD


@pytest.mark.process
async def test_migrate__processes_that_start_together_upgrade_once(database: Database, tmp_path: Path) -> None:
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
    told = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0], told
    assert sorted(said for said, _ in told) == [b"False\n", b"True\n"]
    assert await revision(database) == HEAD
