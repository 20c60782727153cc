"""Fill a database with audit rows and pending requests, as months of use would.

`python -m bench.subject.fill <database url> <audit rows> <pending requests>`
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from bot.db import audit, statements
from bot.db.driver import Driver
from bot.db.engine import Database
from bot.db.postgres import PostgresDriver
from bot.db.rows import audit_event_to_row, item_to_row, request_to_row
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import GENESIS, AuditChain
from bot.domain.people import Person
from bot.domain.requests import MessageRef, Request

BATCH_SIZE = 5000
REQUEST_TTL = 43_200.0

INSERT_JOB = """
INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until, done_at)
VALUES (:kind, :key, :request_id, :payload, :prio, :created_at, :due_at, :attempts, :lease_until, :done_at)
"""


async def fill(driver: Driver, audit_rows: int, pending: int) -> None:
    """Insert all rows into existing tables, `BATCH_SIZE` rows per transaction."""
    now = time.time()
    database = Database(driver)
    await _insert(database, audit.INSERT, _audit_rows(audit_rows, now))
    await _insert(database, statements.INSERT_REQUEST, (_request_row(one, now) for one in range(pending)))
    await _insert(database, statements.INSERT_ITEM, (item_to_row(_request(one, now)) for one in range(pending)))
    await _insert(database, INSERT_JOB, (_card_job(one, now) for one in range(pending)))
    await database.close()


async def _insert(database: Database, statement: str, rows: Iterable[Mapping[str, Any]]) -> None:
    waiting = iter(rows)
    while some := list(islice(waiting, BATCH_SIZE)):
        await database.write(partial(_insert_batch, statement, some), limited=False)


def _insert_batch(statement: str, rows: Sequence[Mapping[str, Any]], tx: Transaction) -> None:
    for row in rows:
        tx.execute(statement, **row)


def _audit_rows(count: int, now: float) -> Iterator[Mapping[str, Any]]:
    chain, last = AuditChain(), GENESIS
    for number in range(1, count + 1):
        row = AuditEvent(
            now, EventType.REQUESTED, "U0REQUESTER", f"R{number}", f"old-{number}", None, {"reason": "laptop stolen"}
        )
        last = chain.hash(row, last, number)
        yield audit_event_to_row(row) | {"number": number, "hash": last}


def _request(number: int, now: float) -> Request:
    return Request(
        id=f"pending-{number}",
        reference=f"P{number}",
        action="revoke",
        requester="U0REQUESTER",
        requested_in="C0OPS00001",
        created_at=now,
        expires_at=now + REQUEST_TTL,
        target=Person(id="00000000-0000-4000-8000-000000000000", name="Person 0", email="t0@example.com"),
        target_slack_id="U0T0",
        reason="laptop stolen",
        approvals_required=1,
        card=MessageRef("D0APPROVER", "1700000000.000000"),
    )


def _request_row(number: int, now: float) -> Mapping[str, Any]:
    return request_to_row(_request(number, now)) | {"ask_key": f"key-{number}", "ask_url": None}


def _card_job(number: int, now: float) -> Mapping[str, Any]:
    """Return the finished job that posted the card, which the bot keeps for an hour."""
    return {
        "kind": "card",
        "key": f"card:pending-{number}",
        "request_id": f"pending-{number}",
        "payload": "{}",
        "prio": 2,
        "created_at": now,
        "due_at": now,
        "attempts": 1,
        "lease_until": 0.0,
        "done_at": now + 3000,
    }


def _driver(url: str) -> Driver:
    path = url.removeprefix("sqlite:///")
    return PostgresDriver(url) if path == url else SqliteDriver(Path(path))


if __name__ == "__main__":
    asyncio.run(fill(_driver(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
