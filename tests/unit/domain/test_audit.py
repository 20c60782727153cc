"""The audit chain: an unchanged log is valid; a changed, missing or swapped row is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.audit import EVENT_TYPES, GENESIS, AuditEvent, EventType, chain_hash, entry, first_invalid
from bot.domain.requests import Event
from tests.support.examples import BEN, NOON, TOM_IN_GENESYS, request, rotation

Chain = list[tuple[AuditEvent, str]]


def chain() -> Chain:
    """Return three chained events."""
    asked = request()
    rows = [
        entry(asked, EventType.REQUESTED, at=NOON, actor=asked.requester, reason="laptop stolen"),
        entry(asked, EventType.APPROVED, at=NOON + 1, actor=BEN),
        entry(asked, EventType.REVOKED, at=NOON + 2, status=200, attempts=1),
    ]
    chained: Chain = []
    for row in rows:
        chained.append((row, chain_hash(row, chained[-1][1] if chained else GENESIS)))
    return chained


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


def test_entry__has_actor_target_and_request() -> None:
    row = entry(request(), EventType.APPROVED, at=NOON, actor=BEN, needed=1)

    assert row == AuditEvent(NOON, EventType.APPROVED, BEN, "7K3M9QX", "request-id", TOM_IN_GENESYS.id, {"needed": 1})


def test_entry__without_actor_or_target_names_the_bot() -> None:
    assert entry(request(), EventType.EXPIRED, at=NOON).actor == "bot"
    assert entry(rotation(), EventType.REQUESTED, at=NOON).target == "me"


def test_audit_event__of_no_request_has_only_an_actor() -> None:
    row = AuditEvent(NOON, EventType.REQUEST_DENIED, BEN)

    assert (row.reference, row.request_id, row.target, row.detail) == (None, None, None, {})


def test_first_invalid__is_none_for_an_unchanged_chain() -> None:
    assert first_invalid(chain()) is None
    assert first_invalid([]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": NOON + 1.000002},
        {"tag": EventType.CANCELLED},
        {"actor": "U0SOMEBODY"},
        {"reference": None},
        {"request_id": "another"},
        {"target": None},
        {"detail": {"needed": 2}},
    ],
)
def test_first_invalid__finds_a_changed_row(change: dict[str, Any]) -> None:
    rows = chain()
    rows[1] = (replace(rows[1][0], **change), rows[1][1])

    assert first_invalid(rows) == 1


def test_first_invalid__finds_the_row_after_a_rehashed_one() -> None:
    rows = chain()
    forged = replace(rows[0][0], actor="U0SOMEBODY")
    rows[0] = (forged, chain_hash(forged, GENESIS))

    assert first_invalid(rows) == 1


@pytest.mark.parametrize(("gone", "place"), [(0, 0), (1, 1)])
def test_first_invalid__finds_a_missing_row(gone: int, place: int) -> None:
    rows = chain()
    del rows[gone]

    assert first_invalid(rows) == place


def test_first_invalid__finds_swapped_rows() -> None:
    rows = chain()

    assert first_invalid([rows[0], rows[2], rows[1]]) == 1


def test_chain_hash__ignores_the_order_of_details_and_separates_fields() -> None:
    row = AuditEvent(NOON, EventType.REQUESTED, "a", detail={"one": 1, "two": 2})

    assert chain_hash(row, GENESIS) == chain_hash(replace(row, detail={"two": 2, "one": 1}), GENESIS)
    assert chain_hash(replace(row, reference="x"), GENESIS) != chain_hash(replace(row, request_id="x"), GENESIS)
    assert chain_hash(row, GENESIS) != chain_hash(row, "1" * 64)
    assert len(chain_hash(replace(row, detail={"name": "Zoë 🚨"}), GENESIS)) == 64


def test_chain_hash__is_stable_so_that_existing_logs_stay_valid() -> None:
    row = AuditEvent(
        NOON, EventType.REVOKED, "bot", "7K3M9QX", "request-id", TOM_IN_GENESYS.id, {"status": 200, "name": "Zoë"}
    )

    assert chain_hash(row, GENESIS) == "73ac8199d830aa32994275c7d5ad0c5fb2ffb7a14a6e150bd689060136bf1c47"
