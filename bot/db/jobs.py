"""The job queue: each open job is leased by at most one process at a time.

A process renews the leases of its running jobs. If it dies, another process claims them when the leases end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Row, Update, and_, bindparam, delete, func, or_, select, update

from bot.db.engine import Database, Insert, Transaction
from bot.db.schema import jobs
from bot.domain.requests import EXECUTION_WINDOW, Request

LEASE_DURATION = 4.0
"""Seconds until another process may claim a job. The worker renews the leases of running jobs every third of it."""

MAX_BACKOFF_DOUBLINGS = 16
"""Maximum number of times a retry delay doubles, because 2.0 ** 1024 overflows; 2 ** 16 seconds are 18 hours."""


class JobKind(StrEnum):
    """The kinds of jobs, most urgent first."""

    CLICK = "click"
    """A button press to decide on."""
    EXECUTE = "target"
    """An approved target to send the DELETE for."""
    COMMAND = "command"
    """A command or a modal submission that requests something."""
    CARD = "card"
    """A card that does not show its request's latest revision."""
    REPLY = "reply"
    """A private reply that has not been delivered."""
    NOTICE = "notice"
    """An outcome to post to a channel or a person."""


PRIORITY = {kind: position for position, kind in enumerate(JobKind)}

Snapshot = tuple[Request | None, float]
"""A request, None if there is none, and the database's time when it was read, in epoch seconds."""

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A job leased by this process. `attempts` counts this lease; `created_at` is in epoch seconds."""

    id: int
    kind: JobKind
    request_id: str
    payload: Payload
    attempts: int
    created_at: float
    snapshot: Snapshot | None = None
    """The request as the transaction that added the job saw it; None for a claimed job."""

    def is_stale(self, now: float) -> bool:
        """Return whether the job is too old to act on; `now` is the database's time."""
        return now - self.created_at > EXECUTION_WINDOW


class JobSpec(NamedTuple):
    """A job to enqueue. `key` identifies it among the jobs of its kind."""

    kind: JobKind
    key: str
    payload: Payload


class JobQueue:
    """The jobs of one database, as one process uses them.

    `owner` identifies this process and this start of it, as `name#start`. `lease` is in seconds.
    Methods that take a transaction are part of it; every other method is a transaction of its own.
    """

    def __init__(self, database: Database, owner: str, lease: float = LEASE_DURATION) -> None:
        self.database = database
        self.owner = owner
        self.lease = lease

    async def claim(self, limit: int, *, most_urgent: JobKind = JobKind.CLICK) -> list[Job]:
        """Lease up to `limit` due jobs, most urgent first, and none more urgent than `most_urgent`.

        Jobs of unknown kinds, which a newer version of the bot has added, are left to that version.
        """
        return await self.database.write(lambda tx: self._claim(tx, limit, most_urgent))

    async def renew(self, ids: Iterable[int]) -> set[int]:
        """Renew the leases of running jobs; return the ids of those that this process still holds."""
        wanted = list(ids)
        return await self.database.write(lambda tx: self._renew(tx, wanted))

    async def still_leased(self, job: Job) -> bool:
        """Renew the lease of a job; return whether this process still holds it."""
        return job.id in await self.renew([job.id])

    async def complete(self, job: Job) -> bool:
        """Mark a job as done; return False if the lease was lost."""
        return await self.database.write(lambda tx: self.complete_in(tx, job))

    async def complete_with_reply(self, job: Job, reply: Payload) -> Job | None:
        """Mark a job as done and add a REPLY job with this payload; return it, None if the lease was lost."""
        return await self.database.write(lambda tx: self.complete_with_reply_in(tx, job, reply))

    async def release(self, job: Job, *, delay: float) -> bool:
        """Give a job back, due again for any process in `delay` seconds; return False if the lease was lost."""
        return await self.database.write(lambda tx: self.release_in(tx, job, delay=delay))

    async def release_own_leases(self) -> int:
        """Release what an earlier start of this process leased, so that a restart continues at once.

        Return the number of jobs.
        """
        return await self.database.write(self._release_own_leases)

    async def is_done(self, job_id: int) -> bool:
        """Return whether any process has completed a job."""
        return await self.database.read(lambda tx: _is_done(tx, job_id))

    async def depth(self) -> dict[str, int]:
        """Count the open jobs of each kind, unknown kinds included."""
        return await self.database.read(_depth)

    async def check_writable(self) -> float:
        """Write to the database, changing nothing; return the database's time in epoch seconds."""
        return await self.database.write(_check_writable)

    def add_leased(self, tx: Transaction, kind: JobKind, request_id: str, key: str, payload: Payload) -> Job | None:
        """Add a job that this process holds at once, which saves the claim; return None for a known key."""
        row = _row(tx.now, request_id, JobSpec(kind, key, payload)) | {
            "attempts": 1,
            "lease_owner": self.owner,
            "lease_until": tx.now + self.lease,
        }
        found = tx.execute(_insert(tx.insert), row).one_or_none()
        return _job(found) if found else None

    def enqueue(self, tx: Transaction, request_id: str, *specs: JobSpec, delay: float = 0.0) -> None:
        """Make jobs due in `delay` seconds for any process, done or not; a known key adds no second job.

        A process that holds one of them keeps the lease, and `complete_unless_enqueued_in` makes it run the job again.
        """
        rows = [_row(tx.now, request_id, spec) | {"due_at": tx.now + delay} for spec in specs]
        tx.execute(_upsert(tx.insert), rows)

    def complete_in(self, tx: Transaction, job: Job) -> bool:
        """Mark a job as done; return False if the lease was lost.

        Another process then has the job, so the caller must write nothing for it.
        """
        return self._update_held(tx, _HELD, job, done_at=tx.now, lease_owner=None)

    def complete_with_reply_in(self, tx: Transaction, job: Job, reply: Payload) -> Job | None:
        """Mark a job as done and add its REPLY job, leased; return None if the lease was lost."""
        if not self.complete_in(tx, job):
            return None
        return self.add_leased(tx, JobKind.REPLY, job.request_id, str(job.id), reply)

    def complete_unless_enqueued_in(self, tx: Transaction, job: Job) -> bool:
        """Mark a job as done; return False if it was enqueued again while it ran, or if the lease was lost."""
        return self._update_held(tx, _HELD_AND_NOT_ENQUEUED, job, done_at=tx.now, lease_owner=None)

    def release_in(self, tx: Transaction, job: Job, *, delay: float) -> bool:
        """Give a job back, due again for any process in `delay` seconds; return False if the lease was lost."""
        return self._update_held(tx, _HELD, job, due_at=tx.now + delay, lease_owner=None)

    def _claim(self, tx: Transaction, limit: int, most_urgent: JobKind) -> list[Job]:
        kinds = [kind for kind in JobKind if PRIORITY[kind] >= PRIORITY[most_urgent]]
        values = {"kinds": kinds, "limit": limit, "now": tx.now}
        found = tx.execute(_CLAIM, values | {"owner": self.owner, "until": tx.now + self.lease}).all()
        return sorted((_job(row) for row in found), key=lambda job: (PRIORITY[job.kind], job.id))

    def _renew(self, tx: Transaction, ids: list[int]) -> set[int]:
        """Skip rows that another transaction has locked; waiting for them could deadlock."""
        held = and_(jobs.c.id.in_(ids), jobs.c.lease_owner == self.owner, jobs.c.done_at.is_(None))
        unlocked = select(jobs.c.id).where(held).with_for_update(skip_locked=True).cte("unlocked")
        tx.execute(update(jobs).where(jobs.c.id.in_(select(unlocked.c.id))).values(lease_until=tx.now + self.lease))
        return set(tx.execute(select(jobs.c.id).where(held)).scalars())

    def _release_own_leases(self, tx: Transaction) -> int:
        name = self.owner.rpartition("#")[0]
        earlier = jobs.c.lease_owner.startswith(f"{name}#", autoescape=True)
        leased = update(jobs).where(earlier, jobs.c.lease_owner != self.owner)
        return tx.execute(leased.values(lease_owner=None)).rowcount

    def _update_held(self, tx: Transaction, statement: Update, job: Job, **values: Any) -> bool:
        return tx.execute(statement, {"job": job.id, "owner": self.owner, **values}).rowcount == 1


