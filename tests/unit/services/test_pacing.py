"""When a process may post to a channel."""

from __future__ import annotations

from bot.db.notices import POST_INTERVAL
from bot.services.pacing import PLACE_MEMORY, ChannelPace
from tests.support.clock import FakeClock


def test_reserve__allows_one_notice_a_second_and_channel() -> None:
    clock = FakeClock(100.0)
    pace = ChannelPace(clock)
    assert pace.reserve("C1") == 0
    assert pace.reserve("C1") == POST_INTERVAL
    assert pace.reserve("C2") == 0

    clock.advance(0.25)
    assert pace.reserve("C1") == 0.75
    clock.advance(0.75)
    assert pace.reserve("C1") == 0
    assert pace.reserve("C1") == POST_INTERVAL


def test_take_turn__gives_each_reply_a_second_of_its_own() -> None:
    clock = FakeClock(100.0)
    pace = ChannelPace(clock)
    assert [pace.take_turn("C1", job) for job in (1, 2, 3)] == [0, POST_INTERVAL, 2 * POST_INTERVAL]
    assert pace.take_turn("C2", 4) == 0

    clock.advance(POST_INTERVAL)
    assert pace.take_turn("C1", 2) == 0
    assert pace.take_turn("C1", 3) == POST_INTERVAL
    pace.limit("C1", 30)
    assert pace.take_turn("C1", 3) == 30
    clock.advance(30)
    assert [pace.take_turn("C1", job) for job in (3, 5)] == [0, 0]


def test_reserve__waits_as_long_as_slack_says() -> None:
    clock = FakeClock(100.0)
    pace = ChannelPace(clock)
    pace.limit("C1", 30)
    assert (pace.reserve("C1"), pace.reserve("C2")) == (30, 0)
    clock.advance(30)
    assert pace.reserve("C1") == 0


def test_take_place__delays_no_card_unless_slack_has_limited_the_channel() -> None:
    pace = ChannelPace(FakeClock(100.0))
    pace.reserve("C1")
    assert [pace.take_place("C1", job) for job in range(3)] == [0, 0, 0]


def test_take_place__keeps_the_order_of_cards_while_slack_limits_the_channel() -> None:
    clock = FakeClock(100.0)
    pace = ChannelPace(clock)
    pace.limit("C1", 2)
    assert [pace.take_place("C1", job) for job in (1, 2, 3)] == [2, 3, 4]
    assert pace.take_place("C2", 4) == 0

    clock.advance(2)
    assert [pace.take_place("C1", job) for job in (3, 2, 1)] == [2, 1, 0]
    assert pace.take_place("C1", 5) == 3  # a new card comes after those that wait
    clock.advance(1.5)
    assert pace.take_place("C1", 2) == 0


def test_take_place__forgets_cards_that_another_process_has_posted() -> None:
    clock = FakeClock(100.0)
    pace = ChannelPace(clock)
    pace.limit("C1", 1)
    for job in range(10):
        pace.take_place("C1", job)
    clock.advance(PLACE_MEMORY + 11)
    assert pace.take_place("C1", 0) == 0
    assert pace.take_place("C1", 11) == 0
