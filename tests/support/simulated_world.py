"""A simulated run: people, the process that serves them, and the history of what happened."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from structlog.testing import capture_logs

from bot.bootstrap.jobs import JobDependencies, job_services
from bot.bootstrap.options import Options
from bot.db.driver import Driver
from bot.db.job_queue import JobQueue
from bot.db.jobs import JobKind
from bot.db.requests import RequestStore
from bot.db.transaction import Transaction
from bot.db.watches import WatchStore
from bot.domain.actions import ACTIONS
from bot.domain.clicks import Click
from bot.domain.commands import Invoker, PeopleRef, RequestCommand, TargetRef
from bot.domain.people import Member
from bot.domain.principals import parse_principals
from bot.domain.requests import APPROVE
from bot.domain.rules import Rules
from bot.errors import BotError
from bot.metrics import Metrics
from bot.services.bulk_requesting import BulkRequests, PeopleFound
from bot.services.denied_people import DeniedPeople
from bot.services.early_lookups import EarlyLookups
from bot.services.expiry import ExpiryService
from bot.services.identity import Identity
from bot.services.inbox import Inbox
from bot.services.live_state import LiveStates
from bot.services.notifications import Delivery, Notifier
from bot.services.pacing import ChannelPace
from bot.services.rule_differences import RuleDifferences
from bot.services.watch import Watches
from bot.slack.channels import Channels
from bot.slack.permalinks import Permalinks
from bot.slack.users import SlackUsers
from bot.worker import Process, Worker
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, SEALS, TOM, WORKSPACE, rules, users
from tests.support.history import violations
from tests.support.history_entries import Entry, Kind, in_force
from tests.support.memory_driver import MemoryDriver
from tests.support.simulated_ports import (
    AUDIT,
    CARA,
    CATALOG,
    GROUP,
    PIA,
    SENTRIES,
    KnownWorkspace,
    Outside,
    SimulatedApi,
    SimulatedGenesys,
    SimulatedLane,
    SimulatedMessage,
    SimulatedMessenger,
    StateRenderer,
)
from tests.support.simulated_record import TARGETS, Typed, recorded
from tests.support.simulation import (
    Faults,
    InlineDatabase,
    SimulatedDatabase,
    SimulatedProcess,
    eventually,
    remember_tasks,
    retry,
)
from tests.support.virtual_time import run

RULES = rules(
    approvers=parse_principals(GROUP), requesters=users(RAVI, OLIVIA), admins=users(OLIVIA), protected=users(PIA),
    break_glass=parse_principals(SENTRIES),
)  # fmt: skip

HELD = ((OLIVIA, GROUP), (BEN, GROUP), (CARA, GROUP), (BEN, SENTRIES), (CARA, SENTRIES))
"""The user groups of people at the beginning."""

RESTART_TIME = 1.0
"""Virtual seconds from the death of a process to the start of the next one."""

MAX_TIME = 3600.0
"""Virtual seconds after which a run ends in any case."""

METRICS = Metrics()

Replace = Callable[["Bot"], Mapping[JobKind, Process]]
"""Returns services that replace those of a bot, to break it."""


class NoFiles:
    """Shares nothing, because a simulated bulk request has no file."""

    async def upload(self, channel: str, thread_ts: str, name: str, content: bytes, comment: str) -> None:
        """Share nothing."""


class NoLists:
    """Looks no list up, because the simulation requests nothing in bulk."""

    async def look_up(self, people: PeopleRef, requester: Member) -> PeopleFound:
        raise NotImplementedError(people, requester)


@dataclass
class Bot:
    """The objects of one process."""

    store: RequestStore
    inbox: Inbox
    identity: Identity
    genesys: SimulatedGenesys
    live: LiveStates
    watches: Watches
    options: Options
    services: Mapping[JobKind, Process]
    """The services as they are before some of them are replaced."""
    worker: Worker


class World:
    """A run: the people, one process after another, and what happened."""

    def __init__(self, faults: Faults, driver: Driver, ttl: float, replaced: Replace) -> None:
        self.faults = faults
        self.entries: list[Entry] = []
        self.problems: list[str] = []
        self.outside = Outside(self.now)
        self._options = Options(RULES, ACTIONS, ttl, None, AUDIT)
        self._replaced = replaced
        self._driver = driver
        self._databases = [InlineDatabase(self._driver)]
        self._observer = RequestStore(self._databases[0], JobQueue(self._databases[0], "observer#1"), SEALS)
        self._numbers = itertools.count(1)
        self.typed: list[Typed] = []
        self._context = copy_context()
        self._starting: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return NOON + asyncio.get_running_loop().time()

    def note(self, kind: Kind, **fields: Any) -> None:
        """Add an entry with the current time."""
        self.entries.append(Entry(self.now(), kind, **fields))

    def start(self, owner: str) -> None:
        """Start a process as `owner`, whose leases of an earlier start are released."""
        self.note(Kind.RULES, person=owner, status=1, text=in_force(self._options.rules).to_text())
        process = SimulatedProcess(self.faults, partial(self._on_death, owner))
        database = SimulatedDatabase(self._driver, process)
        self._databases.append(database)
        self.process, self.bot = process, self._bot(process, database, owner)

        async def serve() -> None:
            await retry(self.bot.store.jobs.release_own_leases, 0.5)
            await self.bot.worker.run()

        process.spawn(serve())

    def _bot(self, process: SimulatedProcess, database: SimulatedDatabase, owner: str) -> Bot:
        clock, options, renderer = asyncio.get_running_loop().time, self._options, StateRenderer(CATALOG)
        store = RequestStore(database, JobQueue(database, owner), SEALS)
        api, genesys = SimulatedApi(process, self.outside, clock), SimulatedGenesys(process, self.outside)
        identity = Identity(KnownWorkspace(api), SlackUsers(api, clock=clock), genesys, genesys)
        channels = Channels(api, clock=clock, configured=(AUDIT,))
        messenger, lookups = SimulatedMessenger(process, self.outside, channels), EarlyLookups(identity)
        pace, differences = ChannelPace(clock), RuleDifferences(options.rules, METRICS)
        watches = Watches(WatchStore(store), genesys, duration=options.watch_for)
        live = LiveStates(genesys, channels, approvals_channel=options.approvals_channel)
        services = job_services(JobDependencies(
            store=store, identity=identity, requesters=identity, lookups=lookups, channels=channels,
            permalinks=Permalinks(api), messenger=messenger,
            notifier=Notifier(store, messenger, renderer, Delivery(store), pace, permalinks=Permalinks(api)), pace=pace,
            genesys=genesys, open_lane=lambda: SimulatedLane(process, self.outside, clock), clock=clock,
            renderer=renderer, metrics=METRICS, options=options, differences=differences, reads=genesys,
            denied=DeniedPeople(clock=clock), bulk=BulkRequests(NoLists(), limit=1), files=NoFiles(),
        ))  # fmt: skip
        expiry = ExpiryService(store, options.recipients, METRICS, differences, clock=clock)
        worker = Worker(store.jobs, expiry, services, clock=clock)
        inbox = Inbox(store, worker.submit, lookups.start, clock=clock)
        bot = Bot(store, inbox, identity, genesys, live, watches, options, dict(services), worker)
        services.update(self._replaced(bot))
        return bot

    def change_rules(self, changed: Rules) -> None:
        """Kill the newest process, so that the next one starts with other rules."""
        self._options = replace(self._options, rules=changed)
        self.kill()

    def kill(self) -> None:
        """Kill the newest process, unless it is dead."""
        if not self.process.dead:
            with suppress(asyncio.CancelledError):
                self.process.die()

    def set_role(self, person: str, group: str, *, held: bool) -> None:
        """Add a person to a user group, or remove them."""
        members = self.outside.groups[group]
        members[:] = [one for one in members if one != person] + [person] * held
        self.note(Kind.ROLE, person=person, status=int(held), text=group)

    def _on_death(self, owner: str) -> None:
        """Start the next process: the same one again, or another one that must wait for the leases to end."""
        name = owner.partition("#")[0]
        self.note(Kind.RULES, person=owner)
        for status in (1, 0):
            self.note(Kind.DISRUPTION, person=name, status=status)
        number = next(self._numbers)
        owner = f"{name}#{number + 1}" if number % 2 else f"other-{number}#1"
        self._starting.add(asyncio.get_running_loop().create_task(self._restart(owner), context=self._context.copy()))

    async def _restart(self, owner: str) -> None:
        await asyncio.sleep(RESTART_TIME)
        self.start(owner)

    async def main(self, people: Callable[[World], Awaitable[None]], replicas: int) -> list[str]:
        """Run a scenario to its end; return the broken promises. People use the newest of the replicas."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(remember_tasks)
        for person, group in HELD:
            self.set_role(person, group, held=True)
        for number in range(replicas):
            self.start(f"replica-{number}#1")
        await asyncio.sleep(1)
        await people(self)
        settled = await eventually(self._is_settled, MAX_TIME, 0.5)
        self.entries += await recorded(self._observer, self.outside, self.typed)
        for database in self._databases:
            await database.close()
        return violations(self.entries) + self.problems + ([] if settled else ["jobs are left"])

    def cards(self, target: str | None = None) -> list[SimulatedMessage]:
        """Return the cards so far, or those about a target; copies included."""
        cards = [one for one in self.outside.messages if "card" in one.versions[0][1]]
        return [one for one in cards if target in (None, self._target_of(one))]

    def people_of(self, card: SimulatedMessage) -> tuple[str, str]:
        """Return the requester and the target of a card."""
        target = self._target_of(card)
        return next(one.person for one in self.typed if one.target == target), target

    @staticmethod
    def _target_of(card: SimulatedMessage) -> str:
        return TARGETS[card.versions[0][1]["target"]]

    async def ask(self, person: str = RAVI, target: str | None = TOM, action: str = "revoke") -> SimulatedMessage:
        """Type a command, again if nothing comes of it; return the card. A target is requested once."""
        about = target or "me"
        while not self.cards(about):
            await self.type(person, target, action)
            await asyncio.sleep(RESTART_TIME)
            await eventually(lambda: bool(self.cards(about)) or self._is_settled(), MAX_TIME)
        return self.cards(about)[-1]

    async def type(self, person: str, target: str | None, action: str) -> bool:
        """Type a command; return whether the process has stored it."""
        at, key = self.now(), f"command {next(self._numbers)}"
        invoker = Invoker(person, WORKSPACE.team_id, "C0OPS00001", key, key)
        command = RequestCommand(action, invoker, TargetRef(slack_user_id=target) if target else None, "stolen")
        accepted = await self.process.accepts(self.bot.inbox.record_command(command))
        self.typed.append(Typed(at, person, target or "me", action, key, 200 if accepted else 0))
        return accepted

    async def click(self, card: SimulatedMessage, person: str = OLIVIA, action: str = APPROVE) -> None:
        """Press a button, again if the bot does not accept it and the button is still there."""
        accepted, request = False, str(card.versions[0][1]["card"])
        while not accepted and card.versions[-1][1]["text"] == "pending":
            key, at = f"click {next(self._numbers)}", self.now()
            click = Click(request, action, person, WORKSPACE.team_id, key, card.ts, ts=card.ts, reason="no")
            accepted = await self.process.accepts(self.bot.inbox.record_click(click))
            self.entries.append(Entry(at, Kind.CLICK, request, person, 200 if accepted else 0, action))
            await asyncio.sleep(0 if accepted else RESTART_TIME)

    def _is_settled(self) -> bool:
        """Return whether no job is open and every request has ended."""
        jobs = "SELECT id FROM jobs WHERE done_at IS NULL LIMIT 1"
        requests = "SELECT id FROM requests WHERE state IN ('pending', 'approved') LIMIT 1"

        def step(tx: Transaction) -> bool:
            return not (tx.fetch(jobs) or tx.fetch(requests))

        return self._databases[0].run_now(step, read_only=True)


def nothing_replaced(_bot: Bot) -> Mapping[JobKind, Process]:
    return {}


def simulate(
    people: Callable[[World], Awaitable[None]], faults: Faults, *, ttl: float = 900.0,
    replaced: Replace = nothing_replaced, replicas: int = 1, driver: Driver | None = None,
) -> list[str]:  # fmt: skip
    """Run a scenario; return the broken promises and the unexpected exceptions.

    It runs in a new SQLite database in memory, or in the empty database of a driver.
    """
    opened = driver or MemoryDriver()

    async def main() -> list[str]:
        world = World(faults, opened, ttl, replaced)

        def keep(_logger: Any, _method: str, event: Any) -> Any:
            error = sys.exc_info()[1]
            if event.get("exc_info") and not isinstance(error, BotError):
                world.problems.append(f"unexpected: {error!r}")
            return event

        with capture_logs(processors=[keep]):
            return await world.main(people, replicas)

    return run(main())
