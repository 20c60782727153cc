"""SQL on requests and their items. Each function is part of the transaction that it is given."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, delete, exists, insert, or_, select, update

from bot.db.engine import Transaction
from bot.db.jobs import Job, JobKind
from bot.db.rows import SELECT_REQUEST, item_to_row, request_from_row, request_to_row
from bot.db.schema import items, jobs, requests
from bot.domain.requests import EXECUTION_WINDOW, Event, MessageRef, Request, State

COMPLETED_JOB_RETENTION = 3600.0
"""Seconds that a completed job is kept, so that a replayed click is recognised. Slack's signatures live for 300."""

_THIS = requests.c.id == bindparam("request")
_GET = SELECT_REQUEST.where(_THIS)
_EXISTS = select(requests.c.id).where(or_(_THIS, requests.c.ask_key == bindparam("key")))
_LOCK = select(requests.c.id).where(_THIS).with_for_update()
_LOCK_AGAINST_UPDATE = select(requests.c.id).where(_THIS).with_for_update(read=True, key_share=True)
_SET_CARD = update(requests).where(_THIS).returning(requests.c.revision)
_SET_CLICK_URL = update(requests).where(_THIS).values(card_url=bindparam("url"))
_SET_OUTCOME = update(requests).where(_THIS).values(outcome=bindparam("result"))
_ADD_ATTEMPT = _SET_OUTCOME.values(revision=requests.c.revision + 1)
_SET_ITEM_EVENT = update(items).where(items.c.request_id == bindparam("request"), items.c.place == bindparam("item"))
_TRANSITION = update(requests).where(
    _THIS, requests.c.state == bindparam("before"), requests.c.revision == bindparam("last")
)

_CHANGING = ("state", "approvals", "decided_by", "approved_at", "finished_at", "outcome", "revision")


def insert_request(tx: Transaction, request: Request, key: str, **columns: Any) -> bool:
    """Insert a request and its item; return False if its id or its key exists already."""
    if tx.execute(_EXISTS, {"request": request.id, "key": key}).first():
        return False
    inserted = tx.insert(requests).values(ask_key=key, **(request_to_row(request) | columns))
    inserted = inserted.on_conflict_do_nothing(index_elements=["ask_key"]).returning(requests.c.id)
    if tx.execute(inserted).one_or_none() is None:
        return False
    tx.execute(insert(items).values(item_to_row(request)))
    return True


def row_of(tx: Transaction, request_id: str) -> Row[Any] | None:
    """Return the row of a request's first item, with every column of the request; None for an unknown id."""
    return tx.execute(_GET, {"request": request_id}).first()


def get_request(tx: Transaction, request_id: str) -> Request | None:
    """Return the current state of a request, None for an unknown id."""
    row = row_of(tx, request_id)
    return request_from_row(row) if row else None


def lock(tx: Transaction, request_id: str) -> None:
    """Lock a request before its jobs, always, so that two transactions cannot deadlock.

    Under READ COMMITTED, two transactions that finish items could otherwise each read the other's item as open, and
    neither would finish the request.
    """
    tx.lock_rows(_LOCK, {"request": request_id})


def lock_against_update(tx: Transaction, request_id: str) -> None:
    """Wait for transactions that update a request, and keep new ones waiting."""
    tx.lock_rows(_LOCK_AGAINST_UPDATE, {"request": request_id})


def transition(tx: Transaction, before: Request, moved: Request, **columns: Any) -> bool:
    """Update a request from one state to the next; return False if it is not `before` any more."""
    row = request_to_row(moved)
    changed = {name: row[name] for name in _CHANGING} | columns
    expected = {"request": before.id, "before": before.state, "last": before.revision}
    return tx.execute(_TRANSITION, expected | changed).rowcount == 1


def finish_item(tx: Transaction, job: Job, event: Event) -> tuple[Request, list[Event | None]]:
    """Store the outcome of an item; return its request and all outcomes, None for open items."""
    tx.execute(_SET_ITEM_EVENT, {"request": job.request_id, "item": job.payload["place"], "event": event})
    rows = tx.execute(_GET, {"request": job.request_id}).all()
    return request_from_row(rows[0]), [Event(row.event) if row.event else None for row in rows]


def set_outcome(tx: Transaction, request_id: str, outcome: dict[str, Any]) -> None:
    """Store the outcome of an item of a request that has open items."""
    tx.execute(_SET_OUTCOME, {"request": request_id, "result": json.dumps(outcome)})


def add_attempt(tx: Transaction, request_id: str, outcome: dict[str, Any]) -> None:
    """Store a failed attempt as a new revision, so that the card shows it."""
    tx.execute(_ADD_ATTEMPT, {"request": request_id, "result": json.dumps(outcome)})


def set_click_url(tx: Transaction, request_id: str, url: str) -> None:
    """Store the response_url of a click on a card that `chat.update` does not reach."""
    tx.execute(_SET_CLICK_URL, {"request": request_id, "url": url})


def set_card(tx: Transaction, request_id: str, card: MessageRef | None) -> int | None:
    """Store where a card is; return the request's revision, None for an unknown id."""
    location = {"channel": card.channel if card else None, "ts": card.ts if card else None}
    return tx.execute(_SET_CARD, {"request": request_id, **location}).scalar_one_or_none()


def overdue(tx: Transaction, limit: int) -> Select[Any]:
    """Select overdue pending requests, oldest first, without those that have a click which still counts."""
    due = and_(requests.c.state == State.PENDING, requests.c.expires_at <= tx.now)
    clicked = exists().where(jobs.c.request_id == requests.c.id, jobs.c.kind == JobKind.CLICK, jobs.c.done_at.is_(None))
    counts = clicked.where(jobs.c.created_at > tx.now - EXECUTION_WINDOW)
    return select(requests.c.id).where(due, ~counts).order_by(requests.c.expires_at).limit(limit)


def lock_overdue(tx: Transaction, limit: int) -> list[Request]:
    """Lock the overdue requests and return them; skip those that another transaction has locked."""
    selected = overdue(tx, limit)
    locked = tx.execute(selected.with_for_update(skip_locked=True)).scalars().all()
    # The second query leaves out requests whose click was stored between the first query and the lock.
    ids = tx.execute(selected.where(requests.c.id.in_(locked))).scalars().all()
    return [found for found in [get_request(tx, one) for one in ids] if found]


def delete_expired(tx: Transaction) -> None:
    """Delete jobs too old to be replayed, and response_urls too old to be used."""
    limit = tx.now - COMPLETED_JOB_RETENTION
    tx.execute(delete(jobs).where(jobs.c.done_at < limit))
    outdated = update(requests).where(requests.c.finished_at < limit, requests.c.ask_url.is_not(None))
    tx.execute(outdated.values(ask_url=None, card_url=None))
