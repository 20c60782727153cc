"""The life of a request: its states, what may happen in each, and nothing else.

Everything that affects how a request moves stands in this file; the store repeats the guard in its UPDATE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.domain.people import Person
from bot.errors import StaleRequest


class State(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REVOKED = "revoked"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to a request."""

    ADD_APPROVAL = "add_approval"
    """One of two approvers has agreed; the other is still needed."""
    APPROVE = "approve"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SUCCEED = "succeed"
    """Genesys Cloud confirmed the DELETE."""
    REFUSE = "refuse"
    """Genesys Cloud said no: a missing permission, no such person."""
    FAIL = "fail"
    """Genesys Cloud failed or could not be reached: nothing is known to have ended."""
    LOSE_TRACK = "lose_track"
    """The DELETE was sent and no certain answer came back."""


APPROVE, CANCEL = Event.APPROVE.value, Event.CANCEL.value
"""What the buttons of a card are called, as `action_id`."""

TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    State.PENDING: {
        Event.ADD_APPROVAL: State.PENDING,
        Event.APPROVE: State.APPROVED,
        Event.CANCEL: State.CANCELLED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.APPROVED: {
        Event.SUCCEED: State.REVOKED,
        Event.REFUSE: State.REFUSED,
        Event.FAIL: State.FAILED,
        Event.LOSE_TRACK: State.UNKNOWN,
    },
    State.REVOKED: {},
    State.REFUSED: {},
    State.FAILED: {},
    State.UNKNOWN: {},
    State.CANCELLED: {},
    State.EXPIRED: {},
}

FINAL = frozenset(state for state, events in TRANSITIONS.items() if not events)

EXECUTION_WINDOW = 600.0
"""Seconds after an approval in which a DELETE may be sent, because a later one could end a new login."""


class Kind(StrEnum):
    """What a request asks for."""

    REVOKE = "revoke"
    """End every session and token of a person: `DELETE /api/v2/tokens/{userId}`."""
    ROTATE = "rotate"
    """Exchange the bot's own token: `DELETE /api/v2/tokens/me`."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a card stands: a channel and, once posted, the message's `ts`."""

    channel: str
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asked; everything that was decided then is frozen here. Times are seconds since the epoch."""

    id: str
    reference: str
    kind: Kind
    requester: str
    requested_in: str
    """The channel the command was typed in."""
    created_at: float
    expires_at: float
    target: Person | None = None
    target_slack_id: str | None = None
    reason: str = ""
    approvals_required: int = 1
    """Approvals it takes; two for a protected target, neither by the requester."""
    state: State = State.PENDING
    approvals: tuple[str, ...] = ()
    decided_by: str | None = None
    approved_at: float | None = None
    finished_at: float | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """What Genesys Cloud answered: status, code, message, correlation_id, permissions, attempts."""
    revision: int = 1
    card: MessageRef | None = None
    """Where the card is; None where it cannot be edited."""

    @property
    def protected(self) -> bool:
        """Whether two people other than the requester must agree."""
        return self.approvals_required > 1

    def expired(self, at: float) -> bool:
        """Whether a click made `at` that second comes too late."""
        return at >= self.expires_at


def advance(request: Request, event: Event, *, at: float, by: str | None = None) -> Request:
    """Move a request on; `by` is the Slack member who did it, None for the clock and for Genesys Cloud.

    Raises StaleRequest, with nothing changed, when the event cannot happen in the request's state.
    """
    state = TRANSITIONS[request.state].get(event)
    if state is None:
        message = f"A request that is {request.state} takes no {event}; nothing was changed."
        raise StaleRequest(message)
    moved = replace(request, state=state, revision=request.revision + 1)
    if event in (Event.ADD_APPROVAL, Event.APPROVE) and by is not None:
        moved = replace(moved, approvals=(*request.approvals, by))
    if event is Event.APPROVE:
        moved = replace(moved, approved_at=at)
    if event in (Event.APPROVE, Event.CANCEL):
        moved = replace(moved, decided_by=by)
    return replace(moved, finished_at=at) if state in FINAL else moved


def approval_event(request: Request, by: str) -> Event:
    """Return the event of one more approval: the last one needed approves the request."""
    approvers = {*request.approvals, by}
    return Event.APPROVE if len(approvers) >= request.approvals_required else Event.ADD_APPROVAL


_WORST_FIRST = (Event.LOSE_TRACK, Event.FAIL, Event.REFUSE, Event.SUCCEED)


def worst_of(events: Sequence[Event]) -> Event:
    """Return the outcome of a request from the outcomes of its items: the worst of them."""
    return min(events, key=_WORST_FIRST.index)


def diagram() -> str:
    """Draw TRANSITIONS as Mermaid; the README's picture is compared with it."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PENDING}"]
    lines += [
        f"    {state} --> {target}: {event}"
        for state, events in TRANSITIONS.items()
        for event, target in events.items()
    ]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
