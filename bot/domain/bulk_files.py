"""The CSV files of a bulk request: what was found, and how each revocation ended."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.domain.bulk import BulkEntry
from bot.visible_text import visible_text

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With these, a spreadsheet would take a cell for a formula."""


class BulkFile(StrEnum):
    """The files that a bulk request gets in the thread of its card."""

    PREVIEW = "preview"
    """What was found for each entry of the list, once the card is posted."""
    OUTCOMES = "outcomes"
    """How each person's revocation ended, once the request has ended."""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its outcome. `finished_at` is in epoch seconds, `detail` a code and its parameters."""

    entry: BulkEntry
    outcome: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    finished_at: float | None = None


HEADERS: Mapping[BulkFile, Sequence[str]] = {
    BulkFile.PREVIEW: (
        "entry", "finding", "name", "email", "genesys_id", "division", "state", "protected", "conversations",
    ),
    BulkFile.OUTCOMES: (
        "name", "email", "genesys_id", "outcome", "code", "http_status", "finished_at", "correlation_id", "entry",
    ),
}  # fmt: skip


def header(file: BulkFile) -> str:
    """Return the first row of a file."""
    return _csv([HEADERS[file]])


def rows(file: BulkFile, stored: Iterable[StoredEntry], *, conversations: bool = False) -> str:
    """Return the rows of entries. The file of the outcomes has only people with an outcome.

    `conversations` is for people who may see who is in a call.
    """
    if file is BulkFile.PREVIEW:
        return _csv(_found(one.entry, conversations=conversations) for one in stored)
    return _csv(_ended(one) for one in stored if one.outcome)


def _found(entry: BulkEntry, *, conversations: bool) -> Sequence[str]:
    person = entry.person
    facts = (person.name, person.email, person.id, person.division, person.state) if person else [""] * 5
    protected = "yes" if entry.protected else ""
    busy = str(entry.conversations) if conversations and entry.conversations is not None else ""
    return [entry.text, entry.finding.value, *(fact or "" for fact in facts), protected, busy]


def _ended(stored: StoredEntry) -> Sequence[str]:
    person, detail = stored.entry.person, stored.detail
    at = datetime.fromtimestamp(stored.finished_at, UTC).isoformat(timespec="seconds") if stored.finished_at else ""
    facts = (person.name, person.email or "", person.id) if person else ("", "", "")
    known = (str(detail.get(name) or "") for name in ("code", "status"))
    return [*facts, stored.outcome or "", *known, at, str(detail.get("correlation_id") or ""), stored.entry.text]


def _csv(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in line] for line in lines)
    return text.getvalue()


def _cell(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    shown = visible_text(value)
    return f"'{shown}" if value.startswith(_FORMULA_STARTS) or shown.startswith(_FORMULA_STARTS) else shown
