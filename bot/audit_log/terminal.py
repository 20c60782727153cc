"""Tables and progress bars for people at a terminal; only `audit` imports rich, which loads slowly."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bot.audit_log.progress import ReportProgress, no_progress
from bot.db.audit_pages import LogRow

COLUMNS = ("row", "time", "event", "actor", "target", "reference", "details")

WIDTHS = {"row": 7, "time": 19, "event": 26, "actor": 11, "target": 36, "reference": 9}
"""The widths of columns on a wide terminal, in characters; the details have the rest of the line."""

NARROW_WIDTHS = {"row": 7, "time": 10, "event": 11, "actor": 11, "target": 9, "reference": 9}
"""The same on a narrow terminal. Longer values go on in the next line."""

WIDE = 150
"""Characters of a line from which a terminal is wide."""

MIN_DETAILS = 10
"""Minimum width of the details, in characters; a narrower terminal breaks the line itself."""

ROWS_AT_A_TIME = 200
"""Rows of one part of a table. A table in parts needs flat memory, and shows its first rows at once."""

PROGRESS_DELAY = 1.0
"""Seconds after which work shows its progress."""


async def print_table(rows: AsyncIterator[LogRow], out: TextIO, cells: Callable[[LogRow], list[str]]) -> None:
    """Print a table in parts, so that a log of any length needs the same memory. The cells are plain text."""
    console = Console(file=out, markup=False, highlight=False, emoji=False)
    table = _table(console.width, heading=True)
    async for row in rows:
        table.add_row(*(Text(cell) for cell in cells(row)))
        if table.row_count == ROWS_AT_A_TIME:
            console.print(table)
            table = _table(console.width, heading=False)
    if table.row_count or table.show_header:
        console.print(table)


def _table(width: int, *, heading: bool) -> Table:
    table = Table(box=None, show_header=heading, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    widths = WIDTHS if width >= WIDE else NARROW_WIDTHS
    details = max(width - sum(widths.values()) - 2 * len(widths), MIN_DETAILS)
    for name in COLUMNS:
        table.add_column(name, width=widths.get(name, details), overflow="fold")
    return table


@contextmanager
def progress_bar(
    label: str, total: int, err: TextIO, clock: Callable[[], float] = time.monotonic
) -> Iterator[ReportProgress]:
    """Yield what shows a progress bar after a second on a terminal, and remove the bar at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(file=err), transient=True, auto_refresh=False)
    task = bar.add_task(label, total=total)
    began = clock()

    def report(done: int) -> None:
        if clock() - began > PROGRESS_DELAY:
            bar.start()
            bar.update(task, completed=done, refresh=True)

    try:
        yield report if err.isatty() else no_progress
    finally:
        if bar.live.is_started:
            bar.stop()
