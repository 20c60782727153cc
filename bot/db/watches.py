"""The watches after revocations. Each public method is one transaction, or a part of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from bot.db import statements
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import RequestStore
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.audit import WATCH_EVENTS, audit_event
from bot.domain.requests import Request, State
from bot.domain.watch import WatchFinding, finding_of

EARLIER = """
SELECT jobs.id, jobs.request_id FROM items JOIN jobs ON jobs.key = 'watch:' || items.request_id
WHERE items.target_id = :target AND items.place = 0 AND items.request_id <> :request_id AND jobs.done_at IS NULL
"""
"""The watches of a person, except for that of one request. Found by their keys, because many people may be watched."""

END = "UPDATE jobs SET done_at = :now, lease_owner = NULL WHERE id = :id"


class WatchStore:
    """The watches of the requests of one store."""

    def __init__(self, store: RequestStore) -> None:
        self.requests = store

    def begin(self, tx: Transaction, request: Request, payload: Mapping[str, Any] | None, *, delay: float) -> None:
        """End the earlier watches of a revoked person; without a `payload`, begin no new one.

        It is part of the transaction that stores the outcome. The first look is due in `delay` seconds.
        """
        if request.state is not State.REVOKED or request.target is None:
            return
        for row in tx.fetch(EARLIER, target=request.target.id, request_id=request.id):
            tx.send(END, id=row.id, now=tx.now)
            self._store(tx, row.request_id, {"code": WatchFinding.REVOKED_AGAIN, "revoked_at": tx.now})
        if payload:
            self.requests.jobs.enqueue(tx, request.id, JobSpec(JobKind.WATCH, request.id, payload), delay=delay)

    async def finish(self, job: Job, finding: Mapping[str, Any], messages: Sequence[JobSpec]) -> bool:
        """Store what a watch has found, with its audit event and `messages`, and end it.

        Returns False, changing nothing, if another process has the job, or a later revocation has ended it.
        """
        return await self.requests.database.write(lambda tx: self._finish(tx, job, finding, messages))

    def _finish(self, tx: Transaction, job: Job, finding: Mapping[str, Any], messages: Sequence[JobSpec]) -> bool:
        jobs = self.requests.jobs
        if not jobs.complete_in(tx, job) or not self._store(tx, job.request_id, finding):
            return False
        jobs.enqueue_once(tx, job.request_id, *messages)
        return True

    def _store(self, tx: Transaction, request_id: str, finding: Mapping[str, Any]) -> bool:
        """Store what a watch has found, and let the card show it; return False if something is stored already."""
        request = None
        with suppress(UnreadableRow):
            request = self.requests.snapshot_in(tx, request_id).request
        found = finding_of(request.outcome) if request else None
        if request is None or found is None or found[0] is not WatchFinding.WATCHING:
            return False
        statements.revise_outcome(tx, request_id, {**request.outcome, "watch": dict(finding)})
        event = WATCH_EVENTS[WatchFinding(finding["code"])]
        self.requests.audit_in(tx, audit_event(request, event, at=tx.now, **finding))
        cards = self.requests.card_jobs(request)
        if request.card is None:  # the outcome was posted in its place, and is not posted again
            cards = [spec for spec in cards if spec.kind is not JobKind.CARD]
        self.requests.jobs.enqueue(tx, request_id, *cards)
        return True
