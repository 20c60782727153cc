"""The events of the audit log; `bot.domain.audit_chain` protects them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.requests import Event, Request
from bot.domain.watch import WatchFinding


class EventType(StrEnum):
    """What happened, as `subject:event`."""

    SETTINGS = "bot:settings"
    """A process started with other rules than the last one."""
    KEY_CHANGED = "log:key_changed"
    """From this row on, another key protects the audit log, or none."""
    ERASED = "log:erased"
    """Personal data was erased from the rows that this row lists (`bot.domain.erasure`)."""
    REQUESTED = "request:asked"
    BREAK_GLASS_REQUESTED = "request:break_glass_requested"
    REQUEST_DENIED = "request:ask_refused"
    FOLLOWED = "request:followed"
    """A person has requested what an open request is about, so no second one was made."""
    DRY_RUN = "request:dry_run"
    """A person has seen the card that a command would post; nothing was requested."""
    APPROVAL_ADDED = "request:signed"
    APPROVAL_DROPPED = "request:approval_dropped"
    APPROVED = "request:approved"
    BREAK_GLASS_APPROVED = "request:break_glass_approved"
    """The requester has confirmed it alone; both channels are notified before the DELETE."""
    CANCELLED = "request:cancelled"
    DECLINED = "request:declined"
    EXPIRED = "request:expired"
    CLICK_DENIED = "click:refused"
    CLICK_STALE = "click:stale"
    ATTEMPT_FAILED = "token:attempt_failed"
    REVOKED = "token:revoked"
    REFUSED = "token:refused"
    FAILED = "token:failed"
    UNKNOWN = "token:unknown"
    BULK_PAUSED = "bulk:paused"
    BULK_RESUMED = "bulk:resumed"
    BULK_STOPPED = "bulk:stopped"
    LOGGED_IN = "watch:logged_in"
    """After a revocation, Genesys Cloud issued the person a new token, or may have."""
    NO_LOGIN = "watch:no_login"
    NOT_KNOWN = "watch:not_known"
    """Genesys Cloud did not say whether the person has logged in again."""
    REVOKED_AGAIN = "watch:revoked_again"
    """A later revocation of the same person has ended the watch."""


EVENT_TYPES: Mapping[Event, EventType] = {
    Event.ADD_APPROVAL: EventType.APPROVAL_ADDED,
    Event.APPROVE: EventType.APPROVED,
    Event.CANCEL: EventType.CANCELLED,
    Event.DECLINE: EventType.DECLINED,
    Event.EXPIRE: EventType.EXPIRED,
    Event.SUCCEED: EventType.REVOKED,
    Event.REFUSE: EventType.REFUSED,
    Event.FAIL: EventType.FAILED,
    Event.LOSE_TRACK: EventType.UNKNOWN,
}


WATCH_EVENTS: Mapping[WatchFinding, EventType] = {
    WatchFinding.LOGGED_IN: EventType.LOGGED_IN,
    WatchFinding.SAME_SECOND: EventType.LOGGED_IN,
    WatchFinding.NO_LOGIN: EventType.NO_LOGIN,
    WatchFinding.NOT_KNOWN: EventType.NOT_KNOWN,
    WatchFinding.REVOKED_AGAIN: EventType.REVOKED_AGAIN,
}


def requested_type(request: Request) -> EventType:
    """Return the type of the event that a request was made."""
    return EventType.BREAK_GLASS_REQUESTED if request.break_glass else EventType.REQUESTED


def event_type(request: Request, event: Event) -> EventType:
    """Return the type of the event that happened to a request."""
    if request.break_glass and event is Event.APPROVE:
        return EventType.BREAK_GLASS_APPROVED
    return EVENT_TYPES[event]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A row of the audit log.

    `actor` is a Slack user id, or `bot`; `target` is a Genesys user id; `at` is in epoch seconds. `tag` is a plain
    string for an event of a newer version of the bot. `salt` is random, so that the hash of a row does not help to
    guess what was erased from it; None for a row of an earlier version.
    """

    at: float
    tag: EventType | str
    actor: str
    reference: str | None = None
    request_id: str | None = None
    target: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    salt: str | None = field(default=None, compare=False)


BOT_TOKEN = "me"  # noqa: S105 - the name of the Genesys Cloud API for the token of the caller
"""The target of a rotation."""


def target_of(request: Request) -> str | None:
    """Return the Genesys user id that a row names, None for a bulk request."""
    if request.target:
        return request.target.id
    return None if request.bulk else BOT_TOKEN


NAMES: Mapping[str, str] = {
    EventType.REQUESTED: "request:requested",
    EventType.REQUEST_DENIED: "request:denied",
    EventType.APPROVAL_ADDED: "request:approval_added",
    EventType.CLICK_DENIED: "click:denied",
    EventType.CLICK_STALE: "click:too_late",
}
"""How people read the tags that were chosen before the words of today. Hashes cover the stored tags, so they stay."""

ROTATED = "token:rotated"
"""How people read that the bot has replaced its own token, which the stored tag does not distinguish."""


def event_name(event: AuditEvent) -> str:
    """Return the name of an event in the vocabulary of today."""
    if event.tag == EventType.REVOKED and event.target == BOT_TOKEN:
        return ROTATED
    return NAMES.get(event.tag, str(event.tag))


def audit_event(request: Request, tag: EventType, *, at: float, actor: str = "bot", **detail: Any) -> AuditEvent:
    """Return an event of a request, which names the request and its target."""
    return AuditEvent(
        at=at,
        tag=tag,
        actor=actor,
        reference=request.reference,
        request_id=request.id,
        target=target_of(request),
        detail=detail,
    )
