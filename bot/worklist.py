"""The work there is, as one process takes it up and puts it down: each step is a transaction that comes to its end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import delete, select

from bot.database import Database
from bot.leases import Job, JobKind, Leases
from bot.tables import jobs

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Here = TypeVar("Here", bound="Worklist")


def whole(
    step: Callable[Concatenate[Here, Arguments], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[Here, Arguments], Coroutine[Any, Any, Result]]:
    """Make a step one that is never cancelled half-way."""

    async def run(self: Here, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return await self.database.to_its_end(step(self, *args, **kwargs))

    update_wrapper(run, step)
    return run


class Worklist:
    """The jobs of one database, for the process that `leases` names."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self.database = database
        self._leases = leases

    @whole
    async def now(self) -> float:
        """Return the database's time, having shown that it can be written to; epoch seconds."""
        async with self.database.begin() as tx:
            await tx.connection.execute(delete(jobs).where(jobs.c.id < 0))
            return tx.now

    @whole
    async def finish(self, job: Job) -> None:
        """Mark a job done that leaves no other trace."""
        async with self.database.begin() as tx:
            await self._leases.finish(tx, job)

    @whole
    async def give_back(self, job: Job, *, wait: float) -> None:
        """Give a job back, due again in `wait` seconds."""
        async with self.database.begin() as tx:
            await self._leases.release(tx, job, wait=wait)

    @whole
    async def claim(self, limit: int, *, most_urgent: JobKind = JobKind.CLICK) -> list[Job]:
        """Lease due jobs, none more urgent than this kind."""
        async with self.database.begin() as tx:
            return await self._leases.claim(tx, limit, most_urgent=most_urgent)

    @whole
    async def renew(self, ids: Iterable[int]) -> set[int]:
        """Renew the leases of running jobs; returns those still held."""
        async with self.database.begin() as tx:
            return await self._leases.renew(tx, list(ids))

    @whole
    async def is_done(self, job_id: int) -> bool:
        """Whether a job has been finished, by whomever."""
        async with self.database.read() as connection:
            found = await connection.execute(select(jobs.c.done_at).where(jobs.c.id == job_id))
            return found.scalar_one_or_none() is not None

    @whole
    async def holds(self, job: Job) -> bool:
        """Whether a job is still this process's to do."""
        return job.id in await self.renew([job.id])

    @whole
    async def start(self) -> None:
        """Take up what an earlier start of the same process left."""
        async with self.database.begin() as tx:
            await self._leases.free_own(tx)

    @whole
    async def depth(self) -> dict[str, int]:
        """Count what waits, by kind of job."""
        async with self.database.read() as connection:
            return await self._leases.depth(connection)
