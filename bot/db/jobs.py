"""Work that is leased: who claims a job has a few seconds, renewed while it runs; if they die, another takes over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Integer, Row, Update, and_, bindparam, func, or_, select, update

from bot.db.engine import Insert, Transaction
from bot.db.schema import jobs
from bot.domain.requests import REPEAT_WINDOW, Request

LEASE = 4.0
"""Seconds a job belongs to whoever claimed it; renewed every third of it while the job runs."""


MOST_DOUBLINGS = 16
"""How often the wait between two tries may double: to most of a day. After a thousand times the number overflows."""


class JobKind(StrEnum):
    """What there is to do, most urgent first."""

    CLICK = "click"
    """Somebody pressed a button: look them up, judge, move the request."""
    EXECUTE = "target"
    """An approved target: send the DELETE."""
    CARD = "card"
    """A card that does not show its request's latest revision."""
    NOTICE = "notice"
    """An outcome that a channel or a person has not been told."""


Snapshot = tuple[Request | None, float]
"""A request as it stood at a moment of the database's time; epoch seconds."""

PRIORITY = {kind: place for place, kind in enumerate(JobKind)}


@dataclass(frozen=True, slots=True)
class Job:
    """A job this process has leased. `attempts` counts this one; `created_at` is epoch seconds."""

    id: int
    kind: JobKind
    request_id: str
    payload: Mapping[str, Any]
    attempts: int
    created_at: float
    seen: Snapshot | None = None
    """What the transaction that leased it saw, which need not be read again; none for a job that was claimed."""

    def is_stale(self, now: float) -> bool:
        """Whether this was asked for so long ago that nobody means it any more."""
        return now - self.created_at > REPEAT_WINDOW


Payload = Mapping[str, Any]

JobSpec = tuple[JobKind, str, Payload]
"""A job that anybody may do: its kind, the key that tells it from others of its kind, what it needs to know."""


def _row(now: float, kind: JobKind, request_id: str, key: str, payload: Payload) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": f"{kind}:{key}",
        "request_id": request_id,
        "payload": json.dumps(payload),
        "prio": PRIORITY[kind],
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "lease_until": 0.0,
    }


def _read(row: Row[Any]) -> Job:
    return Job(row.id, JobKind(row.kind), row.request_id, json.loads(row.payload), row.attempts, row.created_at)


# Statements are put together once: that costs as much as to run them (docs/performance.md).

_COLUMNS = (jobs.c.id, jobs.c.kind, jobs.c.request_id, jobs.c.payload, jobs.c.attempts, jobs.c.created_at)

