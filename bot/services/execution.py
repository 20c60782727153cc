"""Execute an approved request: send one call to Genesys Cloud and record its outcome."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog

from bot.db.executions import ExecutionStore
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.actions import Action, Actions, GenesysApi, Response
from bot.domain.live_state import LiveState
from bot.domain.requests import FINAL, Event, Request, State
from bot.metrics import Metrics
from bot.purecloud import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysNotSent,
    GenesysRateLimited,
    GenesysRejected,
    GenesysUnauthenticated,
    GenesysUnreachable,
    LoginCause,
    is_transient,
)
from bot.purecloud.caller import write_guard, write_sent
from bot.services.job_result import JobResult
from bot.services.live_state import LiveStates
from bot.services.log_facts import job_facts, log_facts
from bot.services.watch import Watches
from bot.services.write_checks import LeaseLost, WriteChecks

MAX_ROUNDS = 2
"""How often a call that meets a transient error is tried; each time the client retries within seconds by itself.

Rounds that Genesys Cloud has asked to wait for do not count.
"""

RETRY_DELAY = 3.0
"""Seconds between two rounds, if Genesys Cloud does not say how long to wait."""

RATE_LIMIT_DELAY = 60.0
"""Seconds to wait for a rate limit that does not say how long. Genesys Cloud counts requests by the minute."""

MAX_DOUBLINGS = 4
"""How often the shortest wait doubles, so that a rate limit that goes on is not met every few seconds."""

MAX_ATTEMPTS = 4
"""How often a call is sent in all, counting processes that died while they sent it, but no rounds after a wait."""

OTHER_PROCESS_DELAY = 1.0
"""Seconds until a process looks again at a call that only another process can send."""

ANNOUNCEMENT_DELAY = 1.0
"""Seconds until a process looks again at a call under break glass that is being announced."""

RECORD_RETRY_DELAYS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between attempts to record an outcome, until another process may take the job over."""

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended: an event for the request, or None for another round in `retry_delay` seconds.

    `outcome` holds a code and its parameters, for the card, the log and the audit log. Besides those of the error:
    `attempts`, `sent` (requests that Genesys Cloud may have received), `at_least` (there may be more, because a process
    ended), `uncertain` (an attempt may have been executed), `waits` (attempts after which Genesys Cloud asked to wait),
    `unchanged` (certainly nothing was executed), `possible_at` and `continues_at` (epoch seconds), `live` (what the
    target was doing before the first attempt), `sent_at` and `answered_at` (when the last call was executed, by Genesys
    Cloud's clock), and `watch` (`bot.domain.watch`).
    """

    event: Event | None
    outcome: Mapping[str, Any]
    retry_delay: float = 0.0


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
        live = await self._live.before_call(request, now)
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


async def execute(
    request: Request, job: Job, action: Action, genesys: GenesysApi, *, now: float, authorized: bool,
    live: LiveState | None = None,
) -> AttemptResult:  # fmt: skip
    """Send the call of an approved request; `now` is the database's time in epoch seconds.

    `authorized` says whether the seals of the request and of its approvals are genuine, `live` what the target was
    doing just before.

    A call is repeated only if the repetition cannot end a new login that the approval does not cover.
    """
    facts = _facts(request, job)
    if live:
        facts["live"] = live.codes
    expired = _reason_not_to_send(request, job, action, now)
    if expired:
        return _not_sent(facts, expired)
    if not authorized:
        event = Event.LOSE_TRACK if facts["uncertain"] else Event.REFUSE
        return AttemptResult(event, facts | {"code": "not_authorized"})
    if action.has_target and request.target is None:
        return AttemptResult(Event.REFUSE, facts | {"code": "no_target"})
    try:
        response = await _send(request, action, genesys, facts)
    except GenesysNotSent as error:
        return _not_sent(facts, error.problem)
    except GenesysError as error:
        return result_of_error(error, action, facts, now=now, until=send_until(request, now))
    facts.pop("unchanged", None)
    times = {"sent_at": response.sent_at, "answered_at": response.answered_at}
    return AttemptResult(
        Event.SUCCEED,
        facts
        | {"code": "executed", "status": response.status, "correlation_id": response.correlation_id}
        | {name: at for name, at in times.items() if at is not None},
    )


def _facts(request: Request, job: Job) -> dict[str, Any]:
    """Return what is known of a request's attempts before this one, which `attempts` includes."""
    before = request.outcome
    facts: dict[str, Any] = {"attempts": job.attempts, "uncertain": _uncertain(request, job)}
    facts["sent"] = int(before.get("sent", before.get("attempts", 0)))
    if before.get("at_least") or _has_lost_attempt(request, job):
        facts["at_least"] = True
    if before.get("waits"):
        facts["waits"] = int(before["waits"])
    if before.get("live"):
        facts["live"] = before["live"]
    if not facts["uncertain"] and (job.attempts == 1 or before.get("unchanged")):
        facts["unchanged"] = True
    return facts


def _logged(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the log has of an outcome: nothing of what the target was doing, which is personal."""
    return {name: value for name, value in outcome.items() if name not in ("live", "watch")}


def _not_sent(facts: Mapping[str, Any], code: str | None) -> AttemptResult:
    """Return the result of an attempt that ends before its next request is sent.

    It failed if certainly nothing was executed before, and is unknown otherwise.
    """
    event = Event.FAIL if facts.get("unchanged") else Event.LOSE_TRACK
    return AttemptResult(event, {**facts, "attempts": facts["attempts"] - 1, "code": code})


def send_until(request: Request, now: float) -> float:
    """Return until when a call of a request may be sent, in epoch seconds."""
    return (request.approved_at or now) + request.execution_window


def _reason_not_to_send(request: Request, job: Job, action: Action, now: float) -> str | None:
    """Return the code of the reason why nothing may be sent any more, if there is one."""
    if now - (request.approved_at or now) > request.execution_window:
        return "too_late"
    rounds = job.attempts - int(request.outcome.get("waits", 0))
    if rounds > MAX_ATTEMPTS:
        return "too_many_attempts"
    if not action.repeatable and rounds > 1:
        return "process_ended"
    return None


async def _send(request: Request, action: Action, genesys: GenesysApi, facts: dict[str, Any]) -> Response:
    """Send the call, and count each request that Genesys Cloud may have received in `facts`."""
    sent_before = facts["sent"]

    def count() -> None:
        facts["sent"] += 1

    token = write_sent.set(count)
    try:
        return await action.execute(genesys, request)
    except ValueError as error:  # the client sends nothing for an id that cannot be one
        raise GenesysRejected(problem="invalid_target") from error
    except GenesysNotSent:
        if facts["sent"] > sent_before:  # an earlier request of this attempt got an answer that is not certain
            facts.pop("unchanged", None)
        raise
    finally:
        write_sent.reset(token)


def _uncertain(request: Request, job: Job) -> bool:
    """Return whether an earlier attempt may have reached Genesys Cloud.

    Such an attempt got no response, or its process died.
    """
    return bool(request.outcome.get("uncertain")) or _has_lost_attempt(request, job)


def _has_lost_attempt(request: Request, job: Job) -> bool:
    """Return whether an earlier attempt ended with its process, so that nothing is known of it."""
    return job.attempts - 1 > int(request.outcome.get("attempts", 0))


def result_of_error(
    error: GenesysError, action: Action, facts: Mapping[str, Any], *, now: float = 0.0, until: float = math.inf
) -> AttemptResult:
    """Return what an error means for a request that was tried `facts["attempts"]` times.

    A rate limit is waited out if it ends before `until`; `now` and `until` are in epoch seconds.
    """
    uncertain = bool(facts["uncertain"]) or isinstance(error, GenesysNoResponse)
    params = {name: value for name, value in error.params.items() if value is not None}
    known = {name: value for name, value in facts.items() if name != "unchanged"}
    outcome = {**known, **params, "uncertain": uncertain, "code": error.code}
    event = Event.LOSE_TRACK if uncertain else Event.FAIL
    if isinstance(error, GenesysForbidden | GenesysNotFound | GenesysRejected):
        return AttemptResult(Event.LOSE_TRACK if uncertain else Event.REFUSE, outcome)
    waits = int(facts.get("waits", 0))
    wait = _wait_after(error, waits)
    if not uncertain and _is_certain(error) and facts.get("unchanged"):
        outcome["unchanged"] = True
    if wait is not None:
        if now + wait > until:
            possible_in = RATE_LIMIT_DELAY if error.retry_after is None else error.retry_after
            return AttemptResult(event, outcome | {"possible_at": now + possible_in})
        if action.repeatable or _is_certain(error):
            return AttemptResult(None, outcome | {"waits": waits + 1}, retry_delay=wait)
    if is_transient(error) and action.repeatable and facts["attempts"] - waits < MAX_ROUNDS:
        return AttemptResult(None, outcome, retry_delay=RETRY_DELAY)
    return AttemptResult(event, outcome)


def _is_certain(error: GenesysError) -> bool:
    """Return whether nothing was executed: no connection, no valid token, or a rate limit."""
    return isinstance(error, GenesysRateLimited | GenesysLoginFailed | GenesysUnreachable | GenesysUnauthenticated)


def _is_rate_limit(error: GenesysError) -> bool:
    login = isinstance(error, GenesysLoginFailed) and error.cause is LoginCause.RATE_LIMITED
    return login or isinstance(error, GenesysRateLimited)


def _wait_after(error: GenesysError, waits: int) -> float | None:
    """Return how long Genesys Cloud asks to wait after an error, in seconds; None if it does not."""
    shortest = RETRY_DELAY * 2.0 ** min(waits, MAX_DOUBLINGS)
    if error.retry_after is not None and is_transient(error):
        return max(error.retry_after, shortest)
    return RATE_LIMIT_DELAY if _is_rate_limit(error) else None
