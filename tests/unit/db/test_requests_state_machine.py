"""Random schedules of commands, clicks, executions and crashes on two replicas keep every promise."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.db.driver import Row
from bot.db.engine import Database
from bot.db.executions import ExecutionStore
from bot.db.expiry import ExpiryStore
from bot.db.job_queue import LEASE_DURATION, JobQueue
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.db.rows import audit_event_from_row, request_from_row
from bot.db.sqlite import SqliteDriver
from bot.db.statements import SELECT_REQUEST
from bot.db.transaction import Transaction
from bot.domain.actions import ACTIONS, REVOKE
from bot.domain.audit import EVENT_TYPES, AuditEvent, EventType
from bot.domain.audit_chain import first_invalid
from bot.domain.people import Actor, Member, Workspace
from bot.domain.principals import Principal
from bot.domain.requests import APPROVE, CANCEL, DECLINE, EXECUTION_WINDOW, FINAL, TRANSITIONS, Request, State
from bot.metrics import Metrics
from bot.purecloud import GenesysForbidden, GenesysNoResponse, GenesysServerError
from bot.services.attempts import execute
from bot.services.clicks import ClickService
from bot.services.denied_people import DeniedPeople
from bot.services.early_lookups import EarlyLookups
from bot.services.identity import Identity
from bot.services.job_result import JobResult
from bot.services.rule_differences import RuleDifferences
from tests.support.bulk_run import NothingKnown
from tests.support.clock import FakeClock
from tests.support.database import TTL, DatabaseHarness
from tests.support.examples import (
    BEN,
    NOON,
    OLIVIA,
    RAVI,
    SEALS,
    TOM,
    TOM_IN_GENESYS,
    WORKSPACE,
    member,
    request,
    rules,
    users,
)
from tests.support.fake_genesys_api import FakeGenesysApi
from tests.support.number_table import busy_thread
from tests.support.schema import put_database

T = TypeVar("T")

RULES = rules(approvers=users(OLIVIA, BEN, RAVI))
EVENT_OF = {tag: event for event, tag in EVENT_TYPES.items()}
ERRORS = (None, GenesysForbidden, GenesysServerError, GenesysNoResponse)


UNKNOWN_KIND: dict[str, Any] = {
    "kind": "escalation",
    "key": "escalation:first",
    "request_id": "request-0",
    "payload": "{}",
    "prio": 0,
    "created_at": 0.0,
    "due_at": 0.0,
    "attempts": 0,
    "lease_until": 0.0,
}
"""A job of a newer version of the bot."""


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """Every row of the database at one moment."""

    events: list[tuple[AuditEvent, str]]
    requests: dict[str, Request]
    jobs: list[Row]

    def jobs_of(self, kind: str) -> list[Row]:
        return [job for job in self.jobs if job.kind == kind]


def read_everything(tx: Transaction) -> DatabaseState:
    events = [(audit_event_from_row(row), row.hash) for row in tx.fetch("SELECT * FROM audit ORDER BY id")]
    requests = [request_from_row(row) for row in tx.fetch(SELECT_REQUEST)]
    return DatabaseState(events, {one.id: one for one in requests}, list(tx.fetch("SELECT * FROM jobs ORDER BY id")))


class StubIdentity(Identity):
    """Identities in which every user is a full member with the roles that the rules give to their id.

    `deactivated` users are the exception.
    """

    def __init__(self, deactivated: set[str]) -> None:
        self.deactivated = deactivated

    @property
    def workspace(self) -> Workspace:
        return WORKSPACE

    def clock(self) -> float:
        return time.monotonic()

    async def member(self, user_id: str, *, since: float | None = None) -> Member | None:  # noqa: ARG002 - overrides
        return member(user_id, deleted=user_id in self.deactivated)

    async def actor(self, member: Member, principals: Sequence[Principal], *, since: float | None) -> Actor:
        assert since is not None
        assert since > self.recently  # a decision needs an answer of after the click
        assert principals == RULES.approvers
        return Actor(member)


class Replica:
    """A process and the jobs of which it believes that it holds the lease."""

    def __init__(self, name: str, database: Database, deactivated: set[str]) -> None:
        self.name = name
        self.identity = StubIdentity(deactivated)
        self.database = database
        self.starts = itertools.count(1)
        self.start()

    def start(self) -> None:
        self.store = RequestStore(self.database, JobQueue(self.database, f"{self.name}#{next(self.starts)}"), SEALS)
        self.clicks = ClickService(
            self.store, self.identity, EarlyLookups(self.identity), actions=ACTIONS, rules=RULES, metrics=Metrics(),
            recipients=lambda _: ("C0AUDIT001",), differences=RuleDifferences(RULES, Metrics()),
            denied=DeniedPeople(clock=time.monotonic), live=NothingKnown(),
        )  # fmt: skip
        self.held: list[Job] = []


def payload(by: str, action: str) -> dict[str, Any]:
    """Return the payload of a click."""
    return {"action": action, "user_id": by, "team_id": None, "response_url": None, "ts": None, "reason": "no"}


replicas = st.integers(0, 1)
people = st.sampled_from((OLIVIA, BEN, RAVI, TOM))
actions = st.sampled_from((APPROVE, APPROVE, APPROVE, APPROVE, APPROVE, CANCEL, DECLINE))


class TwoReplicas(RuleBasedStateMachine):
    """Two replicas on one database, and a clock."""

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.clock, path = FakeClock(NOON), Path(self.folder.name) / "bot.db"
        put_database(path)
        self.db = DatabaseHarness(Database(SqliteDriver(path), clock=self.clock), self.clock)
        self.deactivated: set[str] = set()
        self.replicas = [Replica(name, self.db.database, self.deactivated) for name in ("one", "two")]
        self.tokens = FakeGenesysApi()
        self.requests: list[str] = []
        self.clicks = 0
        self.commands: dict[str, bool] = {}
        self.ended: dict[str, Request] = {}
        columns = ", ".join(UNKNOWN_KIND)
        values = ", ".join(f":{name}" for name in UNKNOWN_KIND)
        self.do(self.db.run(f"INSERT INTO jobs ({columns}) VALUES ({values})", **UNKNOWN_KIND))  # noqa: S608
        self.create_request(protected=False)
        self.create_request(protected=True)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.do(self.db.database.close())
            self.runner.close()
            self.folder.cleanup()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @property
    def store(self) -> RequestStore:
        return self.replicas[0].store

    def create_request(self, *, protected: bool) -> None:
        name = f"request-{len(self.requests)}"
        pending = request(id=name, reference=name, approvals_required=2 if protected else 1)
        assert self.do(self.store.create(pending, ttl=TTL, key=name, command_url=None))
        self.requests.append(name)

    @rule(which=st.integers(0, 1), by=people, replica=replicas, action=actions, at_once=st.booleans())
    def click(self, which: int, by: str, replica: int, action: str, *, at_once: bool) -> None:
        name, key, one = self.requests[which], f"press-{self.clicks}", self.replicas[replica]
        job = self.do(one.store.record_click(name, key, payload(by, action)))
        assert job
        self.clicks += 1
        replay = self.replicas[1 - replica].store.record_click(name, key, payload(by, action))
        assert self.do(replay) is None
        if at_once:
            self.hold(one, self.do(one.clicks.process(job)).follow_up)
        else:
            one.held.append(job)

    @rule(which=st.integers(0, 1), presses=st.lists(st.tuples(people, replicas, actions), min_size=2, max_size=4))
    def click_together(self, which: int, presses: list[tuple[str, int, str]]) -> None:
        """Record clicks in one group of transactions, then decide them in another."""
        name, pressed = self.requests[which], [(by, self.replicas[one], action) for by, one, action in presses]

        async def record() -> list[Job | None]:
            async with busy_thread(self.db.database):
                recording = [
                    asyncio.create_task(
                        one.store.record_click(name, f"press-{self.clicks + number}", payload(by, action))
                    )
                    for number, (by, one, action) in enumerate(pressed)
                ]
            return await asyncio.gather(*recording)

        async def decide(recorded: list[Job]) -> list[JobResult]:
            async with busy_thread(self.db.database):
                deciding = [
                    asyncio.create_task(one.clicks.process(job))
                    for (_, one, _), job in zip(pressed, recorded, strict=True)
                ]
            return await asyncio.gather(*deciding)

        recorded = [job for job in self.do(record()) if job]
        assert len(recorded) == len(pressed)
        self.clicks += len(pressed)
        for (_, one, _), result in zip(pressed, self.do(decide(recorded)), strict=True):
            self.hold(one, result.follow_up)

    @precondition(lambda self: len(self.commands) < 3)
    @rule(replica=replicas, allowed=st.booleans(), at_once=st.booleans())
    def command(self, replica: int, *, allowed: bool, at_once: bool) -> None:
        name, one, another = f"command-{len(self.commands)}", self.replicas[replica], self.replicas[1 - replica]
        job = self.do(one.store.record_command(name, name, {"allowed": allowed}))
        assert job
        self.commands[name] = allowed
        assert self.do(another.store.record_command(f"{name}-replayed", name, {"allowed": True})) is None
        if at_once:
            self.process_command(one, job)
        else:
            one.held.append(job)

    def process_command(self, one: Replica, job: Job) -> None:
        name = job.request_id
        if job.payload["allowed"]:
            pending = request(id=name, reference=name)
            follow_up = self.do(one.store.create(pending, ttl=TTL, key=name, command_url=None, job=job))
        else:
            denial = AuditEvent(0.0, EventType.REQUEST_DENIED, RAVI, detail={"command": name})
            follow_up = self.do(one.store.record_denial(denial, job=job, reply={"command": name}))
        self.hold(one, [follow_up] if follow_up else [])

    @precondition(lambda self: any(one.held for one in self.replicas))
    @rule(which=replicas, place=st.integers(0, 3), error=st.sampled_from(ERRORS))
    def work(self, which: int, place: int, error: type[Exception] | None) -> None:
        """Run one of the jobs that a replica believes to hold."""
        holding = [one for one in self.replicas if one.held]
        one = holding[which % len(holding)]
        job = one.held.pop(place % len(one.held))
        if job.kind is JobKind.CLICK:
            self.hold(one, self.do(one.clicks.process(job)).follow_up)
            after = self.do(one.store.get(job.request_id))
            if after and after.decided_by == job.payload["user_id"]:
                assert not self.deactivated & set(after.approvals)  # earlier approvals are judged again
        elif job.kind is JobKind.COMMAND:
            self.process_command(one, job)
        else:
            self.execute(one, job, error)

    def hold(self, one: Replica, jobs_: Iterable[Job]) -> None:
        """Keep jobs for `work`. Cards, replies and notices change no request, so they are completed at once."""
        for job in jobs_:
            if job.kind in (JobKind.CLICK, JobKind.COMMAND, JobKind.EXECUTE):
                one.held.append(job)
            else:
                self.do(one.store.jobs.complete(job))

    def execute(self, one: Replica, job: Job, error: type[Exception] | None) -> None:
        before = self.do(one.store.get(job.request_id))
        assert before
        self.tokens.error = error() if error else None
        sent = len(self.tokens.calls)
        ending = self.do(
            execute(
                before,
                job,
                REVOKE,
                self.tokens,
                now=self.clock.now,
                authorized=one.store.seals.authorizes(before, self.clock.now),
            )
        )
        if len(self.tokens.calls) > sent:
            self.check_delete(before)
        if ending.event:
            outcome = dict(ending.outcome)
            ended = self.do(ExecutionStore(one.store).finish(job, ending.event, outcome=outcome, notify=["C0AUDIT001"]))
            self.hold(one, ended[1] if ended else [])
        else:
            self.do(ExecutionStore(one.store).retry(job, delay=ending.retry_delay, outcome=dict(ending.outcome)))

    def check_delete(self, before: Request) -> None:
        """Check that a DELETE has all its approvals, by different approvers, within the execution window."""
        approvers = set(before.approvals)
        assert before.approved_at is not None
        assert self.clock.now - before.approved_at <= EXECUTION_WINDOW
        assert len(approvers) == len(before.approvals) >= before.approvals_required
        assert approvers <= {OLIVIA, BEN, RAVI}
        assert not (before.protected and before.requester in approvers)
        assert self.tokens.calls[-1] == f"delete_token {TOM_IN_GENESYS.id}"

    @rule(who=st.sampled_from((OLIVIA, BEN)))
    def deactivate_or_activate(self, who: str) -> None:
        """An approver loses the account, or gets it back."""
        self.deactivated ^= {who}

    @rule(seconds=st.sampled_from((0.5, 3.0, 6.0, 6.0, 6.0, 300.0)))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(replica=replicas)
    def poll(self, replica: int) -> None:
        """Renew the leases, expire requests and claim jobs, as the worker's loop does."""
        one = self.replicas[replica]
        kept = self.do(one.store.jobs.renew(job.id for job in one.held))
        one.held = [job for job in one.held if job.id in kept]
        self.do(ExpiryStore(one.store).expire_due(lambda _: ("C0AUDIT001",)))
        self.hold(one, [job for job in self.do(one.store.jobs.claim(10)) if job.id not in kept])

    @precondition(lambda self: any(one.held for one in self.replicas))
    @rule(replica=replicas)
    def lose_leases(self, replica: int) -> None:
        """A replica pauses for longer than its leases, and the other one claims its jobs."""
        self.clock.advance(LEASE_DURATION)
        self.poll(1 - replica)

    @precondition(lambda self: any(one.held for one in self.replicas))
    @rule(replica=replicas, comes_back=st.booleans())
    def crash(self, replica: int, *, comes_back: bool) -> None:
        """Lose the held jobs, and restart. A replica with its old name releases its old leases."""
        one = self.replicas[replica]
        one.name = one.name if comes_back else f"{one.name}-moved"
        one.start()
        self.do(one.store.jobs.release_own_leases())

    @invariant()
    def promises_are_kept(self) -> None:
        if not hasattr(self, "runner"):
            return
        found = self.do(self.db.database.write(read_everything))
        assert first_invalid(found.events) is None
        executions = [job.request_id for job in found.jobs_of(JobKind.EXECUTE)]
        assert len(executions) == len(set(executions))  # a request is executed by one job
        for one in found.requests.values():
            self.check_request(one, [event for event, _ in found.events if event.request_id == one.id])
        for name, allowed in self.commands.items():
            self.check_command(found, name, allowed=allowed)
        (unknown,) = found.jobs_of(UNKNOWN_KIND["kind"])
        assert unknown._asdict() == unknown._asdict() | UNKNOWN_KIND
        assert (unknown.lease_owner, unknown.done_at) == (None, None)

    def check_command(self, found: DatabaseState, name: str, *, allowed: bool) -> None:
        """Check that a command is open or has led to one request or one reply, never to more."""
        (job,) = [one for one in found.jobs_of(JobKind.COMMAND) if one.request_id == name]
        replies = [one for one in found.jobs_of(JobKind.REPLY) if one.request_id == name]
        denials = [event for event, _ in found.events if event.detail.get("command") == name]
        done = job.done_at is not None
        assert (name in found.requests) == (done and allowed)
        assert len(replies) == len(denials) == int(done and not allowed)

    def check_request(self, found: Request, events: list[AuditEvent]) -> None:
        """Check that a request's audit events lead to its state, and that a final state never changes."""
        steps = [EVENT_OF[EventType(event.tag)] for event in events if event.tag in EVENT_OF]
        state = State.PENDING
        for event in steps:
            state = TRANSITIONS[state][event]
        assert state is found.state
        retries = [event for event in events if event.tag is EventType.ATTEMPT_FAILED]
        assert found.revision == 1 + len(steps) + len(retries)
        assert [event.tag for event in events].count(EventType.REQUESTED) == 1
        if found.state in FINAL:
            assert self.ended.setdefault(found.id, found) == found


TestTwoReplicas = TwoReplicas.TestCase
TestTwoReplicas.settings = settings(
    max_examples=24,
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