_DUE = (
    select(jobs.c.id)
    .where(
        jobs.c.done_at.is_(None),
        jobs.c.prio >= bindparam("least"),
        jobs.c.due_at <= bindparam("now"),
        or_(jobs.c.lease_owner.is_(None), jobs.c.lease_until <= bindparam("now")),
    )
    .order_by(jobs.c.prio, jobs.c.due_at)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
"""A CTE, because a subquery with LIMIT may be evaluated anew for each row on PostgreSQL."""

_CLAIM = (
    update(jobs)
    .where(jobs.c.id.in_(select(_DUE.c.id)))
    .values(lease_owner=bindparam("me"), lease_until=bindparam("until"), attempts=jobs.c.attempts + 1)
    .returning(*_COLUMNS)
)

_MINE = update(jobs).where(jobs.c.id == bindparam("job"), jobs.c.lease_owner == bindparam("me"))
_MINE_NOT_RAISED = _MINE.where(jobs.c.attempts > 0)


@cache
def _add(insert: Insert) -> Any:
    return insert(jobs).on_conflict_do_nothing(index_elements=["key"]).returning(*_COLUMNS)


@cache
def _raise_flag(insert: Insert) -> Any:
    statement = insert(jobs)
    again = {"due_at": statement.excluded.due_at, "done_at": None, "attempts": 0}
    return statement.on_conflict_do_update(index_elements=["key"], set_=again)


class Leases:
    """The jobs table, seen by one process: `owner` is its name and the word for this start of it, as `name#start`.

    Every method is part of the transaction it is handed.
    """

    def __init__(self, owner: str, *, lease: float = LEASE) -> None:
        self.owner = owner
        self.lease = lease

    def add(self, tx: Transaction, kind: JobKind, request_id: str, key: str, payload: Payload) -> Job | None:
        """Add a job and lease it at once, which saves the claim; None when the key was there already."""
        row = _row(tx.now, kind, request_id, key, payload) | {
            "attempts": 1,
            "lease_owner": self.owner,
            "lease_until": tx.now + self.lease,
        }
        found = tx.execute(_add(tx.insert), row).one_or_none()
        return _read(found) if found else None

    def enqueue(self, tx: Transaction, request_id: str, *flags: JobSpec, wait: float = 0.0) -> None:
        """Make jobs due for anybody in `wait` seconds, again if they were done.

        Who holds the lease of one keeps it, and looks again when done.
        """
        rows = [
            _row(tx.now, kind, request_id, key, payload) | {"due_at": tx.now + wait} for kind, key, payload in flags
        ]
        tx.execute(_raise_flag(tx.insert), rows)

    def claim(self, tx: Transaction, limit: int, *, most_urgent: JobKind = JobKind.CLICK) -> list[Job]:
        """Lease up to `limit` due jobs, the most urgent first, and none more urgent than this kind."""
        wanted = {"least": PRIORITY[most_urgent], "most": limit, "now": tx.now}
        found = tx.execute(_CLAIM, wanted | {"me": self.owner, "until": tx.now + self.lease}).all()
        return sorted((_read(row) for row in found), key=lambda job: (PRIORITY[job.kind], job.id))

    def renew(self, tx: Transaction, ids: Sequence[int]) -> set[int]:
        """Keep the leases of running jobs; returns those that are still this process's own.

        A row that somebody is just writing to is passed over until next time: who holds several rows and waits for
        another could wait for somebody who waits for one of these.
        """
        mine = and_(jobs.c.id.in_(ids), jobs.c.lease_owner == self.owner, jobs.c.done_at.is_(None))
        free = select(jobs.c.id).where(mine).with_for_update(skip_locked=True).cte("free")
        tx.execute(update(jobs).where(jobs.c.id.in_(select(free.c.id))).values(lease_until=tx.now + self.lease))
        return set(tx.execute(select(jobs.c.id).where(mine)).scalars())

    def finish(self, tx: Transaction, job: Job) -> bool:
        """Mark a job done; False when the lease was lost, and then nothing may be written in its name."""
        return self._if_mine(tx, _MINE, job, done_at=tx.now, lease_owner=None)

    def finish_unless_raised(self, tx: Transaction, job: Job) -> bool:
        """Mark a job done; False when its flag was raised while it ran, or the lease was lost."""
        return self._if_mine(tx, _MINE_NOT_RAISED, job, done_at=tx.now, lease_owner=None)

    def release(self, tx: Transaction, job: Job, *, wait: float) -> bool:
        """Give a job back, due again in `wait` seconds, for any process."""
        return self._if_mine(tx, _MINE, job, due_at=tx.now + wait, lease_owner=None)

    def _if_mine(self, tx: Transaction, statement: Update, job: Job, **values: Any) -> bool:
        return tx.execute(statement, {"job": job.id, "me": self.owner, **values}).rowcount == 1

    def release_own_leases(self, tx: Transaction) -> int:
        """Free what an earlier start under the same name left leased, so that a restart need not wait a lease."""
        name = self.owner.rpartition("#")[0]
        earlier = jobs.c.lease_owner.startswith(f"{name}#", autoescape=True)
        left = update(jobs).where(earlier, jobs.c.lease_owner != self.owner)
        return tx.execute(left.values(lease_owner=None)).rowcount

    def depth(self, tx: Transaction) -> dict[str, int]:
        """Count the open jobs of each kind."""
        counted = select(jobs.c.kind, func.count()).where(jobs.c.done_at.is_(None)).group_by(jobs.c.kind)
        return {str(kind): 0 for kind in JobKind} | {row[0]: row[1] for row in tx.execute(counted)}
