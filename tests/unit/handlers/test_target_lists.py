"""A division, group or queue of Genesys Cloud in a line."""

from __future__ import annotations

import pytest

from bot.domain.bulk import BulkSource
from bot.domain.denials import DenialCode, Denied
from handlers.target_lists import read_people, read_set


@pytest.mark.parametrize(
    ("line", "source", "name", "reason"),
    [
        ("queue:Billing", BulkSource.QUEUE, "Billing", ""),
        ("Queue: Billing, phished", BulkSource.QUEUE, "Billing", "phished"),
        ('queue:"Billing EN" phished: all of them', BulkSource.QUEUE, "Billing EN", "phished: all of them"),
        ("division:“Contact centre” phished", BulkSource.DIVISION, "Contact centre", "phished"),
        ("  group : Night-shift", BulkSource.GROUP, "Night-shift", ""),
        ('group:"Tom\'s team" x', BulkSource.GROUP, "Tom's team", "x"),
        ("group:R&amp;D", BulkSource.GROUP, "R&D", ""),
        ("division:«Équipe 1»", BulkSource.DIVISION, "Équipe 1", ""),
    ],
)
def test_set__has_a_kind_a_name_and_a_reason(line: str, source: BulkSource, name: str, reason: str) -> None:
    found = read_set(line)

    assert found
    assert (found[0].source, found[0].name, found[1]) == (source, name, reason)
    assert read_people(line) == found


@pytest.mark.parametrize(
    "line",
    ["", "queue", "queue:", "queue: ", "queue:,", 'queue:""', "queue Billing", "team:Sales", "@tom queue:Billing",
     "group:<!subteam^S0TEAM|@team>", "my queue:Billing"],
)  # fmt: skip
def test_set__is_not_read_into_other_lines(line: str) -> None:
    assert read_set(line) is None


@pytest.mark.parametrize("reason", ["and <@U0TOM00001>", "tom@example.com", "with <!subteam^S0TEAM|@team>"])
def test_set__with_a_person_in_the_reason_is_denied(reason: str) -> None:
    with pytest.raises(Denied) as denied:
        read_set(f"queue:Billing {reason}")

    assert denied.value.code in (DenialCode.LIST_IN_PIECES, DenialCode.TARGET_IS_A_GROUP)
