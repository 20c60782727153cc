"""The audit log: each row's hash covers its number and the hash of the row before it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import NamedTuple

from bot.db.driver import Row
from bot.db.rows import audit_event_from_row, audit_event_to_row
from bot.db.transaction import Transaction
from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import GENESIS, AuditChain, Checkpoint, checkpoint_of, scheme_of

SALT_BYTES = 16
"""Random bytes of a row, too many to try all."""

HEAD = "SELECT id, number, hash FROM audit ORDER BY id DESC LIMIT 1"

COUNT = "SELECT COUNT(*) AS number FROM audit"

INSERT = """
INSERT INTO audit (number, at, tag, actor, reference, request_id, target, detail, salt, hash)
VALUES (:number, :at, :tag, :actor, :reference, :request_id, :target, :detail, :salt, :hash)
"""

SELECT = "SELECT * FROM audit ORDER BY id"

SELECT_OF_REQUEST = "SELECT * FROM audit WHERE request_id = :request_id ORDER BY id"


class Head(NamedTuple):
    """The last row of the log: its number and its hash. An empty log has the number 0."""

    number: int
    hash: str


def append(tx: Transaction, event: AuditEvent, chain: AuditChain) -> None:
    """Append an event, chained to the last row.

    The transaction is the only writer, so its group reads the last row once. The first row that another key protects
    than the row before it is a row about the key.
    """
    last = head(tx)
    if scheme_of(last.hash) != chain.scheme and last.number:
        keys = {"from": scheme_of(last.hash), "to": chain.scheme}
        last = _add(tx, AuditEvent(event.at, EventType.KEY_CHANGED, "bot", detail=keys), chain, last)
    _add(tx, event, chain, last)


def _add(tx: Transaction, event: AuditEvent, chain: AuditChain, last: Head) -> Head:
    event = replace(event, salt=secrets.token_hex(SALT_BYTES))
    added = Head(last.number + 1, chain.hash(event, last.hash, last.number + 1))
    tx.send(INSERT, **audit_event_to_row(event), number=added.number, hash=added.hash)
    tx.group["audit_head"] = added
    return added


def head(tx: Transaction) -> Head:
    """Return the last row."""
    known = tx.group.get("audit_head")
    return known if isinstance(known, Head) else _read_head(tx)


def _read_head(tx: Transaction) -> Head:
    row = tx.fetch_one(HEAD)
    if row is None:
        return Head(0, GENESIS)
    return Head(_count(tx) if row.number is None else row.number, row.hash)


def _count(tx: Transaction) -> int:
    """Return the number of rows, where an earlier version of the bot has written the last one."""
    counted = tx.fetch_one(COUNT)
    return int(counted.number) if counted else 0


def checkpoint(tx: Transaction) -> Checkpoint | None:
    """Return the checkpoint of the last row, None for an empty log."""
    last = head(tx)
    return checkpoint_of(last.number, last.hash) if last.number else None


def read(tx: Transaction, request_id: str | None = None) -> list[tuple[AuditEvent, str]]:
    """Return the events of one request, or all if it is None, oldest first, each with its hash."""
    rows = tx.fetch(SELECT) if request_id is None else tx.fetch(SELECT_OF_REQUEST, request_id=request_id)
    return [chained(row) for row in rows]


def chained(row: Row) -> tuple[AuditEvent, str]:
    """Return the event of a row and its hash."""
    return audit_event_from_row(row), row.hash
