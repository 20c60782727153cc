"""docs/faults.md, a section at a time: what happens is written as a table and compared with the one that stands there.

`pytest --snapshot-update -n0 tests/integration/test_faults.py tests/integration/test_slack_faults.py` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A Markdown table; faults (the first column) with the same consequences share a row."""
    same: dict[tuple[str, ...], list[str]] = {}
    for fault, consequences in rows:
        same.setdefault(tuple(consequences), []).append(fault)
    lines = [_row(head), _row(["---"] * len(head))]
    return "\n".join([*lines, *(_row(["; ".join(faults), *cells]) for cells, faults in same.items())])


def written(title: str) -> str:
    """The table under a heading."""
    found = _under(title).search(PAGE.read_text())
    assert found, f"docs/faults.md has no section {title!r}"
    return found["table"].strip()


def write(title: str, text: str) -> None:
    """Put a table under a heading in place of the one there; the words above it stay."""
    page = PAGE.read_text()
    assert _under(title).search(page), f"docs/faults.md has no section {title!r}"
    PAGE.write_text(_under(title).sub(lambda found: f"{found['head'].rstrip()}\n\n{text}\n\n", page))


def _under(title: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<head>^## {re.escape(title)}\n(?:(?!\||## ).*\n)*)(?P<table>(?:\|.*\n)*\n*)", re.MULTILINE)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"
