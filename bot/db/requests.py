"""Requests, their items and the audit trail: every step is one transaction that commits whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, exists, insert, select, update

from bot.db import audit as trail
from bot.db.engine import Transaction
from bot.db.jobs import Job, JobKind, JobSpec, Snapshot
from bot.db.queue import JobQueue, reads, writes
from bot.db.rows import WHOLE_REQUEST, request_of_row, row_of_item, row_of_request
from bot.db.schema import items, jobs, requests
from bot.domain.audit import EVENT_TYPES, AuditEvent, EventType, entry
from bot.domain.requests import REPEAT_WINDOW, Event, MessageRef, Request, State, advance, overall
from bot.errors import StaleRequest

UNTOLD = 1.0
"""Seconds until a card tells of an approval; by then it mostly can tell of the end, and is painted once."""

KEEP_DONE_JOBS = 3600.0
"""Seconds a finished job stays, so that a replay of its click is recognised; Slack's signatures live 300."""


@dataclass(frozen=True, slots=True)
class Urls:
    """The response_urls of a request: bearer capabilities, so they stay out of `Request`, logs and the trail."""

    ask: str | None = None
    """The command's own: can add private messages for 30 minutes, cannot edit."""
    card: str | None = None
    """A click's: edits the clicked card where `chat.update` cannot."""


