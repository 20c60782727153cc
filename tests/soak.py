"""Random failures while users request and approve revocations, then a count; run it with `make soak`."""

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
from bot.db.job_queue import JobQueue
from bot.db.postgres import PostgresDriver
from bot.db.requests import RequestStore
from bot.domain.audit import EventType
from bot.domain.audit_chain import first_invalid
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault, GenesysUser
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import FakeSlack
from tests.support.cluster import PROXIED, REPLICAS, WAIT_TIMEOUT, Cluster, ReplicaProcess, start_cluster
from tests.support.examples import SEALS
from tests.support.postgres import server
from tests.support.process import RunBot, run_bot

CARDS_PER_ROUND = 4

MAX_DISCONNECT = 6.0
"""Maximum time a proxy stays broken, in seconds. Longer than a lease, so that another replica takes over."""

ACK_TOLERANCE = 0.05
"""Maximum time between a replica's death and the moment the test notes its last acknowledgement, in seconds."""

OUTCOMES = (EventType.REVOKED, EventType.REFUSED, EventType.FAILED, EventType.UNKNOWN)


class FailureMode(StrEnum):
    """What happens to one of the replicas in each round."""

    KILLS = "kills"
    """The replica is killed with SIGKILL and restarted; Slack uses HTTP."""
    SOCKETS = "sockets"
    """The replica is killed with SIGKILL and restarted; Slack uses Socket Mode."""
    WIRES = "wires"
    """The connection to the database, to Slack or to Genesys Cloud is cut or stalled for some seconds."""


@dataclass
class SoakResult:
    """The counts of a run; the first five must be 0."""

    lost: int = 0
    without_approval: int = 0
    unreported: int = 0
    broken_chain: int = 0
    unexplained_repeats: int = 0
    disruptions: int = 0
    approved: int = 0
    revoked: int = 0
    repeats: int = 0
    failed_clicks: int = 0
    refused_clicks: int = 0
    live_duplicates: int = 0
    takeovers: list[float] = field(default_factory=list)
    """How long each takeover from a killed replica took, in seconds."""

    @property
    def violations(self) -> int:
        """The number of broken promises."""
        return self.lost + self.without_approval + self.unreported + self.broken_chain + self.unexplained_repeats

    def lines(self) -> Iterator[str]:
        """Yield the lines of a report."""
        yield f"disruptions: {self.disruptions}; approved revocations: {self.approved}, executed: {self.revoked}"
        yield f"approved but lost: {self.lost}; executed without approval: {self.without_approval}"
        yield f"unreported outcomes: {self.unreported}; broken audit chains: {self.broken_chain}"
        yield f"repeated DELETEs: {self.repeats}, not explained by a disruption: {self.unexplained_repeats}"
        yield f"repeated clicks: {self.failed_clicks} after a failed delivery, {self.refused_clicks} after a refusal"
        yield f"duplicate cards with live buttons (until the first click): {self.live_duplicates}"
        if len(self.takeovers) > 1:
            p50, p95 = median(self.takeovers), quantiles(self.takeovers, n=20)[-1]
            yield f"takeovers from killed replicas: {len(self.takeovers)}, after p50 {p50:.1f} s, p95 {p95:.1f} s"


@dataclass
class Target:
    """A person to log out, their card, and the acknowledged click on it."""

    id: str
    card: PostedMessage | None = None
    acknowledged_at: float | None = None
    acknowledged_by: ReplicaProcess | None = None
    """None in Socket Mode, where Slack chooses the replica."""


