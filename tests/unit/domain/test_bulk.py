from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.bulk import BulkEntry, BulkSource, Finding, digest_of, read_summary, summarize, to_json
from bot.domain.people import Person
from bot.domain.rules import Rules

TOM = Person("11111111-1111-4111-8111-111111111111", "Tom", "tom@example.com", "Home", "active")
EVA = replace(TOM, id="22222222-2222-4222-8222-222222222222", name="Eva", state="inactive")


def test_summarize__counts_findings_and_found_people_only() -> None:
    entries = [
        BulkEntry("tom@example.com", Finding.FOUND, TOM, protected=True),
        BulkEntry("eva@example.com", Finding.FOUND, EVA),
        BulkEntry("me@example.com", Finding.REQUESTER, EVA, protected=True),
        BulkEntry("?", Finding.UNREADABLE),
    ]
    summary = summarize(BulkSource.FILE, entries, name="list.csv")
    assert summary.counts == {"found": 2, "requester": 1, "unreadable": 1, "inactive": 1, "protected": 1}
    assert (summary.people, summary.protected, summary.name) == (2, 1, "list.csv")
    assert summary.digest == digest_of([TOM.id, EVA.id])


def test_digest__depends_on_the_order() -> None:
    assert digest_of([TOM.id, EVA.id]) != digest_of([EVA.id, TOM.id])


def test_summary__survives_storage() -> None:
    summary = summarize(BulkSource.LIST, [BulkEntry("tom@example.com", Finding.FOUND, TOM)])
    assert read_summary(to_json(summary)) == summary


@pytest.mark.parametrize("text", ["[]", "{}", '{"source": "moon"}', "null"])
def test_read_summary__rejects_damaged_text(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_summary(text)


@pytest.mark.parametrize(
    ("people", "protected", "required"), [(10, False, 1), (11, False, 2), (10, True, 3), (11, True, 3)]
)
def test_required_for_bulk__more_for_many_and_for_protected_people(people: int, protected: bool, required: int) -> None:
    rules = Rules((), protected_approvals=3, bulk_approvals=2)
    assert rules.required_for_bulk(people, protected=protected) == required
