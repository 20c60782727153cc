"""Decide a stored click: look up the clicker, and move the request or reply with the denial."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from bot.db import bulk_entries
from bot.db.bulk_store import BulkStore
from bot.db.clicks import ClickStore
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.actions import Actions
from bot.domain.audit import EventType
from bot.domain.bulk import CONTROLS
from bot.domain.clicks import Click, read_click
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import CheckUnavailable
from bot.domain.live_state import LiveState
from bot.domain.people import Member
from bot.domain.policy import ineligibility
from bot.domain.requests import APPROVE, CANCEL, DECLINE, FINAL, Event, Request, approval_event
from bot.domain.rules import Rules
from bot.errors import BotError, SlackUnavailable, StaleRequest
from bot.metrics import Metrics
from bot.services.approvals import ApprovalJudge, Judgement
from bot.services.bulk_control import BulkControl, is_possible
from bot.services.denied_people import DeniedPeople
from bot.services.early_lookups import EarlyLookups
from bot.services.identity import Identity, is_other_workspace
from bot.services.job_result import JobResult
from bot.services.live_state import LiveStates
from bot.services.log_facts import job_facts, log_facts
from bot.services.reasons import stored_reason
from bot.services.rule_differences import RuleDifferences
from bot.services.threads import approval_note
from bot.services.unapplied_clicks import UnappliedClicks, is_too_late

MAX_SHARED_AGE = 10.0
"""Longest time for which an answer that Slack began to give after a click may decide that click, in seconds."""

_ENDS: Mapping[str, Event] = {CANCEL: Event.CANCEL, DECLINE: Event.DECLINE}
"""The buttons that end a request, and what they do."""

log = structlog.get_logger()


class ClickService:
    """Decides clicks. `recipients` returns the channels to notify when a request ends.

    `announce_in` are the channels to notify before a DELETE under break glass. `secret_values` are removed from the
    reasons of declines.
    """

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
        differences: RuleDifferences,
        denied: DeniedPeople,
        live: LiveStates,
        secret_values: tuple[str, ...] = (),
        announce_in: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._clicks = ClickStore(store)
        self._identity = identity
        self._lookups = lookups
        self._actions = actions
        self._rules = rules
        self._metrics = metrics
        self._recipients = recipients
        self._differences = differences
        self._denied = denied
        self._live = live
        self._secret_values = secret_values
        self._announce_in = announce_in
        self._unapplied = UnappliedClicks(store, metrics=metrics, recipients=recipients, denied=denied)
        self._approvals = ApprovalJudge(identity, actions, rules)
        self._bulk = BulkControl(BulkStore(store, recipients), identity, rules)

    async def process(self, job: Job) -> JobResult:
        """Decide a click and act on it, or keep it stored while a lookup fails for a reason that may pass."""
        click = read_click(job.request_id, job.payload)
        if await self._wait_for_others(job, click):
            return JobResult()
        try:
            return await self._process(job, click)
        except UnreadableRow as error:
            return await self._reply_unreadable(job, click, error)

    async def _wait_for_others(self, job: Job, click: Click) -> bool:
        """Put a click back if it is to be judged together with others of its person; return whether it is."""
        if not self._denied.is_limited:
            return False
        now = await self._store.jobs.now() if job.received_at is None else 0.0
        wait = self._denied.wait(click.user_id, self._arrived(job, now))
        if wait:
            await self._store.jobs.put_back(job, delay=wait)
        return wait > 0

    async def _process(self, job: Job, click: Click) -> JobResult:
        snapshot = job.snapshot
        while True:
            request, now, _ = snapshot or await self._store.snapshot(click.request_id)
            since = self._since(job, now)
            try:
                self._require_genuine(job)
                if request and click.action in CONTROLS:
                    return await self._control(job, click, request, since)
                if request is None or is_too_late(job, request, now):
                    await self._clicker(click, since)  # an outsider learns nothing about a request
                    return await self._unapplied.reply_stale(job, click, request)
                return await self._decide(job, click, request, since=since, now=now)
            except Denied as denied:
                self._lookups.forget(click.user_id)
                self._denied.add(click.user_id, denied.reason)
                detail = {"action": click.action, "reason": denied.code} | denied.params
                return await self._unapplied.deny(
                    EventType.CLICK_DENIED, job, click, request, error=denied, detail=detail
                )
            except (CheckUnavailable, SlackUnavailable) as error:
                return await self._unapplied.postpone(job, click, request, error, now=now)
            except StaleRequest:
                snapshot = None
                if not await self._store.jobs.still_leased(job):
                    return JobResult()

    async def _control(self, job: Job, click: Click, request: Request, since: float) -> JobResult:
        """Pause, resume or stop an approved bulk request."""
        member = await self._clicker(click, since)
        if not is_possible(click.action, request):
            return await self._unapplied.reply_stale(job, click, request)
        return await self._bulk.process(job, click, request, member, since=since)

    def _require_genuine(self, job: Job) -> None:
        """Raise Denied for a click that this bot did not store, because then no one may have clicked."""
        if not self._store.is_genuine(job):
            log.error("click.altered", **job_facts(job))
            raise Denied(DenialCode.CLICK_ALTERED)

    def _require_intact(self, request: Request) -> None:
        """Raise Denied for a request that was changed without the key of its seal."""
        if not self._store.seals.is_intact(request):
            log.error("request.altered", **log_facts(request))
            raise Denied(DenialCode.REQUEST_ALTERED)

    def _since(self, job: Job, now: float) -> float:
        """Return when an answer may have begun at the earliest, which is after the click arrived."""
        return max(self._arrived(job, now), self._identity.clock() - MAX_SHARED_AGE)

    def _arrived(self, job: Job, now: float) -> float:
        """Return when a click arrived, in monotonic seconds; `now` is the time of the database."""
        if job.received_at is not None:
            return job.received_at
        return self._identity.clock() - max(0.0, now - job.created_at)

    async def _decide(self, job: Job, click: Click, request: Request, *, since: float, now: float) -> JobResult:
        """Check what the clicker may do now, then move the request."""
        if click.action == APPROVE and self._lookups.remembers(click.user_id):
            for lookup in self._approvals.early_lookups(request):
                self._lookups.run(lookup)
        reading = self._start_reading(job, click, request, now)
        member = await self._clicker(click, since)
        self._require_intact(request)
        self._differences.add(request)
        judgement = await self._judge_and_remember(click, member, request, since)
        follow_up = await self._move(job, click, judgement, member.canonical_id)
        jobs = (replace(one, reading=reading) if one.kind is JobKind.EXECUTE else one for one in follow_up)
        return JobResult(tuple(jobs), wake=not follow_up)

    async def _judge_and_remember(self, click: Click, member: Member, request: Request, since: float) -> Judgement:
        """Judge a click, and remember whether to look up its person early the next time. Raises Denied."""
        judgement = await self._judge(click, member, request, since)
        self._lookups.remember(click.user_id, self._actions[request.action].approvers(self._rules))
        self._denied.discard(click.user_id)
        return judgement

    async def _move(self, job: Job, click: Click, judgement: Judgement, by: str) -> list[Job]:
        """Apply a click to its request. Return the jobs that follow."""
        request = judgement.request
        event = _ENDS.get(click.action) or approval_event(request, by)
        moved, follow_up = await self._clicks.apply(
            request,
            event,
            job=job,
            by=by,
            dropped=judgement.dropped,
            announce=self._announce_in,
            notify=self._notified(request, event),
            note=approval_note(request, event, by, judgement.dropped),
            click_url=click.copy_url(request),
        )
        log.info(
            "click.applied",
            **log_facts(moved),
            by=by,
            effect=str(event),
            state=str(moved.state),
            dropped=judgement.dropped,
        )
        if moved.state in FINAL:
            self._metrics.outcomes.labels(moved.action, moved.state).inc()
        return follow_up

    def _start_reading(self, job: Job, click: Click, request: Request, now: float) -> Awaitable[LiveState] | None:
        """Start to read what the target is doing, if this click probably causes the DELETE."""
        is_last = click.action == APPROVE and len(request.approvals) + 1 >= request.approvals_required
        if not is_last or job.received_at is None or not self._lookups.remembers(click.user_id):
            return None
        return self._live.start_reading(request, now)

    async def _judge(self, click: Click, member: Member, request: Request, since: float) -> Judgement:
        """Return the request that the click moves. Raises Denied."""
        if request.bulk and await self._is_listed(request, member):
            raise Denied(DenialCode.TARGET_CANNOT_DECIDE)
        if click.action == CANCEL:
            await self._approvals.judge_cancellation(member, request, since=since)
            return Judgement(request)
        if click.action == DECLINE:
            await self._approvals.judge_decline(member, request, since=since)
            return Judgement(replace(request, outcome={"reason": self._reason(click)}))
        genuine = self._store.seals.without_forged_approvals(request)
        return await self._approvals.judge(member, genuine, since=since)

    async def _is_listed(self, request: Request, member: Member) -> bool:
        """Return whether a bulk request is about a member, under any of their ids or their confirmed address."""
        email = member.confirmed_email

        def step(tx: Transaction) -> bool:
            return bulk_entries.names(tx, request.id, member.ids, email)

        return await self._store.database.read(step)

    def _reason(self, click: Click) -> str:
        """Return why a person declines, as it is stored. Raises Denied if there is no reason."""
        reason = stored_reason(click.reason, self._secret_values)
        if not reason:
            raise Denied(DenialCode.DECLINE_REASON_MISSING)
        return reason

    def _notified(self, request: Request, event: Event) -> Sequence[str]:
        """Return the channels that are notified; a decline always reaches the requester."""
        if event not in _ENDS.values():
            return ()
        requester = (request.requester,) if event is Event.DECLINE else ()
        return tuple(dict.fromkeys((*self._recipients(request), *requester)))

    async def _clicker(self, click: Click, since: float) -> Member:
        """Look up the clicker as of the click.

        Raises Denied for outsiders, guests and bots, before any other call.
        """
        workspace = self._identity.workspace
        if is_other_workspace(click.team_id, workspace) or is_other_workspace(click.installed_in, workspace):
            raise Denied(DenialCode.OUTSIDER)
        member = await self._identity.member(click.user_id, since=since)
        reason = ineligibility(member, workspace) if member else DenialCode.OUTSIDER
        if member is None or reason:
            raise Denied(reason or DenialCode.OUTSIDER)
        return member

    async def _reply_unreadable(self, job: Job, click: Click, unreadable: UnreadableRow) -> JobResult:
        """Reply to a click on a request that this version cannot read; an outsider learns nothing about it."""
        now = await self._store.database.read(lambda tx: tx.now)
        error: BotError = unreadable
        event, detail = EventType.CLICK_STALE, {"action": click.action, "state": "unreadable"}
        try:
            await self._clicker(click, self._since(job, now))
        except Denied as denied:
            error, event, detail = denied, EventType.CLICK_DENIED, {"action": click.action, "reason": denied.code}
        except SlackUnavailable as unavailable:  # this version does not claim the click again, so it replies now
            error = unavailable
        return await self._unapplied.deny(event, job, click, None, error=error, detail=detail)
