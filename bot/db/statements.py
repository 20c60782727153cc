"""SQL on requests and their items. Each function is part of the transaction that it is given."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

from bot.db import bulk_runs, pings
from bot.db.driver import Row
from bot.db.due_jobs import literals
from bot.db.jobs import Job, JobKind
from bot.db.payloads import parse_payload
from bot.db.rows import (
    Snapshot,
    card_from_row,
    copies_from_row,
    followers_from_row,
    item_to_row,
    read_request,
    request_to_row,
    urls_from_row,
)
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.live_state import LiveState
from bot.domain.requests import EXECUTION_WINDOW, Event, MessageRef, Request, State
from bot.domain.rules import Rules, to_json

COMPLETED_JOB_RETENTION = 1800.0
"""Seconds that a completed job, with its response_url, is kept, so that a replayed click is recognised.

Slack's signatures live for 300 seconds.
"""

RESPONSE_URL_LIFETIME = 1800.0
"""Seconds for which Slack accepts a `response_url` (docs.slack.dev, Handling user interaction)."""

LAST_ATTEMPT_TIME = 60.0
"""Seconds after the expiry in which a postponed click is judged for the last time."""

SELECT_REQUEST = """
SELECT requests.*,
       items.target_id, items.name, items.email, items.division, items.state AS target_state, items.member,
       items.member_name, items.event
FROM requests JOIN items ON items.request_id = requests.id
"""

GET = f"{SELECT_REQUEST} WHERE requests.id = :id ORDER BY items.place"

EXISTS = "SELECT 1 FROM requests WHERE id = :id OR ask_key = :key"

INSERT_REQUEST = """
INSERT INTO requests (
    id, reference, ask_key, kind, state, requester, asked_in, reason, needed, protected, rules, approvals, dropped,
    seal, approval_seals, decided_by, created_at, expires_at, approved_at, finished_at, outcome, revision, channel, ts,
    followers, copies, bulk, ask_url
) VALUES (
    :id, :reference, :ask_key, :kind, :state, :requester, :asked_in, :reason, :needed, :protected, :rules, :approvals,
    :dropped, :seal, :approval_seals, :decided_by, :created_at, :expires_at, :approved_at, :finished_at, :outcome,
    :revision, :channel, :ts, :followers, :copies, :bulk, :ask_url
)
"""

INSERT_ITEM = """
INSERT INTO items (request_id, place, target_id, name, email, division, state, member, member_name)
VALUES (:request_id, :place, :target_id, :name, :email, :division, :state, :member, :member_name)
"""

TRANSITION = """
UPDATE requests
SET state = :state, needed = :needed, protected = :protected, approvals = :approvals, dropped = :dropped,
    seal = :seal, approval_seals = :approval_seals, decided_by = :decided_by,
    approved_at = :approved_at, finished_at = :finished_at, outcome = :outcome, revision = :revision,
    card_url = COALESCE(:card_url, card_url)
WHERE id = :id AND state = :state_before AND revision = :revision_before
RETURNING channel, ts, copies, followers, ask_url, card_url
"""

SET_ITEM_EVENT = "UPDATE items SET event = :event WHERE request_id = :id AND place = :place"

SET_OUTCOME = "UPDATE requests SET outcome = :outcome WHERE id = :id"

REVISE_OUTCOME = "UPDATE requests SET outcome = :outcome, revision = revision + 1 WHERE id = :id"

SET_CLICK_URL = "UPDATE requests SET card_url = :url WHERE id = :id"

CLICKS = "SELECT id, payload FROM jobs WHERE request_id = :id AND kind = 'click' ORDER BY id DESC LIMIT 20"
"""Clicks are kept for as long as their response_urls are valid (`COMPLETED_JOB_RETENTION`)."""

OPEN_REQUESTS = f"{SELECT_REQUEST} WHERE requests.state IN ('pending', 'approved') AND items.place = 0"

OPEN_UNDER_OTHER_RULES = f"{OPEN_REQUESTS} AND requests.rules <> :rules LIMIT 1000"

SET_SEALS = "UPDATE requests SET seal = :seal, approval_seals = :approval_seals WHERE id = :id"

SET_CARD = "UPDATE requests SET channel = :channel, ts = :ts, live = COALESCE(:live, live) WHERE id = :id"

SET_LIVE_STATE = "UPDATE requests SET live = :live WHERE id = :id"

OVERDUE = """
SELECT id FROM requests
WHERE state = 'pending' AND kind IN ({actions}) AND expires_at <= :now AND NOT EXISTS (
    SELECT 1 FROM jobs
    WHERE jobs.request_id = requests.id AND jobs.kind = 'click' AND jobs.done_at IS NULL
        AND jobs.created_at < requests.expires_at
        AND (jobs.created_at > :counts OR requests.expires_at > :last_attempts)
)
ORDER BY expires_at LIMIT :limit
"""
"""An open click ends the request itself. One that is never decided must not keep the card's buttons alive."""

