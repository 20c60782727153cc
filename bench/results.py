"""Saved results: results.json with the rows of each benchmark, and the table in docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.chart import AFTER_CLICK, render_chart
from bench.table import Row, from_json, to_markdown

RESULTS = Path(__file__).parent / "results.json"
DOCUMENT = Path(__file__).parents[1] / "docs/performance.md"
CHART = DOCUMENT.with_name("one-click.svg")
BEGIN, END = "<!-- begin: written by make bench -->", "<!-- end: written by make bench -->"


def save(benchmark: str, rows: Iterable[Row], rounds: int) -> None:
    """Replace the saved rows of a benchmark."""
    saved = load()
    saved["machine"] = machine()
    saved["benchmarks"][benchmark] = {
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "commit": commit(),
        "rounds": rounds,
        "load": os.getloadavg()[0],
        "rows": [row.to_json() for row in rows],
    }
    RESULTS.write_text(json.dumps(saved, indent=1) + "\n")


def load() -> dict[str, Any]:
    """Return all saved results."""
    saved: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"benchmarks": {}}
    return saved


def machine() -> dict[str, Any]:
    """Describe the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in lines if line.startswith("model name")), "")
    return {"cpu": model.partition(": ")[2], "cores": os.cpu_count(), "python": platform.python_version()}


def commit() -> str:
    """Return the abbreviated commit of the working tree, with `-dirty` after uncommitted changes."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=DOCUMENT.parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def write_docs(benchmarks: Iterable[str]) -> None:
    """Write the saved rows between the markers of the document, and draw the chart."""
    saved = load()
    measured = [saved["benchmarks"][name] for name in benchmarks if name in saved["benchmarks"]]
    rows = [from_json(row) for one in measured for row in one["rows"]]
    if any(row.compared_with == AFTER_CLICK for row in rows):
        CHART.write_text(render_chart(rows))
    DOCUMENT.write_text(replace_table(DOCUMENT.read_text(), f"{_caption(saved)}\n\n{to_markdown(rows)}"))


def replace_table(document: str, table: str) -> str:
    """Return the document with a new text between its markers."""
    before, _, rest = document.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _caption(saved: dict[str, Any]) -> str:
    days = sorted({one["at"][:10] for one in saved["benchmarks"].values()})
    commits = sorted({one["commit"] for one in saved["benchmarks"].values()})
    on = saved["machine"]
    return (
        f"Measured {' and '.join(days)} at commit {' and '.join(commits)} "
        f"on {on['cores']} cores ({on['cpu']}), Python {on['python']}."
    )
