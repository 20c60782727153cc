"""Stop the bot after acknowledged commands, then count the cards; run it with `make soak`."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from bot.db.connect import database_from_settings
from bot.db.job_queue import JobQueue
from bot.db.requests import RequestStore
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysUser
from bot.sandbox.slack.faults import SlackFault
from bot.settings import read_settings
from tests.soak import wait_until_idle
from tests.support.examples import SEALS
from tests.support.postgres import Server, server
from tests.support.process import BotProcess, RunBot, bot_process, run_bot

SLACK_DELAY = 0.2
"""How long Slack takes for each call, in seconds, so that no card is posted before the process ends."""

MAX_UPTIME = 0.15
"""Maximum time between the acknowledgement and the signal, in seconds."""

METHODS = ("users.info", "usergroups.users.list", "chat.postMessage", "chat.update")


@dataclass(frozen=True)
class Case:
    """What is stopped, and how."""

    database: str
    transport: str
    signal: signal.Signals

    def __str__(self) -> str:
        return f"{self.database}, {self.transport}, {self.signal.name}"


CASES = [
    Case(*combination)
    for combination in product(("SQLite", "PostgreSQL"), ("HTTP", "Socket Mode"), (signal.SIGKILL, signal.SIGTERM))
]


@dataclass(frozen=True)
class CommandCount:
    """How many cards the acknowledged commands of a run have led to."""

    acknowledged: int
    missing: int
    repeated: int
    deletes: int

    @property
    def violations(self) -> int:
        """The number of broken promises."""
        return self.missing + self.repeated + self.deletes


async def stop_after_commands(bot: BotProcess, case: Case, rounds: int, rng: random.Random) -> CommandCount:
    """Send a command in each round, stop the process after its acknowledgement, and start it again."""
    for method in METHODS:
        bot.slack.fault(method, SlackFault(delay=SLACK_DELAY, times=None))
    targets: list[str] = []
    for number in range(1, rounds + 1):
        running = await bot.serve("serve")
        target = str(UUID(int=number, version=4))
        bot.genesys.users[target] = GenesysUser(target, f"Person {number}", f"person{number}@example.com")
        delivery = await bot.slack.command(personas.RAVI, f"revoke {target}", personas.OPS)
        if delivery.status == 200:
            targets.append(target)
        await asyncio.sleep(rng.uniform(0, MAX_UPTIME))
        running.process.send_signal(case.signal)
        await running.wait()
    await bot.serve("serve")
    async with _store(bot) as store:
        await wait_until_idle(store)
    cards = [bot.slack.text_of(one) for one in bot.slack.messages if bot.slack.buttons(one)]
    found = [sum(target in text for text in cards) for target in targets]
    return CommandCount(len(targets), found.count(0), sum(count > 1 for count in found), len(bot.deletes))


@asynccontextmanager
async def _store(bot: BotProcess) -> AsyncIterator[RequestStore]:
    database = database_from_settings(read_settings(bot.environ))
    yield RequestStore(database, JobQueue(database, "soak#1"), SEALS)
    await database.close()


async def stop_after_commands_of(
    case: Case, rounds: int, seed: int, postgres: Server, run: RunBot = run_bot
) -> CommandCount:
    """Run one case with a new database."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    with TemporaryDirectory() as folder:
        socket_mode = case.transport == "Socket Mode"
        async with bot_process(Path(folder), socket_mode=socket_mode, sleep=asyncio.sleep, run=run) as bot:
            if case.database == "SQLite":
                return await stop_after_commands(bot, case, rounds, rng)
            async with postgres.database() as url:
                bot.environ["DATABASE_URL"] = url
                return await stop_after_commands(bot, case, rounds, rng)


async def main(rounds: int, seed: int) -> int:
    """Run every case; return the exit code."""
    violations = 0
    with server() as postgres:
        for case in CASES:
            count = await stop_after_commands_of(case, rounds, seed, postgres)
            violations += count.violations
            print(  # noqa: T201 - a person at a terminal reads it
                f"{case}, seed {seed}: {count.acknowledged} commands acknowledged, {count.missing} without a card,"
                f" {count.repeated} with several cards, {count.deletes} DELETEs",
                flush=True,
            )
    return int(violations > 0)


if __name__ == "__main__":
    ROUNDS, SEED = (*sys.argv[1:], *("20", str(int(time.time())))[len(sys.argv) - 1 :])
    sys.exit(asyncio.run(main(int(ROUNDS), int(SEED))))