UNKNOWN_JOBS = "SELECT id, kind AS value FROM jobs WHERE done_at IS NULL AND kind NOT IN ({kinds}) LIMIT 1000"

UNKNOWN_STATES = "SELECT id, state AS value FROM requests WHERE {states} LIMIT 1000"

UNKNOWN_ACTIONS = """
SELECT id, kind AS value FROM requests WHERE state IN ('pending', 'approved') AND kind NOT IN ({actions}) LIMIT 1000
"""

DELETE_JOBS = "DELETE FROM jobs WHERE done_at < :limit"

FORGET_URLS = """
UPDATE requests SET ask_url = NULL, card_url = NULL
WHERE created_at < :limit AND (ask_url IS NOT NULL OR card_url IS NOT NULL) AND NOT EXISTS (
    SELECT 1 FROM jobs WHERE jobs.request_id = requests.id AND jobs.kind = 'card' AND jobs.done_at IS NULL
)
"""
"""A card that waits may still need the url of a click."""

_CHANGING = (
    "state", "needed", "protected", "approvals", "dropped", "seal", "approval_seals", "decided_by", "approved_at",
    "finished_at", "outcome", "revision",
)  # fmt: skip


def insert_request(tx: Transaction, request: Request, key: str, **columns: Any) -> bool:
    """Insert a request and its item; return False if its id or its key exists already."""
    if tx.fetch_one(EXISTS, id=request.id, key=key):
        return False
    tx.send(INSERT_REQUEST, **(request_to_row(request) | columns), ask_key=key)
    tx.send(INSERT_ITEM, **item_to_row(request))
    return True


def snapshot(tx: Transaction, request_id: str, actions: Collection[str], *, progress: bool = True) -> Snapshot:
    """Return the current state of a request, its response_urls and the time.

    With `progress`, an approved bulk request has its progress.

    Raises UnreadableRow for one that this version cannot read, or that is for another action.
    """
    row = tx.fetch_one(GET, id=request_id)
    if row is None:
        return Snapshot(None, tx.now)
    if row.kind not in actions:
        raise UnreadableRow("requests", request_id, "action", row.kind)
    request = read_request(row)
    if progress and request.bulk and request.approved_at is not None:
        request = replace(request, progress=bulk_runs.progress(tx, request_id))
    return Snapshot(request, tx.now, urls_from_row(row))


def transition(tx: Transaction, before: Request, moved: Request, *, card_url: str | None = None) -> Snapshot | None:
    """Update a request from one state to the next; return None if it is not `before` any more.

    Cards may have been posted since `before` was read, so their places are read again.
    """
    row = request_to_row(moved)
    changed = {name: row[name] for name in _CHANGING}
    expected = {"state_before": before.state.value, "revision_before": before.revision}
    updated = tx.fetch_one(TRANSITION, id=before.id, card_url=card_url, **expected, **changed)
    if updated is None:
        return None
    copies, followers = copies_from_row(updated), followers_from_row(updated)
    saved = replace(moved, card=card_from_row(updated), copies=copies, followers=followers)
    return Snapshot(saved, tx.now, urls_from_row(updated))


def finish_item(tx: Transaction, job: Job, event: Event) -> tuple[Request, list[Event | None]]:
    """Store the outcome of an item; return its request and all outcomes, None for open items.

    Raises UnreadableRow.
    """
    tx.send(SET_ITEM_EVENT, id=job.request_id, place=job.payload["place"], event=event.value)
    rows = tx.fetch(GET, id=job.request_id)
    return read_request(rows[0]), [_event(row) for row in rows]


def _event(row: Row) -> Event | None:
    try:
        return Event(row.event) if row.event else None
    except ValueError as error:
        raise UnreadableRow("items", row.id, "event", row.event) from error


def set_outcome(tx: Transaction, request_id: str, outcome: dict[str, Any]) -> None:
    """Store the outcome of an item of a request that has open items."""
    tx.send(SET_OUTCOME, id=request_id, outcome=json.dumps(outcome))


