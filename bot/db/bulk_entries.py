"""SQL on the entries of bulk requests. Each function is part of the transaction that it is given."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

from bot.db.driver import Row
from bot.db.transaction import Transaction
from bot.domain.bulk import BulkEntry, EntryFinding
from bot.domain.bulk_files import StoredEntry
from bot.domain.people import Person, comparable_email

COLUMNS = (
    "request_id", "place", "text", "finding", "target_id", "name", "email", "division", "state", "member", "protected",
    "conversations",
)  # fmt: skip

ROWS_AT_ONCE = 200
"""Entries that one statement inserts: 10,000 statements would take longer than a transaction may."""

PAGE = """
SELECT * FROM bulk_entries WHERE request_id = :request_id AND place > :after ORDER BY place LIMIT :limit
"""

FOUND = """
SELECT place, target_id FROM bulk_entries WHERE request_id = :request_id AND finding = 'found' ORDER BY place
"""

UNSUCCESSFUL = """
SELECT bulk_entries.target_id, requests.reference
FROM bulk_entries JOIN requests ON requests.id = bulk_entries.request_id
WHERE request_id = :request_id AND requests.finished_at IS NOT NULL AND bulk_entries.outcome IN ('failed', 'unknown')
ORDER BY place
"""

NAMES = "SELECT member, email FROM bulk_entries WHERE request_id = :request_id AND finding = 'found'"


def insert(tx: Transaction, request_id: str, entries: Iterable[BulkEntry]) -> None:
    """Store the list of a bulk request, in its order."""
    rows = [{"request_id": request_id, "place": place} | _columns(entry) for place, entry in enumerate(entries)]
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[first : first + ROWS_AT_ONCE]
        values = {f"{name}{number}": value for number, row in enumerate(some) for name, value in row.items()}
        tx.send(_insert(len(some)), **values)


@cache
def _insert(rows: int) -> str:
    """Return the statement that inserts a number of entries."""
    one = [f"({', '.join(f':{name}{number}' for name in COLUMNS)})" for number in range(rows)]
    return f"INSERT INTO bulk_entries ({', '.join(COLUMNS)}) VALUES {', '.join(one)}"  # noqa: S608 - of constants


def found(tx: Transaction, request_id: str) -> dict[int, str]:
    """Return the Genesys Cloud ids that a bulk request is about, by their places in its list and in order."""
    return {row.place: row.target_id for row in tx.fetch(FOUND, request_id=request_id)}


def unsuccessful(tx: Transaction, request_id: str) -> tuple[str, list[str]]:
    """Return the reference of a finished bulk request, and the ids of those who failed or are unknown."""
    rows = tx.fetch(UNSUCCESSFUL, request_id=request_id)
    return rows[0].reference if rows else "", [row.target_id for row in rows]


def names(tx: Transaction, request_id: str, members: Collection[str], email: str | None) -> bool:
    """Return whether a bulk request is about a person, by Slack user ids or comparable email address.

    Databases do not compare addresses as `comparable_email` does, for example outside ASCII.
    """
    rows = tx.fetch(NAMES, request_id=request_id)
    return any(row.member in members or (email and comparable_email(row.email) == email) for row in rows)


def page(tx: Transaction, request_id: str, after: int, limit: int) -> list[tuple[int, StoredEntry]]:
    """Return the entries after a place in the list, each with its place."""
    found = tx.fetch(PAGE, request_id=request_id, after=after, limit=limit)
    return [(row.place, StoredEntry(entry_from_row(row), row.outcome, _detail(row), row.finished_at)) for row in found]


def _detail(row: Row) -> dict[str, Any]:
    try:
        return dict(json.loads(row.detail))
    except (TypeError, ValueError):
        return {}


def _columns(entry: BulkEntry) -> dict[str, Any]:
    person = entry.person
    return {
        "text": entry.text,
        "finding": entry.finding.value,
        "target_id": person.id if person else None,
        "name": person.name if person else None,
        "email": person.email if person else None,
        "division": person.division if person else None,
        "state": person.state if person else None,
        "member": entry.slack_id,
        "protected": int(entry.protected),
        "conversations": entry.conversations,
    }


def entry_from_row(row: Row) -> BulkEntry:
    """Return the entry of a row."""
    person = Person(row.target_id, row.name or "", row.email, row.division, row.state) if row.target_id else None
    return BulkEntry(row.text, EntryFinding(row.finding), person, row.member, bool(row.protected), row.conversations)