class RequestStore(JobQueue):
    """The one truth that replicas share: requests and their trail, and the work that they lead to."""

    @writes
    def ask(self, tx: Transaction, request: Request, *, ttl: float, key: str, ask_url: str | None) -> Job | None:
        """Keep a new request, its audit row and the order to post its card; None for a replayed command.

        `key` names the command (its `trigger_id`); `ttl` is in seconds and counted by the database's clock.
        """
        row = row_of_request(request) | {"created_at": tx.now, "expires_at": tx.now + ttl}
        asked = tx.insert(requests).values(ask_key=key, ask_url=ask_url, **row)
        asked = asked.on_conflict_do_nothing(index_elements=["ask_key"]).returning(requests.c.id)
        if tx.execute(asked).one_or_none() is None:
            return None
        tx.execute(insert(items).values(row_of_item(request)))
        detail = {"kind": request.kind, "reason": request.reason, "needed": request.needed, "ttl": ttl}
        trail.write(tx, entry(request, EventType.ASKED, at=tx.now, actor=request.requester, **detail))
        return self._leases.add(tx, JobKind.CARD, request.id, request.id, {})

    @reads
    def find(self, tx: Transaction, request_id: str) -> Request | None:
        """Return a request as it stands now."""
        return _find(tx, request_id)

    @reads
    def look(self, tx: Transaction, request_id: str) -> Snapshot:
        """Return a request as it stands now."""
        return _find(tx, request_id), tx.now

    @reads
    def sheet(self, tx: Transaction, request_id: str) -> tuple[Request, Urls] | None:
        """Return what a card is painted from, and where its people can be answered without a channel."""
        row = tx.execute(_WHOLE, {"request": request_id}).first()
        return (request_of_row(row), Urls(row.ask_url, row.card_url)) if row else None

    @writes
    def note_click(self, tx: Transaction, request_id: str, key: str, click: dict[str, Any]) -> Job | None:
        """Write down that a button was pressed, before anybody judges it; None for a replay of the same click.

        Its time is read once no sweep can end the request any more without seeing the click.
        """
        tx.lock_rows(_KEEP, {"request": request_id})
        job = self._leases.add(tx, JobKind.CLICK, request_id, key, click)
        return replace(job, seen=(_find(tx, request_id), tx.now)) if job else None

    @writes
    def record(self, tx: Transaction, row: AuditEvent, *, done: Job | None = None, clicked: Urls | None = None) -> bool:
        """Add to the trail what changes no request; `done` is the job that led to it, finished with it.

        `clicked` repaints the request's card, and the clicked message too where it is another: a click on buttons that
        should be gone heals them. False, with nothing written, when the lease was lost and another process will tell.
        """
        if done and not self._leases.finish(tx, done):
            return False
        if clicked and row.request_id:  # before the trail's turn: who has the request may wait for that turn
            _lock(tx, row.request_id)
            if clicked.card:
                same = requests.c.id == row.request_id
                tx.execute(update(requests).where(same).values(card_url=clicked.card))
        at = AuditEvent(tx.now, row.tag, row.actor, row.reference, row.request_id, row.target, row.detail)
        trail.write(tx, at)
        if clicked and row.request_id:
            self._leases.enqueue(tx, row.request_id, _card(row.request_id))
        return True

    @writes
    def move(
        self,
        tx: Transaction,
        request: Request,
        event: Event,
        *,
        job: Job,
        by: str,
        tell: Sequence[str] = (),
        card_url: str | None = None,
    ) -> tuple[Request, list[Job]]:
        """Move a request on because of a click: state, audit row, card and work to do, in one transaction.

        `request` is what the decision was made on; raises StaleRequest, changing nothing, when it is not so any more.
        `tell` are the channels that hear of an end. Returns the moved request and the jobs leased for it.
        """
        moved = advance(request, event, at=tx.now, by=by)
        if not self._leases.finish(tx, job):
            message = "Another replica has this click; nothing was changed."
            raise StaleRequest(message)
        if job.is_stale(tx.now) or (event is not Event.CANCEL and request.expired(job.created_at)):
            raise StaleRequest
        self._save(tx, request, moved, event, actor=by, tell=tell, card_url=card_url)
        if event is not Event.APPROVE:
            return moved, []
        what = {"place": 0, "clicked_at": job.created_at}
        work = self._leases.add(tx, JobKind.EXECUTE, request.id, f"{request.id}:0", what)
        return moved, [replace(work, seen=(moved, tx.now))] if work else []

    @writes
    def finish_target(
        self, tx: Transaction, job: Job, event: Event, *, outcome: dict[str, Any], tell: Sequence[str]
    ) -> Request | None:
        """Write down what became of an approved target; None when the lease was lost and another will tell."""
        _lock(tx, job.request_id)
        if not self._leases.finish(tx, job):
            return None
        before, events = _close_item(tx, job, event)
        before = replace(before, outcome=outcome)
        if None in events:
            written = update(requests).where(requests.c.id == job.request_id).values(outcome=json.dumps(outcome))
            tx.execute(written)
            return before
        whole = overall([one for one in events if one])
        moved = advance(before, whole, at=tx.now)
        self._save(tx, before, moved, whole, actor="bot", tell=tell, detail=outcome)
        return moved

    @writes
    def try_again(self, tx: Transaction, job: Job, *, wait: float, outcome: dict[str, Any]) -> Request | None:
        """Write down a failed attempt and give the target back, due in `wait` seconds; the card tells of it."""
        _lock(tx, job.request_id)
        if not self._leases.release(tx, job, wait=wait):
            return None
        values = {"outcome": json.dumps(outcome), "revision": requests.c.revision + 1}
        tx.execute(update(requests).where(requests.c.id == job.request_id).values(values))
        request = _find(tx, job.request_id)
        if request:
            trail.write(tx, entry(request, EventType.ATTEMPT_FAILED, at=tx.now, **outcome))
            self._leases.enqueue(tx, request.id, _card(request.id))
        return request

    async def expire_due(self, tell: Callable[[Request], Sequence[str]], limit: int = 50) -> list[Request]:
        """End pending requests whose time is over; one with a click still to be judged waits for that.

        `tell(request)` names the channels that hear of it. Returns those that were ended.
        """
        return await self._expire(tell, limit) if await self._is_any_due() else []

    @reads
    def _is_any_due(self, tx: Transaction) -> bool:
        return tx.execute(_due(tx, 1)).first() is not None

    @writes
    def _expire(self, tx: Transaction, tell: Callable[[Request], Sequence[str]], limit: int) -> list[Request]:
        due = _due(tx, limit)
        mine = tx.execute(due.with_for_update(skip_locked=True))
        # Looked at again now that they are locked: a click may have come between.
        ids = tx.execute(due.where(requests.c.id.in_(mine.scalars().all())))
        due_now = [found for found in [_find(tx, one) for one in ids.scalars().all()] if found]
        ended = [advance(before, Event.EXPIRE, at=tx.now) for before in due_now]
        for before, moved in zip(due_now, ended, strict=True):
            self._save(tx, before, moved, Event.EXPIRE, actor="bot", tell=tell(before))
        return ended

    @writes
    def withdraw(self, tx: Transaction, job: Job, *, problem: str, tell: Sequence[str]) -> Request | None:
        """Cancel a request whose card cannot be posted anywhere, so that it does not wait unseen."""
        _lock(tx, job.request_id)
        before = _find(tx, job.request_id)
        if before is None or before.state is not State.PENDING or not self._leases.finish(tx, job):
            return None
        moved = advance(before, Event.CANCEL, at=tx.now, by=None)
        self._save(tx, before, moved, Event.CANCEL, actor="bot", tell=tell, detail={"problem": problem}, paint=False)
        return moved

    @writes
    def shown(self, tx: Transaction, job: Job, revision: int, place: MessageRef | None) -> bool:
        """Note that a card shows a revision and where it stands; False when it must be painted again already."""
        placed = {"channel": place.channel if place else None, "ts": place.ts if place else None}
        current = tx.execute(_PLACE, {"request": job.request_id, **placed}).scalar_one_or_none()
        newer = current is not None and current > revision
        if not newer and self._leases.finish_unless_raised(tx, job):
            return True
        return not self._leases.release(tx, job, wait=0)

    @writes
    def tidy(self, tx: Transaction) -> None:
        """Forget clicks too old to be replayed, and response_urls too old to be used."""
        old = tx.now - KEEP_DONE_JOBS
        tx.execute(delete(jobs).where(jobs.c.done_at < old))
        forgotten = update(requests).where(requests.c.finished_at < old, requests.c.ask_url.is_not(None))
        tx.execute(forgotten.values(ask_url=None, card_url=None))

    @reads
    def trail(self, tx: Transaction, request_id: str | None = None) -> list[tuple[AuditEvent, str]]:
        """Return the audit trail, oldest first, each row with its hash."""
        return trail.read(tx, request_id)

    def _save(
        self,
        tx: Transaction,
        before: Request,
        moved: Request,
        event: Event,
        *,
        actor: str,
        tell: Sequence[str],
        card_url: str | None = None,
        detail: dict[str, Any] | None = None,
        paint: bool = True,
    ) -> None:
        """Write a step down, only if the request still is what the step began from."""
        row = row_of_request(moved)
        changed = {name: row[name] for name in _CHANGING} | ({"card_url": card_url} if card_url else {})
        same = {"request": before.id, "before": before.state, "last": before.revision}
        if tx.execute(_STEP, same | changed).rowcount != 1:
            raise StaleRequest
        trail.write(tx, entry(moved, EVENT_TYPES[event], at=tx.now, actor=actor, **(detail or {})))
        told = [(JobKind.NOTICE, f"{moved.id}:{channel}", {"channel": channel}) for channel in tell]
        painted = [_card(moved.id)] if paint else []
        if told or painted:
            wait = UNTOLD if event is Event.APPROVE else 0.0
            self._leases.enqueue(tx, moved.id, *painted, *told, wait=wait)


