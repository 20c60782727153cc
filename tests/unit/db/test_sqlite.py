"""SQLite commits queued transactions together, and each of them succeeds or fails on its own."""

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
from tests.support.number_table import SELECT, THREAD_TIMEOUT, insert_numbers, open_number_table, stored_numbers


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_number_table(tmp_path) as opened:
        yield opened


@pytest.fixture
def counted(database: Database) -> Counter[str]:
    """The number of commits and rollbacks."""
    counted: Counter[str] = Counter()
    for name in ("commit", "rollback"):
        event.listen(database.engine.engine, name, lambda _connection, name=name: counted.update([name]))
    return counted


@asynccontextmanager
async def busy_thread(database: Database) -> AsyncIterator[None]:
    """Keep the database's thread busy, so that the transactions begun inside are queued together."""
    loop, started, end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait_for_end(_tx: Transaction) -> None:
        loop.call_soon_threadsafe(started.set)
        end.wait(THREAD_TIMEOUT)

    busy = asyncio.create_task(database.read(wait_for_end))
    await started.wait()  # the thread would otherwise take a part of what follows into its first batch
    yield
    for _ in range(3):  # each transaction is queued on the second turn of the loop
        await asyncio.sleep(0)
    end.set()
    await busy


async def test_write__fifty_queued_transactions_share_one_commit(database: Database, counted: Counter[str]) -> None:
    async with busy_thread(database):
        counted.clear()
        writing = [asyncio.create_task(database.write(insert_numbers(number))) for number in range(50)]
    results = await asyncio.gather(*writing)

    assert results == [(number,) for number in range(50)]
    assert await stored_numbers(database) == list(range(50))
    assert counted["commit"] == 1


async def test_write__sequential_transactions_commit_one_by_one(database: Database, counted: Counter[str]) -> None:
    for number in range(3):
        await database.write(insert_numbers(number))

    assert counted["commit"] == 3


async def test_write__failure_does_not_affect_transactions_of_the_same_batch(database: Database) -> None:
    async with busy_thread(database):
        writing = [asyncio.create_task(database.write(insert_numbers(number))) for number in (1, 2, 2, 3)]
    results = await asyncio.gather(*writing, return_exceptions=True)

    assert [results[0], results[1], results[3]] == [(1,), (2,), (3,)]
    assert isinstance(results[2], IntegrityError)
    assert await stored_numbers(database) == [1, 2, 3]


async def test_write__returns_only_after_the_commit(database: Database) -> None:
    done_at_commit: list[tuple[bool, ...]] = []
    async with busy_thread(database):
        writing = [asyncio.create_task(database.write(insert_numbers(number))) for number in (1, 2)]
        event.listen(
            database.engine.engine, "commit", lambda _: done_at_commit.append(tuple(one.done() for one in writing))
        )
    await asyncio.gather(*writing)

    assert set(done_at_commit) == {(False, False)}


async def test_write__failing_commit_raises_for_every_transaction_of_the_batch(database: Database) -> None:
    def refuse(_connection: object) -> None:
        message = "The disk is full."
        raise OSError(message)

    event.listen(database.engine.engine, "commit", refuse)
    async with busy_thread(database):
        writing = [asyncio.create_task(database.write(insert_numbers(number))) for number in (1, 2)]
    results = await asyncio.gather(*writing, return_exceptions=True)
    event.remove(database.engine.engine, "commit", refuse)

    assert all(isinstance(result, Exception) for result in results)
    assert await stored_numbers(database) == []


async def test_read__cancelled_while_queued_never_runs(database: Database) -> None:
    async with busy_thread(database):
        reading = asyncio.create_task(stored_numbers(database))
        writing = asyncio.create_task(database.write(insert_numbers(1)))
        await asyncio.sleep(0)
        reading.cancel()
    await writing

    assert reading.cancelled()
    assert await stored_numbers(database) == [1]


async def test_read__of_the_same_batch_sees_no_uncommitted_rows(database: Database) -> None:
    async with busy_thread(database):
        writing = asyncio.create_task(database.write(insert_numbers(1)))
        reading = asyncio.create_task(stored_numbers(database))
    await writing

    assert await reading == []
    assert await stored_numbers(database) == [1]


async def test_read__of_the_same_batch_does_not_wait_for_the_writes(database: Database) -> None:
    ended: list[bool] = []
    end = threading.Event()
    async with busy_thread(database):
        writing = asyncio.create_task(database.write(lambda _tx: ended.append(end.wait(THREAD_TIMEOUT))))
        reading = asyncio.create_task(stored_numbers(database))
    async with asyncio.timeout(THREAD_TIMEOUT / 2):
        await reading

    assert not ended
    end.set()
    await writing
    assert ended == [True]


class Exit(BaseException):
    """An exception that is no Exception, as SystemExit."""


@pytest.mark.parametrize(("raised", "expected"), [(Exit(), Exit), (StopIteration(), TypeError)])
async def test_write__unusual_exception_reaches_its_caller_only(
    database: Database, raised: BaseException, expected: type[BaseException]
) -> None:
    def fail(_tx: Transaction) -> None:
        raise raised

    async with busy_thread(database):
        writing = [asyncio.create_task(database.write(step)) for step in (insert_numbers(1), fail, insert_numbers(2))]
    async with asyncio.timeout(THREAD_TIMEOUT / 2):
        results = await asyncio.gather(*writing, return_exceptions=True)

    assert [results[0], results[2]] == [(1,), (2,)]
    assert isinstance(results[1], expected)
    assert await stored_numbers(database) == [1, 2]


@pytest.mark.parametrize("method", ["read", "write"])
async def test_connect__failure_is_not_retried(tmp_path: Path, method: str) -> None:
    """A second attempt would double the wait for a locked file, at SIGTERM too."""
    directory = Database(sqlite_engine(tmp_path))
    attempts: list[None] = []
    event.listen(directory.engine.engine, "do_connect", lambda *_: attempts.append(None))

    with pytest.raises(OperationalError, match="unable to open"):
        await getattr(directory, method)(lambda tx: tx.execute(SELECT))

    assert len(attempts) == 1
    await directory.close()
