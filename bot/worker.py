"""Does what is written down: judges clicks, sends DELETEs, keeps cards true, tells outcomes, lets requests expire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog

from bot.db.engine import DatabaseUnavailable
from bot.db.jobs import LEASE_DURATION, MAX_BACKOFF_DOUBLINGS, Job, JobKind
from bot.db.requests import RequestStore
from bot.domain.policy import Denied
from bot.domain.requests import FINAL, Event, Request
from bot.errors import SlackUnavailable
from bot.metrics import Metrics
from bot.services.cards import CardUpdater
from bot.services.clicks import Decisions
from bot.services.execution import Tokens, execute

SLOTS = 16
"""Jobs a process does at the same time."""

POLL = 0.5
"""Seconds between two looks for work that nobody announced: retries, expiries, what a dead replica left."""

TIDY = 600.0
"""Seconds between two times of forgetting what is of no more use."""

LONGEST_WAIT = 30.0

PATIENCE = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between tries to write an outcome down, before another process may take the job over."""

log = structlog.get_logger()


class Worker:
    """Runs leased jobs, each in a task of its own, and renews the leases while they run."""

    def __init__(
        self,
        store: RequestStore,
        decisions: Decisions,
        tokens: Tokens,
        painter: CardUpdater,
        *,
        metrics: Metrics,
        audience: Callable[[Request], tuple[str, ...]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._decisions = decisions
        self._tokens = tokens
        self._painter = painter
        self._metrics = metrics
        self._audience = audience
        self._clock = clock
        self._bell = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._stopping = self._closed = False
        self._crowded = False
        self._sweep_at = self._tidy_at = 0.0
        self._renewing: asyncio.Task[None] | None = None
        self._do: dict[JobKind, Callable[[Job], Awaitable[None]]] = {
            JobKind.CLICK: self._settle,
            JobKind.EXECUTE: self._carry_out,
            JobKind.CARD: self._paint,
            JobKind.NOTICE: self._painter.notify,
        }

    def take(self, job: Job) -> None:
        """Start a job that this process has leased; at the very end its lease brings it to another."""
        if job.id not in self._running and not self._closed:
            self._running[job.id] = asyncio.create_task(self._run(job), name=f"{job.kind} {job.id}")

    def ring(self) -> None:
        """Say that there is something to claim."""
        self._bell.set()

    async def run(self) -> None:
        """Look for work until `drain`; a database that is away is asked again."""
        self._renewing = asyncio.create_task(self._renew())
        while not self._stopping:
            await self._quietly(self._look())
            await self._wait(POLL)

    @property
    def renews(self) -> bool:
        """Whether the leases of what runs are kept."""
        return self._renewing is not None and not (self._renewing.done() or self._renewing.cancelling())

    async def drain(self, seconds: float) -> None:
        """Take on nothing new; let what runs finish, and tell of it. What does not end in time is left to its lease."""
        self._stopping = True
        self.ring()
        with suppress(TimeoutError):  # also where the database does not answer
            async with asyncio.timeout(seconds):
                while await self._has_work_in_hand():
                    await asyncio.wait(self._running.values())
        self._closed = True
        for task in list(self._running.values()):
            task.cancel()
        if self._renewing:  # not before: what is finished in these seconds must keep its lease
            self._renewing.cancel()

    async def _has_work_in_hand(self) -> bool:
        """Whether something runs: what was begun, then the cards and notices it led to."""
        if not self._running:
            await self._quietly(self._claim(SLOTS, JobKind.CARD))
        return bool(self._running)

    async def _claim(self, limit: int, most_urgent: JobKind = JobKind.CLICK) -> None:
        """Take up what is due; where there may be more of it, the end of a job asks again."""
        found = await self._store.jobs.claim(limit, most_urgent=most_urgent)
        self._crowded = len(found) == limit
        for job in found:
            self.take(job)

    async def _look(self) -> None:
        if self._clock() >= self._sweep_at:
            self._sweep_at = self._clock() + POLL
            await self._sweep()
        free = SLOTS - len(self._running)
        if free <= 0:
            self._crowded = True
        elif not self._stopping:
            await self._claim(free)

    async def _sweep(self) -> None:
        for request in await self._store.expire_due(self._audience):
            self._count(request)
            log.info("expired", reference=request.reference)
        if self._clock() > self._tidy_at:
            self._tidy_at = self._clock() + TIDY
            await self._store.delete_expired_rows()

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._bell.wait(), seconds)
        except TimeoutError:
            return
        self._bell.clear()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_DURATION / 3)
            await self._quietly(self._renew_running())

    async def _renew_running(self) -> None:
        ids = set(self._running)
        if not ids:
            return
        kept = await self._store.jobs.renew(ids)
        for lost in ids - kept:
            task = self._running.get(lost)
            if task and not await self._store.jobs.is_done(lost):
                log.warning("lease lost; another replica has the job", job=lost)
                task.cancel()

    async def _quietly(self, work: Coroutine[Any, Any, object]) -> None:
        """Keep the loop alive whatever happens to the database."""
        try:
            await work
        except DatabaseUnavailable as problem:
            log.warning("the database is away; the worker asks again", problem=str(problem))
        except Exception:
            log.exception("the worker could not use the database and will try again")

    def _done(self, job: Job) -> None:
        self._running.pop(job.id, None)
        if self._crowded:
            self.ring()

    async def _run(self, job: Job) -> None:
        try:
            await self._do[job.kind](job)
        except SlackUnavailable as problem:
            log.warning(
                "slack did not answer; will ask again", kind=job.kind, method=problem.method, code=problem.slack_code
            )
            await self._quietly(self._store.jobs.release(job, delay=float(job.attempts)))
        except Exception:
            log.exception("a job failed and will be tried again", kind=job.kind, request_id=job.request_id)
            await self._quietly(
                self._store.jobs.release(job, delay=min(2.0 ** min(job.attempts, MAX_BACKOFF_DOUBLINGS), LONGEST_WAIT))
            )
        finally:  # not when the task is told to be done: the same job may have been claimed again by then
            self._done(job)

    async def _settle(self, job: Job) -> None:
        began = self._clock()
        settled = await self._decisions.settle(job)
        for work in settled.work:
            await self._go_on(work, since=began)
        if not settled.work:  # else there is nothing to be told yet
            self.ring()
        for request in settled.ended:
            self._count(request)
        if settled.answer:
            reason = settled.answer.reason if isinstance(settled.answer, Denied) else "stale"
            self._metrics.refusals.labels(reason).inc()
            log.info("click changed nothing", reason=reason, request_id=job.request_id, by=job.payload["user_id"])
            await self._painter.answer(job, settled.answer, settled.request)
        elif settled.request:
            log.info(
                "click", state=settled.request.state, reference=settled.request.reference, by=job.payload["user_id"]
            )

    async def _go_on(self, work: Job, *, since: float) -> None:
        """Start what a click led to; where a disk kept its commit for so long that the lease may be lost, look again.

        Else a DELETE could follow later than 10 minutes after its approval, or after another replica's.
        """
        if self._clock() - since < LEASE_DURATION:
            self.take(work)
        elif await self._store.jobs.still_leased(work):
            self.take(replace(work, snapshot=None))

    async def _carry_out(self, job: Job) -> None:
        request, now = job.snapshot or await self._store.get_with_clock(job.request_id)
        if request is None:
            return
        if job.attempts == 1:
            self._metrics.click_to_delete.observe(max(0.0, now - job.payload["clicked_at"]))
        ending = await execute(request, job, self._tokens, now=now)
        outcome = dict(ending.outcome)
        if ending.event is None:
            log.warning("genesys did not do it yet; will try again", reference=request.reference, **outcome)
            await self._store.retry_execution(job, delay=ending.wait, outcome=outcome)
        else:
            moved = await self._write_down(job, ending.event, outcome, self._audience(request))
            if moved:
                if moved.state in FINAL:
                    self._count(moved)
                log.info("carried out", state=moved.state, reference=moved.reference, **outcome)
        self.ring()

    async def _write_down(
        self, job: Job, event: Event, outcome: dict[str, Any], tell: tuple[str, ...]
    ) -> Request | None:
        """Write an ending down; while the database is away the writing is repeated, never the DELETE."""
        for pause in PATIENCE:
            try:
                return await self._store.finish_execution(job, event, outcome=outcome, notify=tell)
            except Exception:
                log.exception("an outcome could not be written down yet", request_id=job.request_id, **outcome)
                await asyncio.sleep(pause)
        return await self._store.finish_execution(job, event, outcome=outcome, notify=tell)

    def _count(self, request: Request) -> None:
        self._metrics.outcomes.labels(request.kind, request.state).inc()

    async def _paint(self, job: Job) -> None:
        if not await self._painter.paint(job):
            self.ring()
