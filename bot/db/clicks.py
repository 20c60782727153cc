"""The decisions on requests, by clicks. Each public method is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.db import audit, break_glass, bulk_runs
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import RequestStore
from bot.db.rows import Snapshot
from bot.db.transaction import Transaction
from bot.domain.audit import EventType, audit_event
from bot.domain.denials import DenialCode, Denied
from bot.domain.requests import APPROVALS, Event, Request, advance
from bot.errors import StaleRequest

MAX_ANNOUNCEMENT_DELAY = 5.0
"""Seconds after which a DELETE under break glass follows if the process that announces it has ended."""


class ClickStore:
    """The clicks that decide the requests of one store."""

    def __init__(self, store: RequestStore) -> None:
        self.requests = store

    async def apply(
        self,
        request: Request,
        event: Event,
        *,
        job: Job,
        by: str,
        dropped: Sequence[str] = (),
        notify: Sequence[str] = (),
        announce: Sequence[str] = (),
        click_url: str | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> tuple[Request, list[Job]]:
        """Advance a request because of a click; return it and the jobs that this process now holds for it.

        `request` is the state that the decision was made on, `by` the Slack user, and `dropped` the approvers whose
        earlier approval no longer holds. `notify` are the channels that are notified of an end, and `announce` those of
        an execution under break glass. `note` is the payload of a THREAD job.
        Raises StaleRequest, changing nothing, when the request has changed or the click is too old. Raises Denied when
        its requester has confirmed another break-glass request too recently.
        """
        request = replace(request, dropped=(*request.dropped, *dropped))

        def step(tx: Transaction) -> tuple[Request, list[Job]]:
            moved = self._advance(tx, request, event, by)
            self._require_timely(tx, request, event, job)
            for approver in dropped:
                gone = audit_event(request, EventType.APPROVAL_DROPPED, at=tx.now, actor=approver, decided_by=by)
                self.requests.audit_in(tx, gone)
            detail = dict(moved.outcome)  # the reason of a decline
            saved, follow_up = self.requests.save_in(
                tx, request, moved, event, actor=by, notify=notify, click_url=click_url, detail=detail
            )
            if note:
                spec = JobSpec(JobKind.THREAD, f"{request.id}:{moved.revision}", note)
                self.requests.jobs.enqueue_once(tx, request.id, spec)
            if event is Event.APPROVE:
                channels = announce if saved.break_glass else ()
                follow_up = self._add_execution(tx, saved, clicked_at=job.created_at, announce=channels)
            return saved, follow_up

        return await self.requests.database.write(step)

    def _advance(self, tx: Transaction, request: Request, event: Event, by: str) -> Request:
        """Return a request after a click, with the seal of an approval. Raises StaleRequest."""
        moved, seals = advance(request, event, at=tx.now, by=by), self.requests.seals
        return seals.add_approval(seals.seal(moved), by, tx.now) if event in APPROVALS else moved

    def _require_timely(self, tx: Transaction, request: Request, event: Event, job: Job) -> None:
        """Complete the job of a click. Raises StaleRequest or Denied if it may not decide the request now."""
        if not self.requests.jobs.complete_in(tx, job):
            raise StaleRequest("Another replica has this click; nothing was changed.")
        late = tx.now > request.decidable_until(job.created_at)
        if late or (event in APPROVALS and request.expired(job.created_at)):
            raise StaleRequest
        if event in APPROVALS and self.requests.database.time.is_behind:
            raise Denied(DenialCode.CLOCK_BEHIND)
        if request.break_glass and event is Event.APPROVE:
            break_glass.require_possible(tx, request)

    def _add_execution(
        self, tx: Transaction, request: Request, *, clicked_at: float, announce: Sequence[str]
    ) -> list[Job]:
        """Add the job of the DELETE, leased; announcements come first and start it (`start_announced`).

        A bulk request gets its lanes instead, which any process may claim.
        """
        jobs, lanes = self.requests.jobs, self.requests.lanes
        if request.bulk:
            bulk_runs.start(tx, request.id, lanes)
            jobs.enqueue(tx, request.id, *bulk_runs.lane_specs(request.id, lanes, clicked_at=clicked_at))
            return []
        checkpoint = str(audit.checkpoint(tx))
        specs = [
            JobSpec(JobKind.ANNOUNCEMENT, f"{request.id}:{one}", {"channel": one, "checkpoint": checkpoint})
            for one in dict.fromkeys(announce)
        ]
        execution = JobSpec(JobKind.EXECUTE, f"{request.id}:0", {"place": 0, "clicked_at": clicked_at})
        if specs:
            jobs.enqueue(tx, request.id, execution, delay=MAX_ANNOUNCEMENT_DELAY)
        added = [jobs.add_leased(tx, one.kind, request.id, one.key, one.payload) for one in specs or [execution]]
        return [replace(job, snapshot=Snapshot(request, tx.now)) for job in added if job]
