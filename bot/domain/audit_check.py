"""Compare a request with its rows in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from bot.domain.audit import EVENT_TYPES, EventType
from bot.domain.requests import Event, State

REQUESTED = frozenset({EventType.REQUESTED, EventType.BREAK_GLASS_REQUESTED})

APPROVED = frozenset({EventType.APPROVED, EventType.BREAK_GLASS_APPROVED})

APPROVALS = APPROVED | {EventType.APPROVAL_ADDED}

EXECUTIONS = frozenset({EventType.REVOKED, EventType.REFUSED, EventType.FAILED, EventType.UNKNOWN})

ENDS: Mapping[State, EventType] = {
    State.REVOKED: EVENT_TYPES[Event.SUCCEED],
    State.REFUSED: EVENT_TYPES[Event.REFUSE],
    State.FAILED: EVENT_TYPES[Event.FAIL],
    State.UNKNOWN: EVENT_TYPES[Event.LOSE_TRACK],
    State.CANCELLED: EVENT_TYPES[Event.CANCEL],
    State.DECLINED: EVENT_TYPES[Event.DECLINE],
    State.EXPIRED: EVENT_TYPES[Event.EXPIRE],
}
"""The row that ends a request, by the state that it leads to."""


class Contradiction(StrEnum):
    """What is wrong with a request and its rows."""

    UNKNOWN_REQUEST = "unknown_request"
    """The log speaks of a request that is not in the database."""
    NOT_REQUESTED = "not_requested"
    """The request has no row that says who made it."""
    APPROVAL_WITHOUT_CLICKS = "approval_without_clicks"
    """The request is approved without the clicks that it required."""
    EXECUTION_WITHOUT_APPROVAL = "execution_without_approval"
    """The request was executed and not approved before."""
    STATE = "state"
    """The state of the request is another one than its rows say."""


class LoggedEvent(NamedTuple):
    """What a row says of a request.

    `of_one_person` marks the outcome of one of the people of a bulk request, which is not the request's own.
    """

    tag: str
    actor: str
    of_one_person: bool = False


def contradiction(state: str, approvals_required: int, rows: Sequence[LoggedEvent]) -> Contradiction | None:
    """Return what is wrong with a request; its rows are in the order of the log."""
    tags = [row.tag for row in rows]
    if not REQUESTED.intersection(tags):
        return Contradiction.NOT_REQUESTED
    executed = next((place for place, tag in enumerate(tags) if tag in EXECUTIONS), None)
    if executed is not None and not APPROVED.intersection(tags[:executed]):
        return Contradiction.EXECUTION_WITHOUT_APPROVAL
    if APPROVED.intersection(tags) and len(_approvers(rows)) < approvals_required:
        return Contradiction.APPROVAL_WITHOUT_CLICKS
    own = [row.tag for row in rows if not row.of_one_person]
    return None if _explains(own, state) else Contradiction.STATE


def _approvers(rows: Sequence[LoggedEvent]) -> set[str]:
    """Return whose approvals held when the request was approved."""
    approvers: set[str] = set()
    for tag, actor, _ in rows:
        if tag == EventType.APPROVAL_DROPPED:
            approvers.discard(actor)
        elif tag in APPROVALS:
            approvers.add(actor)
    return approvers


def _explains(tags: Sequence[str], state: str) -> bool:
    """Return whether the rows lead to a state; a state of another version explains itself."""
    if state in set(State) - set(ENDS):
        return not set(tags) & set(ENDS.values()) and bool(APPROVED.intersection(tags)) == (state == State.APPROVED)
    end = ENDS.get(State(state)) if state in set(State) else None
    return end is None or tags.count(end) == 1
