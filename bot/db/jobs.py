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

from bot.db.driver import Row
from bot.db.engine import Database
from bot.db.rows import Snapshot
from bot.db.transaction import Transaction
from bot.domain.requests import EXECUTION_WINDOW

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
    received_at: float | None = None
    """When this process received the click, in monotonic seconds; None for a claimed job."""

    def is_stale(self, now: float) -> bool:
        """Return whether the job is too old to act on; `now` is the database's time."""
        return now - self.created_at > EXECUTION_WINDOW


class JobSpec(NamedTuple):
    """A job to enqueue. `key` identifies it among the jobs of its kind."""

    kind: JobKind
    key: str
    payload: Payload


INSERT = """
INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_owner, lease_until)
VALUES (:kind, :key, :request_id, :payload, :prio, :now, :due_at, :attempts, :lease_owner, :lease_until)
"""

RETURNING = " RETURNING id, kind, request_id, payload, attempts, created_at"

ADD_LEASED = INSERT + "ON CONFLICT (key) DO NOTHING" + RETURNING

ENQUEUE = INSERT + "ON CONFLICT (key) DO UPDATE SET due_at = excluded.due_at, done_at = NULL, attempts = 0"

ENQUEUE_LEASED = (
    INSERT
    + """
ON CONFLICT (key) DO UPDATE SET
    due_at = excluded.due_at,
    done_at = NULL,
    attempts = CASE WHEN jobs.lease_owner IS NULL OR jobs.lease_until <= :now THEN 1 ELSE 0 END,
    lease_owner = CASE WHEN jobs.lease_owner IS NULL OR jobs.lease_until <= :now
                       THEN excluded.lease_owner ELSE jobs.lease_owner END,
    lease_until = CASE WHEN jobs.lease_owner IS NULL OR jobs.lease_until <= :now
                       THEN excluded.lease_until ELSE jobs.lease_until END
"""
    + RETURNING
)
"""A process that holds the job keeps its lease, and `attempts` becomes 0, which makes it run the job again."""

IS_ANY_DUE = """
SELECT 1 FROM jobs
WHERE done_at IS NULL AND due_at <= :now AND (lease_owner IS NULL OR lease_until <= :now) AND kind IN ({kinds})
LIMIT 1
"""

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE done_at IS NULL AND due_at <= :now AND (lease_owner IS NULL OR lease_until <= :now) AND kind IN ({kinds})
    ORDER BY prio, due_at LIMIT :limit
)
UPDATE jobs SET lease_owner = :owner, lease_until = :lease_until, attempts = attempts + 1
WHERE id IN (SELECT id FROM due)
RETURNING id, kind, request_id, payload, attempts, created_at
"""
"""The due jobs are materialized, because PostgreSQL may evaluate a subquery with LIMIT once for each row."""

COMPLETE = """
UPDATE jobs SET done_at = :now, lease_owner = NULL
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

COMPLETE_UNLESS_ENQUEUED = COMPLETE + "AND attempts > 0"

