"""The audit log: each row's hash includes the hash of the row before it."""

from __future__ import annotations

from bot.db.rows import audit_event_from_row, audit_event_to_row
from bot.db.transaction import Transaction
from bot.domain.audit import GENESIS, AuditEvent, chain_hash

LAST_HASH = "SELECT hash FROM audit ORDER BY id DESC LIMIT 1"

INSERT = """
INSERT INTO audit (at, tag, actor, reference, request_id, target, detail, hash)
VALUES (:at, :tag, :actor, :reference, :request_id, :target, :detail, :hash)
"""

SELECT = "SELECT * FROM audit ORDER BY id"

SELECT_OF_REQUEST = "SELECT * FROM audit WHERE request_id = :request_id ORDER BY id"


def append(tx: Transaction, event: AuditEvent) -> None:
    """Append an event, chained to the last row.

    The transaction is the only writer, so its group reads the last hash once.
    """
    chained = tx.group["last_hash"] = chain_hash(event, tx.group.get("last_hash") or _last_hash(tx))
    tx.execute(INSERT, **audit_event_to_row(event), hash=chained)


def _last_hash(tx: Transaction) -> str:
    last = tx.fetch_one(LAST_HASH)
    return str(last.hash) if last else GENESIS


def read(tx: Transaction, request_id: str | None = None) -> list[tuple[AuditEvent, str]]:
    """Return the events of one request, or all if it is None, oldest first, each with its hash."""
    rows = tx.fetch(SELECT) if request_id is None else tx.fetch(SELECT_OF_REQUEST, request_id=request_id)
    return [(audit_event_from_row(row), row.hash) for row in rows]
