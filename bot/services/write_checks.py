"""What is checked before each attempt of a DELETE: the lease, the age of the approval, and the clock."""

from __future__ import annotations

from bot.db.clock import CATCH_UP_RATE
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.requests import Request
from bot.purecloud import GenesysNotSent

APPROVAL_MEMORY = 86400.0
"""Seconds for which a process remembers when a request was approved. Its jobs are done long before."""


class LeaseLost(Exception):
    """A job that another process holds, so that this one must not send anything for it."""


class WriteChecks:
    """The checks of one process."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store
        self._approved_at: dict[str, float] = {}

    def latest_send(self, request: Request, job: Job, now: float) -> float:
        """Return until when a request may be executed, in seconds of `boottime`, which nothing sets.

        It is derived once, when this process first executes the request, so a clock that is set later changes nothing.
        Divided by `CATCH_UP_RATE`, the age is not too low although the database's time may have been slow.
        """
        clock = self._store.database.time
        leased_at = clock.boottime() if job.leased_at is None else job.leased_at
        derived = leased_at - max(0.0, now - (request.approved_at or now)) / CATCH_UP_RATE
        self._forget(clock.boottime() - APPROVAL_MEMORY)
        return self._approved_at.setdefault(request.id, derived) + request.execution_window

    def _forget(self, before: float) -> None:
        """Forget the requests that this process has executed first, if they were approved before a time."""
        while self._approved_at:
            first = next(iter(self._approved_at))
            if self._approved_at[first] > before:
                return
            del self._approved_at[first]

    async def require(self, job: Job, latest: float) -> None:
        """Raise unless a DELETE may be sent now. The process may have been paused since it looked last."""
        jobs, clock = self._store.jobs, self._store.database.time
        if not await jobs.surely_leased(job):
            raise LeaseLost
        if clock.boottime() > latest:
            raise GenesysNotSent(problem="too_late")
        if clock.is_behind:
            raise GenesysNotSent(problem="clock_behind")