RELEASE = """
UPDATE jobs SET due_at = :due_at, lease_owner = NULL
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

RENEW = """
UPDATE jobs SET lease_until = :lease_until
WHERE id = :id AND lease_owner = :owner AND done_at IS NULL
"""

RELEASE_OWN = """
UPDATE jobs SET lease_owner = NULL
WHERE substr(lease_owner, 1, length(:prefix)) = :prefix AND lease_owner <> :owner
"""

IS_DONE = "SELECT 1 FROM jobs WHERE id = :id AND done_at IS NOT NULL"

DEPTH = "SELECT kind, count(*) AS number FROM jobs WHERE done_at IS NULL GROUP BY kind"

PROBE = """
INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until, done_at)
VALUES ('probe', 'probe', '', '{}', 0, :now, :now, 0, 0, :now)
ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at
"""
"""A job that is done. Readiness writes it, because only a written row shows that the next click can be stored."""


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

        Jobs of unknown kinds, which a newer version of the bot has added, are left to that version. Without a due job,
        nothing is written.
        """
        if not await self.database.read(lambda tx: tx.fetch(_with_kinds(IS_ANY_DUE, most_urgent), now=tx.now)):
            return []
        return await self.database.write(lambda tx: self._claim(tx, limit, most_urgent), durable=False)

    async def renew(self, ids: Iterable[int]) -> set[int]:
        """Renew the leases of running jobs; return the ids of those that this process still holds."""
        wanted = list(ids)
        return await self.database.write(lambda tx: self._renew(tx, wanted), durable=False)

    async def still_leased(self, job: Job) -> bool:
        """Renew the lease of a job; return whether this process still holds it."""
        return job.id in await self.renew([job.id])

    async def complete(self, job: Job) -> bool:
        """Mark a job as done; return False if the lease was lost.

        After a power cut the job may run again, so this is for jobs that may, such as messages.
        """
        return await self.database.write(lambda tx: self.complete_in(tx, job), durable=False)

    async def complete_with_reply(self, job: Job, reply: Payload) -> Job | None:
        """Mark a job as done and add a REPLY job with this payload; return it, None if the lease was lost."""
        return await self.database.write(lambda tx: self.complete_with_reply_in(tx, job, reply))

    async def release(self, job: Job, *, delay: float) -> bool:
        """Give a job back, due again for any process in `delay` seconds; return False if the lease was lost."""
        return await self.database.write(lambda tx: self.release_in(tx, job, delay=delay), durable=False)

    async def release_own_leases(self) -> int:
        """Release what an earlier start of this process leased, so that a restart continues at once.

        Return the number of jobs.
        """
        return await self.database.write(self._release_own_leases)

    async def is_done(self, job_id: int) -> bool:
        """Return whether any process has completed a job."""
        return await self.database.read(lambda tx: tx.fetch_one(IS_DONE, id=job_id) is not None)

    async def depth(self) -> dict[str, int]:
        """Count the open jobs of each kind, unknown kinds included."""
        return await self.database.read(_depth)

    async def now(self) -> float:
        """Return the database's time in epoch seconds."""
        return await self.database.read(lambda tx: tx.now)

    async def check_writable(self) -> None:
        """Store a row as a click would be. Raises DatabaseUnavailable if the database cannot."""
        await self.database.write(lambda tx: tx.execute(PROBE, now=tx.now))

    def add_leased(self, tx: Transaction, kind: JobKind, request_id: str, key: str, payload: Payload) -> Job | None:
        """Add a job that this process holds at once, which saves the claim; return None for a known key."""
        row = _row(tx.now, request_id, JobSpec(kind, key, payload)) | self._lease(tx)
        found = tx.fetch_one(ADD_LEASED, **row)
        return _job(found) if found else None

    def enqueue(self, tx: Transaction, request_id: str, *specs: JobSpec, delay: float = 0.0) -> None:
        """Make jobs due in `delay` seconds for any process, done or not; a known key adds no second job.

        A process that holds one of them keeps the lease, and `complete_unless_enqueued_in` makes it run the job again.
        """
        for spec in specs:
            tx.execute(ENQUEUE, **_row(tx.now, request_id, spec) | {"due_at": tx.now + delay})

    def enqueue_leased(self, tx: Transaction, request_id: str, *specs: JobSpec) -> list[Job]:
        """Enqueue jobs that are due now; return those that no other process holds, leased."""
        rows = [tx.fetch_one(ENQUEUE_LEASED, **_row(tx.now, request_id, spec) | self._lease(tx)) for spec in specs]
        return [_job(row) for row in rows if row and row.attempts]

    def complete_in(self, tx: Transaction, job: Job) -> bool:
        """Mark a job as done; return False if the lease was lost.

        Another process then has the job, so the caller must write nothing for it.
        """
        return tx.execute(COMPLETE, id=job.id, owner=self.owner, now=tx.now) == 1

    def complete_with_reply_in(self, tx: Transaction, job: Job, reply: Payload) -> Job | None:
        """Mark a job as done and add its REPLY job, leased; return None if the lease was lost."""
        if not self.complete_in(tx, job):
            return None
        return self.add_leased(tx, JobKind.REPLY, job.request_id, str(job.id), reply)

    def complete_unless_enqueued_in(self, tx: Transaction, job: Job) -> bool:
        """Mark a job as done; return False if it was enqueued again while it ran, or if the lease was lost."""
        return tx.execute(COMPLETE_UNLESS_ENQUEUED, id=job.id, owner=self.owner, now=tx.now) == 1

    def release_in(self, tx: Transaction, job: Job, *, delay: float) -> bool:
        """Give a job back, due again for any process in `delay` seconds; return False if the lease was lost."""
        return tx.execute(RELEASE, id=job.id, owner=self.owner, due_at=tx.now + delay) == 1

    def _lease(self, tx: Transaction) -> dict[str, Any]:
        return {"attempts": 1, "lease_owner": self.owner, "lease_until": tx.now + self.lease}

    def _claim(self, tx: Transaction, limit: int, most_urgent: JobKind) -> list[Job]:
        lease = {"owner": self.owner, "lease_until": tx.now + self.lease}
        found = tx.fetch(_with_kinds(CLAIM, most_urgent), now=tx.now, limit=limit, **lease)
        return sorted((_job(row) for row in found), key=lambda job: (PRIORITY[job.kind], job.id))

    def _renew(self, tx: Transaction, ids: list[int]) -> set[int]:
        lease = {"owner": self.owner, "lease_until": tx.now + self.lease}
        return {one for one in ids if tx.execute(RENEW, id=one, **lease) == 1}

    def _release_own_leases(self, tx: Transaction) -> int:
        name = self.owner.rpartition("#")[0]
        return tx.execute(RELEASE_OWN, prefix=f"{name}#", owner=self.owner)


@cache
def _with_kinds(statement: str, most_urgent: JobKind) -> str:
    """Return a statement for the kinds that this version knows, from `most_urgent` on."""
    kinds = (f"'{kind}'" for kind in JobKind if PRIORITY[kind] >= PRIORITY[most_urgent])
    return statement.format(kinds=", ".join(kinds))


def _row(now: float, request_id: str, spec: JobSpec) -> dict[str, Any]:
    return {
        "kind": spec.kind.value,
        "key": f"{spec.kind}:{spec.key}",
        "request_id": request_id,
        "payload": json.dumps(spec.payload),
        "prio": PRIORITY[spec.kind],
        "now": now,
        "due_at": now,
        "attempts": 0,
        "lease_owner": None,
        "lease_until": 0.0,
    }


def _job(row: Row) -> Job:
    return Job(row.id, JobKind(row.kind), row.request_id, json.loads(row.payload), row.attempts, row.created_at)


def _depth(tx: Transaction) -> dict[str, int]:
    return {str(kind): 0 for kind in JobKind} | {row.kind: row.number for row in tx.fetch(DEPTH)}
