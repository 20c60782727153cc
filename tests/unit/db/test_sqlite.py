"""SQLite: waits between processes, durability, a full disk, and a file that is replaced."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.db.connect import worker_identity
from bot.db.driver import DatabaseFull, DatabaseReplaced, DatabaseUnavailable
from bot.db.engine import Database
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from bot.settings import read_settings
from tests.support.examples import REQUIRED_SETTINGS
from tests.support.number_table import (
    CREATE,
    INSERT,
    insert_numbers,
    numbers,
    open_number_table,
    stored_numbers,
    uncommitted_insert,
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_number_table(tmp_path) as (opened, _):
        yield opened


def pragma(tx: Transaction, name: str) -> object:
    row = tx.fetch_one(f"PRAGMA {name}")
    return row[0] if row else None


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
async def test_write__syncs_the_commit_unless_it_need_not_last(
    database: Database, *, durable: bool, synchronous: int
) -> None:
    await database.write(numbers, durable=not durable)

    def settings(tx: Transaction) -> list[object]:
        return [pragma(tx, name) for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert await database.write(settings, durable=durable) == ["wal", synchronous, 1]


async def test_write__waits_for_another_process_from_its_first_statement(database: Database, tmp_path: Path) -> None:
    """A transaction that began as a reader could not upgrade to a writer: `database is locked`."""
    other = Database(SqliteDriver(tmp_path / "bot.db"))

    def select_and_insert(tx: Transaction) -> list[int]:
        found = numbers(tx)
        tx.execute(INSERT, number=2)
        return found

    async with uncommitted_insert(database, 1):
        waiting = asyncio.create_task(other.write(select_and_insert))
        await asyncio.sleep(0)
    found = await waiting
    await other.close()
    assert found == [1]
    assert await stored_numbers(database) == [1, 2]


async def test_read__sees_committed_rows_without_waiting_for_a_writer(database: Database, tmp_path: Path) -> None:
    other = Database(SqliteDriver(tmp_path / "bot.db"))
    async with uncommitted_insert(database, 1):
        before = await stored_numbers(other)
    after = await stored_numbers(other)
    await other.close()
    assert (before, after) == ([], [1])


async def test_now__is_the_time_of_the_machine(database: Database) -> None:
    found = await database.write(lambda tx: tx.now)
    assert abs(found - time.time()) < 60  # on a machine that may be slow


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_FULL, DatabaseFull),
        (sqlite3.SQLITE_IOERR, DatabaseFull),
        (sqlite3.SQLITE_IOERR_WRITE, DatabaseFull),
        (sqlite3.SQLITE_BUSY, DatabaseUnavailable),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, DatabaseUnavailable),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.OperationalError),
        (sqlite3.SQLITE_CORRUPT, sqlite3.OperationalError),
    ],
)
def test_translate__distinguishes_errors_that_a_retry_may_resolve(code: int, expected: type[Exception]) -> None:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorcode = code
    assert type(SqliteDriver(Path("bot.db")).translate(error)) is expected


async def test_write__full_database_raises_and_works_when_there_is_space_again(database: Database) -> None:
    pages = await database.read(lambda tx: pragma(tx, "page_count"))
    await database.read(lambda tx: tx.fetch(f"PRAGMA max_page_count = {pages}"))  # of this connection

    with pytest.raises(DatabaseFull, match="nothing was stored"):
        await database.write(insert_numbers(*range(5000)))

    assert await stored_numbers(database) == []
    await database.write(insert_numbers(1))
    assert await stored_numbers(database) == [1]


async def replace(path: Path) -> None:
    """Replace the file by another database with the same table, as a restored backup does."""
    other = Database(SqliteDriver(path.with_name("other.db")))
    await other.write(lambda tx: tx.execute(CREATE))
    await other.close()
    path.with_name("other.db").replace(path)
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)


async def test_file__replaced_under_the_process_is_neither_read_nor_written(database: Database, tmp_path: Path) -> None:
    await database.write(insert_numbers(1))
    await replace(tmp_path / "bot.db")

    for work in (database.read(numbers), database.write(insert_numbers(2))):
        with pytest.raises(DatabaseReplaced, match=r"bot\.db was replaced"):
            await work

    found = Database(SqliteDriver(tmp_path / "bot.db"))
    assert await stored_numbers(found) == []
    await found.close()


async def test_file__deleted_under_the_process_is_not_created_again(database: Database, tmp_path: Path) -> None:
    (tmp_path / "bot.db").unlink()
    with pytest.raises(DatabaseReplaced):
        await database.write(insert_numbers(1))
    assert not (tmp_path / "bot.db").exists()


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
async def test_file__next_to_the_database_that_was_deleted_is_noticed(
    database: Database, tmp_path: Path, suffix: str
) -> None:
    """SQLite goes on with a deleted log, whose transactions are lost if the process is killed."""
    await database.write(insert_numbers(1))
    (tmp_path / f"bot.db{suffix}").unlink()

    for work in (database.read(numbers), database.write(insert_numbers(2))):
        with pytest.raises(DatabaseReplaced, match=rf"bot\.db{suffix} was replaced or deleted"):
            await work

    await database.close()
    found = Database(SqliteDriver(tmp_path / "bot.db"))
    assert await stored_numbers(found) == [1]
    await found.close()


async def test_file__next_to_a_symlinked_database_is_noticed_too(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    async with open_number_table(tmp_path / "real") as (first, _):
        await first.write(insert_numbers(1))
    (tmp_path / "bot.db").symlink_to(tmp_path / "real" / "bot.db")
    database = Database(SqliteDriver(tmp_path / "bot.db"))
    assert await stored_numbers(database) == [1]

    (tmp_path / "real" / "bot.db-wal").unlink()
    with pytest.raises(DatabaseReplaced, match=r"bot\.db-wal"):
        await database.write(insert_numbers(2))
    await database.close()


async def test_file__replaced_while_it_was_locked_is_not_opened_again(database: Database, tmp_path: Path) -> None:
    """A connection is closed after each error that may pass, so the next one could find another file."""
    await database.read(lambda tx: tx.fetch("PRAGMA max_page_count = 1"))
    with pytest.raises(DatabaseFull):
        await database.write(insert_numbers(*range(5000)))
    await replace(tmp_path / "bot.db")
    with pytest.raises(DatabaseReplaced):
        await database.write(insert_numbers(1))


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_read_only__creates_no_files_and_refuses_to_write(tmp_path: Path) -> None:
    async with open_number_table(tmp_path) as (database, _):
        await database.write(insert_numbers(1))
    before = files(tmp_path)
    database = Database(SqliteDriver(tmp_path / "bot.db", read_only=True))
    assert await stored_numbers(database) == [1]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.write(insert_numbers(2))
    await database.close()
    assert files(tmp_path) == before


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """Return `os.umask`, and restore the mask after the test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in files(folder)}


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077])
async def test_files__are_created_for_the_owner_alone_whatever_the_umask(
    tmp_path: Path, umask: Callable[[int], int], mask: int
) -> None:
    umask(mask)
    settings = read_settings(REQUIRED_SETTINGS | {"DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}"})
    database = Database(SqliteDriver(tmp_path / "bot.db"))
    with worker_identity(settings):
        await database.write(lambda tx: tx.execute(CREATE))
        found = modes(tmp_path)
        await database.close()

    assert found.keys() == {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.3000.lock"}
    assert set(found.values()) == {0o600}


async def test_files__that_exist_keep_their_mode(tmp_path: Path) -> None:
    (tmp_path / "bot.db").touch()
    (tmp_path / "bot.db").chmod(0o640)
    database = Database(SqliteDriver(tmp_path / "bot.db"))
    await database.write(lambda tx: tx.execute(CREATE))
    found = modes(tmp_path)
    await database.close()

    assert set(found.values()) == {0o640}


async def test_file__that_a_link_names_is_created_for_the_owner_alone(
    tmp_path: Path, umask: Callable[[int], int]
) -> None:
    umask(0o000)
    (tmp_path / "bot.db").symlink_to(tmp_path / "other.db")
    database = Database(SqliteDriver(tmp_path / "bot.db"))
    await database.write(lambda tx: tx.execute(CREATE))
    found = modes(tmp_path)
    await database.close()

    assert set(found.values()) == {0o600}


async def test_file__that_cannot_be_created_is_reported_by_sqlite(tmp_path: Path) -> None:
    database = Database(SqliteDriver(tmp_path / "missing" / "bot.db"))

    with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
        await database.write(lambda tx: tx.execute(CREATE))
    await database.close()


class BlindDriver(SqliteDriver):
    """A driver that looks at the file just before another process deletes it."""

    def verify(self) -> None:
        self.path.unlink(missing_ok=True)


def test_file__deleted_between_the_look_and_the_opening_is_not_created_again(tmp_path: Path) -> None:
    driver = BlindDriver(tmp_path / "bot.db")
    driver.connect().close()

    with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
        driver.connect()

    assert files(tmp_path) == []
