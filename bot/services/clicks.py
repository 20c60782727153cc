"""Decide a stored click: look up the clicker, and move the request or reply with the denial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.db.rows import ResponseUrls
from bot.domain.actions import Actions
from bot.domain.audit import AuditEvent, EventType
from bot.domain.clicks import Click, read_click
from bot.domain.denials import DenialCode, Denied
from bot.domain.people import Member
from bot.domain.policy import denial, ineligibility, may_approve, may_cancel
from bot.domain.principals import Rules
from bot.domain.requests import CANCEL, FINAL, Event, Request, State, approval_event
from bot.errors import BotError, SlackUnavailable, StaleRequest
from bot.metrics import Metrics
from bot.services.early_lookups import EarlyLookups
from bot.services.identity import Identity, is_other_workspace
from bot.services.job_result import JobResult
from bot.services.notifications import reply_payload

MAX_LOOKUPS = 3
"""How often a click is decided while Slack does not answer. After that the clicker counts as unreadable."""

log = structlog.get_logger()


class ClickService:
    """Decides clicks. `recipients` returns the channels to notify when a request ends."""

    def __init__(
        self,
        store: RequestStore,
        identity: Identity,
        lookups: EarlyLookups,
        *,
        actions: Actions,
        rules: Rules,
        metrics: Metrics,
        recipients: Callable[[Request], Sequence[str]],
    ) -> None:
        self._store = store
        self._identity = identity
        self._lookups = lookups
        self._actions = actions
        self._rules = rules
        self._metrics = metrics
        self._recipients = recipients

    async def process(self, job: Job) -> JobResult:
        """Decide a click and act on it.

        Raises SlackUnavailable while another try is worthwhile; the click stays stored.
        """
        click, snapshot = read_click(job.request_id, job.payload), job.snapshot
        while True:
            request, now, _ = snapshot or await self._store.snapshot(click.request_id)
            if request is None:
                return await self._reply_stale(job, click, None)
            late = request.expired(job.created_at) or job.is_stale(now)
            if request.state is not State.PENDING or late:
                return await self._reply_stale(job, click, request)
            try:
                return await self._decide(job, click, request)
            except Denied as denied:
                detail = {"action": click.action, "reason": denied.code} | denied.params
                return await self._deny(EventType.CLICK_DENIED, job, click, request, error=denied, detail=detail)
            except StaleRequest:
                snapshot = None
                if not await self._store.jobs.still_leased(job):
                    return JobResult()

    async def _decide(self, job: Job, click: Click, request: Request) -> JobResult:
        """Check what the clicker may do now, then move the request."""
        action = self._actions[request.action]
        member = await self._clicker(job, click)
        principals, lookup = action.approvers(self._rules), job.lookup
        groups = lookup.groups if lookup and lookup.principals == principals else None
        actor = await self._identity.actor(member, principals, fresh=True, groups=groups)
        check = may_cancel if click.action == CANCEL else may_approve
        verdict = check(actor, request, action, self._rules, self._identity.workspace)
        if not verdict.allowed:
            self._lookups.forget(member.id)
            raise denial(verdict, request)
        self._lookups.remember(member.id, principals)
        event = Event.CANCEL if click.action == CANCEL else approval_event(request, member.id)
        moved, follow_up = await self._store.apply_click(
            request,
            event,
            job=job,
            by=member.id,
            notify=self._recipients(request) if event is Event.CANCEL else (),
            click_url=click.copy_url(request),
        )
        log.info("click applied", state=moved.state, reference=moved.reference, by=member.id)
        if moved.state in FINAL:
            self._metrics.outcomes.labels(moved.action, moved.state).inc()
        return JobResult(tuple(follow_up), wake=not follow_up)

    async def _clicker(self, job: Job, click: Click) -> Member:
        """Look up the clicker without a cache.

        Raises Denied for outsiders, guests and bots, before any other call.
        """
        workspace = self._identity.workspace
        if is_other_workspace(click.team_id, workspace) or is_other_workspace(click.installed_in, workspace):
            raise Denied(DenialCode.OUTSIDER)
        try:
            member = await (job.lookup.member if job.lookup else self._identity.member(click.user_id))
        except SlackUnavailable as error:
            if job.attempts < MAX_LOOKUPS:
                raise
            raise Denied(DenialCode.CLICKER_UNREADABLE, method=error.method, slack_code=error.slack_code) from error
        reason = ineligibility(member, workspace) if member else DenialCode.OUTSIDER
        if member is None or reason:
            raise Denied(reason or DenialCode.OUTSIDER)
        return member

    async def _reply_stale(self, job: Job, click: Click, request: Request | None) -> JobResult:
        """Reply to a click that comes too late or names no request; a request whose time is over ends now."""
        detail = {"action": click.action, "state": request.state if request else "no such request"}
        urls = ResponseUrls(click=click.copy_url(request)) if request else None
        result = await self._deny(
            EventType.CLICK_STALE, job, click, request, error=StaleRequest(), detail=detail, clicked=urls
        )
        if result.follow_up and request and request.state not in FINAL:
            for ended in await self._store.expire_due(self._recipients):
                self._metrics.outcomes.labels(ended.action, ended.state).inc()
        return result

    async def _deny(
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
        log.info("click changed nothing", reason=error.code, request_id=job.request_id, by=click.user_id)
        return JobResult((reply,), wake=True)
