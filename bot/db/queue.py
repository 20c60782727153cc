"""The work there is, as one process takes it up and puts it down: each step is a transaction."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import delete, select

from bot.db.engine import Database, Transaction
from bot.db.jobs import Job, JobKind, Leases
from bot.db.schema import jobs

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Here = TypeVar("Here", bound="JobQueue")

Sync = Callable[Concatenate[Here, Transaction, Arguments], Result]
Async = Callable[Concatenate[Here, Arguments], Coroutine[Any, Any, Result]]


def writes(step: Sync[Here, Arguments, Result]) -> Async[Here, Arguments, Result]:
    """Make a method one that is called without its transaction, which is opened around it: whole or not at all."""

    @wraps(step)
    async def run(self: Here, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return await self.database.write(lambda tx: step(self, tx, *args, **kwargs))

    return run


def reads(step: Sync[Here, Arguments, Result]) -> Async[Here, Arguments, Result]:
    """Make a method that only reads one that is called without what it reads from, and that waits for nobody."""

    @wraps(step)
    async def run(self: Here, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return await self.database.read(lambda tx: step(self, tx, *args, **kwargs))

    return run


class JobQueue:
    """The jobs of one database, for the process that `leases` names."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self.database = database
        self._leases = leases

    @writes
    def now(self, tx: Transaction) -> float:
        """Return the database's time, having shown that it can be written to; epoch seconds."""
        tx.execute(delete(jobs).where(jobs.c.id < 0))
        return tx.now

    @writes
    def finish(self, tx: Transaction, job: Job) -> None:
        """Mark a job done that leaves no other trace."""
        self._leases.finish(tx, job)

    @writes
    def give_back(self, tx: Transaction, job: Job, *, wait: float) -> None:
        """Give a job back, due again in `wait` seconds."""
        self._leases.release(tx, job, wait=wait)

    @writes
    def claim(self, tx: Transaction, limit: int, *, most_urgent: JobKind = JobKind.CLICK) -> list[Job]:
        """Lease due jobs, none more urgent than this kind."""
        return self._leases.claim(tx, limit, most_urgent=most_urgent)

    @writes
    def renew(self, tx: Transaction, ids: Iterable[int]) -> set[int]:
        """Renew the leases of running jobs; returns those still held."""
        return self._leases.renew(tx, list(ids))

    @reads
    def is_done(self, tx: Transaction, job_id: int) -> bool:
        """Whether a job has been finished, by whomever."""
        found = tx.execute(select(jobs.c.done_at).where(jobs.c.id == job_id))
        return found.scalar_one_or_none() is not None

    @writes
    def holds(self, tx: Transaction, job: Job) -> bool:
        """Whether a job is still this process's to do."""
        return job.id in self._leases.renew(tx, [job.id])

    @writes
    def start(self, tx: Transaction) -> None:
        """Take up what an earlier start of the same process left."""
        self._leases.release_own_leases(tx)

    @reads
    def depth(self, tx: Transaction) -> dict[str, int]:
        """Count what waits, by kind of job."""
        return self._leases.depth(tx)
