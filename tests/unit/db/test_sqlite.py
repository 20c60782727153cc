"""What waits for SQLite's one writer at the same time is committed together, and still each for itself."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError

from bot.db.engine import Database, Transaction
from bot.db.sqlite import sqlite_engine
from tests.support.counter_table import ALL, PATIENCE, adding, marks, open_marks


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_marks(tmp_path) as opened:
        yield opened


@pytest.fixture
def counted(database: Database) -> Counter[str]:
    """How often something was committed or taken back."""
    counted: Counter[str] = Counter()
    for name in ("commit", "rollback"):
        event.listen(database.engine.engine, name, lambda _connection, name=name: counted.update([name]))
    return counted


@asynccontextmanager
async def occupied(database: Database) -> AsyncIterator[None]:
    """Keep the database's thread busy, so that the transactions begun inside wait in its queue together."""
    loop, started, end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait_for_end(_tx: Transaction) -> None:
        loop.call_soon_threadsafe(started.set)
        end.wait(PATIENCE)

    busy = asyncio.create_task(database.read(wait_for_end))
    await started.wait()  # the thread would otherwise take a part of what follows into its first batch
    yield
    for _ in range(3):  # each transaction is queued on the second turn of the loop
        await asyncio.sleep(0)
    end.set()
    await busy


async def test_together__fifty_that_wait_are_one_commit(database: Database, counted: Counter[str]) -> None:
    async with occupied(database):
        counted.clear()
        writing = [asyncio.create_task(database.write(adding(number))) for number in range(50)]
    told = await asyncio.gather(*writing)

    assert told == [(number,) for number in range(50)]
    assert await marks(database) == list(range(50))
    assert counted["commit"] == 1


async def test_alone__each_that_is_waited_for_is_a_commit(database: Database, counted: Counter[str]) -> None:
    for number in range(3):
        await database.write(adding(number))

    assert counted["commit"] == 3


async def test_together__one_that_fails_takes_nothing_else_with_it(database: Database) -> None:
    async with occupied(database):
        writing = [asyncio.create_task(database.write(adding(number))) for number in (1, 2, 2, 3)]
    told = await asyncio.gather(*writing, return_exceptions=True)

    assert [told[0], told[1], told[3]] == [(1,), (2,), (3,)]
    assert isinstance(told[2], IntegrityError)
    assert await marks(database) == [1, 2, 3]


async def test_together__nobody_is_told_before_the_commit(database: Database) -> None:
    seen: list[tuple[int, ...]] = []
    async with occupied(database):
        writing = [asyncio.create_task(database.write(adding(number))) for number in (1, 2)]

        def look(_connection: object) -> None:
            seen.append(tuple(int(one.done()) for one in writing))

        event.listen(database.engine.engine, "commit", look)
    await asyncio.gather(*writing)

    assert set(seen) == {(0, 0)}


async def test_together__a_commit_that_fails_is_told_to_everybody(database: Database) -> None:
    def refuse(_connection: object) -> None:
        message = "The disk is full."
        raise OSError(message)

    event.listen(database.engine.engine, "commit", refuse)
    async with occupied(database):
        writing = [asyncio.create_task(database.write(adding(number))) for number in (1, 2)]
    told = await asyncio.gather(*writing, return_exceptions=True)
    event.remove(database.engine.engine, "commit", refuse)

    assert all(isinstance(one, Exception) for one in told)
    assert await marks(database) == []


async def test_together__one_that_nobody_waits_for_any_more_is_not_begun(database: Database) -> None:
    async with occupied(database):
        reading = asyncio.create_task(marks(database))
        writing = asyncio.create_task(database.write(adding(1)))
        await asyncio.sleep(0)
        reading.cancel()
    await writing

    assert reading.cancelled()
    assert await marks(database) == [1]


async def test_reading__that_waits_with_writers_sees_nothing_half_done(database: Database) -> None:
    async with occupied(database):
        writing = asyncio.create_task(database.write(adding(1)))
        reading = asyncio.create_task(marks(database))
    await writing

    assert await reading == []
    assert await marks(database) == [1]


async def test_reading__that_waits_with_writers_does_not_wait_for_what_they_wait_for(database: Database) -> None:
    told: list[bool] = []
    free = threading.Event()
    async with occupied(database):
        writing = asyncio.create_task(database.write(lambda _tx: told.append(free.wait(PATIENCE))))
        reading = asyncio.create_task(marks(database))
    async with asyncio.timeout(PATIENCE / 2):
        await reading

    assert not told
    free.set()
    await writing
    assert told == [True]


class End(BaseException):
    """What is no Exception, as SystemExit is none."""


@pytest.mark.parametrize(("raised", "heard"), [(End(), End), (StopIteration(), TypeError)])
async def test_together__whatever_one_raises_everybody_is_told(
    database: Database, raised: BaseException, heard: type[BaseException]
) -> None:
    def fail(_tx: Transaction) -> None:
        raise raised

    async with occupied(database):
        writing = [asyncio.create_task(database.write(step)) for step in (adding(1), fail, adding(2))]
    async with asyncio.timeout(PATIENCE / 2):
        told = await asyncio.gather(*writing, return_exceptions=True)

    assert [told[0], told[2]] == [(1,), (2,)]
    assert isinstance(told[1], heard)
    assert await marks(database) == [1, 2]


@pytest.mark.parametrize("how", ["read", "write"])
async def test_opening__is_tried_once_for_each_that_asks(tmp_path: Path, how: str) -> None:
    """A second try would double the wait for a file that another process has locked, also at SIGTERM."""
    no_file = Database(sqlite_engine(tmp_path))
    tried: list[None] = []
    event.listen(no_file.engine.engine, "do_connect", lambda *_: tried.append(None))

    with pytest.raises(OperationalError, match="unable to open"):
        await getattr(no_file, how)(lambda tx: tx.execute(ALL))

    assert len(tried) == 1
    await no_file.close()
