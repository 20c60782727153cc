"""Kill replicas at random moments while people ask and click, then count: `python -m tests.soak [rounds] [seed]`."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from uuid import UUID

from aiohttp import ClientError, ClientSession

from bot.audit import Tag, first_break
from bot.database import Database
from bot.leases import Leases
from bot.postgres import postgres_engine
from bot.sandbox import cast
from bot.sandbox.genesys import Fault, GenesysStandIn, Person
from bot.sandbox.run import environment, people
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_messages import Message
from bot.store import Store
from tests.postgres import server
from tests.process import Running, free_port, run

REPLICAS = 3
ASKED = 4
"""Cards a round."""

PATIENCE = 120.0
JUST_NOW = 0.05
"""Seconds by which an acknowledgement may be noted after the death of who gave it."""


@dataclass
class Figures:
    """What came of it; the first five must be 0."""

    lost: int = 0
    without_approval: int = 0
    untold: int = 0
    broken_chain: int = 0
    repeated_without_a_kill: int = 0
    kills: int = 0
    approved: int = 0
    repeated: int = 0
    clicks_not_taken: int = 0
    takeovers: list[float] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Tell it to a person."""
        yield f"{self.kills} kills, {self.approved} approved revocations"
        yield f"approved and lost: {self.lost}; executed without approval: {self.without_approval}"
        yield f"outcomes untold: {self.untold}; chain broken: {self.broken_chain}"
        yield f"repeated DELETEs: {self.repeated}, of which without a kill in between: {self.repeated_without_a_kill}"
        yield f"clicks that nobody took, and that were made again: {self.clicks_not_taken}"
        if len(self.takeovers) > 1:
            half, most = median(self.takeovers), quantiles(self.takeovers, n=20)[-1]
            yield f"taken over from the dead: {len(self.takeovers)}, after p50 {half:.1f} s, p95 {most:.1f} s"


@dataclass
class Target:
    """A person who is to be logged out: their card, and when and by whom a click on it was acknowledged."""

    id: str
    card: Message | None = None
    acknowledged: float | None = None
    through: int = 0


