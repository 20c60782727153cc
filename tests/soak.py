"""Trouble at random moments while people ask and click, then a count; `make soak` says how."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from uuid import UUID

from aiohttp import ClientError

from bot.db.engine import Database
from bot.db.jobs import JobQueue
from bot.db.postgres import postgres_engine
from bot.db.requests import RequestStore
from bot.domain.audit import EventType, first_invalid
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault, GenesysUser
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import FakeSlack
from tests.support.cluster import PATIENCE, REPLICAS, WIRES, Fleet, Replica, fleet
from tests.support.postgres import server

ASKED = 4
"""Cards a round."""

LONGEST_CUT = 6.0
"""Seconds a wire stays broken at most: longer than a lease."""

JUST_NOW = 0.05
"""Seconds by which an acknowledgement may be noted after the death of who gave it."""

OUTCOMES = (EventType.REVOKED, EventType.REFUSED, EventType.FAILED, EventType.UNKNOWN)


class Trouble(StrEnum):
    """What befalls one of the replicas in each round."""

    KILLS = "kills"
    """It is killed, as by `kill -9`, and started again."""
    SOCKETS = "sockets"
    """The same, while Slack reaches the replicas by Socket Mode."""
    WIRES = "wires"
    """Its wire to the database, to Slack or to Genesys Cloud is cut, or swallows everything, for some seconds."""


@dataclass
class Figures:
    """What came of it; the first five must be 0."""

    lost: int = 0
    without_approval: int = 0
    untold: int = 0
    broken_chain: int = 0
    repeated_unexplained: int = 0
    mishaps: int = 0
    approved: int = 0
    revoked: int = 0
    repeated: int = 0
    clicks_not_taken: int = 0
    clicks_refused: int = 0
    copies_alive: int = 0
    takeovers: list[float] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How much of what must not be there was."""
        return self.lost + self.without_approval + self.untold + self.broken_chain + self.repeated_unexplained

    def lines(self) -> Iterator[str]:
        """Tell it to a person."""
        yield f"{self.mishaps} mishaps, {self.approved} approved revocations, {self.revoked} carried out"
        yield f"approved and lost: {self.lost}; executed without approval: {self.without_approval}"
        yield f"outcomes untold: {self.untold}; chain broken: {self.broken_chain}"
        yield f"repeated DELETEs: {self.repeated}, of which no mishap explains: {self.repeated_unexplained}"
        yield f"clicks made again: {self.clicks_not_taken} nobody took, {self.clicks_refused} answered with a refusal"
        yield f"second copies of a card that show a live button until somebody clicks: {self.copies_alive}"
        if len(self.takeovers) > 1:
            half, most = median(self.takeovers), quantiles(self.takeovers, n=20)[-1]
            yield f"taken over from the dead: {len(self.takeovers)}, after p50 {half:.1f} s, p95 {most:.1f} s"


@dataclass
class Target:
    """A person who is to be logged out: their card, and when and by whom a click on it was acknowledged."""

    id: str
    card: PostedMessage | None = None
    acknowledged: float | None = None
    through: Replica | None = None


@dataclass
class Soak:
    """People who go on asking and clicking whatever befalls the replicas."""

    fleet: Fleet
    trouble: Trouble
    chance: random.Random
    targets: list[Target] = field(default_factory=list)
    not_taken: int = 0
    refused: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def anyone(self) -> Replica:
        """A replica of those the load balancer believes to live."""
        return self.chance.choice([one for one in self.fleet.replicas if one.process])

    async def round(self) -> None:
        """Some people ask, then all click while something happens."""
        targets = [await self.ask() for _ in range(ASKED)]
        for _ in targets:
            self.fleet.genesys.fault("delete_token", GenesysFault(delay=self.chance.uniform(0, 0.2)))
        await asyncio.gather(self.make_trouble(), *(self.click(target) for target in targets))

    async def ask(self) -> Target:
        """Somebody asks for the end of a person nobody else was asked about; again if told that it was not kept."""
        while True:
            target = Target(str(UUID(int=next(self._numbers), version=4)))
            slack = self.fleet.slack
            self.fleet.genesys.users[target.id] = GenesysUser(
                target.id, f"Person {target.id}", f"{target.id}@example.com"
            )
            before = len(slack.messages)
            made = await slack.command(personas.RAVI, f"revoke {target.id}", personas.OPS, to=self._door(self.anyone()))
            if made.status != 200:
                continue
            answer = await slack.wait_for_message(partial(self._answers, target, before), PATIENCE)
            if slack.buttons(answer):
                target.card = answer
                self.targets.append(target)
                return target

    def _door(self, replica: Replica) -> str | None:
        """Where Slack sends something; in Socket Mode it chooses a connection itself."""
        return None if self.fleet.slack.socket_mode else replica.door

    def _answers(self, target: Target, before: int, message: PostedMessage) -> bool:
        """Whether this is the card, or the news that there will be none."""
        text = self.fleet.slack.text_of(message)
        if target.id in text and bool(self.fleet.slack.buttons(message)):
            return True
        return "Nothing was changed" in text and message in self.fleet.slack.messages[before:]

    async def click(self, target: Target) -> None:
        """Somebody clicks, again as long as Slack shows that nobody took it."""
        assert target.card
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        while target.acknowledged is None:
            with suppress(ClientError):
                replica = self.anyone()
                door = self._door(replica)
                target.through = replica if door else None
                made = await self.fleet.slack.click(personas.BEN, target.card, "approve", force=True, to=door)
                if made.status == 200:
                    target.acknowledged = time.time()
                    return
            self.not_taken += 1
            await asyncio.sleep(0.05)

    async def click_again(self) -> None:
        """Whoever was told that Slack did not know them, and that nothing was changed, clicks once more."""
        for target in self.targets:
            if target.card and self.fleet.slack.buttons(target.card):
                self.refused += 1
                target.acknowledged = None
                await self.click(target)

    async def make_trouble(self) -> None:
        """Let something happen to a replica in the middle of it; the others are left alone meanwhile."""
        await asyncio.sleep(self.chance.uniform(0, 0.25))
        while len(whole := [one for one in self.fleet.replicas if one.whole]) < REPLICAS - 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        replica = self.chance.choice(whole)
        if self.trouble is not Trouble.WIRES:
            await self.fleet.kill(replica)
        else:
            seconds = self.chance.uniform(0.2, LONGEST_CUT)
            silently = self.chance.random() < 1 / 2
            self.fleet.cut_off(replica, self.chance.choice(list(WIRES)), silently=silently, seconds=seconds)