@dataclass
class Soak:
    """Users who keep requesting and clicking while replicas fail."""

    cluster: Cluster
    mode: FailureMode
    rng: random.Random
    targets: list[Target] = field(default_factory=list)
    failed_clicks: int = 0
    refused_clicks: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def run_round(self) -> None:
        """Request some cards, then click all of them while a replica fails."""
        targets = [await self.request_card() for _ in range(CARDS_PER_ROUND)]
        for _ in targets:
            self.cluster.genesys.fault("delete_token", GenesysFault(delay=self.rng.uniform(0, 0.2)))
        await asyncio.gather(self.disrupt_replica(), *(self.click(target) for target in targets))

    async def request_card(self) -> Target:
        """Request the revocation of a new person; repeat the command until it is stored."""
        while True:
            target = Target(str(UUID(int=next(self._numbers), version=4)))
            slack = self.cluster.slack
            person = GenesysUser(target.id, f"Person {target.id}", f"{target.id}@example.com")
            self.cluster.genesys.users[target.id] = person
            before = len(slack.messages)
            url = self._events_url(self._running_replica())
            delivery = await slack.command(personas.RAVI, f"revoke {target.id}", personas.OPS, to=url)
            if delivery.status != 200:
                continue
            reply = await slack.wait_for_message(partial(self._is_reply, target, before), WAIT_TIMEOUT)
            if slack.buttons(reply):
                target.card = reply
                self.targets.append(target)
                return target

    def _running_replica(self) -> ReplicaProcess:
        """Return a random replica among those the load balancer considers alive."""
        return self.rng.choice([one for one in self.cluster.replicas if one.process])

    def _events_url(self, replica: ReplicaProcess) -> str | None:
        """Return where to send a request, or None in Socket Mode, where Slack chooses a connection."""
        return None if self.cluster.slack.socket_mode else replica.events_url

    def _is_reply(self, target: Target, before: int, message: PostedMessage) -> bool:
        """Return whether a message is the target's card, or says that nothing was changed."""
        text = self.cluster.slack.text_of(message)
        if target.id in text and bool(self.cluster.slack.buttons(message)):
            return True
        return "Nothing was changed" in text and message in self.cluster.slack.messages[before:]

    async def click(self, target: Target, by: str = personas.BEN) -> None:
        """Approve a card; repeat the click until Slack shows no failure."""
        assert target.card
        await asyncio.sleep(self.rng.uniform(0, 0.1))
        while target.acknowledged_at is None:
            with suppress(ClientError):
                replica = self._running_replica()
                url = self._events_url(replica)
                target.acknowledged_by = replica if url else None
                delivery = await self.cluster.slack.click(by, target.card, "approve", force=True, to=url)
                if delivery.status == 200:
                    target.acknowledged_at = time.time()
                    return
            self.failed_clicks += 1
            await asyncio.sleep(0.05)

    async def repeat_refused_clicks(self, by: str) -> None:
        """Click on each card that has buttons left.

        The bot could not check the role of the approver, or whether the target is protected. It then takes the target
        for protected, so that a second approver is needed.
        """
        for target in self.targets:
            if target.card and self.cluster.slack.buttons(target.card):
                self.refused_clicks += 1
                target.acknowledged_at = None
                await self.click(target, by)

    async def disrupt_replica(self) -> None:
        """Disrupt a random healthy replica once at most one other replica is unhealthy."""
        await asyncio.sleep(self.rng.uniform(0, 0.25))
        while len(healthy := [one for one in self.cluster.replicas if one.healthy]) < REPLICAS - 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        replica = self.rng.choice(healthy)
        if self.mode is not FailureMode.WIRES:
            await self.cluster.kill(replica)
        else:
            seconds = self.rng.uniform(0.2, MAX_DISCONNECT)
            stall = self.rng.random() < 1 / 2
            self.cluster.disconnect(replica, self.rng.choice(list(PROXIED)), stall=stall, seconds=seconds)


async def soak(database_url: str, mode: FailureMode, rounds: int, seed: int, run_bot: RunBot = run_bot) -> SoakResult:
    """Run rounds of requests and failures on a database and return the counts."""
    database = Database(PostgresDriver(database_url))
    store = RequestStore(database, JobQueue(database, "soak#1"), SEALS)
    with TemporaryDirectory() as folder:
        sockets = mode is FailureMode.SOCKETS
        async with start_cluster(database_url, Path(folder), socket_mode=sockets, run=run_bot) as cluster:
            run = Soak(cluster, mode, random.Random(seed))  # noqa: S311 - no secret
            for _ in range(rounds):
                await run.run_round()
            await cluster.wait_until_recovered()
            await wait_until_idle(store)
            for approver in (personas.BEN, personas.OLIVIA):
                await run.repeat_refused_clicks(approver)
                await wait_until_idle(store)
            result = await evaluate(run, store)
    await database.close()
    return result