def _row(now: float, request_id: str, spec: JobSpec) -> dict[str, Any]:
    return {
        "kind": spec.kind,
        "key": f"{spec.kind}:{spec.key}",
        "request_id": request_id,
        "payload": json.dumps(spec.payload),
        "prio": PRIORITY[spec.kind],
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "lease_until": 0.0,
    }


def _job(row: Row[Any]) -> Job:
    return Job(row.id, JobKind(row.kind), row.request_id, json.loads(row.payload), row.attempts, row.created_at)


def _is_done(tx: Transaction, job_id: int) -> bool:
    found = tx.execute(select(jobs.c.done_at).where(jobs.c.id == job_id))
    return found.scalar_one_or_none() is not None


def _depth(tx: Transaction) -> dict[str, int]:
    counted = select(jobs.c.kind, func.count()).where(jobs.c.done_at.is_(None)).group_by(jobs.c.kind)
    return {str(kind): 0 for kind in JobKind} | {row[0]: row[1] for row in tx.execute(counted)}


def _check_writable(tx: Transaction) -> float:
    tx.execute(delete(jobs).where(jobs.c.id < 0))
    return tx.now


# Statements are built once, because building one costs as much as running it (docs/performance.md).

_COLUMNS = (jobs.c.id, jobs.c.kind, jobs.c.request_id, jobs.c.payload, jobs.c.attempts, jobs.c.created_at)

_DUE = (
    select(jobs.c.id)
    .where(
        jobs.c.done_at.is_(None),
        jobs.c.kind.in_(bindparam("kinds", expanding=True)),
        jobs.c.due_at <= bindparam("now"),
        or_(jobs.c.lease_owner.is_(None), jobs.c.lease_until <= bindparam("now")),
    )
    .order_by(jobs.c.prio, jobs.c.due_at)
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
"""A CTE, because PostgreSQL may evaluate a subquery with LIMIT once for each row."""

_CLAIM = (
    update(jobs)
    .where(jobs.c.id.in_(select(_DUE.c.id)))
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"), attempts=jobs.c.attempts + 1)
    .returning(*_COLUMNS)
)

_HELD = update(jobs).where(jobs.c.id == bindparam("job"), jobs.c.lease_owner == bindparam("owner"))
_HELD_AND_NOT_ENQUEUED = _HELD.where(jobs.c.attempts > 0)


@cache
def _insert(insert: Insert) -> Any:
    return insert(jobs).on_conflict_do_nothing(index_elements=["key"]).returning(*_COLUMNS)


@cache
def _upsert(insert: Insert) -> Any:
    statement = insert(jobs)
    reset = {"due_at": statement.excluded.due_at, "done_at": None, "attempts": 0}
    return statement.on_conflict_do_update(index_elements=["key"], set_=reset)
