"""Statements that are sent together: their order, values, errors, and messages to PostgreSQL."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import AsyncIterator
from functools import partial

import psycopg
import pytest

from bot.db.engine import Database
from bot.db.postgres import KNOWN_STATEMENTS, PostgresDriver, _for_psycopg
from bot.db.transaction import Transaction
from tests.support.database import DatabaseHarness
from tests.support.postgres import Server

CREATE = "CREATE TABLE notes (number INTEGER PRIMARY KEY, note TEXT, at DOUBLE PRECISION)"
INSERT = "INSERT INTO notes (number, note, at) VALUES (:number, :note, :at)"
SELECT = "SELECT number, note, at FROM notes ORDER BY number"
RETURNING = f"{INSERT} RETURNING number"

NOTES = (
    "it's", '"quoted"', "100 %", "%(note)s", "%s", ":note", "'; DROP TABLE notes; --", "\\", "\\'", "two\nlines",
    "é 😀", "", "$$", "/* */", "E'\\x41'", None,
)  # fmt: skip
TIMES = (0.0, -1.5, 1_795_858_637.483662, 1e300, 5e-324, 0.1 + 0.2)


@pytest.fixture
async def notes(db: DatabaseHarness) -> AsyncIterator[Database]:
    await db.run(CREATE)
    yield db.database
    await db.run("DROP TABLE notes")


def insert(tx: Transaction, *numbers: int) -> None:
    for number in numbers:
        tx.send(INSERT, number=number, note="sent", at=0.0)


def stored(tx: Transaction) -> list[int]:
    return [row.number for row in tx.fetch(SELECT)]


async def test_send__precedes_the_next_statement(notes: Database) -> None:
    def step(tx: Transaction) -> tuple[list[int], int, list[int]]:
        insert(tx, 1, 2)
        seen = stored(tx)
        insert(tx, 3)
        changed = tx.execute("UPDATE notes SET note = :note", note="changed")
        insert(tx, 4)
        tx.send("DELETE FROM notes WHERE number = :number", number=2)
        return seen, changed, stored(tx)

    assert await notes.write(step) == ([1, 2], 3, [1, 3, 4])


async def test_send__last_statements_are_committed(notes: Database) -> None:
    await notes.write(lambda tx: insert(tx, 1, 2))
    assert await notes.read(stored) == [1, 2]


@pytest.mark.parametrize("last", [True, False])
async def test_send__failing_statement_rolls_back_all(notes: Database, last: bool) -> None:
    def step(tx: Transaction) -> None:
        insert(tx, 1, 2, 1, 3)
        if not last:
            stored(tx)

    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)):
        await notes.write(step)
    assert await notes.read(stored) == []
    await notes.write(lambda tx: insert(tx, 5))
    assert await notes.read(stored) == [5]


async def test_send__statements_of_a_failed_step_are_not_sent_later(notes: Database) -> None:
    def step(tx: Transaction) -> None:
        insert(tx, 1)
        raise LookupError

    with pytest.raises(LookupError):
        await notes.write(step)
    await notes.write(lambda tx: insert(tx, 2))
    assert await notes.read(stored) == [2]


async def test_send__outside_a_transaction_is_executed_at_once(notes: Database) -> None:
    await notes.read(lambda tx: insert(tx, 1))
    assert await notes.read(stored) == [1]


async def test_fetch_each__returns_the_first_row_of_each(notes: Database) -> None:
    def step(tx: Transaction) -> tuple[list[int | None], list[object]]:
        insert(tx, 2)
        unless_known = f"{INSERT} ON CONFLICT DO NOTHING RETURNING number"
        rows = tx.fetch_each(unless_known, [{"number": one, "note": None, "at": 0.0} for one in (1, 2, 3)])
        return [row and row.number for row in rows], tx.fetch_each(RETURNING, [])

    assert await notes.write(step) == ([1, None, 3], [])
    assert await notes.read(stored) == [1, 2, 3]


@pytest.mark.parametrize("way", ["execute", "send", "fetch_each"])
async def test_values__are_stored_as_they_are(notes: Database, way: str) -> None:
    rows = [{"number": number, "note": note, "at": 0.0} for number, note in enumerate(NOTES)]
    rows += [{"number": 100 + number, "note": "", "at": at} for number, at in enumerate(TIMES)]

    def step(tx: Transaction) -> None:
        if way == "fetch_each":
            tx.fetch_each(RETURNING, rows)
            return
        for row in rows:
            (tx.execute if way == "execute" else tx.send)(INSERT, **row)

    await notes.write(step)
    assert [tuple(row) for row in await notes.read(lambda tx: tx.fetch(SELECT))] == [
        tuple(row.values()) for row in rows
    ]


SETTINGS = (
    "",
    "client_encoding=SHIFT_JIS_2004",  # writes a backslash as a character that the server reads as a backslash
    "client_encoding=LATIN1",
    "client_encoding=SQL_ASCII",
    "options=-c%20client_encoding%3DSJIS",
    "options=-c%20standard_conforming_strings%3Doff",
    "client_encoding=SHIFT_JIS_2004&options=-c%20standard_conforming_strings%3Doff%20-c%20backslash_quote%3Don",
)


@pytest.mark.parametrize("settings", SETTINGS)
async def test_values__are_quoted_whatever_the_server_reads_in_a_string(postgres: Server, settings: str) -> None:
    async with postgres.emptied() as url:
        database = Database(PostgresDriver(f"{url}?{settings}"))
        texts = [*NOTES, "\\' || CAST(1 / 0 AS TEXT) --", "¥\\' || CAST(1 / 0 AS TEXT) --"]
        found = [await database.write(partial(_cast, note=note)) for note in texts]
        await database.close()
    assert found == texts


def _cast(tx: Transaction, note: str | None) -> object:
    return tx.fetch("SELECT CAST(:note AS TEXT) AS note", note=note)[0].note


async def test_send__takes_no_message_of_its_own(postgres: Server) -> None:
    async with postgres.emptied() as url:
        database = Database(PostgresDriver(url))
        await database.write(lambda tx: tx.execute(CREATE.replace("CREATE", "CREATE TEMPORARY")))
        with psycopg.connect(url, autocommit=True) as other:

            def message(pid: int) -> str:
                row = other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
                assert row
                return str(row[0])

            def step(tx: Transaction) -> tuple[int, str, str, str]:
                pid = tx.fetch("SELECT pg_backend_pid() AS pid")[0].pid
                insert(tx, 1, 2)
                before = message(pid)
                stored(tx)
                together = message(pid)
                tx.fetch_each(RETURNING, [{"number": one, "note": None, "at": 0.0} for one in (3, 4)])
                each = message(pid)
                insert(tx, 5)
                return pid, before, together, each

            pid, before, together, each = await database.write(step)
            at_the_end = message(pid)
        assert before == "SELECT pg_backend_pid() AS pid"
        assert (together.count("INSERT"), together.count("SELECT")) == (2, 1)
        assert (each.count("INSERT"), each.count("SELECT")) == (2, 0)
        assert at_the_end.count("INSERT") == 1
        assert at_the_end.endswith("COMMIT")
        await database.close()


SECRET = "https://hooks.slack.com/commands/T0TEAM/123456/secret"

FAILURES = {
    "another column": (INSERT, "UPDATE notes SET missing = :note"),
    "another table": ("UPDATE notes SET note = :note WHERE number = :number", "UPDATE missing SET note = :note"),
    "another type": ("INSERT INTO notes (note, number) VALUES (:note, 'abc')",),
    "a known row": ("INSERT INTO notes (number) VALUES (:number)", INSERT),
    "no value": ("INSERT INTO notes (note, number) VALUES (:note, NULL)",),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("way", ["execute", "send", "read"])
async def test_error__quotes_no_value(postgres: Server, failure: str, way: str) -> None:
    """PostgreSQL quotes the statement and the row, so that a part of a response_url would be in the log."""

    def step(tx: Transaction) -> None:
        for statement in FAILURES[failure]:
            (tx.send if way == "send" else tx.execute)(statement, number=1, note=SECRET, at=0.0)

    async with postgres.database(empty=True) as url:
        database = Database(PostgresDriver(url))
        await database.write(lambda tx: tx.execute(CREATE))
        with pytest.raises(psycopg.Error) as raised:
            await (database.read if way == "read" else database.write)(step)
        await database.close()
    shown = "".join(traceback.format_exception(raised.value))
    assert "secret" not in shown
    assert "hooks" not in shown
    assert str(raised.value) == raised.value.diag.message_primary


async def test_statements__with_numbers_in_their_texts_take_no_memory_for_ever(postgres: Server) -> None:
    async with postgres.emptied() as url:
        database = Database(PostgresDriver(url))
        await database.read(lambda tx: [tx.fetch(f"SELECT {number}") for number in range(KNOWN_STATEMENTS + 10)])
        await database.close()
    assert _for_psycopg.cache_info().currsize == KNOWN_STATEMENTS
