"""What was measured, kept: results.json, row by row, with the machine it was measured on; and the table in the docs."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.chart import AFTER, picture
from bench.table import Line, line_of, markdown

KEPT = Path(__file__).parent / "results.json"
DOCS = Path(__file__).parents[1] / "docs/performance.md"
PICTURE = DOCS.with_name("one-click.svg")
BEGIN, END = "<!-- make bench writes this -->", "<!-- to here -->"


def keep(row: str, lines: Iterable[Line], rounds: int) -> None:
    """Put a row in place of what it was before."""
    kept = read()
    kept["machine"] = machine()
    kept["rows"][row] = {
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "rounds": rounds,
        "load": os.getloadavg()[0],
        "lines": [line.as_json() for line in lines],
    }
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")


def read() -> dict[str, Any]:
    """Return what is kept."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {"rows": {}}
    return kept


def machine() -> dict[str, Any]:
    """Say what it was measured on."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {"cpu": cpu.partition(": ")[2], "cores": os.cpu_count(), "python": platform.python_version()}


def write_docs(rows: Iterable[str]) -> None:
    """Put the kept table between the markers of the document, and draw its picture."""
    kept = read()
    lines = [line_of(one) for row in rows if row in kept["rows"] for one in kept["rows"][row]["lines"]]
    days = sorted({kept["rows"][row]["at"][:10] for row in kept["rows"]})
    on = kept["machine"]
    said = f"Measured {' and '.join(days)} on {on['cores']} cores ({on['cpu']}), Python {on['python']}."
    if any(line.beside == AFTER for line in lines):
        PICTURE.write_text(picture(lines))
    before, _, rest = DOCS.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCS.write_text(f"{before}{BEGIN}\n{said}\n\n{markdown(lines)}\n{END}{after}")
