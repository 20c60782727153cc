"""Facts about the database that outlive a process, by name."""

from __future__ import annotations

from collections.abc import Mapping

from bot.db.transaction import Transaction

SELECT = "SELECT name, value FROM metadata"

ADD = "INSERT INTO metadata (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING"

PUT = (
    "INSERT INTO metadata (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def read(tx: Transaction) -> dict[str, str]:
    """Return every fact."""
    return {row.name: row.value for row in tx.fetch(SELECT)}


def add(tx: Transaction, facts: Mapping[str, str]) -> dict[str, str]:
    """Add facts that are not known yet, and return every fact."""
    for name, value in facts.items():
        tx.send(ADD, name=name, value=value)
    return read(tx)


def put(tx: Transaction, name: str, value: str) -> None:
    """Store a fact, in place of an earlier one."""
    tx.send(PUT, name=name, value=value)