@dataclass
class Fleet:
    """Three processes, the stand-ins between which they run, and what has been done to them."""

    slack: SlackStandIn
    genesys: GenesysStandIn
    environ: dict[str, str]
    session: ClientSession
    chance: random.Random
    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(REPLICAS)])
    begun: list[Running] = field(default_factory=list)
    living: dict[int, Running] = field(default_factory=dict)
    restarts: list[asyncio.Task[None]] = field(default_factory=list)
    kills: list[tuple[float, int]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    not_taken: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def start(self, port: int) -> None:
        """Start a process and wait until it is ready."""
        begun = await run(["serve"], self.environ | {"PORT": str(port)})
        self.begun.append(begun)
        async with asyncio.timeout(PATIENCE):
            while not await self._ready(port):  # noqa: ASYNC110 - another process rings no bell
                await asyncio.sleep(0.05)
        self.living[port] = begun

    async def _ready(self, port: int) -> bool:
        with suppress(ClientError):
            async with self.session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return answer.status == 200
        return False

    def anyone(self) -> int:
        """A replica of those the load balancer believes to live."""
        return self.chance.choice(list(self.living))

    async def ask(self) -> Target:
        """Somebody asks for the end of a person nobody else was asked about; again if told that it was not kept."""
        while True:
            target = Target(str(UUID(int=next(self._numbers), version=4)))
            self.genesys.people[target.id] = Person(target.id, f"Person {target.id}", f"{target.id}@example.com")
            before = len(self.slack.messages)
            await self.slack.command(cast.RAVI, f"revoke {target.id}", cast.OPS, to=door(self.anyone()))
            answer = await self.slack.wait_for_message(partial(self._answers, target, before), PATIENCE)
            if self.slack.buttons(answer):
                target.card = answer
                self.targets.append(target)
                return target

    def _answers(self, target: Target, before: int, message: Message) -> bool:
        """Whether this is the card, or the news that there will be none."""
        text = self.slack.text_of(message)
        if target.id in text and bool(self.slack.buttons(message)):
            return True
        return "Nothing was changed" in text and message in self.slack.messages[before:]

    async def click(self, target: Target) -> None:
        """Somebody clicks, again as long as Slack shows that nobody took it."""
        assert target.card
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        while target.acknowledged is None:
            with suppress(ClientError):
                target.through = self.anyone()
                made = await self.slack.click(cast.BEN, target.card, "approve", force=True, to=door(target.through))
                if made.status == 200:
                    target.acknowledged = time.time()
                    return
            self.not_taken += 1
            await asyncio.sleep(0.05)

    async def kill_one(self) -> None:
        """Kill a replica in the middle of it, and start it again."""
        await asyncio.sleep(self.chance.uniform(0, 0.25))
        while len(self.living) < REPLICAS - 1:  # noqa: ASYNC110 - another process rings no bell
            await asyncio.sleep(0.02)
        port = self.anyone()
        self.kills.append((time.time(), port))
        await self.living.pop(port).kill()
        self.restarts.append(asyncio.create_task(self.start(port)))

    def deletes_of(self, target: Target) -> list[float]:
        """When Genesys Cloud was asked to log a person out."""
        return [one.at for one in self.genesys.received("delete_token") if one.path.endswith(target.id)]

    def is_told(self, target: Target) -> bool:
        """Whether the card says so and has no button left, and the audit channel was told."""
        audited = [self.slack.text_of(one) for one in self.slack.messages if one.channel_id == cast.AUDIT]
        card = target.card
        shown = card is not None and "Revoked" in self.slack.text_of(card) and not self.slack.buttons(card)
        return shown and any(target.id in text for text in audited)

    def killed_between(self, first: float, second: float) -> bool:
        """Whether somebody died meanwhile."""
        return any(first <= kill <= second for kill, _ in self.kills)

    def takeover_of(self, target: Target, sent: list[float]) -> list[float]:
        """How long work lay that the replica had in hand when it died: until the DELETE that was answered."""
        if target.acknowledged is None or not sent:
            return []
        died = [at for at, port in self.kills if port == target.through and at >= target.acknowledged - JUST_NOW]
        return [sent[-1] - at for at in died[:1] if at <= sent[-1]]

    async def round(self) -> None:
        """Some people ask, then all click while a replica dies."""
        targets = [await self.ask() for _ in range(ASKED)]
        for _ in targets:
            self.genesys.fault("delete_token", Fault(delay=self.chance.uniform(0, 0.2)))
        await asyncio.gather(self.kill_one(), *(self.click(target) for target in targets))


def door(port: int) -> str:
    """Where Slack reaches a replica."""
    return f"http://127.0.0.1:{port}/slack/events"


@asynccontextmanager
async def fleet(address: str, folder: Path, chance: random.Random) -> AsyncIterator[Fleet]:
    """Start everything; kill what still runs at the end."""
    slack = SlackStandIn(members=cast.members(), groups=cast.groups(), channels=cast.channels())
    genesys = GenesysStandIn(people=people())
    await slack.start()
    environ = environment(slack, await genesys.start(), folder)
    environ |= {"DATABASE_URL": address, "LOG_LEVEL": "error", "REQUEST_TTL": "1h"}
    async with ClientSession() as session:
        all_of_them = Fleet(slack, genesys, environ, session, chance)
        try:
            await asyncio.gather(*(all_of_them.start(port) for port in all_of_them.ports))
            yield all_of_them
        finally:
            for one in all_of_them.begun:
                if one.process.returncode is None:
                    await one.kill()
            await genesys.stop()
            await slack.stop()


async def soak(address: str, rounds: int, seed: int) -> Figures:
    """Do so many rounds on the database at an address, and count."""
    database = Database(postgres_engine(address))
    store = Store(database, Leases("soak#1"))
    with TemporaryDirectory() as folder:
        async with fleet(address, Path(folder), random.Random(seed)) as all_of_them:  # noqa: S311 - no secret
            for _ in range(rounds):
                await all_of_them.round()
            await asyncio.gather(*all_of_them.restarts)
            async with asyncio.timeout(PATIENCE):
                while any((await store.depth()).values()):  # noqa: ASYNC110 - the store rings no bell
                    await asyncio.sleep(0.1)
            figures = await judge(all_of_them, store)
    await database.close()
    return figures


async def judge(all_of_them: Fleet, store: Store) -> Figures:
    """Hold what Genesys Cloud got and Slack shows against the trail."""
    trail = await store.trail()
    figures = Figures(kills=len(all_of_them.kills), clicks_not_taken=all_of_them.not_taken)
    figures.broken_chain = int(first_break(trail) is not None)
    for target in all_of_them.targets:
        tags = [row.tag for row, _ in trail if row.target == target.id]
        sent = all_of_them.deletes_of(target)
        figures.approved += tags.count(Tag.APPROVED)
        figures.lost += int(tags.count(Tag.APPROVED) != 1 or tags.count(Tag.REVOKED) != 1 or not sent)
        figures.without_approval += int(bool(sent) and Tag.APPROVED not in tags)
        figures.untold += int(not all_of_them.is_told(target))
        figures.repeated += len(sent) - 1
        for pair in pairwise(sent):
            figures.repeated_without_a_kill += int(not all_of_them.killed_between(*pair))
        figures.takeovers.extend(all_of_them.takeover_of(target, sent))
    return figures


async def main(rounds: int, seed: int) -> int:
    """Run against a PostgreSQL of its own; returns the exit code."""
    with server() as postgres:
        async with postgres.database() as address:
            figures = await soak(address, rounds, seed)
    print(f"seed {seed}:", *figures.lines(), sep="\n")  # noqa: T201 - a person at a terminal reads it
    wrong = (
        figures.lost,
        figures.without_approval,
        figures.untold,
        figures.broken_chain,
        figures.repeated_without_a_kill,
    )
    return int(any(wrong))


if __name__ == "__main__":
    ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    sys.exit(asyncio.run(main(ROUNDS, int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time()))))
