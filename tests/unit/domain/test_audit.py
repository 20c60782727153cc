"""The chain: every row as it was is whole, and each change, gap or swap shows where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.audit import EVENT_TYPES, GENESIS, AuditEvent, EventType, chain_hash, entry, first_invalid
from bot.domain.requests import Event
from tests.support.examples import BEN, NOON, TOM_IN_GENESYS, request, rotation

Chain = list[tuple[AuditEvent, str]]


def chain() -> Chain:
    """Three rows, sealed one after the other."""
    asked = request()
    rows = [
        entry(asked, EventType.ASKED, at=NOON, actor=asked.requester, reason="laptop stolen"),
        entry(asked, EventType.APPROVED, at=NOON + 1, actor=BEN),
        entry(asked, EventType.REVOKED, at=NOON + 2, status=200, attempts=1),
    ]
    sealed: Chain = []
    for row in rows:
        sealed.append((row, chain_hash(row, sealed[-1][1] if sealed else GENESIS)))
    return sealed


def test_tags__there_is_one_for_every_event() -> None:
    assert set(EVENT_TYPES) == set(Event)
    assert len(set(EVENT_TYPES.values())) == len(EVENT_TYPES)


def test_entry__tells_of_whom_by_whom_and_which_request() -> None:
    row = entry(request(), EventType.APPROVED, at=NOON, actor=BEN, needed=1)

    assert row == AuditEvent(NOON, EventType.APPROVED, BEN, "7K3M9QX", "request-id", TOM_IN_GENESYS.id, {"needed": 1})


def test_entry__names_the_bot_itself_where_nobody_acted_or_nobody_is_meant() -> None:
    assert entry(request(), EventType.EXPIRED, at=NOON).actor == "bot"
    assert entry(rotation(), EventType.ASKED, at=NOON).target == "me"
    assert entry(request(target=None), EventType.ASKED, at=NOON).target is None


def test_first_break__finds_none_in_a_whole_chain() -> None:
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
def test_first_break__shows_any_change_of_a_row(change: dict[str, Any]) -> None:
    rows = chain()
    rows[1] = (replace(rows[1][0], **change), rows[1][1])

    assert first_invalid(rows) == 1


def test_first_break__shows_a_row_that_was_sealed_anew_by_the_next_one() -> None:
    rows = chain()
    forged = replace(rows[0][0], actor="U0SOMEBODY")
    rows[0] = (forged, chain_hash(forged, GENESIS))

    assert first_invalid(rows) == 1


@pytest.mark.parametrize(("gone", "place"), [(0, 0), (1, 1)])
def test_first_break__shows_a_row_that_is_missing(gone: int, place: int) -> None:
    rows = chain()
    del rows[gone]

    assert first_invalid(rows) == place


def test_first_break__shows_rows_that_changed_places() -> None:
    rows = chain()

    assert first_invalid([rows[0], rows[2], rows[1]]) == 1


def test_seal__does_not_depend_on_the_order_of_details_but_tells_neighbouring_fields_apart() -> None:
    row = AuditEvent(NOON, EventType.ASKED, "a", detail={"one": 1, "two": 2})

    assert chain_hash(row, GENESIS) == chain_hash(replace(row, detail={"two": 2, "one": 1}), GENESIS)
    assert chain_hash(replace(row, reference="x"), GENESIS) != chain_hash(replace(row, request_id="x"), GENESIS)
    assert chain_hash(row, GENESIS) != chain_hash(row, "1" * 64)
    assert len(chain_hash(replace(row, detail={"name": "Zoë 🚨"}), GENESIS)) == 64


def test_seal__of_a_row_never_changes_or_every_trail_there_is_would_break() -> None:
    row = AuditEvent(
        NOON, EventType.REVOKED, "bot", "7K3M9QX", "request-id", TOM_IN_GENESYS.id, {"status": 200, "name": "Zoë"}
    )

    assert chain_hash(row, GENESIS) == "73ac8199d830aa32994275c7d5ad0c5fb2ffb7a14a6e150bd689060136bf1c47"
