"""Keep a click that cannot be judged yet, or record that it changed nothing and reply to its person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from bot.db.expiry import ExpiryStore
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.db.rows import ResponseUrls
from bot.domain.audit import AuditEvent, EventType
from bot.domain.clicks import Click
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import CheckUnavailable
from bot.domain.requests import EXECUTION_WINDOW, FINAL, Request, State
from bot.errors import BotError, SlackUnavailable, StaleRequest
from bot.metrics import Metrics
from bot.services.denied_people import DeniedPeople
from bot.services.expiry import end_overdue
from bot.services.job_result import JobResult
from bot.services.log_facts import job_facts
from bot.services.notifications import reply_payload
from bot.services.postponement import NOTICE_DELAY, Postponed, postponement

log = structlog.get_logger()


class UnappliedClicks:
    """Postpones, denies and answers clicks that change nothing.

    `recipients` returns the channels to notify when a request ends.
    """

    def __init__(
        self,
        store: RequestStore,
        *,
        metrics: Metrics,
        recipients: Callable[[Request], Sequence[str]],
        denied: DeniedPeople,
    ) -> None:
        self._store = store
        self._expiry = ExpiryStore(store)
        self._metrics = metrics
        self._recipients = recipients
        self._denied = denied

    async def postpone(
        self,
        job: Job,
        click: Click,
        request: Request | None,
        error: CheckUnavailable | SlackUnavailable,
        *,
        now: float,
    ) -> JobResult:
        """Keep a click stored, to be judged again when the failed lookup may succeed.

        The clicker is notified once if that takes long. The last attempt is at the request's expiry; then the click is
        denied. A click that comes too late is answered within `EXECUTION_WINDOW`.
        """
        in_time = request is not None and not is_too_late(job, request, now)
        remaining = (request.expires_at if request and in_time else job.created_at + EXECUTION_WINDOW) - now
        if remaining <= 0 or error.retry_after > remaining:
            return await self._give_up(job, click, request, error, expired=in_time and remaining <= 0)
        delay = min(postponement(job, error), remaining)
        if error.retry_after:
            self._denied.limit()
        log.warning("click.postponed", **job_facts(job, request), by=click.user_id, problem=str(error), delay=delay)
        notice = None
        if delay >= NOTICE_DELAY:
            notice = reply_payload(click.user_id, click.response_url, Postponed("click_postponed", delay))
        reply = await self._store.postpone(job, delay=delay, notice=notice)
        return JobResult((reply,) if reply else ())

    async def reply_stale(self, job: Job, click: Click, request: Request | None) -> JobResult:
        """Reply to a click that comes too late or names no request; a request whose time is over ends now."""
        detail = {"action": click.action, "state": request.state if request else "no such request"}
        urls = ResponseUrls(click=click.copy_url(request)) if request else None
        result = await self.deny(
            EventType.CLICK_STALE, job, click, request, error=StaleRequest(), detail=detail, clicked=urls
        )
        if result.follow_up and request and request.state not in FINAL:
            await end_overdue(self._expiry, self._recipients, self._metrics)
        return result

    async def deny(
        self,
        event_type: EventType,
        job: Job,
        click: Click,
        request: Request | None,
        *,
        error: BotError,
        detail: Mapping[str, Any],
        clicked: ResponseUrls | None = None,
    ) -> JobResult:
        """Record that a click changed nothing, and the private reply; nothing at all if the lease was lost."""
        event = AuditEvent(
            0.0,
            event_type,
            click.user_id,
            request.reference if request else None,
            request.id if request else None,
            request.target.id if request and request.target else None,
            detail,
        )
        payload = reply_payload(click.user_id, click.response_url, error)
        reply = await self._store.record_denial(event, job=job, reply=payload, clicked=clicked)
        if reply is None:
            return JobResult()
        self._metrics.refusals.labels("stale" if isinstance(error, StaleRequest) else error.code).inc()
        log.info("click.denied", **job_facts(job, request), by=click.user_id, reason=str(error.code))
        return JobResult((reply,), wake=True)

    async def _give_up(
        self,
        job: Job,
        click: Click,
        request: Request | None,
        error: CheckUnavailable | SlackUnavailable,
        *,
        expired: bool,
    ) -> JobResult:
        """Deny a click that cannot be judged in time; if the request's time is over, end the request too."""
        denied = Denied(DenialCode.EXPIRED_UNDECIDED if expired else DenialCode.CLICKER_UNREADABLE)
        detail = {"action": click.action, "reason": denied.code, "problem": str(error)}
        result = await self.deny(EventType.CLICK_DENIED, job, click, request, error=denied, detail=detail)
        if result.follow_up and expired:
            await end_overdue(self._expiry, self._recipients, self._metrics)
        return result


def is_too_late(job: Job, request: Request, now: float) -> bool:
    """Return whether a click can no longer decide a request."""
    undecided_for_too_long = now > request.decidable_until(job.created_at)
    return request.state is not State.PENDING or request.expired(job.created_at) or undecided_for_too_long
