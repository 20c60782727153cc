"""The cards of requests, as they are stored. Each public method is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.db import pings, statements
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import RequestStore, notices_to
from bot.db.transaction import Transaction
from bot.domain.live_state import LiveState
from bot.domain.requests import Event, MessageRef, Request, State, advance


class CardStore:
    """The cards of the requests of one store."""

    def __init__(self, store: RequestStore) -> None:
        self.requests = store

    async def click_urls(self, request_id: str, ts: str) -> list[str]:
        """Return the response_urls of the recent clicks on a message of a request, newest first."""
        return await self.requests.database.read(lambda tx: statements.click_urls(tx, request_id, ts))

    async def mark_posted(
        self, job: Job, card: MessageRef | None, *messages: JobSpec, live: LiveState | None = None
    ) -> bool:
        """Store where a card is and complete its job; return False when it is outdated already.

        `messages` are enqueued once; `live` is what the card shows of the target. Durable, because a card that is
        forgotten is posted twice.
        """
        return await self.requests.database.write(lambda tx: self._mark_posted(tx, job, card, messages, live))

    async def mark_rendered(self, job: Job) -> bool:
        """Complete the job of a card that was updated; return False when it is outdated already."""
        return await self.requests.database.write(lambda tx: self._complete_card(tx, job), durable=False)

    async def withdraw(
        self, job: Job, *, problem: str, notify: Sequence[str], reply: Mapping[str, Any] | None = None
    ) -> Request | None:
        """Cancel a pending request whose card cannot be posted, so that it does not wait unseen.

        `reply` is the payload of the REPLY job to its requester. Returns None, changing nothing, when the request is
        not pending, when it has a card in another place, or when the lease was lost.
        """
        return await self.requests.database.write(lambda tx: self._withdraw(tx, job, problem, notify, reply))

    async def notify_once(self, request: Request, people: Sequence[str]) -> None:
        """Notify people of how a request ended, unless they were, while completed jobs show whether they were."""

        def step(tx: Transaction) -> None:
            if request.finished_at and tx.now - request.finished_at < statements.COMPLETED_JOB_RETENTION:
                self.requests.jobs.enqueue_once(tx, request.id, *notices_to(request, people))

        await self.requests.database.write(step)

    async def take_ping(self, requester: str, message: str) -> bool:
        """Return whether a message may mention the approvers (`bot.db.pings`)."""
        return await self.requests.database.write(lambda tx: pings.take(tx, requester, message), durable=False)

    def _mark_posted(
        self, tx: Transaction, job: Job, card: MessageRef | None, messages: Sequence[JobSpec], live: LiveState | None
    ) -> bool:
        """Store the place, unless the lease was lost: the process that has it now posts a card of its own."""
        if self.requests.jobs.complete_unless_enqueued_in(tx, job):
            up_to_date = True
        elif self.requests.jobs.release_in(tx, job, delay=0):
            up_to_date = False
        else:
            return True
        statements.set_card(tx, job.request_id, card, live)
        self.requests.jobs.enqueue_once(tx, job.request_id, *messages)
        return up_to_date

    def _complete_card(self, tx: Transaction, job: Job) -> bool:
        """Complete the job of a card, or release it if the request has changed: each change enqueues it again."""
        jobs = self.requests.jobs
        return jobs.complete_unless_enqueued_in(tx, job) or not jobs.release_in(tx, job, delay=0)

    def _withdraw(
        self, tx: Transaction, job: Job, problem: str, notify: Sequence[str], reply: Mapping[str, Any] | None
    ) -> Request | None:
        before = self.requests.snapshot_in(tx, job.request_id).request
        if before is None or before.state is not State.PENDING or before.copies:
            return None
        if not self.requests.jobs.complete_in(tx, job):
            return None
        moved = advance(before, Event.CANCEL, at=tx.now, by=None)
        detail = {"problem": problem}
        self.requests.save_in(
            tx, before, moved, Event.CANCEL, actor="bot", notify=notify, detail=detail, render=False, lease=False
        )
        if reply:
            self.requests.jobs.enqueue_once(tx, moved.id, JobSpec(JobKind.REPLY, str(job.id), reply))
        return moved
