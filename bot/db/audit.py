"""The audit table: rows chained one to the next, written in the transaction of what they tell."""

from __future__ import annotations

from sqlalchemy import insert, select

from bot.db.engine import AdvisoryLock, Transaction
from bot.db.rows import entry_of_row, row_of_entry
from bot.db.schema import audit
from bot.domain.audit import GENESIS, AuditEvent, chain_hash

_LAST = select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)
_ADD = insert(audit)


def write(tx: Transaction, row: AuditEvent) -> None:
    """Add a row, chained to the last one; one writer at a time, or two would chain to the same row."""
    tx.acquire_lock(AdvisoryLock.TRAIL)
    sealed = chain_hash(row, tx.execute(_LAST).scalar_one_or_none() or GENESIS)
    tx.execute(_ADD, row_of_entry(row) | {"hash": sealed})


def read(tx: Transaction, request_id: str | None = None) -> list[tuple[AuditEvent, str]]:
    """Return the rows, of one request if said, oldest first, each with its hash."""
    wanted = select(audit).order_by(audit.c.id)
    if request_id is not None:
        wanted = wanted.where(audit.c.request_id == request_id)
    return [(entry_of_row(row), row.hash) for row in tx.execute(wanted)]
