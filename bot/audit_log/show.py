"""Print the audit log: as a table for people, or in a format for other programs."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from bot.db.audit_pages import LogRow
from bot.visible_text import visible_text

EXPORT_COLUMNS = ("number", "at", "tag", "actor", "reference", "request_id", "target", "detail", "hash")

_WIDTHS = {"row": 7, "time": 19, "event": 24, "actor": 12, "target": 36, "reference": 9}
"""The columns of the table and their widths in characters; the last column, the details, has the rest."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What begins a formula in a spreadsheet."""


async def print_table(rows: AsyncIterator[LogRow], out: TextIO) -> None:
    """Print aligned columns with a heading."""
    _print_aligned([*_WIDTHS, "detail"], out)
    async for row in rows:
        _print_aligned(_cells(row), out)


async def print_tabs(rows: AsyncIterator[LogRow], out: TextIO) -> None:
    """Print the same columns, separated by tabs and without a heading."""
    async for row in rows:
        out.write("\t".join(_cells(row)) + "\n")


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
        cells = [json.dumps(value) if isinstance(value, dict) else value for value in exported.values()]
        writer.writerow([_harmless(cell) for cell in cells])


Printer = Callable[[AsyncIterator[LogRow], TextIO], Awaitable[None]]

EXPORTS: Mapping[str, Printer] = {"jsonl": export_json_lines, "csv": export_csv}


def _cells(row: LogRow) -> list[str]:
    event = row.event
    detail = " ".join(f"{name}={_brief(value)}" for name, value in sorted(event.detail.items()) if value is not None)
    cells = (row.number, _time(event.at), event.tag, event.actor, event.target, event.reference, detail)
    return [visible_text(str(cell if cell is not None else "-")) for cell in cells]


def _brief(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, int | float) else str(value)


def _print_aligned(cells: list[str], out: TextIO) -> None:
    *narrow, last = cells
    padded = [cell.ljust(width) for cell, width in zip(narrow, _WIDTHS.values(), strict=True)]
    out.write("  ".join([*padded, last]).rstrip() + "\n")


def _exported(row: LogRow) -> dict[str, Any]:
    event = row.event
    return {
        "number": row.number,
        "at": datetime.fromtimestamp(event.at, UTC).isoformat(),
        "tag": str(event.tag),
        "actor": event.actor,
        "reference": event.reference,
        "request_id": event.request_id,
        "target": event.target,
        "detail": dict(event.detail),
        "hash": row.hash,
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
