"""People whose clicks were denied: when their clicks wait for each other."""

from __future__ import annotations

import pytest

from bot.domain.denials import DenialCode
from bot.services.denied_people import (
    DENIED_DURATION,
    INTERVAL,
    LIMITED_DURATION,
    MAX_REMEMBERED,
    SINGLE_DENIALS,
    WITHOUT_RIGHT,
    DeniedPeople,
)
from tests.support.clock import FakeClock


def denied_often(clock: FakeClock, reason: DenialCode = DenialCode.NOT_AN_APPROVER) -> DeniedPeople:
    denied = DeniedPeople(clock=clock)
    denied.limit()
    for _ in range(SINGLE_DENIALS):
        denied.add("U1", reason)
    return denied


def test_wait__is_none_for_most_people_and_the_first_denials() -> None:
    clock = FakeClock()
    denied = DeniedPeople(clock=clock)
    denied.limit()
    for _ in range(SINGLE_DENIALS):
        clock.advance(0.5)
        assert denied.wait("U1", clock.now) == 0
        denied.add("U1", DenialCode.GUEST)
    assert denied.wait("U2", clock.now) == 0


def test_wait__later_clicks_are_judged_at_the_same_time() -> None:
    clock = FakeClock()
    denied = denied_often(clock)
    clock.advance(1)
    first = clock.now
    assert denied.wait("U1", first) == INTERVAL - 1
    clock.advance(5)
    second = clock.now
    assert denied.wait("U1", second) == INTERVAL - 6
    clock.advance(INTERVAL - 6)
    assert [denied.wait("U1", one) for one in (first, second)] == [0, 0]
    denied.add("U1", DenialCode.NOT_AN_APPROVER)
    assert denied.wait("U1", second) == 0
    clock.advance(1)
    assert denied.wait("U1", clock.now) == INTERVAL - 1


def test_wait__ends_a_minute_after_the_last_rate_limit() -> None:
    clock = FakeClock()
    denied = denied_often(clock)
    clock.advance(LIMITED_DURATION - 1)
    assert denied.wait("U1", clock.now) > 0
    clock.advance(1)
    assert denied.wait("U1", clock.now) == 0
    denied.limit()
    clock.advance(1)
    assert denied.wait("U1", clock.now) > 0


def test_wait__is_over_for_a_person_who_may_decide_and_after_ten_minutes() -> None:
    clock = FakeClock()
    denied = denied_often(clock)
    clock.advance(1)
    denied.discard("U2")
    denied.discard("U1")
    assert denied.wait("U1", clock.now) == 0
    denied = denied_often(clock)
    clock.advance(DENIED_DURATION)
    denied.limit()
    assert denied.wait("U1", clock.now) == 0
    denied.add("U1", DenialCode.NOT_AN_APPROVER)
    assert denied.wait("U1", clock.now) == 0


@pytest.mark.parametrize("reason", sorted(set(DenialCode) - WITHOUT_RIGHT))
def test_wait__counts_no_denial_for_a_reason_of_one_request(reason: DenialCode) -> None:
    clock = FakeClock()
    denied = denied_often(clock, reason)
    clock.advance(1)
    assert denied.wait("U1", clock.now) == 0


def test_wait__forgets_a_flood_of_people() -> None:
    clock = FakeClock()
    denied = denied_often(clock)
    for number in range(MAX_REMEMBERED):
        denied.add(f"UX{number}", DenialCode.OUTSIDER)
    clock.advance(1)
    assert denied.wait("U1", clock.now) == 0
