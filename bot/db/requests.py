"""The store of requests and their audit log. Each public method is one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from bot.db import audit, break_glass, bulk_entries, metadata, pings, statements
from bot.db.engine import Database
from bot.db.job_queue import JobQueue
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.open_requests import Condition, find_open, require_fewer_open, require_no_other_retry
from bot.db.rows import ResponseUrls, Snapshot
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.audit import AuditEvent, EventType, audit_event, event_type, requested_type
from bot.domain.audit_chain import AuditChain, Checkpoint
from bot.domain.bulk import BulkEntry, BulkSummary
from bot.domain.requests import (
    FINAL,
    Event,
    Request,
    State,
    unseeing_followers,
)
from bot.domain.seals import Seals
from bot.errors import StaleRequest

APPROVAL_RENDER_DELAY = 1.0
"""Seconds before a card shows an approval. Most executions end sooner, so the card is rendered once."""

LAST_SETTINGS = "last_settings"
"""The name of the digest of the rules that the audit log has last."""

Recipients = Callable[[Request], Sequence[str]]
"""Returns the channels that are notified when a request ends."""


class RequestStore:
    """The requests that all replicas share, their audit log, and the jobs that follow from them.

    `lanes` is the number of jobs that execute a bulk request, each with a token of its own.
    """

    def __init__(
        self, database: Database, jobs: JobQueue, seals: Seals, chain: AuditChain | None = None, *, lanes: int = 1
    ) -> None:
        self.lanes = lanes
        self.database = database
        self.jobs = jobs
        self.seals = seals
        self.chain = chain or AuditChain()

    async def get(self, request_id: str) -> Request | None:
        """Return the current state of a request, None for an unknown id. Raises UnreadableRow."""
        return await self.database.read(lambda tx: self.snapshot_in(tx, request_id).request)

    async def snapshot(self, request_id: str) -> Snapshot:
        """Return the current state of a request, its response_urls, and the database's time in epoch seconds.

        Raises UnreadableRow.
        """
        return await self.database.read(lambda tx: self.snapshot_in(tx, request_id))

    async def audit_events(self, request_id: str | None = None) -> list[tuple[AuditEvent, str]]:
        """Return the audit log of one request, or of all, oldest first; each event comes with its hash.

        The types of events that this version does not know are plain strings.
        """
        return await self.database.read(lambda tx: audit.read(tx, request_id))

    async def record_settings(self, effective: Mapping[str, Any]) -> bool:
        """Append the rules to the audit log if they differ from the last ones; return whether they do."""
        return await self.database.write(lambda tx: self._record_settings(tx, effective))

    async def audit_checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint of the last row of the audit log, None for an empty log."""
        return await self.database.read(audit.checkpoint)

    async def record_command(self, request_id: str, key: str, payload: Mapping[str, Any]) -> Job | None:
        """Store a command before anything is decided; return its job, None for a replay of the same `key`.

        `request_id` is the id that the request will have if the command creates one.
        """
        return await self.database.write(lambda tx: self._record(tx, JobKind.COMMAND, request_id, key, payload))

    async def record_click(self, request_id: str, key: str, payload: Mapping[str, Any]) -> Job | None:
        """Store a click before anything is decided; return its job, None for a replay of the same `key`."""
        return await self.database.write(lambda tx: self._record_click(tx, request_id, key, payload))

    def is_genuine(self, job: Job) -> bool:
        """Return whether the bot stored this click or command, rather than another writer of the database."""
        return self.seals.is_genuine_input(job.kind, job.request_id, job.created_at, job.payload)

    async def create(
        self,
        request: Request,
        *,
        ttl: float,
        key: str,
        command_url: str | None,
        job: Job | None = None,
        ping: bool = False,
        remind_after: float | None = None,
        unless_open: Condition | None = None,
        max_open: int | None = None,
        entries: Sequence[BulkEntry] = (),
    ) -> Job | None:
        """Store a new request and its audit event; return the job that posts its card.

        `key` identifies the command (its `trigger_id`); `ttl` is in seconds, by the database's clock. `job` is the
        command's, completed in the same transaction. `ping` lets the card mention the approvers, unless another
        message of the same requester has just done so. `remind_after` is when its reminder is due, in seconds; None for
        no reminder. `entries` is the list of a bulk request. Returns None, creating nothing, when the job's lease was
        lost, or when the request exists already.
        Raises StaleRequest when an open request for the same action and target meets the condition `unless_open`.
        Raises Denied when the requester has `max_open` open requests, or for a second retry of one bulk request.
        """

        def step(tx: Transaction) -> Job | None:
            if job and not self.jobs.complete_in(tx, job):
                return None
            if unless_open and self.find_open(tx, request, unless_open):
                raise StaleRequest
            require_no_other_retry(tx, request)
            if max_open is not None:
                require_fewer_open(tx, request.requester, max_open)
            card = self._create(tx, request, ttl, key, ping=ping, ask_url=command_url)
            if card:
                bulk_entries.insert(tx, request.id, entries)
            if card and remind_after is not None:
                self.jobs.enqueue(tx, request.id, JobSpec(JobKind.REMINDER, request.id, {}), delay=remind_after)
            return card

        return await self.database.write(step)

    async def record_event(self, event: AuditEvent) -> None:
        """Append an event to the audit log that changes nothing else, with the time of the database."""
        await self.database.write(lambda tx: self.audit_in(tx, replace(event, at=tx.now)))

    async def require_fewer_open(self, requester: str, limit: int) -> None:
        """Raise Denied if a person has as many open requests as they may have."""
        await self.database.read(lambda tx: require_fewer_open(tx, requester, limit))

    async def break_glass_possible_at(self, requester: str) -> float | None:
        """Return when a person may confirm the next break-glass request, in epoch seconds; None if now."""
        return await self.database.read(lambda tx: break_glass.possible_at(tx, requester))

    async def record_denial(
        self, event: AuditEvent, *, job: Job, reply: Mapping[str, Any], clicked: ResponseUrls | None = None
    ) -> Job | None:
        """Append a denial to the audit log and complete its job; return the job of the reply.

        `reply` is the payload of the REPLY job. `clicked` renders the card again, and the clicked message too where it
        is another one, so that a click on outdated buttons removes them. Returns None, writing nothing, when the lease
        of `job` was lost.
        """
        return await self.database.write(lambda tx: self._record_denial(tx, event, job, reply, clicked))

    async def postpone(self, job: Job, *, delay: float, notice: Mapping[str, Any] | None) -> Job | None:
        """Give a click back, due in `delay` seconds; return the job of a notice that is new to its clicker."""
        return await self.database.write(lambda tx: self._postpone(tx, job, delay, notice))

    async def count_unknown_rows(self) -> None:
        """Count the jobs and requests that only another version of the bot knows, and log each kind once."""
        await self.database.read(self._count_unknown_rows)

    async def delete_expired_rows(self) -> None:
        """Delete jobs too old to be replayed, and response_urls too old to be used."""
        await self.database.write(statements.delete_expired, durable=False)

    def find_open(self, tx: Transaction, wanted: Request, condition: Condition) -> Request | None:
        """Return an open and intact request for the same action and target that meets a condition."""
        return find_open(tx, wanted, lambda one: self.seals.is_intact(one) and condition(one))

    def _create(
        self, tx: Transaction, request: Request, ttl: float, key: str, *, ping: bool, **columns: Any
    ) -> Job | None:
        request = self.seals.seal(replace(request, created_at=tx.now, expires_at=tx.now + ttl))
        if not statements.insert_request(tx, request, key, **columns):
            return None
        detail = {"kind": request.action, "reason": request.reason, "needed": request.approvals_required, "ttl": ttl}
        detail |= _facts_of_list(request.bulk) if request.bulk else {}
        self.audit_in(tx, audit_event(request, requested_type(request), at=tx.now, actor=request.requester, **detail))
        pings_approvers = ping and pings.take(tx, request.requester, f"card:{request.id}")
        payload = {"ping": True} if pings_approvers else {}
        card = self.jobs.add_leased(tx, JobKind.CARD, request.id, request.id, payload)
        return card and replace(card, snapshot=Snapshot(request, tx.now, ResponseUrls(command=columns["ask_url"])))

    def _record_click(self, tx: Transaction, request_id: str, key: str, payload: Mapping[str, Any]) -> Job | None:
        job = self._record(tx, JobKind.CLICK, request_id, key, payload)
        try:
            return job and replace(job, snapshot=self.snapshot_in(tx, request_id))
        except UnreadableRow:  # the click is stored in any case, and answered by its service
            return job

    def _record(
        self, tx: Transaction, kind: JobKind, request_id: str, key: str, payload: Mapping[str, Any]
    ) -> Job | None:
        return self.jobs.add_leased(tx, kind, request_id, key, self.seals.seal_input(kind, request_id, tx.now, payload))

    def _record_settings(self, tx: Transaction, effective: Mapping[str, Any]) -> bool:
        digest = hashlib.sha256(json.dumps(effective, sort_keys=True).encode()).hexdigest()
        if metadata.read(tx).get(LAST_SETTINGS) == digest:
            return False
        metadata.put(tx, LAST_SETTINGS, digest)
        self.audit_in(tx, AuditEvent(tx.now, EventType.SETTINGS, "bot", detail=effective))
        return True

    def audit_in(self, tx: Transaction, event: AuditEvent) -> None:
        """Append an event to the audit log."""
        audit.append(tx, event, self.chain)

    def snapshot_in(self, tx: Transaction, request_id: str, *, progress: bool = True) -> Snapshot:
        """Return the current state of a request as part of a transaction. Raises UnreadableRow.

        With `progress`, an approved bulk request has its progress, which reads all its people.
        """
        try:
            return statements.snapshot(tx, request_id, self.jobs.actions, progress=progress)
        except UnreadableRow as error:
            self.jobs.unreadable.add(error, tx.now)
            raise

    def _count_unknown_rows(self, tx: Transaction) -> None:
        for error in statements.unknown_rows(tx, self.jobs.actions):
            self.jobs.unreadable.add(error, tx.now)

    def _record_denial(
        self, tx: Transaction, event: AuditEvent, job: Job, reply: Mapping[str, Any], clicked: ResponseUrls | None
    ) -> Job | None:
        added = self.jobs.complete_with_reply_in(tx, job, reply)
        if added:
            self._append(tx, event, clicked)
        return added

    def _postpone(self, tx: Transaction, job: Job, delay: float, notice: Mapping[str, Any] | None) -> Job | None:
        if not self.jobs.release_in(tx, job, delay=delay) or notice is None:
            return None
        payload = {**notice, "while_waiting": job.id}
        return self.jobs.add_leased(tx, JobKind.REPLY, job.request_id, f"{job.id}:postponed", payload)

    def _append(self, tx: Transaction, event: AuditEvent, clicked: ResponseUrls | None) -> None:
        self.audit_in(tx, replace(event, at=tx.now))
        if event.request_id and clicked:
            if clicked.click:
                statements.set_click_url(tx, event.request_id, clicked.click)
            with suppress(UnreadableRow):
                request = self.snapshot_in(tx, event.request_id).request
                self.jobs.enqueue(tx, event.request_id, *(self.card_jobs(request) if request else ()))

    def save_in(
        self,
        tx: Transaction,
        before: Request,
        moved: Request,
        event: Event,
        *,
        actor: str,
        notify: Sequence[str],
        click_url: str | None = None,
        detail: dict[str, Any] | None = None,
        render: bool = True,
        lease: bool = True,
    ) -> tuple[Request, list[Job]]:
        """Store a transition and its follow-up jobs; return the request, and the jobs that this process holds.

        `notify` are channels that are notified; followers who do not see a card are notified of an end too. Without
        `lease`, any process may claim the jobs. Raises StaleRequest if the request has changed.
        """
        saved = statements.transition(tx, before, moved, card_url=click_url)
        if saved is None or saved.request is None:
            raise StaleRequest
        self.audit_in(tx, audit_event(moved, event_type(moved, event), at=tx.now, actor=actor, **(detail or {})))
        if before.state is State.PENDING and moved.state is not State.PENDING:
            self.jobs.end_reminders(tx, moved.id)
        if moved.state in FINAL:
            notify = tuple(dict.fromkeys((*notify, *unseeing_followers(saved.request))))
        follow_up = self.card_jobs(saved.request) if render else []
        checkpoint = str(audit.checkpoint(tx))
        follow_up += [
            JobSpec(JobKind.NOTICE, f"{moved.id}:{channel}", {"channel": channel, "checkpoint": checkpoint})
            for channel in notify
        ]
        if lease and event is not Event.APPROVE:
            leased = self.jobs.enqueue_leased(tx, moved.id, *follow_up)
            return saved.request, [replace(job, snapshot=saved) for job in leased]
        delay = APPROVAL_RENDER_DELAY if event is Event.APPROVE else 0.0
        self.jobs.enqueue(tx, moved.id, *follow_up, delay=delay)
        return saved.request, []

    @staticmethod
    def card_jobs(request: Request) -> list[JobSpec]:
        """Return the jobs that bring every card of a request up to date."""
        copies = [JobSpec(JobKind.COPY, f"{request.id}:{one.place}", {"to": one.place}) for one in request.copies]
        return [JobSpec(JobKind.CARD, request.id, {}), *copies]


def notices_to(request: Request, people: Iterable[str]) -> list[JobSpec]:
    """Return a notice of how a request ended for each of these people."""
    return [JobSpec(JobKind.NOTICE, f"{request.id}:{one}", {"channel": one}) for one in people]


def _facts_of_list(bulk: BulkSummary) -> dict[str, Any]:
    """Return what the audit log says about the list of a bulk request."""
    return {"source": bulk.source.value, "list": bulk.name, "counts": dict(bulk.counts), "digest": bulk.digest}
