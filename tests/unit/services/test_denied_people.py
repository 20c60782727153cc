"""People whose clicks were denied, and for how long they are remembered."""

from __future__ import annotations

import pytest

from bot.domain.denials import DenialCode
from bot.services.denied_people import DENIED_DURATION, MAX_REMEMBERED, WITHOUT_RIGHT, DeniedPeople
from tests.support.clock import FakeClock


def test_denied__are_remembered_for_ten_minutes_or_until_they_may_decide() -> None:
    clock = FakeClock()
    denied = DeniedPeople(clock=clock)
    denied.add("U1", DenialCode.NOT_AN_APPROVER)
    denied.add("U2", DenialCode.GUEST)
    denied.discard("U2")
    denied.discard("U3")

    assert [denied.includes(one) for one in ("U1", "U2", "U3")] == [True, False, False]
    clock.advance(DENIED_DURATION)
    assert not denied.includes("U1")


@pytest.mark.parametrize("reason", sorted(set(DenialCode) - WITHOUT_RIGHT))
def test_denied__for_a_reason_of_one_request_are_not_remembered(reason: DenialCode) -> None:
    denied = DeniedPeople(clock=FakeClock())
    denied.add("U1", reason)
    assert not denied.includes("U1")


def test_denied__of_a_flood_are_forgotten() -> None:
    denied = DeniedPeople(clock=FakeClock())
    for number in range(MAX_REMEMBERED + 1):
        denied.add(f"U{number}", DenialCode.OUTSIDER)
    assert [denied.includes("U0"), denied.includes(f"U{MAX_REMEMBERED}")] == [False, True]
