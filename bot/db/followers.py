"""The followers of open requests, and their cards. Each public method is one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from bot.db import open_requests, statements
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.open_requests import Condition
from bot.db.requests import RequestStore
from bot.db.transaction import Transaction
from bot.domain.audit import EventType, audit_event
from bot.domain.live_state import LiveState
from bot.domain.requests import Follower, MessageRef, Request, State, follow
from bot.errors import StaleRequest


class Followed(NamedTuple):
    """A request as it is with one more follower, and the job of the reply, which this process holds."""

    request: Request
    reply: Job


class FollowerStore:
    """The followers and copies of the requests of one store."""

    def __init__(self, store: RequestStore) -> None:
        self.requests = store

    async def find_open(self, wanted: Request, condition: Condition) -> Request | None:
        """Return an open and intact request for the same action and target that meets a condition."""
        return await self.requests.database.read(lambda tx: self.requests.find_open(tx, wanted, condition))

    async def follow(
        self, request: Request, follower: Follower, *, ttl: float, job: Job, reply: Mapping[str, Any]
    ) -> Followed | None:
        """Add a follower to an open request in place of a second one, and complete the job of their command.

        A pending request is open for `ttl` seconds from now. `reply` is the payload of the REPLY job; its parameter
        `extended` becomes whether the request stays open for longer than before. Returns None, changing nothing, when
        the lease of `job` was lost. Raises StaleRequest when the request is not open any more, or has changed since it
        was read.
        """
        return await self.requests.database.write(
            lambda tx: self._follow(tx, request, follower, job, ttl=ttl, reply=reply)
        )

    async def mark_copy(
        self, job: Job, place: str, message: MessageRef | None, *messages: JobSpec, live: LiveState | None = None
    ) -> bool:
        """Store where a copy is and complete its job; return False when it is outdated already.

        Without a message, the copy is forgotten. `messages` are enqueued once; `live` is what the copy shows of the
        target. Durable, because a copy that is forgotten by mistake is posted twice.
        """
        return await self.requests.database.write(
            lambda tx: self._mark_copy(tx, job, place, message, messages, live=live)
        )

    def _follow(
        self,
        tx: Transaction,
        request: Request,
        follower: Follower,
        job: Job,
        *,
        ttl: float,
        reply: Mapping[str, Any],
    ) -> Followed | None:
        store = self.requests
        if not store.jobs.complete_in(tx, job):
            return None
        now = store.snapshot_in(tx, request.id).request
        if now is None or now.revision != request.revision or not now.is_open(tx.now):
            raise StaleRequest
        moved = replace(follow(now, follower), revision=now.revision + 1)
        if now.state is State.PENDING:
            moved = store.seals.seal(replace(moved, expires_at=max(now.expires_at, tx.now + ttl)))
        open_requests.save_follower(tx, moved)
        detail = {"reason": follower.reason, "expires_at": moved.expires_at, "place": follower.place}
        store.audit_in(tx, audit_event(now, EventType.FOLLOWED, at=tx.now, actor=follower.user_id, **detail))
        store.jobs.enqueue(tx, now.id, *store.card_jobs(moved))
        params = {**reply["params"], "extended": moved.expires_at > now.expires_at}
        added = store.jobs.add_leased(tx, JobKind.REPLY, now.id, str(job.id), {**reply, "params": params})
        return Followed(moved, added) if added else None

    def _mark_copy(
        self, tx: Transaction, job: Job, place: str, message: MessageRef | None, messages: tuple[JobSpec, ...],
        *, live: LiveState | None,
    ) -> bool:  # fmt: skip
        jobs = self.requests.jobs
        up_to_date = jobs.complete_unless_enqueued_in(tx, job)
        if not up_to_date and not jobs.release_in(tx, job, delay=0):
            return True
        request = self.requests.snapshot_in(tx, job.request_id).request
        if request:
            open_requests.set_copy(tx, request, place, message)
        if live:
            statements.set_live_state(tx, job.request_id, live)
        jobs.enqueue_once(tx, job.request_id, *messages)
        return up_to_date
