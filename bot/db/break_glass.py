"""SQL on break-glass requests: when the next one is possible, and whether one is being announced.

Each function is part of the transaction that it is given.
"""

from __future__ import annotations

from bot.db.jobs import JobKind
from bot.db.transaction import Transaction
from bot.domain.denials import DenialCode, Denied
from bot.domain.requests import BREAK_GLASS, Request, State

BREAK_GLASS_INTERVAL = 600.0
"""Seconds after a confirmation in which the same person can confirm no other break-glass request."""

COUNTED = (State.APPROVED, State.REVOKED, State.UNKNOWN)
"""The states of confirmed requests that count: those that changed something, or may have."""

LAST_CONFIRMATION = f"""
SELECT max(approved_at) AS at FROM requests
WHERE kind = '{BREAK_GLASS}' AND requester = :requester AND id <> :apart_from
    AND state IN ({", ".join(f"'{one}'" for one in COUNTED)})
    AND approved_at > :since AND (state = '{State.APPROVED}' OR finished_at > :since)
"""  # noqa: S608 - made of constants
"""The last condition follows from the others. It lets the database use its indexes of states and ends."""

ANNOUNCING = f"""
SELECT 1 FROM jobs
WHERE request_id = :id AND kind = '{JobKind.ANNOUNCEMENT}' AND done_at IS NULL AND lease_owner IS NOT NULL
"""  # noqa: S608 - made of constants
"""A failed attempt gives its job back, so a job with an owner is being attempted, or its process died meanwhile."""


def possible_at(tx: Transaction, requester: str, *, apart_from: str = "") -> float | None:
    """Return when a person may confirm the next break-glass request, in epoch seconds; None if now.

    `apart_from` is the id of a request that does not count, because a second click on it comes too late.
    """
    since = tx.now - BREAK_GLASS_INTERVAL
    row = tx.fetch_one(LAST_CONFIRMATION, requester=requester, since=since, apart_from=apart_from)
    return None if row is None or row.at is None else float(row.at) + BREAK_GLASS_INTERVAL


def require_possible(tx: Transaction, request: Request) -> None:
    """Raise Denied if the requester has confirmed another request too shortly before."""
    at = possible_at(tx, request.requester, apart_from=request.id)
    if at is not None:
        raise Denied(DenialCode.BREAK_GLASS_TOO_SOON, possible_at=str(at))


def is_announcing(tx: Transaction, request_id: str) -> bool:
    """Return whether an announcement of a request is being attempted."""
    return tx.fetch_one(ANNOUNCING, id=request_id) is not None