def revise_outcome(tx: Transaction, request_id: str, outcome: dict[str, Any]) -> None:
    """Store an outcome as a new revision, so that the card shows it."""
    tx.send(REVISE_OUTCOME, id=request_id, outcome=json.dumps(outcome))


def set_click_url(tx: Transaction, request_id: str, url: str) -> None:
    """Store the response_url of a click on a card that `chat.update` does not reach."""
    tx.send(SET_CLICK_URL, id=request_id, url=url)


def click_urls(tx: Transaction, request_id: str, ts: str) -> list[str]:
    """Return the response_urls of the recent clicks on a message, newest first."""
    found = []
    for row in tx.fetch(CLICKS, id=request_id):
        with suppress(UnreadableRow):
            payload = parse_payload(row.id, row.payload)
            found += [str(payload["response_url"])] if payload.get("ts") == ts and payload.get("response_url") else []
    return found


def set_card(tx: Transaction, request_id: str, card: MessageRef | None, live: LiveState | None) -> None:
    """Store where a card is, and what its target was doing when it was made; None keeps what is stored."""
    channel, ts = (card.channel, card.ts) if card else (None, None)
    tx.send(SET_CARD, id=request_id, channel=channel, ts=ts, live=_live_column(live) if live else None)


def set_live_state(tx: Transaction, request_id: str, live: LiveState) -> None:
    """Store what the target of a request was doing when a copy of its card was made."""
    tx.send(SET_LIVE_STATE, id=request_id, live=_live_column(live))


def _live_column(live: LiveState) -> str:
    return json.dumps(live.codes)


def open_requests(tx: Transaction) -> list[Request]:
    """Return the requests that are pending or approved, without those that this version cannot read."""
    return _readable(tx.fetch(OPEN_REQUESTS))


def open_under_other_rules(tx: Transaction, rules: Rules) -> list[Request]:
    """Return up to 1,000 open requests that were made under other rules."""
    return _readable(tx.fetch(OPEN_UNDER_OTHER_RULES, rules=to_json(rules)))


def _readable(rows: Iterable[Row]) -> list[Request]:
    found = []
    for row in rows:
        with suppress(UnreadableRow):
            found.append(read_request(row))
    return found


def set_seals(tx: Transaction, request: Request) -> None:
    """Store the seals of a request."""
    row = request_to_row(request)
    tx.send(SET_SEALS, id=request.id, seal=row["seal"], approval_seals=row["approval_seals"])


def overdue(tx: Transaction, limit: int, actions: Iterable[str], skipped: Collection[int | str]) -> list[str]:
    """Return the ids of overdue pending requests without a click that counts, oldest first.

    Requests for other actions are left out, and those whose ids are `skipped`.
    """
    query = OVERDUE.format(actions=literals(actions))
    times = {"counts": tx.now - EXECUTION_WINDOW, "last_attempts": tx.now - LAST_ATTEMPT_TIME}
    rows = tx.fetch(query, now=tx.now, limit=limit + len(skipped), **times)
    return [row.id for row in rows if row.id not in skipped][:limit]


def unknown_rows(tx: Transaction, actions: Iterable[str]) -> list[UnreadableRow]:
    """Return the open jobs and requests of kinds, states and actions that only another version knows."""
    kinds, states = sorted(JobKind), sorted(State)
    unknown = (
        ("jobs", "kind", UNKNOWN_JOBS.format(kinds=literals(kinds))),
        ("requests", "state", UNKNOWN_STATES.format(states=_outside("state", states))),
        ("requests", "action", UNKNOWN_ACTIONS.format(actions=literals(actions))),
    )
    return [
        UnreadableRow(table, row.id, column, row.value) for table, column, query in unknown for row in tx.fetch(query)
    ]


def _outside(column: str, known: Sequence[str]) -> str:
    """Return a condition for other values than the known ones, as ranges that an index finds quickly."""
    gaps = [f"{column} > '{low}' AND {column} < '{high}'" for low, high in pairwise(known)]
    return " OR ".join([f"{column} < '{known[0]}'", *gaps, f"{column} > '{known[-1]}'"])


def delete_expired(tx: Transaction) -> None:
    """Delete jobs too old to be replayed, response_urls too old to be used, and old pings."""
    tx.send(DELETE_JOBS, limit=tx.now - COMPLETED_JOB_RETENTION)
    pings.forget_old(tx)
    tx.send(FORGET_URLS, limit=tx.now - RESPONSE_URL_LIFETIME)
