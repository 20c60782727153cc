"""The tables of docs/faults.md: the tests generate them and compare them with the page.

Update the page with
`pytest --snapshot-update -n0 tests/integration/test_faults.py tests/integration/test_slack_faults.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def render_table(header: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return a Markdown table; faults (the first column) with equal cells share a row."""
    faults_by_cells: dict[tuple[str, ...], list[str]] = {}
    for fault, cells in rows:
        faults_by_cells.setdefault(tuple(cells), []).append(fault)
    lines = [_row(header), _row(["---"] * len(header))]
    return "\n".join([*lines, *(_row(["; ".join(faults), *cells]) for cells, faults in faults_by_cells.items())])


def read_table(title: str) -> str:
    """Return the table below a heading of the page."""
    found = _section(title).search(PAGE.read_text())
    assert found, f"docs/faults.md has no section {title!r}"
    return found["table"].strip()


def write_table(title: str, table: str) -> None:
    """Replace the table below a heading of the page; the text above the table stays."""
    page = PAGE.read_text()
    assert _section(title).search(page), f"docs/faults.md has no section {title!r}"
    PAGE.write_text(_section(title).sub(lambda found: f"{found['text'].rstrip()}\n\n{table}\n\n", page))


def _section(title: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<text>^## {re.escape(title)}\n(?:(?!\||## ).*\n)*)(?P<table>(?:\|.*\n)*\n*)", re.MULTILINE)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"