async def wait_until_idle(store: RequestStore) -> None:
    """Wait until every job in the database is done.

    Replies in threads follow at Slack's pace, so a long run leaves many. Raises TimeoutError if their number does not
    fall for `WAIT_TIMEOUT`.
    """
    fewest = sys.maxsize
    async with asyncio.timeout(WAIT_TIMEOUT) as deadline:
        while number := sum((await store.jobs.depth()).values()):
            if number < fewest:
                fewest = number
                deadline.reschedule(asyncio.get_running_loop().time() + WAIT_TIMEOUT)
            await asyncio.sleep(0.1)


async def evaluate(run: Soak, store: RequestStore) -> SoakResult:
    """Compare what Genesys Cloud received and Slack shows with the audit log."""
    trail = await store.audit_events()
    cluster = run.cluster
    result = SoakResult(disruptions=len(cluster.disruptions), failed_clicks=run.failed_clicks)
    result.refused_clicks = run.refused_clicks
    result.broken_chain = int(first_invalid(trail) is not None)
    for target in run.targets:
        tags = [row.tag for row, _ in trail if row.target == target.id]
        outcomes = [tag for tag in tags if tag in OUTCOMES]
        sent = delete_times(cluster, target)
        revoked = outcomes == [EventType.REVOKED]
        result.approved += tags.count(EventType.APPROVED)
        result.revoked += int(revoked)
        result.lost += int(tags.count(EventType.APPROVED) != 1 or len(outcomes) != 1 or (revoked and not sent))
        result.without_approval += int(bool(sent) and EventType.APPROVED not in tags)
        result.unreported += int(not is_reported(cluster, target, revoked=revoked))
        result.live_duplicates += live_duplicates(cluster.slack, target)
        result.repeats += max(0, len(sent) - 1)
        for pair in pairwise(sent):
            result.unexplained_repeats += int(not any(one.explains(*pair) for one in cluster.disruptions))
        result.takeovers.extend(takeover_time(cluster, target, sent))
    return result


def delete_times(cluster: Cluster, target: Target) -> list[float]:
    """Return when Genesys Cloud received a DELETE of the target's tokens, in epoch seconds."""
    return [one.at for one in cluster.genesys.received("delete_token") if one.path.endswith(target.id)]


def is_reported(cluster: Cluster, target: Target, *, revoked: bool) -> bool:
    """Return whether the card shows the outcome without buttons and the audit channel names the target."""
    slack, card = cluster.slack, target.card
    audited = [slack.text_of(one) for one in slack.messages if one.channel_id == personas.AUDIT]
    shown = card is not None and ("Revoked" in slack.text_of(card)) is revoked and not slack.buttons(card)
    return shown and any(target.id in text for text in audited)


def live_duplicates(slack: FakeSlack, target: Target) -> int:
    """Count second copies of the card that still have buttons.

    A replica that takes over posts a copy if it cannot know of the first card.
    """
    duplicates = [one for one in slack.messages if one is not target.card and slack.buttons(one)]
    return sum(target.id in slack.text_of(one) for one in duplicates)


def takeover_time(cluster: Cluster, target: Target, sent: list[float]) -> list[float]:
    """Return the seconds from the death of the replica that had acknowledged the click to the last DELETE."""
    acknowledged = target.acknowledged_at
    if acknowledged is None or not sent:
        return []
    kills = [one.began for one in cluster.kills if one.replica is target.acknowledged_by]
    died = [at for at in kills if at >= acknowledged - ACK_TOLERANCE]
    return [sent[-1] - at for at in died[:1] if at <= sent[-1]]


async def main(mode: FailureMode, rounds: int, seed: int) -> int:
    """Run against a new PostgreSQL server; return the exit code."""
    with server() as postgres:
        async with postgres.database() as address:
            result = await soak(address, mode, rounds, seed)
    print(f"{mode}, seed {seed}:", *result.lines(), sep="\n")  # noqa: T201 - a person at a terminal reads it
    return int(result.violations > 0)


if __name__ == "__main__":
    MODE, ROUNDS, SEED = (*sys.argv[1:], *("kills", "100", str(int(time.time())))[len(sys.argv) - 1 :])
    sys.exit(asyncio.run(main(FailureMode(MODE), int(ROUNDS), int(SEED))))
