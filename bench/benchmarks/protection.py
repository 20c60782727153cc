"""The cost of what protects the bot from untrusted traffic: the bot next to itself without it.

`bench.subject.unprotected` names what is removed. The machine and the rest of the bot are the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import islice

from bench.benchmarks.ack import REQUESTS, SATURATED, request_kinds, send_requests
from bench.config import Config
from bench.processes import BOT_PYTHON, Command, MeasuredProcess, run_server
from bench.revocation_load import DATABASES, create_database, interleave_on_databases, revoke_people
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Row

REVOCATIONS = 500
BOTS = ("protected", "unprotected")
GOAL = Goal(1.1)


async def measure(config: Config) -> list[Row]:
    """Let both bots take turns, first at acknowledgements and then at revocations."""
    return [*await _measure_acks(config), *await _measure_revocations(config)]


async def _measure_acks(config: Config) -> list[Row]:
    rows = []
    kinds = request_kinds(config.slack_requests)
    async with AsyncExitStack() as stack:
        servers = {
            bot: await stack.enter_async_context(run_server(_command(bot, "acks"), config.environ(f"{bot}_acks")))
            for bot in BOTS
        }
        for kind in ("whoami", "click"):
            turns = {
                bot: partial(send_requests, one, kind, kinds[kind], SATURATED, REQUESTS[SATURATED])
                for bot, one in servers.items()
            }
            samples = await interleave(turns, config.rounds)
            rows.append(_row(samples, f"ack of {kind}, {SATURATED} connections, CPU per request", "µs", factor=1e6))
    return rows


async def _measure_revocations(config: Config) -> list[Row]:
    samples = await interleave_on_databases(BOTS, partial(_turn, config), config.rounds)
    return [_row(samples, f"CPU per revocation, {one}, 16 users", "ms", suffix=f", {one}") for one in DATABASES]


async def _turn(config: Config, bot: str, database: str, postgres: MeasuredProcess, numbers: Iterator[int]) -> Sample:
    people = list(islice(numbers, REVOCATIONS))
    url = await create_database(config, f"{bot}{people[0]}", database, postgres)
    environ = config.environ(DATABASE_URL=url)
    async with run_server([*_command(bot, "serve"), "serve"], environ, core=None, path="/readyz") as running:
        return await revoke_people(config, [running], people)


def _command(bot: str, subject: str) -> Command:
    """Return the command line of a subject; the unprotected one runs it in its own process."""
    module = [f"bench.subject.{subject}"] if bot == "protected" else ["bench.subject.unprotected", subject]
    return [BOT_PYTHON, "-m", *module]


def _row(samples: Samples, label: str, unit: str, *, factor: float = 1.0, suffix: str = "") -> Row:
    ours, other = (f"{bot}{suffix}" for bot in BOTS)
    return Row(
        label,
        "the bot without protection",
        samples.median(ours, "cpu") * factor,
        samples.median(other, "cpu") * factor,
        unit,
        samples.ratio(ours, other, "cpu"),
        GOAL,
    )
