"""The engine: transactions that are queued together share a commit, and each succeeds on its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.db.driver import TRANSACTION_TIMEOUT, CommitUnknown, ConnectionLost, DatabaseUnavailable
from bot.db.engine import Database
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from tests.support.clock import FakeClock
from tests.support.number_table import (
    CREATE,
    INSERT,
    THREAD_TIMEOUT,
    busy_thread,
    insert_numbers,
    numbers,
    open_number_table,
    stored_numbers,
    uncommitted_insert,
)
from tests.support.recording_driver import RecordingDriver


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[Database, RecordingDriver]]:
    async with open_number_table(tmp_path) as opened:
        yield opened


@pytest.fixture
def database(opened: tuple[Database, RecordingDriver]) -> Database:
    return opened[0]


@pytest.fixture
def driver(opened: tuple[Database, RecordingDriver]) -> RecordingDriver:
    return opened[1]


async def write_together(database: Database, *steps: Callable[[Transaction], Any]) -> list[Any]:
    """Run steps in one group; return their results and exceptions."""
    async with busy_thread(database):
        writing = [asyncio.create_task(database.write(step)) for step in steps]
    async with asyncio.timeout(THREAD_TIMEOUT / 2):
        return await asyncio.gather(*writing, return_exceptions=True)


async def test_transactions__queued_together_verify_the_database_once_and_after_their_commit(
    database: Database, driver: RecordingDriver
) -> None:
    async with busy_thread(database):
        before = driver.verifications
        reading = [asyncio.create_task(database.read(numbers)) for _ in range(3)]
        writing = [asyncio.create_task(database.write(insert_numbers(number))) for number in (1, 2)]
    await asyncio.gather(*reading, *writing)
    assert driver.verifications == before + 2

    await database.read(numbers)
    assert driver.verifications == before + 3


async def test_write__commits_every_statement(database: Database) -> None:
    await database.write(insert_numbers(1, 2))
    assert await stored_numbers(database) == [1, 2]


async def test_write__failing_statement_rolls_back_all(database: Database, driver: RecordingDriver) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(insert_numbers(1, 1))
    assert await stored_numbers(database) == []
    assert (driver.commits, driver.rollbacks) == ([], 1)


async def test_write__fifty_queued_transactions_share_one_commit(database: Database, driver: RecordingDriver) -> None:
    results = await write_together(database, *(insert_numbers(number) for number in range(50)))

    assert results == [(number,) for number in range(50)]
    assert await stored_numbers(database) == list(range(50))
    assert driver.commits == [True]


async def test_write__sequential_transactions_commit_one_by_one(database: Database, driver: RecordingDriver) -> None:
    for number in range(3):
        await database.write(insert_numbers(number))
    assert driver.commits == [True, True, True]


@pytest.mark.parametrize(
    ("durable", "expected"), [((False, False), [False]), ((False, True), [True]), ((True, False), [True])]
)
async def test_write__group_waits_for_the_disk_if_one_of_its_transactions_must(
    database: Database, driver: RecordingDriver, durable: tuple[bool, bool], expected: list[bool]
) -> None:
    async with busy_thread(database):
        writing = [
            asyncio.create_task(database.write(insert_numbers(number), durable=one))
            for number, one in enumerate(durable)
        ]
    await asyncio.gather(*writing)
    assert driver.commits == expected


async def test_write__failure_does_not_affect_transactions_of_the_same_group(database: Database) -> None:
    results = await write_together(database, *(insert_numbers(number) for number in (1, 2, 2, 3)))

    assert [results[0], results[1], results[3]] == [(1,), (2,), (3,)]
    assert isinstance(results[2], sqlite3.IntegrityError)
    assert await stored_numbers(database) == [1, 2, 3]


async def test_write__later_transaction_of_a_group_sees_the_earlier_ones(database: Database) -> None:
    """Each step must therefore check what it relies on, as it does in a transaction of its own."""
    assert await write_together(database, insert_numbers(1), numbers, insert_numbers(2)) == [(1,), [1], (2,)]


async def test_write__returns_only_after_the_commit(database: Database, driver: RecordingDriver) -> None:
    async with uncommitted_insert(database, 1) as writing:
        assert not writing.done()
        assert driver.commits == []
    assert driver.commits == [True]


async def test_write__failing_commit_raises_for_every_transaction_of_the_group(
    database: Database, driver: RecordingDriver
) -> None:
    driver.errors["commit"] = [OSError("broken")] * 3  # the group, then each transaction on its own

    results = await write_together(database, insert_numbers(1), insert_numbers(2))

    assert [type(result) for result in results] == [OSError, OSError]
    assert await stored_numbers(database) == []


async def test_write__unavailable_database_fails_the_group_at_once(database: Database, driver: RecordingDriver) -> None:
    """To repeat each transaction on its own would take the timeout of each, one after another."""
    driver.errors["commit"] = [DatabaseUnavailable("away")]
    connects = driver.connects

    results = await write_together(database, insert_numbers(1), insert_numbers(2))

    assert [type(result) for result in results] == [DatabaseUnavailable, DatabaseUnavailable]
    assert driver.connects == connects
    assert await stored_numbers(database) == []
    assert driver.connects == connects + 1


async def test_write__whose_connection_breaks_in_the_commit_may_be_stored(
    database: Database, driver: RecordingDriver
) -> None:
    driver.errors["commit"] = [ConnectionLost("nothing was stored")]

    with pytest.raises(CommitUnknown, match="it is not known whether anything was stored"):
        await database.write(insert_numbers(1))

    await database.write(insert_numbers(2))
    assert driver.commits == [True]


async def test_connection__lost_while_idle_is_replaced_without_an_error(
    database: Database, driver: RecordingDriver
) -> None:
    driver.errors["begin"] = [ConnectionLost()]
    await database.write(insert_numbers(1))
    driver.errors["execute"] = [ConnectionLost()]
    assert await stored_numbers(database) == [1]
    assert driver.connects == 3


async def test_connection__lost_twice_raises_database_unavailable(database: Database, driver: RecordingDriver) -> None:
    driver.errors["begin"] = [ConnectionLost(), ConnectionLost()]
    with pytest.raises(DatabaseUnavailable):
        await database.write(insert_numbers(1))
    await database.write(insert_numbers(2))
    assert await stored_numbers(database) == [2]


async def test_connection__lost_in_a_transaction_is_replaced_for_the_next_one(
    database: Database, driver: RecordingDriver
) -> None:
    driver.errors["execute"] = [ConnectionLost()]
    with pytest.raises(DatabaseUnavailable):
        await database.write(insert_numbers(1))
    await database.write(insert_numbers(2))
    assert await stored_numbers(database) == [2]


async def test_connection__whose_rollback_fails_is_replaced(database: Database, driver: RecordingDriver) -> None:
    driver.errors["rollback"] = [OSError()]
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(insert_numbers(1, 1))
    await database.write(insert_numbers(2))
    assert await stored_numbers(database) == [2]
    assert driver.connects == 2


async def test_connect__failure_is_not_retried(tmp_path: Path) -> None:
    """A second attempt would double the wait for a locked file, at SIGTERM too."""
    driver = RecordingDriver(SqliteDriver(tmp_path / "bot.db"))
    database = Database(driver)
    for work in (database.read, database.write):
        driver.errors["connect"] = [ConnectionLost(), ConnectionLost()]
        with pytest.raises(DatabaseUnavailable):
            await work(numbers)
        assert len(driver.errors["connect"]) == 1
    await database.close()


async def test_write__cancelled_caller_does_not_stop_the_commit(database: Database) -> None:
    async with uncommitted_insert(database, 1) as writing:
        writing.cancel()
    await database.write(insert_numbers(2))
    assert await stored_numbers(database) == [1, 2]


async def test_read__cancelled_while_queued_never_runs(database: Database) -> None:
    ran: list[None] = []
    async with busy_thread(database):
        reading = asyncio.create_task(database.read(lambda _tx: ran.append(None)))
        writing = asyncio.create_task(database.write(insert_numbers(1)))
        await asyncio.sleep(0)
        reading.cancel()
    await writing

    assert reading.cancelled()
    assert ran == []
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

    results = await write_together(database, insert_numbers(1), fail, insert_numbers(2))

    assert [results[0], results[2]] == [(1,), (2,)]
    assert isinstance(results[1], expected)
    assert await stored_numbers(database) == [1, 2]


async def test_write__past_its_deadline_is_refused_and_never_runs(tmp_path: Path) -> None:
    clock = FakeClock()
    database = Database(SqliteDriver(tmp_path / "bot.db"), monotonic=clock)
    await database.write(lambda tx: tx.execute(CREATE))
    async with uncommitted_insert(database, 1):
        too_late = asyncio.create_task(database.write(insert_numbers(2)))
        await asyncio.sleep(0)
        clock.advance(TRANSACTION_TIMEOUT + 1)
        in_time = asyncio.create_task(database.write(insert_numbers(3)))
        await asyncio.sleep(0)
    with pytest.raises(DatabaseUnavailable):
        await too_late
    await in_time
    assert await stored_numbers(database) == [1, 3]
    await database.close()


async def test_write__caller_does_not_wait_longer_than_the_timeout(tmp_path: Path) -> None:
    database = Database(SqliteDriver(tmp_path / "bot.db"), timeout=0.05)
    await database.write(lambda tx: tx.execute(CREATE), limited=False)
    async with busy_thread(database):
        with pytest.raises(DatabaseUnavailable, match="nothing was stored"):
            await database.write(insert_numbers(1))
    assert await database.read(numbers) == []
    await database.close()


async def test_close__refuses_later_transactions(database: Database) -> None:
    await database.close()
    for work in (database.read, database.write):
        with pytest.raises(DatabaseUnavailable):
            await work(numbers)


async def test_close__waits_for_a_running_write(database: Database, tmp_path: Path) -> None:
    async with uncommitted_insert(database, 1):
        closing = asyncio.create_task(database.close())
        await asyncio.sleep(0)
        assert not closing.done()
    await closing
    other = Database(SqliteDriver(tmp_path / "bot.db"))
    assert await stored_numbers(other) == [1]
    await other.close()


async def test_now__is_constant_in_a_transaction_and_its_group(tmp_path: Path) -> None:
    clock = FakeClock(43_200.0)
    database = Database(SqliteDriver(tmp_path / "other.db"), clock=clock)

    def twice(tx: Transaction) -> tuple[float, float]:
        first = tx.now
        clock.advance(1)
        return first, tx.now

    assert await database.write(twice) == (43_200.0, 43_200.0)
    assert await database.read(lambda tx: tx.now) == 43_201.0
    await database.close()


async def test_execute__returns_the_number_of_changed_rows(database: Database) -> None:
    await database.write(insert_numbers(1, 2, 3))
    changed = await database.write(lambda tx: tx.execute("DELETE FROM numbers WHERE number > :limit", limit=1))
    assert changed == 2
    assert await database.write(lambda tx: tx.execute(INSERT, number=7)) == 1
    assert await database.read(lambda tx: tx.fetch_one("SELECT 1 FROM numbers WHERE number = 99")) is None
