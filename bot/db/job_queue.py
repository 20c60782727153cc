"""The job queue: each open job is leased by at most one process at a time.

A process renews the leases of its running jobs. If it dies, another process claims them when the leases end.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from bot.db import due_jobs, notices
from bot.db import job_statements as sql
from bot.db.driver import Row
from bot.db.engine import Database
from bot.db.jobs import PRIORITY, Job, JobKind, JobSpec, Payload
from bot.db.payloads import check_payload, parse_payload
from bot.db.transaction import Transaction
from bot.db.unreadable import SET_ASIDE, UnreadableRow, UnreadableRows
from bot.domain.actions import ACTIONS

LEASE_DURATION = 4.0
"""Seconds until another process may claim a job. The worker renews the leases of running jobs every third of it."""

FOLDED_LEASE = 15.0
"""Seconds until another process may claim a notice that a message covers, longer than a call of Slack can take."""

MAX_BACKOFF_DOUBLINGS = 16
"""Maximum number of times a retry delay doubles, because 2.0 ** 1024 overflows; 2 ** 16 seconds are 18 hours."""


class JobQueue:
    """The jobs of one database, as one process uses them.

    `owner` identifies this process and this start of it, as `name#start`. `lease` is in seconds. Jobs that name another
    action than `actions` are left to the version of the bot that has it; `unreadable` counts them.
    Methods that take a transaction are part of it; every other method is a transaction of its own.
    """

    def __init__(
        self,
        database: Database,
        owner: str,
        lease: float = LEASE_DURATION,
        *,
        actions: Iterable[str] = ACTIONS,
        unreadable: UnreadableRows | None = None,
    ) -> None:
        self.database = database
        self.owner = owner
        self.lease = lease
        self._renewed_at: dict[int, float] = {}
        self.actions = frozenset(actions)
        self.unreadable = unreadable or UnreadableRows()

    async def claim(
        self, limit: int, *, most_urgent: JobKind = JobKind.CLICK, running: Collection[int] = (), lanes: int = 0
    ) -> list[Job]:
        """Lease up to `limit` due jobs, most urgent first, and none more urgent than `most_urgent`.

        Besides, lease up to `lanes` lanes of bulk requests, which have waited longest.

        `running` are the jobs that this process runs. One whose lease has ended is renewed, not claimed, because a
        claim would forget that it was enqueued again while it ran.
        Of the notices to a channel, only the newest is leased; the others are due a second later.
        Jobs that another version of the bot has added and this one cannot read are left to that version. Without a due
        job, nothing is written.
        """
        if not await self.database.read(
            lambda tx: self._due(tx, min(limit, 1), most_urgent, running) or self._due_lanes(tx, min(lanes, 1), running)
        ):
            return []
        return await self.database.write(
            lambda tx: self._claim(tx, limit, most_urgent, running, lanes=lanes), durable=False
        )

    async def renew(self, ids: Iterable[int]) -> set[int]:
        """Renew the leases of running jobs; return the ids of those that this process still holds."""
        wanted = list(ids)
        kept, at = await self.database.write(lambda tx: self._renew(tx, wanted), durable=False)
        recent = {one: when for one, when in self._renewed_at.items() if at - when < self.lease}
        self._renewed_at = recent | dict.fromkeys(kept, at)
        return kept

    async def still_leased(self, job: Job) -> bool:
        """Renew the lease of a job; return whether this process still holds it."""
        return job.id in await self.renew([job.id])

    async def surely_leased(self, job: Job) -> bool:
        """Return whether this process still holds a job; the database is asked if the lease may have ended.

        `boottime` measures the lease, because a process that was paused knows nothing of the time that has passed.
        """
        leased_at = max(job.leased_at or 0.0, self._renewed_at.get(job.id, 0.0))
        return self.database.time.boottime() - leased_at < self.lease or await self.still_leased(job)

    async def complete(self, job: Job) -> bool:
        """Mark a job as done; return False if the lease was lost.

        After a power cut the job may run again, so this is for jobs that may, such as messages.
        """
        return await self.database.write(lambda tx: self.complete_in(tx, job), durable=False)

    async def complete_all(self, jobs: Sequence[Job]) -> None:
        """Mark jobs as done that one message was sent for; those whose lease was lost run again."""

        def step(tx: Transaction) -> None:
            for job in jobs:
                self.complete_in(tx, job)

        await self.database.write(step, durable=False)

    async def complete_with_reply(self, job: Job, reply: Payload) -> Job | None:
        """Mark a job as done and add a REPLY job with this payload; return it, None if the lease was lost."""
        return await self.database.write(lambda tx: self.complete_with_reply_in(tx, job, reply))

    async def release(self, job: Job, *, delay: float) -> bool:
        """Give a job back, due again for any process in `delay` seconds; return False if the lease was lost."""
        return await self.database.write(lambda tx: self.release_in(tx, job, delay=delay), durable=False)

    async def continue_later(self, job: Job, payload: Payload, *, delay: float) -> bool:
        """Give a job back with another payload, due in `delay` seconds; return False if the lease was lost."""
        values = {"payload": json.dumps(payload), "id": job.id, "owner": self.owner}
        return await self.database.write(
            lambda tx: tx.execute(sql.CONTINUE, due_at=tx.now + delay, **values) == 1, durable=False
        )

    async def put_back(self, job: Job, *, delay: float) -> bool:
        """Give a job back that was not run, due in `delay` seconds; return False if the lease was lost."""
        return await self.database.write(lambda tx: self.put_back_in(tx, job, delay=delay), durable=False)

    async def set_aside(self, job: Job, error: UnreadableRow) -> bool:
        """Give a job back that cannot be run because of a row; return False if the lease was lost.

        A job that a damaged row stops is due again after `SET_ASIDE`. One that needs another version is due at once.
        """
        return await self.database.write(lambda tx: self._set_aside(tx, job, error), durable=False)

    async def release_own_leases(self) -> int:
        """Release what an earlier start of this process leased, so that a restart continues at once.

        Return the number of jobs.
        """
        return await self.database.write(self._release_own_leases)

    async def is_done(self, job_id: int) -> bool:
        """Return whether any process has completed a job."""
        return await self.database.read(lambda tx: tx.fetch_one(sql.IS_DONE, id=job_id) is not None)

    async def is_waiting(self, job_id: int) -> bool:
        """Return whether a job is still to be done."""
        return await self.database.read(lambda tx: tx.fetch_one(sql.IS_WAITING, id=job_id) is not None)

    async def depth(self) -> dict[str, int]:
        """Count the open jobs of each kind, unknown kinds included, and reminders only once they are due."""
        return await self.database.read(_depth)

    async def work(self) -> tuple[dict[str, int], float, int]:
        """Return what is to do: jobs by kind, seconds since the oldest was due, pending requests."""
        return await self.database.read(lambda tx: (_depth(tx), _overdue(tx), int(tx.fetch(sql.PENDING)[0].number)))

    async def now(self) -> float:
        """Return the database's time in epoch seconds."""
        return await self.database.read(lambda tx: tx.now)

    async def check_writable(self) -> None:
        """Store a row as a click would be. Raises DatabaseUnavailable if the database cannot."""
        await self.database.write(lambda tx: tx.execute(sql.PROBE, now=tx.now))

    def add_leased(self, tx: Transaction, kind: JobKind, request_id: str, key: str, payload: Payload) -> Job | None:
        """Add a job that this process holds at once, which saves the claim; return None for a known key."""
        row = _row(tx.now, request_id, JobSpec(kind, key, payload)) | self._lease(tx)
        found = tx.fetch_one(sql.ADD_LEASED, **row)
        return _job(found, self.database.time.read_at) if found else None

    def enqueue(self, tx: Transaction, request_id: str, *specs: JobSpec, delay: float = 0.0) -> None:
        """Make jobs due in `delay` seconds for any process, done or not; a known key adds no second job.

        A process that holds one of them keeps the lease, and `complete_unless_enqueued_in` makes it run the job again.
        """
        for spec in specs:
            tx.send(sql.ENQUEUE, **_row(tx.now, request_id, spec) | {"due_at": tx.now + delay})

    def end_reminders(self, tx: Transaction, request_id: str) -> None:
        """Mark the reminder of a request as done, because the request waits no more."""
        tx.send(sql.END_REMINDERS, request_id=request_id, now=tx.now)

    def enqueue_once(self, tx: Transaction, request_id: str, *specs: JobSpec) -> None:
        """Make jobs due for any process. A known key adds nothing, so that a message is sent once."""
        for spec in specs:
            tx.send(sql.ENQUEUE_ONCE, **_row(tx.now, request_id, spec))

    def enqueue_leased(self, tx: Transaction, request_id: str, *specs: JobSpec) -> list[Job]:
        """Enqueue jobs that are due now; return those that no other process holds, leased."""
        rows = tx.fetch_each(sql.ENQUEUE_LEASED, [_row(tx.now, request_id, spec) | self._lease(tx) for spec in specs])
        return list(self._readable(tx, [row for row in rows if row and row.attempts]))

    def lease_first(self, tx: Transaction, kind: JobKind, request_id: str) -> Job | None:
        """Lease the job of a request that no process has leased yet, due or not; return None if there is none."""
        row = tx.fetch_one(sql.LEASE_FIRST, kind=kind.value, request_id=request_id, **self._lease(tx))
        return next(self._readable(tx, [row]), None) if row else None

    def complete_in(self, tx: Transaction, job: Job) -> bool:
        """Mark a job as done; return False if the lease was lost.

        Another process then has the job, so the caller must write nothing for it.
        """
        return tx.execute(sql.COMPLETE, id=job.id, owner=self.owner, now=tx.now) == 1

    def complete_with_reply_in(self, tx: Transaction, job: Job, reply: Payload) -> Job | None:
        """Mark a job as done and add its REPLY job, leased; return None if the lease was lost."""
        if not self.complete_in(tx, job):
            return None
        return self.add_leased(tx, JobKind.REPLY, job.request_id, str(job.id), reply)

    def complete_unless_enqueued_in(self, tx: Transaction, job: Job) -> bool:
        """Mark a job as done; return False if it was enqueued again while it ran, or if the lease was lost."""
        return tx.execute(sql.COMPLETE_UNLESS_ENQUEUED, id=job.id, owner=self.owner, now=tx.now) == 1

    def lease_expired_notices(self, tx: Transaction, channel: str, limit: int) -> list[Job]:
        """Lease notices of expired requests that wait for a channel, newest first."""
        skipped = self.unreadable.skipped("jobs", tx.now)
        rows = notices.expired(tx, channel, limit + len(skipped), actions=due_jobs.literals(self.actions))
        return self._lease_rows(tx, [row for row in rows if row.id not in skipped][:limit], FOLDED_LEASE)

    def release_in(self, tx: Transaction, job: Job, *, delay: float) -> bool:
        """Give a job back, due again for any process in `delay` seconds; return False if the lease was lost."""
        return tx.execute(sql.RELEASE, id=job.id, owner=self.owner, due_at=tx.now + delay) == 1

    def renew_in(self, tx: Transaction, job: Job) -> bool:
        """Renew the lease of a job; return whether this process still holds it."""
        return bool(self._renew(tx, [job.id])[0])

    def put_back_in(self, tx: Transaction, job: Job, *, delay: float) -> bool:
        """Give a job back as if it had not been leased; return False if the lease was lost."""
        return tx.execute(sql.UNDO_LEASE, id=job.id, owner=self.owner, due_at=tx.now + delay) == 1

    def _lease(self, tx: Transaction) -> dict[str, Any]:
        return {"attempts": 1, "lease_owner": self.owner, "lease_until": tx.now + self.lease}

    def _due(self, tx: Transaction, limit: int, most_urgent: JobKind, running: Collection[int]) -> list[Row]:
        return due_jobs.due(tx, limit, most_urgent, actions=self.actions, skipped=self._skipped(tx, running))

    def _due_lanes(self, tx: Transaction, limit: int, running: Collection[int]) -> list[Row]:
        return due_jobs.due_lanes(tx, limit, actions=self.actions, skipped=self._skipped(tx, running))

    def _skipped(self, tx: Transaction, running: Collection[int]) -> set[int | str]:
        return {*self.unreadable.skipped("jobs", tx.now), *running}

    def _claim(
        self, tx: Transaction, limit: int, most_urgent: JobKind, running: Collection[int], *, lanes: int
    ) -> list[Job]:
        jobs: list[Job] = []
        while len(jobs) < limit:
            rows = self._due(tx, limit - len(jobs), most_urgent, running)
            found = self._lease_rows(tx, rows, self.lease)
            jobs += found
            if len(found) == len(rows):
                break
        jobs += self._lease_rows(tx, self._due_lanes(tx, lanes, running), self.lease)
        return sorted(jobs, key=lambda job: (PRIORITY[job.kind], job.id))

    def _lease_rows(self, tx: Transaction, rows: Iterable[Row], seconds: float) -> list[Job]:
        """Lease the jobs of rows that this version can read; return them as they are then."""
        found = list(self._readable(tx, rows, leases=1))
        if found:
            ids = ", ".join(str(job.id) for job in found)
            tx.send(sql.LEASE.format(ids=ids), owner=self.owner, lease_until=tx.now + seconds)
        for job in found:
            if job.kind is JobKind.NOTICE:
                notices.postpone_others(tx, job.payload["channel"])
        return found

    def _readable(self, tx: Transaction, rows: Iterable[Row], *, leases: int = 0) -> Iterator[Job]:
        """Yield the jobs of rows as this transaction leases them; `leases` are not in the rows yet.

        Damaged jobs are due again after `SET_ASIDE`; others that this version cannot read are left as they are.
        """
        for row in rows:
            try:
                job = _job(row, self.database.time.read_at, leases)
                check_payload(job.id, job.kind, job.payload, self.actions)
            except UnreadableRow as error:
                self.unreadable.add(error, tx.now)
                if error.damaged:
                    tx.send(sql.SET_JOB_ASIDE, id=row.id, due_at=tx.now + SET_ASIDE)
            else:
                yield job

    def _set_aside(self, tx: Transaction, job: Job, error: UnreadableRow) -> bool:
        self.unreadable.add(error, tx.now)
        return self.put_back_in(tx, job, delay=SET_ASIDE if error.damaged else 0.0)

    def _renew(self, tx: Transaction, ids: list[int]) -> tuple[set[int], float]:
        lease = {"owner": self.owner, "lease_until": tx.now + self.lease}
        return {one for one in ids if tx.execute(sql.RENEW, id=one, **lease) == 1}, self.database.time.read_at

    def _release_own_leases(self, tx: Transaction) -> int:
        name = self.owner.rpartition("#")[0]
        return tx.execute(sql.RELEASE_OWN, prefix=f"{name}#", owner=self.owner)


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


def _job(row: Row, leased_at: float, leases: int = 0) -> Job:
    """Return the job of a row. Raises UnreadableRow for a payload that is no JSON object."""
    payload, attempts = parse_payload(row.id, row.payload), row.attempts + leases
    return Job(row.id, JobKind(row.kind), row.request_id, payload, attempts, row.created_at, leased_at)


def _overdue(tx: Transaction) -> float:
    (row,) = tx.fetch(sql.OLDEST_DUE)
    return 0.0 if row.due_at is None else max(0.0, tx.now - float(row.due_at))


def _depth(tx: Transaction) -> dict[str, int]:
    return {str(kind): 0 for kind in JobKind} | {row.kind: row.number for row in tx.fetch(sql.DEPTH, now=tx.now)}
