"""Print the audit log in a format for other programs, and choose the columns of a list."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from bot.db.audit_pages import LogRow
from bot.domain.audit import event_name
from bot.visible_text import visible_text

EXPORT_COLUMNS = (
    "number",
    "at",
    "event",
    "tag",
    "actor",
    "reference",
    "request_id",
    "target",
    "detail",
    "salt",
    "hash",
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What begins a formula in a spreadsheet."""


async def print_tabs(rows: AsyncIterator[LogRow], out: TextIO) -> None:
    """Print columns, separated by tabs and without a heading."""
    async for row in rows:
        out.write("\t".join(cells(row)) + "\n")


async def export_json_lines(rows: AsyncIterator[LogRow], out: TextIO) -> None:
    """Print one JSON object a line."""
    async for row in rows:
        out.write(json.dumps(_exported(row)) + "\n")


async def export_csv(rows: AsyncIterator[LogRow], out: TextIO) -> None:
    """Print CSV with a heading. A cell that would start a formula begins with an apostrophe."""
    writer = csv.writer(out)
    writer.writerow(EXPORT_COLUMNS)
    async for row in rows:
        exported = _exported(row)
        columns = [json.dumps(value) if isinstance(value, dict) else value for value in exported.values()]
        writer.writerow([_harmless(cell) for cell in columns])


Printer = Callable[[AsyncIterator[LogRow], TextIO], Awaitable[None]]

EXPORTS: Mapping[str, Printer] = {"jsonl": export_json_lines, "csv": export_csv}


def cells(row: LogRow) -> list[str]:
    """Return the columns of a list as text without control characters."""
    event = row.event
    detail = " ".join(f"{name}={_brief(value)}" for name, value in sorted(event.detail.items()) if value is not None)
    values = (row.number, _time(event.at), event_name(event), event.actor, event.target, event.reference, detail)
    return [visible_text(str(cell if cell is not None else "-")) for cell in values]


def _brief(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, int | float) else str(value)


def _exported(row: LogRow) -> dict[str, Any]:
    event = row.event
    return {
        "number": row.number,
        "at": datetime.fromtimestamp(event.at, UTC).isoformat(),
        "event": event_name(event),
        "tag": str(event.tag),
        "actor": event.actor,
        "reference": event.reference,
        "request_id": event.request_id,
        "target": event.target,
        "detail": dict(event.detail),
        "salt": event.salt,
        "hash": row.hash,
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
