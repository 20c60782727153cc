"""The audit log: each row's hash includes the hash of the row before it."""

from __future__ import annotations

from sqlalchemy import insert, select

from bot.db.engine import AdvisoryLock, Transaction
from bot.db.rows import audit_event_from_row, audit_event_to_row
from bot.db.schema import audit
from bot.domain.audit import GENESIS, AuditEvent, chain_hash

_LAST_HASH = select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)
_INSERT = insert(audit)


def append(tx: Transaction, event: AuditEvent) -> None:
    """Append an event, chained to the last row.

    The lock admits one writer at a time, because two writers would chain to the same row.
    """
    tx.acquire_lock(AdvisoryLock.AUDIT)
    chained = chain_hash(event, tx.execute(_LAST_HASH).scalar_one_or_none() or GENESIS)
    tx.execute(_INSERT, audit_event_to_row(event) | {"hash": chained})


def read(tx: Transaction, request_id: str | None = None) -> list[tuple[AuditEvent, str]]:
    """Return the events of one request, or all if it is None, oldest first, each with its hash."""
    rows = select(audit).order_by(audit.c.id)
    if request_id is not None:
        rows = rows.where(audit.c.request_id == request_id)
    return [(audit_event_from_row(row), row.hash) for row in tx.execute(rows)]
