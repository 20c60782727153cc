"""Check random histories on both databases, and random simulations; run it with `make histories`.

python -m tests.histories 100       a hundred histories on each database, with new seeds
python -m tests.histories 1 17      the same choices as before with seed 17; what they meet may differ
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.support.history import violations
from tests.support.history_entries import Entry, Kind, write_lines
from tests.support.history_workload import record_history
from tests.support.postgres import Server, server
from tests.support.schema import put_database
from tests.support.simulated_scenarios import simulate_random

CONCURRENCY = 4
"""Histories at the same time. Each mostly waits."""

SIMULATIONS = 10
"""Simulations for each history; one takes some milliseconds."""

SHOWN = (Kind.COMMAND, Kind.ASK, Kind.CLICK, Kind.DELETE, Kind.DISRUPTION)


@asynccontextmanager
async def empty_database(postgres: Server | None, folder: Path) -> AsyncIterator[str]:
    """Yield the URL of an empty database, on SQLite without a server."""
    async with AsyncExitStack() as stack:
        if postgres:
            yield await stack.enter_async_context(postgres.database())
        else:
            put_database(folder / "bot.db")
            yield f"sqlite:///{folder / 'bot.db'}"


async def check(seed: int, postgres: Server | None, counts: Counter[str]) -> list[str]:
    """Record the history of a seed; return a line for each violation, and save the history then."""
    with TemporaryDirectory() as folder:
        async with empty_database(postgres, Path(folder)) as url:
            history = await record_history(seed, url, Path(folder))
    counts.update(entry.kind for entry in history)
    found = violations(history)
    if not found:
        return []
    name = "PostgreSQL" if postgres else "SQLite"
    return [f"seed {seed} on {name}, history in {save(history, seed, name)}", *(f"  {one}" for one in found)]


def save(history: Sequence[Entry], seed: int, database: str) -> Path:
    """Write a history to the current folder and return its file."""
    path = Path(f"history-{database.lower()}-{seed}.jsonl")
    path.write_text(write_lines(sorted(history, key=lambda one: one.at)))
    return path


def check_simulations(number: int, first: int) -> bool:
    """Run simulations with random faults; print the violations, and return whether there are any."""
    found = {seed: simulate_random(seed) for seed in range(first, first + number)}
    bad = [f"seed {seed} in the simulation: {one}" for seed, promises in found.items() for one in promises]
    print(f"Simulation: {number} runs, {sum(map(bool, found.values()))} with violations", *bad, sep="\n")  # noqa: T201
    return bool(bad)


async def check_histories(number: int, first: int) -> bool:
    """Check histories on both databases; print the violations, and return whether there are any."""
    slots, failed = asyncio.Semaphore(CONCURRENCY), False

    async def limited(seed: int, postgres: Server | None, counts: Counter[str]) -> list[str]:
        async with slots:
            return await check(seed, postgres, counts)

    print(f"seeds {first} to {first + number - 1}")  # noqa: T201 - a person at a terminal reads it
    with server() as started:
        for name, postgres in (("SQLite", None), ("PostgreSQL", started)):
            counts: Counter[str] = Counter()
            run = partial(limited, postgres=postgres, counts=counts)
            results = await asyncio.gather(*map(run, range(first, first + number)))
            bad = [line for lines in results for line in lines]
            failed = failed or bool(bad)
            seen = ", ".join(f"{kind}: {counts[kind]}" for kind in SHOWN)
            print(f"{name}: {number} histories, {sum(map(bool, results))} with violations ({seen})", *bad, sep="\n")  # noqa: T201
    return failed


def main(number: int, first: int) -> int:
    """Return the exit code."""
    results = [asyncio.run(check_histories(number, first)), check_simulations(number * SIMULATIONS, first)]
    return int(any(results))


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # Bolt warns at each start of a replica
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    NUMBER, FIRST = (*sys.argv[1:], *("100", str(int(time.time())))[len(sys.argv) - 1 :])
    sys.exit(main(int(NUMBER), int(FIRST)))