_THIS = requests.c.id == bindparam("request")
_WHOLE = WHOLE_REQUEST.where(_THIS)
_LOCK = select(requests.c.id).where(_THIS).with_for_update()
_KEEP = select(requests.c.id).where(_THIS).with_for_update(read=True, key_share=True)
_PLACE = update(requests).where(_THIS).returning(requests.c.revision)
_STEP = update(requests).where(_THIS, requests.c.state == bindparam("before"), requests.c.revision == bindparam("last"))
_CLOSE = update(items).where(items.c.request_id == bindparam("request"), items.c.place == bindparam("which"))

_CHANGING = ("state", "approvals", "decided_by", "approved_at", "finished_at", "outcome", "revision")


def _card(request_id: str) -> JobSpec:
    return JobKind.CARD, request_id, {}


def _due(tx: Transaction, limit: int) -> Select[Any]:
    """The requests whose time is over and that have no click to be judged (later it does not count), oldest first."""
    over = and_(requests.c.state == State.PENDING, requests.c.expires_at <= tx.now)
    clicked = exists().where(jobs.c.request_id == requests.c.id, jobs.c.kind == JobKind.CLICK, jobs.c.done_at.is_(None))
    counts = clicked.where(jobs.c.created_at > tx.now - REPEAT_WINDOW)
    return select(requests.c.id).where(over, ~counts).order_by(requests.c.expires_at).limit(limit)


def _find(tx: Transaction, request_id: str) -> Request | None:
    row = tx.execute(_WHOLE, {"request": request_id}).first()
    return request_of_row(row) if row else None


def _lock(tx: Transaction, request_id: str) -> None:
    """Take the request's row before its items are counted and its jobs are written.

    Under READ COMMITTED two finishers could otherwise each see the other's item open, and nobody would end the request;
    and whoever takes the jobs first could meet somebody who has the request and waits for them.
    """
    tx.lock_rows(_LOCK, {"request": request_id})


def _close_item(tx: Transaction, job: Job, event: Event) -> tuple[Request, list[Event | None]]:
    """Note what became of an item; returns its request and how all items of it stand, None for an open one."""
    tx.execute(_CLOSE, {"request": job.request_id, "which": job.payload["place"], "event": event})
    rows = tx.execute(_WHOLE, {"request": job.request_id}).all()
    return request_of_row(rows[0]), [Event(row.event) if row.event else None for row in rows]
