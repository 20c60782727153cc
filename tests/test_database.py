"""The database keeps all of a transaction or none, lets one writer in at a time, and tells the time itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.database import Database, sqlite_engine

ADD = text("INSERT INTO marks (id) VALUES (:id)")
ALL = text("SELECT id FROM marks ORDER BY id")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(sqlite_engine(tmp_path / "bot.db"))
    async with opened.begin() as tx:
        await tx.connection.execute(text("CREATE TABLE marks (id INTEGER PRIMARY KEY)"))
    yield opened
    await opened.close()


async def marks(database: Database) -> list[int]:
    async with database.begin() as tx:
        return list((await tx.connection.execute(ALL)).scalars())


async def test_a_transaction__is_kept_whole(database: Database) -> None:
    async with database.begin() as tx:
        for number in (1, 2):
            await tx.connection.execute(ADD, {"id": number})
    assert await marks(database) == [1, 2]


async def test_a_transaction__that_fails_halfway_leaves_nothing(database: Database) -> None:
    async def add_one_twice() -> None:
        async with database.begin() as tx:
            await tx.connection.execute(ADD, {"id": 1})
            await tx.connection.execute(ADD, {"id": 1})

    with pytest.raises(IntegrityError):
        await add_one_twice()
    assert await marks(database) == []


async def test_a_transaction__that_is_cancelled_leaves_nothing_and_the_next_one_gets_in(database: Database) -> None:
    written = asyncio.Event()

    async def write() -> None:
        async with database.begin() as tx:
            await tx.connection.execute(ADD, {"id": 1})
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await written.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await marks(database) == []


async def test_sqlite__commits_to_the_disk_and_lets_readers_read(database: Database) -> None:
    async with database.begin() as tx:
        found = [
            (await tx.connection.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]


async def test_sqlite__one_writer_waits_for_another_from_its_first_statement_on(
    database: Database, tmp_path: Path
) -> None:
    """A transaction that began as a reader could not become a writer any more: `database is locked`."""
    other = Database(sqlite_engine(tmp_path / "bot.db"))
    inside = asyncio.Event()
    seen: list[int] = []

    async def second() -> None:
        inside.set()
        async with other.begin() as tx:
            seen.extend((await tx.connection.execute(ALL)).scalars())
            await tx.connection.execute(ADD, {"id": 2})

    async with database.begin() as tx:
        task = asyncio.create_task(second())
        await inside.wait()
        await tx.connection.execute(ADD, {"id": 1})
    await task
    await other.close()
    assert seen == [1]
    assert await marks(database) == [1, 2]


async def test_read__waits_for_no_writer_and_sees_only_what_is_committed(database: Database, tmp_path: Path) -> None:
    other = Database(sqlite_engine(tmp_path / "bot.db"))
    async with database.begin() as tx:
        await tx.connection.execute(ADD, {"id": 1})
        async with other.read() as connection:
            before = (await connection.execute(ALL)).scalars().all()
    async with other.read() as connection:
        after = (await connection.execute(ALL)).scalars().all()
    await other.close()
    assert (before, after) == ([], [1])


async def test_many_at_once__wait_for_the_one_connection(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.begin() as tx:
            await tx.connection.execute(ADD, {"id": number})

    await asyncio.gather(*(add(number) for number in range(50)))
    assert await marks(database) == list(range(50))


async def test_the_time__is_the_databases_own(database: Database) -> None:
    async with database.begin() as tx:
        told = (await tx.connection.execute(text("SELECT strftime('%s', 'now')"))).scalar_one()
        assert abs(float(told) - tx.now) < 60  # the same clock, however long the machine took in between


async def test_the_time__can_be_handed_in(tmp_path: Path) -> None:
    async def noon(_connection: object) -> float:
        return 43_200.0

    database = Database(sqlite_engine(tmp_path / "other.db"), clock=noon)
    async with database.begin() as tx:
        assert tx.now == 43_200.0
    await database.close()
