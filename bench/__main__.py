"""`python -m bench [ONLY…]`: measure, print the table, keep it in results.json, write it into docs/performance.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import results
from bench.config import Plan
from bench.fakes import world
from bench.processes import LOAD, SAID, NotHereError
from bench.table import NOT_HERE, Line, plain

ROWS = ("start", "calls", "bulk", "faults", "ack", "listeners", "click", "serve", "statements", "replicas", "growth")
"""The files of `bench/rows`, in the table's order."""


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument(
        "only", nargs="*", metavar="ROW", help=f"which rows, of {', '.join(ROWS)}; all if none is named"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--docs", action="store_true", help="write the kept table into docs/performance.md")
    chosen = parser.parse_args()
    unknown = set(chosen.only) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if not chosen.docs or chosen.only:
        os.sched_setaffinity(0, {LOAD})
        uvloop.run(_measure(chosen.only or ROWS, chosen.rounds))
    if chosen.docs:
        results.write_docs(ROWS)


async def _measure(only: tuple[str, ...] | list[str], rounds: int) -> None:
    for name in only:
        began = time.monotonic()
        with TemporaryDirectory(prefix="bench-", dir=_disk()) as folder:
            async with world() as stand_ins:
                lines = await _row(name, Plan(stand_ins, rounds, Path(folder)))
        results.keep(name, lines, rounds)
        _tell(f"{plain(lines)}\n({name}: {time.monotonic() - began:.0f} s, {rounds} rounds)\n")
        await asyncio.sleep(0)


async def _row(name: str, plan: Plan) -> list[Line]:
    try:
        lines: list[Line] = await import_module(f"bench.rows.{name}").measure(plan)
    except NotHereError as missing:
        return [Line(name, str(missing), NOT_HERE)]
    return lines


def _disk() -> Path:
    """A folder on the disk the project is on: what is in memory would make a commit look free."""
    folder = Path(__file__).parent / ".work"
    folder.mkdir(exist_ok=True)
    SAID.write_bytes(b"")
    return folder


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
