"""A bulk request in real time: two processes on PostgreSQL, one of them killed half way; `make bulk`."""

from __future__ import annotations

import asyncio
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import ClientError, ClientSession

from bot.bootstrap.options import rules_of, seals_of
from bot.db.clicks import ClickStore
from bot.db.driver import Row
from bot.db.engine import Database
from bot.db.job_queue import JobQueue
from bot.db.postgres import PostgresDriver
from bot.db.requests import RequestStore
from bot.domain.bulk import BulkEntry, BulkSource, EntryFinding, summarize
from bot.domain.people import Person
from bot.domain.requests import Event, Request
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, GenesysFault
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import FakeSlack
from bot.settings import Settings, read_settings
from tests.support import examples
from tests.support.agents import add_agents
from tests.support.postgres import server
from tests.support.process import ProcessHandle, free_port, run_bot

LIMIT = 300
"""Requests of a token that Genesys Cloud accepts in a minute."""

LATENCY = 0.05
"""Seconds until Genesys Cloud answers a DELETE."""

SINGLE_INTERVAL = 10.0
"""Seconds between two revocations of one person, which overtake the bulk request."""

NAME = "bulk"


@dataclass
class Figures:
    """What was measured."""

    people: int
    pool: int
    seconds: float = 0.0
    deletes: int = 0
    limited: int = 0
    most_in_a_window: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    audited_once: bool = False
    memory: dict[int, list[float]] = field(default_factory=dict)
    """MiB of each process, by its id, every second."""
    waits: list[float] = field(default_factory=list)
    """Seconds from the click on a single revocation to its DELETE."""

    def lines(self) -> Iterator[str]:
        """Yield the lines of a report."""
        used = self.deletes / (self.seconds * self.pool * LIMIT / 60)
        yield f"{self.people} people, {self.pool} tokens: {self.deletes} DELETEs in {self.seconds:.1f} s"
        yield f"used: {used:.1%} of the allowance; most in any 60 s: {self.most_in_a_window}; 429: {self.limited}"
        yield f"outcomes: {dict(self.outcomes)}; exactly one audit row a person: {self.audited_once}"
        for one in self.memory.values():
            yield f"memory: {one[0]:.0f} MiB at first, at most {max(one):.0f}, {one[-1]:.0f} at last"
        waits = sorted(self.waits)
        if waits:
            p50 = waits[len(waits) // 2]
            yield f"single revocations: {len(waits)}, click to DELETE p50 {p50:.3f} s, at most {waits[-1]:.3f} s"


class Run:
    """The fakes, two processes of the bot, and the store that they share."""

    def __init__(self, stack: AsyncExitStack, figures: Figures, folder: Path, database_url: str) -> None:
        self.figures = figures
        self.slack = FakeSlack(members=personas.members(), groups=personas.groups(), channels=personas.channels())
        self.genesys = FakeGenesys(users=genesys_users(), enforces_rate_limit=True, rate_limit=LIMIT)
        self._stack, self._folder, self._database_url = stack, folder, database_url
        self.processes: list[tuple[ProcessHandle, int]] = []

    async def start(self) -> None:
        """Start everything."""
        await self.slack.start()
        self._stack.push_async_callback(self.slack.stop)
        environ = environment(self.slack, await self.genesys.start(), self._folder)
        self._stack.push_async_callback(self.genesys.stop)
        environ |= {"DATABASE_URL": self._database_url, "LOG_LEVEL": "warning", "TOKEN_POOL": str(self.figures.pool)}
        environ |= {"MAX_COMMANDS_PER_MINUTE": "10000", "MAX_CLICKS_PER_MINUTE": "10000", "MAX_OPEN_REQUESTS": "100"}
        self.settings: Settings = read_settings(environ)
        self.session = await self._stack.enter_async_context(ClientSession())
        for _ in range(2):
            port = free_port()
            process = await run_bot(["serve"], environ | {"PORT": str(port)})
            self._stack.push_async_callback(kill, process)
            self.processes.append((process, port))
        for _, port in self.processes:
            await self._ready(port)
        database = Database(PostgresDriver(self._database_url))
        self._stack.push_async_callback(database.close)
        queue = JobQueue(database, "bulk#1")
        self.store = RequestStore(database, queue, seals_of(self.settings), lanes=self.figures.pool)

    async def _ready(self, port: int) -> None:
        while True:
            try:
                async with self.session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    if response.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.1)

    async def approve(self) -> None:
        """Store a bulk request, and approve it."""
        agents = add_agents(self.genesys, self.figures.people)
        entries = [BulkEntry(one.email, EntryFinding.FOUND, Person(one.id, one.name, one.email)) for one in agents]
        request: Request = examples.request(
            id=NAME, reference="BULK", target=None, target_slack_id=None, requester=personas.OLIVIA,
            rules=rules_of(self.settings), bulk=summarize(BulkSource.LIST, entries), card=None,
        )  # fmt: skip
        await self.store.create(request, ttl=900, key=NAME, command_url=None, entries=entries)
        click = await self.store.record_click(NAME, "click", {"action": "approve", "user_id": personas.OLIVIA})
        stored = await self.store.get(NAME)
        if click is None or stored is None:
            raise RuntimeError("the request was not stored")
        await ClickStore(self.store).apply(stored, Event.APPROVE, job=click, by=personas.OLIVIA)

    async def watch(self) -> None:
        """Note the memory of each process every second."""
        while True:
            for process, _ in self.processes:
                if process.process.returncode is None:
                    self.figures.memory.setdefault(process.process.pid, []).append(resident(process.process.pid))
            await asyncio.sleep(1)

    async def revoke_singles(self) -> None:
        """Revoke one person after the other, through the last process."""
        port = self.processes[-1][1]
        url = f"http://127.0.0.1:{port}/slack/events"
        while True:
            await asyncio.sleep(SINGLE_INTERVAL)
            before = len(self.slack.messages)
            (target,) = add_agents(self.genesys, 1, first=self.figures.people + len(self.figures.waits))
            await self.slack.command(personas.OLIVIA, f"revoke {target.id}", personas.OPS, to=url)
            card = await self.slack.wait_for_message(partial(self._is_card, before), 60)
            clicked = time.time()
            await self.slack.click(personas.OLIVIA, card, "approve", to=url)
            while not (sent := self.times(target.id)):  # noqa: ASYNC110 - the fake signals any request
                await asyncio.sleep(0.01)
            self.figures.waits.append(sent[0] - clicked)

    def _is_card(self, before: int, message: PostedMessage) -> bool:
        return message in self.slack.messages[before:] and bool(self.slack.buttons(message))

    def times(self, target: str) -> list[float]:
        """Return when Genesys Cloud received the DELETEs of a person."""
        return [one.at for one in self.genesys.received("delete_token") if one.path.endswith(target)]

    async def execute(self) -> None:
        """Approve the request, kill a process half way, and wait for the end."""
        await self.approve()
        helpers = [asyncio.create_task(self.watch()), asyncio.create_task(self.revoke_singles())]
        killed = False
        while True:
            await asyncio.sleep(1)
            request = await self.store.get(NAME)
            if request and request.finished_at:
                break
            if not killed and len(self.genesys.received("delete_token")) >= self.figures.people / 2:
                killed = True
                await kill(self.processes[0][0])
        for one in helpers:
            one.cancel()
        await self.count()

    async def count(self) -> None:
        """Count what Genesys Cloud has seen and what is stored."""
        bulk = {row.target_id for row in await self._rows("SELECT target_id FROM bulk_entries")}
        deletes = [one for one in self.genesys.received("delete_token") if one.path.rpartition("/")[2] in bulk]
        figures = self.figures
        figures.deletes = len(deletes)
        figures.seconds = deletes[-1].at - deletes[0].at
        figures.limited = sum(one.status == 429 for one in self.genesys.requests)
        by_token: dict[int | None, list[float]] = {}
        for one in self.genesys.requests:
            by_token.setdefault(one.generation, []).append(one.at)
        for generation, times in by_token.items():
            most = max(number - bisect_right(times, at - 60) for number, at in enumerate(times, 1))
            figures.most_in_a_window = max(figures.most_in_a_window, most if generation else 0)
        figures.outcomes = Counter(row.outcome for row in await self._rows("SELECT outcome FROM bulk_entries"))
        events = [event.target for event, _ in await self.store.audit_events(NAME) if event.target in bulk]
        figures.audited_once = Counter(events) == dict.fromkeys(bulk, 1)

    async def _rows(self, query: str) -> list[Row]:
        return list(await self.store.database.read(lambda tx: tx.fetch(query)))


async def kill(process: ProcessHandle) -> None:
    """Kill a process, unless it has ended."""
    if process.process.returncode is None:
        await process.kill()


def resident(pid: int) -> float:
    """Return the memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(one.split()[1]) / 1024 for one in lines if one.startswith("VmRSS:"))


async def main(people: int, pool: int) -> int:
    """Run against a new PostgreSQL server; return the exit code."""
    figures = Figures(people, pool)
    with server() as postgres, TemporaryDirectory() as folder:
        async with postgres.database() as address, AsyncExitStack() as stack:
            run = Run(stack, figures, Path(folder), address)
            await run.start()
            run.genesys.fault("delete_token", GenesysFault(delay=LATENCY, times=2 * people))
            await run.execute()
    print(*figures.lines(), sep="\n")  # noqa: T201 - a person at a terminal reads it
    broken = figures.limited or figures.most_in_a_window > LIMIT or not figures.audited_once
    return int(bool(broken))


if __name__ == "__main__":
    PEOPLE, POOL = (*sys.argv[1:], *("1000", "1")[len(sys.argv) - 1 :])
    sys.exit(asyncio.run(main(int(PEOPLE), int(POOL))))