async def soak(address: str, trouble: Trouble, rounds: int, seed: int) -> Figures:
    """Do so many rounds on the database at an address, and count."""
    database = Database(postgres_engine(address))
    store = RequestStore(database, JobQueue(database, "soak#1"))
    with TemporaryDirectory() as folder:
        async with fleet(address, Path(folder), socket_mode=trouble is Trouble.SOCKETS) as all_of_them:
            people = Soak(all_of_them, trouble, random.Random(seed))  # noqa: S311 - no secret
            for _ in range(rounds):
                await people.round()
            await all_of_them.mended()
            await idle(store)
            await people.click_again()
            await idle(store)
            figures = await judge(people, store)
    await database.close()
    return figures


async def idle(store: RequestStore) -> None:
    """Wait until nothing that is written down remains to be done."""
    async with asyncio.timeout(PATIENCE):
        while any((await store.jobs.depth()).values()):  # noqa: ASYNC110 - the store rings no bell
            await asyncio.sleep(0.1)


async def judge(people: Soak, store: RequestStore) -> Figures:
    """Hold what Genesys Cloud got and Slack shows against the trail."""
    trail = await store.audit_events()
    figures = Figures(mishaps=len(people.fleet.mishaps), clicks_not_taken=people.not_taken)
    figures.clicks_refused = people.refused
    figures.broken_chain = int(first_invalid(trail) is not None)
    for target in people.targets:
        tags = [row.tag for row, _ in trail if row.target == target.id]
        ends = [tag for tag in tags if tag in OUTCOMES]
        sent = deletes_of(people.fleet, target)
        revoked = ends == [EventType.REVOKED]
        figures.approved += tags.count(EventType.APPROVED)
        figures.revoked += int(revoked)
        figures.lost += int(tags.count(EventType.APPROVED) != 1 or len(ends) != 1 or (revoked and not sent))
        figures.without_approval += int(bool(sent) and EventType.APPROVED not in tags)
        figures.untold += int(not is_told(people.fleet, target, revoked=revoked))
        figures.copies_alive += copies_of(people.fleet.slack, target)
        figures.repeated += max(0, len(sent) - 1)
        for pair in pairwise(sent):
            figures.repeated_unexplained += int(not any(one.explains(*pair) for one in people.fleet.mishaps))
        figures.takeovers.extend(takeover_of(people.fleet, target, sent))
    return figures


def deletes_of(replicas: Fleet, target: Target) -> list[float]:
    """When Genesys Cloud was asked to log a person out."""
    return [one.at for one in replicas.genesys.received("delete_token") if one.path.endswith(target.id)]


def is_told(replicas: Fleet, target: Target, *, revoked: bool) -> bool:
    """Whether the card tells of the outcome and has no button left, and the audit channel was told."""
    slack, card = replicas.slack, target.card
    audited = [slack.text_of(one) for one in slack.messages if one.channel_id == personas.AUDIT]
    shown = card is not None and ("Revoked" in slack.text_of(card)) is revoked and not slack.buttons(card)
    return shown and any(target.id in text for text in audited)


def copies_of(slack: FakeSlack, target: Target) -> int:
    """How often the card was posted once more, by somebody who could not know of the first, and stands as it was."""
    alive = [one for one in slack.messages if one is not target.card and slack.buttons(one)]
    return sum(target.id in slack.text_of(one) for one in alive)


def takeover_of(replicas: Fleet, target: Target, sent: list[float]) -> list[float]:
    """How long work lay that the replica had in hand when it died: until the DELETE that was answered."""
    acknowledged = target.acknowledged
    if acknowledged is None or not sent:
        return []
    kills = [one.began for one in replicas.kills if one.replica is target.through]
    died = [at for at in kills if at >= acknowledged - JUST_NOW]
    return [sent[-1] - at for at in died[:1] if at <= sent[-1]]


async def main(trouble: Trouble, rounds: int, seed: int) -> int:
    """Run against a PostgreSQL of its own; returns the exit code."""
    with server() as postgres:
        async with postgres.database() as address:
            figures = await soak(address, trouble, rounds, seed)
    print(f"{trouble}, seed {seed}:", *figures.lines(), sep="\n")  # noqa: T201 - a person at a terminal reads it
    return int(figures.wrong > 0)


if __name__ == "__main__":
    WHAT, ROUNDS, SEED = (*sys.argv[1:], *("kills", "100", str(int(time.time())))[len(sys.argv) - 1 :])
    sys.exit(asyncio.run(main(Trouble(WHAT), int(ROUNDS), int(SEED))))
