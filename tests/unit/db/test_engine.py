"""The database keeps all of a transaction or none, lets one writer in at a time, and tells the time itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.db.engine import Database, DatabaseUnavailable, Transaction
from bot.db.sqlite import QUEUE_TIMEOUT, sqlite_engine
from tests.support.counter_table import ADD, ALL, PATIENCE, adding, marks, open_marks


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_marks(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def written_but_not_kept(database: Database, number: int) -> AsyncIterator[asyncio.Task[None]]:
    """A transaction that has written a mark down and is not committed before the end of this."""
    loop, written, end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def add_and_wait(tx: Transaction) -> None:
        tx.execute(ADD, {"id": number})
        loop.call_soon_threadsafe(written.set)
        end.wait(PATIENCE)

    writing = asyncio.create_task(database.write(add_and_wait))
    await written.wait()
    try:
        yield writing
    finally:
        end.set()
        await asyncio.wait([writing])


async def test_a_transaction__is_kept_whole(database: Database) -> None:
    await database.write(adding(1, 2))
    assert await marks(database) == [1, 2]


async def test_a_transaction__that_fails_halfway_leaves_nothing(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await database.write(adding(1, 1))
    assert await marks(database) == []


async def test_a_transaction__nobody_waits_for_any_more_comes_to_its_end_and_the_next_one_gets_in(
    database: Database,
) -> None:
    async with written_but_not_kept(database, 1) as writing:
        writing.cancel()
    await database.write(adding(2))
    assert await marks(database) == [1, 2]


async def test_sqlite__commits_to_the_disk_and_lets_readers_read(database: Database) -> None:
    def modes(tx: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    assert await database.write(modes) == ["wal", 2, 1]


async def test_sqlite__one_writer_waits_for_another_from_its_first_statement_on(
    database: Database, tmp_path: Path
) -> None:
    """A transaction that began as a reader could not become a writer any more: `database is locked`."""
    other = Database(sqlite_engine(tmp_path / "bot.db"))

    def look_and_add(tx: Transaction) -> list[int]:
        seen = list(tx.execute(ALL).scalars())
        tx.execute(ADD, {"id": 2})
        return seen

    async with written_but_not_kept(database, 1):
        waiting = asyncio.create_task(other.write(look_and_add))
        await asyncio.sleep(0)
    seen = await waiting
    await other.close()
    assert seen == [1]
    assert await marks(database) == [1, 2]


async def test_read__waits_for_no_writer_and_sees_only_what_is_committed(database: Database, tmp_path: Path) -> None:
    other = Database(sqlite_engine(tmp_path / "bot.db"))
    async with written_but_not_kept(database, 1):
        before = await marks(other)
    after = await marks(other)
    await other.close()
    assert (before, after) == ([], [1])


async def test_many_at_once__wait_for_the_one_connection(database: Database) -> None:
    await asyncio.gather(*(database.write(adding(number)) for number in range(50)))
    assert await marks(database) == list(range(50))


async def test_sqlite__what_waits_too_long_for_its_turn_is_refused_and_never_done(tmp_path: Path) -> None:
    """Each question for readiness of a locked file would otherwise make all that follow wait two seconds more."""
    seconds = [0.0]
    database = Database(sqlite_engine(tmp_path / "bot.db", clock=lambda: seconds[0]))
    await database.write(lambda tx: tx.execute(text("CREATE TABLE marks (id INTEGER PRIMARY KEY)")))
    async with written_but_not_kept(database, 1):
        too_late = asyncio.create_task(database.write(adding(2)))
        for _ in range(3):  # until it stands in the queue
            await asyncio.sleep(0)
        seconds[0] = QUEUE_TIMEOUT + 1
        in_time = asyncio.create_task(database.write(adding(3)))
    with pytest.raises(DatabaseUnavailable):
        await too_late
    await in_time
    assert await marks(database) == [1, 3]
    await database.close()


async def test_the_time__is_the_databases_own(database: Database) -> None:
    def ask(tx: Transaction) -> float:
        told = float(tx.execute(text("SELECT strftime('%s', 'now')")).scalar_one())
        return abs(told - tx.now)

    assert await database.write(ask) < 60  # the same clock, however long the machine took in between


async def test_the_time__can_be_handed_in(tmp_path: Path) -> None:
    def noon(_connection: object) -> float:
        return 43_200.0

    database = Database(sqlite_engine(tmp_path / "other.db"), clock=noon)
    assert await database.write(lambda tx: tx.now) == 43_200.0
    await database.close()
