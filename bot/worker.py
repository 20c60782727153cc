"""Claim jobs, hand each to the service for its kind, and renew the leases meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import structlog

from bot.db.clock import boottime
from bot.db.driver import DatabaseReplaced, DatabaseUnavailable
from bot.db.job_queue import LEASE_DURATION, MAX_BACKOFF_DOUBLINGS, JobQueue
from bot.db.jobs import Job, JobKind
from bot.db.unreadable import UnreadableRow
from bot.errors import SlackUnavailable
from bot.logs import RepeatLimit
from bot.services.job_result import JobResult
from bot.services.log_facts import job_facts

CONCURRENCY = 16
"""Jobs that a process runs at the same time, not counting lanes of bulk requests."""

POLL_INTERVAL = 0.5
"""Seconds between two looks for due work: retries, expired requests, jobs of a dead replica."""

MAX_RETRY_DELAY = 30.0
"""Longest delay before a failed job is retried, in seconds."""

RENEWAL = "renewal of leases"
"""The name of the task that renews the leases of running jobs."""

Process = Callable[[Job], Awaitable[JobResult]]

log = structlog.get_logger()


class Sweep(Protocol):
    """Periodic work that belongs to no job."""

    async def run(self) -> None:
        """Do it once."""


class Worker:
    """Runs leased jobs, each in a task of its own."""

    def __init__(
        self,
        queue: JobQueue,
        sweep: Sweep,
        services: Mapping[JobKind, Process],
        *,
        clock: Callable[[], float] = boottime,
        count_lost_lease: Callable[[], None] = lambda: None,
    ) -> None:
        self._queue = queue
        self._sweep = sweep
        self._services = services
        self._clock = clock
        self._count_lost_lease = count_lost_lease
        self._wakeup = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._lanes: set[int] = set()
        self._returned_lanes = 0
        self._lane_at = 0.0
        self._stopping = self._closed = False
        self._backlog = False
        self._sweep_at = 0.0
        self._outage = RepeatLimit(clock)
        self._polled_at = clock()
        self._renewal: asyncio.Task[None] | None = None

    def submit(self, job: Job) -> None:
        """Start a job that this process has leased. A closed worker leaves it to another process.

        A job that runs already is not started again.
        """
        if job.id not in self._running and not self._closed:
            if job.kind is JobKind.BULK:
                self._lanes.add(job.id)
            self._running[job.id] = asyncio.create_task(self._run(job), name=f"{job.kind} {job.id}")

    def wake(self) -> None:
        """Claim due jobs now rather than at the next poll."""
        self._wakeup.set()

    async def run(self) -> None:
        """Claim and run jobs until `drain`; an unavailable database is polled.

        Raises DatabaseReplaced, because then nothing that this process stores is kept.
        """
        self._renewal = asyncio.create_task(self._renew_leases(), name=RENEWAL)
        while not self._stopping:
            await self._log_errors(self._poll())
            await self._wait(POLL_INTERVAL)

    @property
    def seconds_since_poll(self) -> float:
        """The seconds since the last poll that succeeded, or since the worker was created."""
        return self._clock() - self._polled_at

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 - the caller shares one deadline
        """Claim nothing new; finish running jobs, then the cards and notices that they led to.

        Jobs that do not end within `timeout` seconds are left to their leases.
        """
        self._stopping = True
        self.wake()
        with suppress(TimeoutError, DatabaseReplaced):  # the database may not answer either
            async with asyncio.timeout(timeout):
                while await self._has_running_jobs():
                    await asyncio.wait(self._running.values())
        self._closed = True
        for task in list(self._running.values()):
            task.cancel()
        if self._renewal:  # not before, because jobs that finish meanwhile must keep their leases
            self._renewal.cancel()

    async def _has_running_jobs(self) -> bool:
        if not self._running:
            await self._log_errors(self._claim(CONCURRENCY, JobKind.CARD))
        return bool(self._running)

    async def _claim(self, limit: int, most_urgent: JobKind = JobKind.CLICK, *, lanes: int = 0) -> None:
        jobs = await self._queue.claim(limit, most_urgent=most_urgent, running=frozenset(self._running), lanes=lanes)
        self._backlog = sum(job.kind is not JobKind.BULK for job in jobs) >= limit
        for job in jobs:
            self.submit(job)

    async def _poll(self) -> None:
        if self._clock() >= self._sweep_at:
            self._sweep_at = self._clock() + POLL_INTERVAL
            await self._sweep.run()
        if not self._stopping:
            free = max(0, CONCURRENCY - len(self._running) + len(self._lanes))
            await self._claim(free, lanes=self._claimable_lanes())
        self._polled_at = self._clock()
        self._outage.reset()

    def _claimable_lanes(self) -> int:
        """Return how many lanes to claim: as many as were given back, and one more at each poll.

        More at once would leave none to the other replicas.
        """
        lanes, self._returned_lanes = self._returned_lanes, 0
        if self._clock() < self._lane_at:
            return lanes
        self._lane_at = self._clock() + POLL_INTERVAL
        return lanes + 1

    async def _wait(self, delay: float) -> None:
        try:
            await asyncio.wait_for(self._wakeup.wait(), delay)
        except TimeoutError:
            return
        self._wakeup.clear()

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(LEASE_DURATION / 3)
            await self._log_errors(self._renew_running())

    async def _renew_running(self) -> None:
        ids = set(self._running)
        if not ids:
            return
        kept = await self._queue.renew(ids)
        for lost in ids - kept:
            task = self._running.get(lost)
            if task and not await self._queue.is_done(lost):
                self._count_lost_lease()
                log.warning("lease.lost", job_id=lost)
                task.cancel()

    async def _log_errors(self, work: Coroutine[Any, Any, object]) -> None:
        """Keep the loop alive whatever the database does, unless it was replaced."""
        try:
            await work
        except DatabaseReplaced:
            raise
        except DatabaseUnavailable as error:
            if self._outage.allows(str(error)):
                log.warning("database.unavailable", problem=str(error))
        except Exception:
            log.exception("worker.failed")

    async def _run(self, job: Job) -> None:
        started = self._clock()
        try:
            result = await self._services[job.kind](job)
            await self._continue(result, started)
        except UnreadableRow as error:
            await self._log_errors(self._queue.set_aside(job, error))
        except SlackUnavailable as error:
            log.warning("job.slack_unavailable", **job_facts(job), method=error.method, code=error.slack_code)
            await self._log_errors(self._queue.release(job, delay=min(float(job.attempts), MAX_RETRY_DELAY)))
        except DatabaseReplaced:
            log.error("database.replaced", **job_facts(job))  # noqa: TRY400
        except Exception:
            log.exception("job.failed", **job_facts(job))
            delay = min(2.0 ** min(job.attempts, MAX_BACKOFF_DOUBLINGS), MAX_RETRY_DELAY)
            await self._log_errors(self._queue.release(job, delay=delay))
        finally:  # in this task, because the same job may be leased again before a done-callback runs
            self._running.pop(job.id, None)
            if job.id in self._lanes:
                self._lanes.discard(job.id)
                self._returned_lanes += 1
            if self._backlog:
                self.wake()

    async def _continue(self, result: JobResult, started: float) -> None:
        """Start follow-up jobs. After a slow commit their leases may be lost, so check them and read again.

        Otherwise a DELETE could follow more than 10 minutes after its approval, or after another replica's.
        """
        for job in result.follow_up:
            if self._clock() - started < LEASE_DURATION:
                self.submit(job)
            elif await self._queue.still_leased(job):
                self.submit(replace(job, snapshot=None))
        if result.wake:
            self.wake()
