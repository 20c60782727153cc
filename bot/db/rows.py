"""Conversion between database rows and the objects of the domain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from bot.db.driver import Row
from bot.db.unreadable import UnreadableRow
from bot.domain import bulk
from bot.domain.audit import AuditEvent, EventType
from bot.domain.live_state import read_live_state
from bot.domain.people import Person
from bot.domain.requests import ApprovalSeal, CardCopy, Follower, MessageRef, Request, State
from bot.domain.rules import UnknownRule, read_rules, to_json


@dataclass(frozen=True, slots=True)
class ResponseUrls:
    """The response_urls of a request, which are secret: no `Request`, log or audit log has them."""

    command: str | None = None
    """The command's: adds private messages for 30 minutes, edits nothing."""
    click: str | None = None
    """A click's: edits the clicked card where `chat.update` cannot."""


class Snapshot(NamedTuple):
    """A request as a transaction saw it, None if there is none; `now` is the database's time."""

    request: Request | None
    now: float
    urls: ResponseUrls = ResponseUrls()


_STATES = frozenset(State)
_EVENT_TYPES = {event_type.value: event_type for event_type in EventType}


def request_to_row(request: Request) -> dict[str, Any]:
    """Return the columns of a request, without its items and response_urls."""
    return {
        "id": request.id,
        "reference": request.reference,
        "kind": request.action,
        "state": request.state.value,
        "requester": request.requester,
        "asked_in": request.requested_in,
        "reason": request.reason,
        "needed": request.approvals_required,
        "protected": int(request.target_protected),
        "rules": to_json(request.rules) if request.rules else None,
        "approvals": json.dumps(request.approvals),
        "dropped": json.dumps(request.dropped),
        "seal": request.seal,
        "approval_seals": json.dumps(request.approval_seals),
        "decided_by": request.decided_by,
        "created_at": request.created_at,
        "expires_at": request.expires_at,
        "approved_at": request.approved_at,
        "finished_at": request.finished_at,
        "outcome": json.dumps(dict(request.outcome)),
        "revision": request.revision,
        "channel": request.card.channel if request.card else None,
        "ts": request.card.ts if request.card else None,
        "followers": json.dumps([one._asdict() for one in request.followers]),
        "bulk": bulk.to_json(request.bulk) if request.bulk else None,
        "copies": json.dumps([[one.place, one.message.channel, one.message.ts] for one in request.copies]),
    }


def item_to_row(request: Request) -> dict[str, Any]:
    """Return the columns of a request's only item."""
    target = request.target
    return {
        "request_id": request.id,
        "place": 0,
        "target_id": target.id if target else None,
        "name": target.name if target else None,
        "email": target.email if target else None,
        "division": target.division if target else None,
        "state": target.state if target else None,
        "member": request.target_slack_id,
        "member_name": request.target_slack_name,
    }


def request_from_row(row: Row) -> Request:
    """Return the request of a row of `bot.db.statements.SELECT_REQUEST`."""
    target = Person(row.target_id, row.name or "", row.email, row.division, row.target_state) if row.target_id else None
    return Request(
        id=row.id,
        reference=row.reference,
        action=row.kind,
        requester=row.requester,
        requested_in=row.asked_in,
        created_at=row.created_at,
        expires_at=row.expires_at,
        target=target,
        target_slack_id=row.member,
        target_slack_name=row.member_name,
        reason=row.reason,
        approvals_required=row.needed,
        target_protected=row.needed > 1 if row.protected is None else bool(row.protected),
        rules=None if row.rules is None else read_rules(row.rules),
        state=State(row.state),
        approvals=tuple(json.loads(row.approvals)),
        dropped=tuple(json.loads(row.dropped)),
        seal=row.seal,
        approval_seals=tuple(ApprovalSeal(*one) for one in json.loads(row.approval_seals)),
        decided_by=row.decided_by,
        approved_at=row.approved_at,
        finished_at=row.finished_at,
        outcome=json.loads(row.outcome),
        revision=row.revision,
        card=card_from_row(row),
        copies=copies_from_row(row),
        followers=followers_from_row(row),
        bulk=bulk.read_summary(row.bulk) if row.bulk else None,
        live=read_live_state(json.loads(row.live)) if row.live else None,
    )


def read_request(row: Row) -> Request:
    """Return the request of a row of any version of the bot. Raises UnreadableRow."""
    if row.state not in _STATES:
        raise UnreadableRow("requests", row.id, "state", str(row.state))
    try:
        request = request_from_row(row)
    except UnknownRule as error:
        raise UnreadableRow("requests", row.id, "rules", str(error)) from error
    except (TypeError, ValueError, LookupError, RecursionError) as error:
        raise UnreadableRow("requests", row.id, "json") from error
    if not (isinstance(request.outcome, dict) and all(isinstance(one, str) for one in request.approvals)):
        raise UnreadableRow("requests", row.id, "json")
    return request


def card_from_row(row: Row) -> MessageRef | None:
    """Return where a card is."""
    return MessageRef(row.channel, row.ts) if row.channel else None


def copies_from_row(row: Row) -> tuple[CardCopy, ...]:
    """Return where the further cards of a request are."""
    stored = json.loads(row.copies)
    return tuple(CardCopy(str(place), MessageRef(str(channel), ts and str(ts))) for place, channel, ts in stored)


def followers_from_row(row: Row) -> tuple[Follower, ...]:
    """Return who else has requested the same; keys of a newer version are left out."""
    return tuple(Follower(*(str(one[name]) for name in Follower._fields)) for one in json.loads(row.followers))


def urls_from_row(row: Row) -> ResponseUrls:
    """Return the response_urls of a request."""
    return ResponseUrls(row.ask_url, row.card_url)


def audit_event_to_row(event: AuditEvent) -> dict[str, Any]:
    """Return the columns of an audit event, without its hash."""
    return {
        "at": event.at,
        "tag": str(event.tag),
        "actor": event.actor,
        "reference": event.reference,
        "request_id": event.request_id,
        "target": event.target,
        "detail": json.dumps(dict(event.detail)),
        "salt": event.salt,
    }


def audit_event_from_row(row: Row) -> AuditEvent:
    """Return the event of a row of the audit log.

    The type of an event that this version does not know stays a string, so that the row's hash is still right. The hash
    of a row with a damaged detail is not.
    """
    return AuditEvent(
        row.at,
        _EVENT_TYPES.get(row.tag, row.tag),
        row.actor,
        row.reference,
        row.request_id,
        row.target,
        _detail(row.detail),
        row.salt,
    )


def _detail(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (TypeError, ValueError, RecursionError):
        return {"damaged": text}
