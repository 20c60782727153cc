"""The rate of revocations on SQLite and on PostgreSQL with several replicas.

16 users at a time make 2,000 revocations, each from the command to the card with its outcome. Everything shares
two cores: the bots, PostgreSQL, the fakes and the users.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count, islice

from bench.config import Config
from bench.processes import DEV_PYTHON, MeasuredProcess, run_program, run_server, unpaced_bot_command
from bench.revocation_load import create_database, revoke_people
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Row

REVOCATIONS = 2000
REPLICAS = {"SQLite": 1, "1 replica": 1, "2 replicas": 2, "4 replicas": 4}
GOALS = {"1 replica": Goal(150, of="subject", at_least=True, unit="/s")}


async def measure(config: Config) -> list[Row]:
    """Let one, two and four replicas take turns, each turn on a new database."""
    numbers = count(1)
    async with run_program(DEV_PYTHON, "bench.subject.postgres", core=None) as postgres:
        await postgres.read_message()
        turns = {name: partial(_turn, config, name, postgres, numbers) for name in REPLICAS}
        samples = await interleave(turns, config.slow_rounds)
    return [_row(samples, name) for name in REPLICAS]


async def _turn(config: Config, name: str, postgres: MeasuredProcess, numbers: Iterator[int]) -> Sample:
    targets = list(islice(numbers, REVOCATIONS))
    url = await create_database(config, f"replicas{targets[0]}", name, postgres)
    async with _run_replicas(config, url, REPLICAS[name]) as replicas:
        return await revoke_people(config, replicas, targets)


@asynccontextmanager
async def _run_replicas(config: Config, url: str, replicas: int) -> AsyncIterator[list[MeasuredProcess]]:
    async with AsyncExitStack() as stack:
        environ = config.environ(DATABASE_URL=url)
        yield [
            await stack.enter_async_context(run_server(unpaced_bot_command(), environ, core=None, path="/readyz"))
            for _ in range(replicas)
        ]


def _row(samples: Samples, name: str) -> Row:
    other = "1 replica" if name != "1 replica" else "SQLite"
    return Row(
        f"2,000 revocations, {_title(name)}",
        _title(other),
        samples.median(name, "rate"),
        samples.median(other, "rate"),
        "/s",
        samples.ratio(name, other, "rate"),
        GOALS.get(name),
        (_note(samples, name), _note(samples, other)),
    )


def _title(name: str) -> str:
    return name if name == "SQLite" else f"{name} on PostgreSQL"


def _note(samples: Samples, name: str) -> str:
    return f" ({samples.median(name, 'cpu'):.3g} ms CPU each)"
