"""Command line of the benchmarks: `python -m bench [BENCHMARK…]`.

It prints a table, saves it to results.json and, with `--docs`, writes it into docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import results
from bench.config import Config
from bench.fakes import fake_services
from bench.processes import LOAD_CORE, STDERR_LOG, WORK, NotInstalledError, cancel_on_sigterm
from bench.table import NOT_INSTALLED, Row, to_text

BENCHMARKS = (
    "start",
    "calls",
    "bulk",
    "faults",
    "ack",
    "listeners",
    "click",
    "serve",
    "statements",
    "replicas",
    "previous",
    "protection",
    "growth",
)
"""The modules of `bench.benchmarks`, in the order of the table."""


def main() -> None:
    """Run the benchmarks that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the bot next to its baselines.")
    parser.add_argument(
        "only", nargs="*", metavar="BENCHMARK", help=f"benchmarks to run, of {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each benchmark (default: 5)")
    parser.add_argument("--docs", action="store_true", help="write the saved results into docs/performance.md")
    options = parser.parse_args()
    unknown = set(options.only) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown benchmarks: {', '.join(sorted(unknown))}; choose from {', '.join(BENCHMARKS)}")
    if not options.docs or options.only:
        os.sched_setaffinity(0, {LOAD_CORE})
        try:
            uvloop.run(_run(options.only or BENCHMARKS, options.rounds))
        except asyncio.CancelledError:
            sys.exit(128 + signal.SIGTERM)
    if options.docs:
        results.write_docs(BENCHMARKS)


async def _run(names: tuple[str, ...] | list[str], rounds: int) -> None:
    cancel_on_sigterm()
    for name in names:
        began = time.monotonic()
        with TemporaryDirectory(prefix="bench-", dir=_work_folder()) as folder:
            async with fake_services() as fakes:
                rows = await _measure(name, Config(fakes, rounds, Path(folder)))
        results.save(name, rows, rounds)
        _print(f"{to_text(rows)}\n({name}: {time.monotonic() - began:.0f} s, rounds: {rounds})\n")


async def _measure(name: str, config: Config) -> list[Row]:
    try:
        rows: list[Row] = await import_module(f"bench.benchmarks.{name}").measure(config)
    except NotInstalledError as missing:
        return [Row(name, str(missing), NOT_INSTALLED)]
    return rows


def _work_folder() -> Path:
    """Return a folder on the project's disk, because commits to a file system in memory cost nothing."""
    WORK.mkdir(exist_ok=True)
    STDERR_LOG.write_bytes(b"")
    return WORK


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
