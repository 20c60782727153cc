"""The bot next to its version before the database engine was rewritten (commit `ed7f9a7`).

Sixteen users make revocations at the same time, each from the command to the card with its outcome. Both
versions use the same fakes and the same PostgreSQL server, and take turns.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from bench.config import Config
from bench.processes import BENCH, BOT_PYTHON, ROOT, MeasuredProcess, run_server
from bench.revocation_load import DATABASES, create_database, interleave_on_databases, revoke_people
from bench.sampling import Sample, Samples
from bench.table import Goal, Row

REVOCATIONS = 500
PREVIOUS = BENCH / ".previous"
"""The previous version, with an environment of its own (see the Makefile)."""

VERSIONS = {"this version": (ROOT, BOT_PYTHON), "the previous version": (PREVIOUS, PREVIOUS / ".bot/bin/python")}
CPU_GOALS = {"SQLite": Goal(0.55), "PostgreSQL": Goal(0.33)}
RATE_GOALS = {"PostgreSQL": Goal(2.5, at_least=True)}


async def measure(config: Config) -> list[Row]:
    """Let both versions take turns on both databases, each turn on a new database."""
    samples = await interleave_on_databases(VERSIONS, partial(_turn, config), config.slow_rounds)
    return [row for database in DATABASES for row in _rows(samples, database)]


async def _turn(
    config: Config, version: str, database: str, postgres: MeasuredProcess, numbers: Iterator[int]
) -> Sample:
    targets = list(islice(numbers, REVOCATIONS))
    url = await create_database(config, f"previous{targets[0]}", database, postgres)
    async with _run(config, version, url) as running:
        return await revoke_people(config, [running], targets)


@asynccontextmanager
async def _run(config: Config, version: str, url: str) -> AsyncIterator[MeasuredProcess]:
    folder, python = VERSIONS[version]
    module = "bench.subject.serve" if folder == ROOT else "bot"  # the previous version has no pace
    command: list[str | Path] = [python, "-m", module, "serve"]
    environ = config.environ(DATABASE_URL=url)
    async with run_server(command, environ, core=None, path="/readyz", cwd=folder) as running:
        yield running


def _rows(samples: Samples, database: str) -> list[Row]:
    new, old = (f"{version}, {database}" for version in VERSIONS)
    return [
        Row(
            f"{label}, {database}, 16 users",
            "the version before the new engine",
            samples.median(new, figure),
            samples.median(old, figure),
            unit,
            samples.ratio(new, old, figure),
            goals.get(database),
        )
        for figure, label, unit, goals in (
            ("cpu", "CPU per revocation", "ms", CPU_GOALS),
            ("rate", "revocations", "/s", RATE_GOALS),
        )
    ]
