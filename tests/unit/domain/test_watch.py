"""When the bot looks for a new token, and what one means."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from bot.domain.watch import FIRST_LOOK, MAX_LOOKS, Revocation, WatchFinding, finding_of, looks, next_look
from tests.support.examples import NOON

DURATIONS = [1.0, 4.9, 5.0, 5.1, 9.0, 10.0, 10.1, 60.0, 599.0, 600.0, 640.0, 641.0, 3600.0, 86400.0]

REVOCATION = Revocation(sent_at=NOON - 0.25, answered_at=NOON)


def test_looks__of_ten_minutes_double_their_distance() -> None:
    assert looks(600.0) == (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0)
    assert looks(60.0) == (5.0, 10.0, 20.0, 40.0, 60.0)
    assert looks(3.0) == (3.0,)


@pytest.mark.parametrize("duration", DURATIONS)
def test_looks__are_eight_at_most_at_growing_intervals_and_at_the_end(duration: float) -> None:
    planned = looks(duration)
    assert 1 <= len(planned) <= MAX_LOOKS
    assert planned[0] == min(FIRST_LOOK, duration)
    assert planned[-1] == duration
    intervals = [later - earlier for earlier, later in pairwise((0.0, *planned))]
    assert all(one > 0 for one in intervals)
    growing = intervals[:-1]  # the last one may be short
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(growing))


@pytest.mark.parametrize("duration", DURATIONS)
def test_next_look__leads_through_the_plan(duration: float) -> None:
    elapsed, made = looks(duration)[0], 1
    seen = [elapsed]
    while (again := next_look(elapsed, made, duration)) is not None:
        elapsed, made = again, made + 1
        seen.append(elapsed)
    assert tuple(seen) == looks(duration)


def test_next_look__is_the_end_when_only_one_is_left() -> None:
    assert next_look(6.0, 1, 600.0) == 10.0
    assert next_look(6.0, MAX_LOOKS - 2, 600.0) == 10.0
    assert next_look(6.0, MAX_LOOKS - 1, 600.0) == 600.0
    assert next_look(6.0, MAX_LOOKS, 600.0) is None
    assert next_look(599.9, 2, 600.0) == 600.0
    assert next_look(600.0, 2, 600.0) is None


@pytest.mark.parametrize(
    ("issued", "finding"),
    [
        (-3600.0, None),
        (-0.26, None),
        (-0.25, WatchFinding.SAME_SECOND),  # after the call was sent
        (0.0, WatchFinding.SAME_SECOND),
        (0.999, WatchFinding.SAME_SECOND),  # the `Date` of the answer has no fractions
        (1.0, WatchFinding.LOGGED_IN),
        (600.0, WatchFinding.LOGGED_IN),
    ],
)
def test_judge__compares_a_token_with_the_second_of_the_answer(issued: float, finding: WatchFinding | None) -> None:
    assert REVOCATION.judge(NOON + issued) is finding


@pytest.mark.parametrize(
    ("last_token", "issued", "finding"),
    [
        (0.5, 0.5, None),  # the token of before, in the same second
        (0.5, 0.4, None),
        (0.5, 0.501, WatchFinding.SAME_SECOND),  # another one
        (-60.0, 0.5, WatchFinding.SAME_SECOND),
        (5.0, 5.0, None),  # the clock that dates tokens is ahead of the one that dates answers
        (5.0, 5.1, WatchFinding.LOGGED_IN),
    ],
)
def test_judge__knows_the_token_that_was_read_before(
    last_token: float, issued: float, finding: WatchFinding | None
) -> None:
    revocation = Revocation(NOON - 0.25, NOON, NOON + last_token)
    assert revocation.judge(NOON + issued) is finding


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        ({"watch": {"code": "no_login", "until": 1.0}}, (WatchFinding.NO_LOGIN, {"code": "no_login", "until": 1.0})),
        ({"watch": {"code": "levitating"}}, None),
        ({"watch": {"code": ["no_login"]}}, None),
        ({"watch": {}}, None),
        ({"watch": "no_login"}, None),
        ({}, None),
    ],
)
def test_finding_of__reads_what_this_version_knows(outcome: dict[str, Any], found: object) -> None:
    assert finding_of(outcome) == found


def test_words__are_stored_with_requests() -> None:
    assert [one.value for one in WatchFinding] == [
        "watching", "logged_in", "same_second", "no_login", "not_known", "revoked_again",
    ]  # fmt: skip
    assert MAX_LOOKS == 8


@pytest.mark.parametrize("duration", [6.0, 60.0, 600.0, 3_600.0, 86_400.0])
def test_looks__are_at_most_as_many_as_calls_are_allowed(duration: float) -> None:
    assert len(looks(duration)) <= MAX_LOOKS
    assert len(looks(86_400.0)) == MAX_LOOKS


@pytest.mark.parametrize("watch", [None, [], "watching", {}, {"code": None}, {"code": []}, {"code": "levitating"}])
def test_finding__of_what_is_no_watch_is_none(watch: object) -> None:
    assert finding_of({"watch": watch}) is None
    assert finding_of({}) is None


def test_finding__has_its_parameters() -> None:
    watch = {"code": "no_login", "until": 7}
    assert finding_of({"watch": watch}) == (WatchFinding.NO_LOGIN, watch)
