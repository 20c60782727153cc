"""The events of the audit log."""

from __future__ import annotations

import re

from bot.domain.audit import (
    EVENT_TYPES,
    NAMES,
    WATCH_EVENTS,
    AuditEvent,
    EventType,
    audit_event,
    event_name,
    event_type,
    requested_type,
    target_of,
)
from bot.domain.bulk import BulkSource, summarize
from bot.domain.requests import Event
from bot.domain.watch import WatchFinding
from tests.support.examples import BEN, NOON, TOM_IN_GENESYS, request, rotation


def test_event_types__exist_for_every_event() -> None:
    assert set(EVENT_TYPES) == set(Event)
    assert EVENT_TYPES.items() >= {
        (Event.ADD_APPROVAL, EventType.APPROVAL_ADDED),
        (Event.APPROVE, EventType.APPROVED),
        (Event.CANCEL, EventType.CANCELLED),
        (Event.EXPIRE, EventType.EXPIRED),
        (Event.SUCCEED, EventType.REVOKED),
        (Event.REFUSE, EventType.REFUSED),
        (Event.FAIL, EventType.FAILED),
        (Event.LOSE_TRACK, EventType.UNKNOWN),
    }
    assert len(set(EVENT_TYPES.values())) == len(EVENT_TYPES)


def test_break_glass__has_events_of_its_own() -> None:
    asked = request(action="break-glass")

    assert (requested_type(asked), requested_type(request())) == (EventType.BREAK_GLASS_REQUESTED, EventType.REQUESTED)
    assert event_type(asked, Event.APPROVE) is EventType.BREAK_GLASS_APPROVED
    others = set(Event) - {Event.APPROVE}
    assert all(event_type(asked, one) is EVENT_TYPES[one] for one in others)
    assert all(event_type(request(), one) is EVENT_TYPES[one] for one in Event)


def test_entry__has_actor_target_and_request() -> None:
    row = audit_event(request(), EventType.APPROVED, at=NOON, actor=BEN, needed=1)

    assert row == AuditEvent(NOON, EventType.APPROVED, BEN, "7K3M9QX", "request-id", TOM_IN_GENESYS.id, {"needed": 1})


def test_entry__without_actor_or_target_names_the_bot() -> None:
    assert audit_event(request(), EventType.EXPIRED, at=NOON).actor == "bot"
    assert audit_event(rotation(), EventType.REQUESTED, at=NOON).target == "me"


def test_audit_event__of_no_request_has_only_an_actor() -> None:
    row = AuditEvent(NOON, EventType.REQUEST_DENIED, BEN)

    assert (row.reference, row.request_id, row.target, row.detail) == (None, None, None, {})


def test_event_name__is_in_the_words_of_today() -> None:
    names = {tag: event_name(AuditEvent(NOON, tag, BEN)) for tag in EventType}

    assert names == {tag: NAMES.get(tag, tag.value) for tag in EventType}
    assert len(set(names.values())) == len(names)
    assert not [one for one in names.values() if re.search("ask|sign|stale|click:refused", one)]
    assert event_name(AuditEvent(NOON, "weather:changed", BEN)) == "weather:changed"


def test_event_name__of_a_rotation_says_so() -> None:
    rotated = audit_event(rotation(), EventType.REVOKED, at=NOON)

    assert event_name(rotated) == "token:rotated"
    assert event_name(audit_event(rotation(), EventType.FAILED, at=NOON)) == "token:failed"
    assert event_name(audit_event(request(), EventType.REVOKED, at=NOON)) == "token:revoked"


def test_watch_events__exist_for_every_end_of_a_watch() -> None:
    assert {finding: str(event) for finding, event in WATCH_EVENTS.items()} == {
        WatchFinding.LOGGED_IN: "watch:logged_in", WatchFinding.SAME_SECOND: "watch:logged_in",
        WatchFinding.NO_LOGIN: "watch:no_login", WatchFinding.NOT_KNOWN: "watch:not_known",
        WatchFinding.REVOKED_AGAIN: "watch:revoked_again",
    }  # fmt: skip


def test_names__replace_the_tags_of_earlier_versions() -> None:
    assert {str(tag): name for tag, name in NAMES.items()} == {
        "request:asked": "request:requested", "request:ask_refused": "request:denied",
        "request:signed": "request:approval_added", "click:refused": "click:denied", "click:stale": "click:too_late",
    }  # fmt: skip


def test_target__of_a_row_is_the_person_the_bots_token_or_none() -> None:
    assert target_of(request()) == TOM_IN_GENESYS.id
    assert target_of(rotation()) == "me"
    assert target_of(request(target=None, bulk=summarize(BulkSource.LIST, []))) is None


def test_salt__says_nothing_about_the_event() -> None:
    event = AuditEvent(NOON, EventType.REVOKED, "bot")
    assert event.salt is None
    assert event == AuditEvent(NOON, EventType.REVOKED, "bot", salt="0123")
