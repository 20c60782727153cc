"""The executions of approved requests. Each public method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bot.db import break_glass, statements
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import RequestStore
from bot.db.transaction import Transaction
from bot.domain.audit import EventType, audit_event
from bot.domain.requests import FINAL, Event, Request, State, advance, worst_of


class ExecutionStore:
    """The executions of the requests of one store."""

    def __init__(self, store: RequestStore) -> None:
        self.requests = store

    async def is_announcing(self, request_id: str) -> bool:
        """Return whether an announcement of a request is being attempted, so that its DELETE must wait."""
        return await self.requests.database.read(lambda tx: break_glass.is_announcing(tx, request_id))

    async def start_announced(self, request_id: str) -> Job | None:
        """Lease the first execution of a request, unless one of its announcements is still being attempted."""
        return await self.requests.database.write(lambda tx: self._start_announced(tx, request_id), durable=False)

    async def finish(
        self,
        job: Job,
        event: Event,
        *,
        outcome: dict[str, Any],
        notify: Sequence[str],
        notify_target: bool = False,
        also: Callable[[Transaction, Request], None] | None = None,
    ) -> tuple[Request, list[Job]] | None:
        """Store the outcome of an approved target; return the request, and the jobs that this process holds.

        `notify` are the channels that are notified once the last target is finished, and `notify_target` adds a message
        to the person who was revoked. `also` is part of the transaction that ends the request. Returns None when the
        lease was lost.
        """

        def step(tx: Transaction) -> tuple[Request, list[Job]] | None:
            finished = self._finish(tx, job, event, outcome, notify)
            if finished and notify_target and finished[0].state is State.REVOKED and finished[0].target:
                self.requests.jobs.enqueue_once(tx, job.request_id, JobSpec(JobKind.AFFECTED, job.request_id, {}))
            if also and finished and finished[0].state in FINAL:
                also(tx, finished[0])
            return finished

        return await self.requests.database.write(step)

    async def retry(self, job: Job, *, delay: float, outcome: dict[str, Any]) -> Request | None:
        """Store a failed attempt and release its job, due in `delay` seconds; None when the lease was lost."""
        return await self.requests.database.write(lambda tx: self._retry(tx, job, delay, outcome))

    def _start_announced(self, tx: Transaction, request_id: str) -> Job | None:
        if break_glass.is_announcing(tx, request_id):
            return None
        return self.requests.jobs.lease_first(tx, JobKind.EXECUTE, request_id)

    def _finish(
        self, tx: Transaction, job: Job, event: Event, outcome: dict[str, Any], notify: Sequence[str]
    ) -> tuple[Request, list[Job]] | None:
        if not self.requests.jobs.complete_in(tx, job):
            return None
        before, events = statements.finish_item(tx, job, event)
        before = replace(before, outcome=outcome)
        finished = [one for one in events if one]
        if len(finished) < len(events):
            statements.set_outcome(tx, job.request_id, outcome)
            return before, []
        worst = worst_of(finished)
        moved = advance(before, worst, at=tx.now)
        return self.requests.save_in(tx, before, moved, worst, actor="bot", notify=notify, detail=outcome)

    def _retry(self, tx: Transaction, job: Job, delay: float, outcome: dict[str, Any]) -> Request | None:
        if not self.requests.jobs.release_in(tx, job, delay=delay):
            return None
        if "waits" in outcome:
            outcome = outcome | {"continues_at": tx.now + delay}
        statements.revise_outcome(tx, job.request_id, outcome)
        request = self.requests.snapshot_in(tx, job.request_id).request
        if request:
            self.requests.audit_in(tx, audit_event(request, EventType.ATTEMPT_FAILED, at=tx.now, **outcome))
            self.requests.jobs.enqueue(tx, request.id, *self.requests.card_jobs(request))
            note = {"code": "retrying", "params": outcome}
            self.requests.jobs.enqueue_once(tx, request.id, JobSpec(JobKind.THREAD, f"{request.id}:retrying", note))
        return request
