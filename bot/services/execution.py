"""Execute an approved request: send one call to Genesys Cloud and record its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.db.executions import ExecutionStore
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.actions import Actions, GenesysApi
from bot.domain.live_state import LiveState
from bot.domain.requests import FINAL, Event, Request, State
from bot.metrics import Metrics
from bot.purecloud import GenesysRateLimited
from bot.purecloud.caller import write_guard
from bot.services.attempts import AttemptResult, execute
from bot.services.job_result import JobResult
from bot.services.live_state import LiveStates
from bot.services.log_facts import job_facts, log_facts
from bot.services.watch import Watches
from bot.services.write_checks import LeaseLost, WriteChecks

OTHER_PROCESS_DELAY = 1.0
"""Seconds until a process looks again at a call that only another process can send."""

ANNOUNCEMENT_DELAY = 1.0
"""Seconds until a process looks again at a call under break glass that is being announced."""

RECORD_RETRY_DELAYS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between attempts to record an outcome, until another process may take the job over."""

log = structlog.get_logger()

T = TypeVar("T")


class ExecutionService:
    """Executes approved requests."""

    def __init__(
        self,
        store: RequestStore,
        genesys: GenesysApi,
        actions: Actions,
        recipients: Callable[[Request], Sequence[str]],
        metrics: Metrics,
        *,
        live: LiveStates,
        watches: Watches,
        notify_target: bool = False,
    ) -> None:
        self._live = live
        self._checks = WriteChecks(store)
        self._watches = watches
        self._store = store
        self._executions = ExecutionStore(store)
        self._genesys = genesys
        self._actions = actions
        self._recipients = recipients
        self._metrics = metrics
        self._notify_target = notify_target

    async def process(self, job: Job) -> JobResult:
        """Send the call of an approved request, and record what came of it."""
        request, now, _ = job.snapshot or await self._store.snapshot(job.request_id)
        if request is None:
            return JobResult()
        if request.state is not State.APPROVED:
            log.error("request.not_approved", **log_facts(request), state=str(request.state))
            await self._store.jobs.complete(job)
            return JobResult()
        if await self._leave_to_its_process(request, job, now) or await self._wait_for_announcement(request, job):
            return JobResult()
        try:
            result = await self._execute(request, job, now)
        except LeaseLost:
            self._metrics.leases_lost.inc()
            log.warning("lease.lost", **job_facts(job, request))
            return JobResult()
        if result.event is None:
            return await self._retry(request, job, result)
        return await self._finish(request, job, result.event, dict(result.outcome))

    async def _retry(self, request: Request, job: Job, result: AttemptResult) -> JobResult:
        """Release the job of a failed attempt until the next one; meanwhile no process holds it."""
        outcome = dict(result.outcome)
        log.warning("request.retried", **(_logged(outcome) | log_facts(request)), delay=result.retry_delay)
        if not self._actions[request.action].repeatable and outcome["code"] == GenesysRateLimited.code:
            outcome["process"] = self._store.jobs.owner
        await self._executions.retry(job, delay=result.retry_delay, outcome=outcome)
        return JobResult(wake=True)

    async def _finish(self, request: Request, job: Job, event: Event, outcome: dict[str, Any]) -> JobResult:
        recorded = await self._record(request, job, event, outcome)
        if recorded is None:
            return JobResult()
        ended, follow_up = recorded
        if ended.state in FINAL:
            self._metrics.outcomes.labels(ended.action, ended.state).inc()
        if ended.state is State.REVOKED and ended.finished_at is not None:
            self._metrics.last_success.set(ended.finished_at)
        facts = _logged(outcome) | log_facts(ended)
        log.info("request.executed", **facts, by=ended.decided_by, state=str(ended.state))
        return JobResult(tuple(follow_up))

    async def _leave_to_its_process(self, request: Request, job: Job, now: float) -> bool:
        """Give a rotation that waits for a rate limit to the process that holds the old token."""
        process = request.outcome.get("process", self._store.jobs.owner)
        if process == self._store.jobs.owner or now - (request.approved_at or now) > request.execution_window:
            return False
        await self._store.jobs.put_back(job, delay=OTHER_PROCESS_DELAY)
        return True

    async def _wait_for_announcement(self, request: Request, job: Job) -> bool:
        """Give a job back while its call is being announced, because a process has ended before that."""
        if job.attempts > 1 or not request.break_glass or not await self._executions.is_announcing(request.id):
            return False
        await self._store.jobs.put_back(job, delay=ANNOUNCEMENT_DELAY)
        return True

    async def _execute(self, request: Request, job: Job, now: float) -> AttemptResult:
        """Send the call, unless its guard prevents it. Raises LeaseLost."""
        authorized, action = self._store.seals.authorizes(request, now), self._actions[request.action]
        latest = self._checks.latest_send(request, job, now)
        live = await self._before_first(request, job, now) if job.attempts == 1 and authorized else None
        token = write_guard.set(partial(self._checks.require, job, latest))
        try:
            return await execute(request, job, action, self._genesys, now=now, authorized=authorized, live=live)
        finally:
            write_guard.reset(token)

    async def _before_first(self, request: Request, job: Job, now: float) -> LiveState | None:
        """Return what the target is doing before the first attempt; measure the time until then."""
        boottime = self._store.database.time.boottime
        began = boottime()
        live = await self._live.before_call(request, now, job.reading)
        self._metrics.click_to_delete.observe(max(0.0, now - job.payload["clicked_at"] + boottime() - began))
        return live

    async def _record(
        self, request: Request, job: Job, event: Event, outcome: dict[str, Any]
    ) -> tuple[Request, list[Job]] | None:
        """Record an outcome. While the database is unavailable, recording is retried, never the call."""
        finish = partial(
            self._executions.finish, job, event, notify=self._recipients(request),
            notify_target=self._notify_target,
        )  # fmt: skip
        if event is Event.SUCCEED and self._actions[request.action].ends_sessions:
            outcome, begin = self._watches.begin(outcome)
            finish = partial(finish, also=begin)
        return await until_recorded(
            partial(finish, outcome=outcome),
            lambda error: log.error(
                "request.outcome_not_recorded", **(_logged(outcome) | log_facts(request)), exc_info=error
            ),
        )


async def until_recorded(record: Callable[[], Awaitable[T]], report: Callable[[Exception], object]) -> T:
    """Record an outcome, repeatedly while the database is unavailable; `report` gets each failure."""
    for delay in RECORD_RETRY_DELAYS:
        try:
            return await record()
        except Exception as error:  # noqa: BLE001 - reported
            report(error)
            await asyncio.sleep(delay)
    return await record()


def _logged(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the log has of an outcome: nothing of what the target was doing, which is personal."""
    return {name: value for name, value in outcome.items() if name not in ("live", "watch")}
