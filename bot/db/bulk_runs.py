"""SQL on the execution of bulk requests. Each function is part of the transaction that it is given."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bot.db.bulk_entries import entry_from_row
from bot.db.driver import Row
from bot.db.jobs import JobKind, JobSpec
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.bulk import BulkProgress, RunState
from bot.domain.people import Person

RATE_PERIOD = 60.0
"""Seconds of the past from which the present rate is measured."""

RENDER_INTERVAL = 3.0
"""Shortest time between two updates of a card that shows progress, in seconds, because Slack limits `chat.update`."""

START = """
INSERT INTO bulk_runs (request_id, lanes, started_at, state) VALUES (:request_id, :lanes, :now, :state)
"""

GET = "SELECT * FROM bulk_runs WHERE request_id = :request_id"

SET_STATE = """
UPDATE bulk_runs SET state = :state, changed_by = :by, changed_at = :now WHERE request_id = :request_id
"""

TAKE_RENDERING = """
UPDATE bulk_runs SET rendered_at = :now
WHERE request_id = :request_id AND (rendered_at IS NULL OR rendered_at <= :before)
"""

# The parts of these queries are constants of this module.
_OPEN = "request_id = :request_id AND finding = 'found' AND outcome IS NULL"

_OF_LANE = f"{_OPEN} AND (lane = :lane OR lane IS NULL)"

NEXT = f"SELECT * FROM bulk_entries WHERE {_OF_LANE} AND due_at <= :now ORDER BY place LIMIT :limit"  # noqa: S608
"""What a lane has taken before and not finished comes first, because places are taken in order."""

REMAINING = f"SELECT * FROM bulk_entries WHERE {_OF_LANE} ORDER BY place LIMIT :limit"  # noqa: S608

TAKE = """
UPDATE bulk_entries SET lane = :lane, attempts = attempts + 1 WHERE request_id = :request_id AND place IN ({places})
"""

NEXT_DUE = f"SELECT min(due_at) AS due_at FROM bulk_entries WHERE {_OPEN} AND lane = :lane"  # noqa: S608

ANY_OPEN = f"SELECT 1 FROM bulk_entries WHERE {_OPEN} LIMIT 1"  # noqa: S608

RECORD = """
UPDATE bulk_entries
SET attempts = :attempts, due_at = :due_at, outcome = :outcome, detail = :detail, finished_at = :finished_at
WHERE request_id = :request_id AND place = :place AND outcome IS NULL
"""

COUNT = """
SELECT outcome, count(*) AS number, count(CASE WHEN finished_at > :since THEN 1 END) AS recent
FROM bulk_entries WHERE request_id = :request_id AND finding = 'found' GROUP BY outcome
"""


class BulkItem(NamedTuple):
    """A person of a bulk request: how often a DELETE was begun, and what came of the earlier ones."""

    place: int
    person: Person
    attempts: int
    detail: Mapping[str, Any]


class ItemResult(NamedTuple):
    """How an attempt for a person ended: an outcome (`revoked`…), or None if it is due again at `due_at`."""

    item: BulkItem
    attempts: int
    outcome: str | None
    detail: Mapping[str, Any]
    retry_delay: float = 0.0


def start(tx: Transaction, request_id: str, lanes: int) -> None:
    """Begin to execute a bulk request."""
    tx.send(START, request_id=request_id, lanes=lanes, now=tx.now, state=RunState.RUNNING.value)


def lane_specs(request_id: str, lanes: int, *, clicked_at: float) -> list[JobSpec]:
    """Return the jobs that execute a bulk request, each with a token of its own."""
    return [
        JobSpec(JobKind.BULK, f"{request_id}:{lane}", {"lane": lane, "clicked_at": clicked_at}) for lane in range(lanes)
    ]


def get(tx: Transaction, request_id: str) -> Row | None:
    """Return the row of a run, None for a request that was never approved."""
    return tx.fetch_one(GET, request_id=request_id)


def state_of(row: Row) -> RunState:
    """Return the state of a run. Raises UnreadableRow for one of a newer version."""
    try:
        return RunState(row.state)
    except ValueError as error:
        raise UnreadableRow("bulk_runs", row.request_id, "state", str(row.state)) from error


def set_state(tx: Transaction, request_id: str, state: RunState, by: str) -> None:
    """Store that an admin has paused, resumed or stopped a run."""
    tx.send(SET_STATE, request_id=request_id, state=state.value, by=by, now=tx.now)


def take_rendering(tx: Transaction, request_id: str) -> bool:
    """Return whether the card may show progress now; then no other process may for `RENDER_INTERVAL`."""
    return tx.execute(TAKE_RENDERING, request_id=request_id, now=tx.now, before=tx.now - RENDER_INTERVAL) == 1


def take(tx: Transaction, request_id: str, lane: int, limit: int) -> list[BulkItem]:
    """Return the next people of a lane, each with one more attempt."""
    rows = tx.fetch(NEXT, request_id=request_id, lane=lane, now=tx.now, limit=limit)
    if rows:
        places = ", ".join(str(int(row.place)) for row in rows)
        tx.send(TAKE.format(places=places), request_id=request_id, lane=lane)
    return [item._replace(attempts=item.attempts + 1) for item in _items(rows)]


def remaining(tx: Transaction, request_id: str, lane: int, limit: int) -> list[BulkItem]:
    """Return people of a lane whose DELETE no process is sending, due or not, and people of no lane."""
    return _items(tx.fetch(REMAINING, request_id=request_id, lane=lane, limit=limit))


def next_due(tx: Transaction, request_id: str, lane: int) -> float | None:
    """Return when the next person of a lane is due, None if it has no one left."""
    row = tx.fetch_one(NEXT_DUE, request_id=request_id, lane=lane)
    return None if row is None else row.due_at


def any_open(tx: Transaction, request_id: str) -> bool:
    """Return whether a person has no outcome yet."""
    return tx.fetch_one(ANY_OPEN, request_id=request_id) is not None


def record(tx: Transaction, request_id: str, result: ItemResult) -> bool:
    """Store how an attempt ended; return False for a person who has an outcome already."""
    updated = tx.execute(
        RECORD,
        request_id=request_id,
        place=result.item.place,
        attempts=result.attempts,
        due_at=tx.now + result.retry_delay,
        outcome=result.outcome,
        detail=json.dumps(dict(result.detail)),
        finished_at=tx.now if result.outcome else None,
    )
    return updated == 1


def progress(tx: Transaction, request_id: str) -> BulkProgress | None:
    """Return how far a bulk request is, None for one that was never approved. Raises UnreadableRow."""
    run = get(tx, request_id)
    if run is None:
        return None
    outcomes: Counter[str] = Counter()
    still_open = recent = 0
    since = max(tx.now - RATE_PERIOD, run.changed_at or run.started_at)  # nothing was sent during a pause
    for row in tx.fetch(COUNT, request_id=request_id, since=since):
        if row.outcome is None:
            still_open = row.number
        else:
            outcomes[row.outcome] = row.number
            recent += row.recent
    state = state_of(run)
    period = tx.now - since
    rate = recent * 60 / period if still_open and state is RunState.RUNNING and recent and period > 0 else None
    left = still_open * 60 / rate if rate else None
    return BulkProgress(dict(outcomes), still_open, state, run.changed_by, rate, left)


def _items(rows: Sequence[Row]) -> list[BulkItem]:
    items = []
    for row in rows:
        person = entry_from_row(row).person
        if person is None:
            raise UnreadableRow("bulk_entries", row.request_id, "target_id")
        items.append(BulkItem(row.place, person, row.attempts, _detail(row)))
    return items


def _detail(row: Row) -> dict[str, Any]:
    try:
        return dict(json.loads(row.detail))
    except (TypeError, ValueError, RecursionError) as error:
        raise UnreadableRow("bulk_entries", row.request_id, "detail") from error
