"""Filters and pages of requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from bot.domain.pages import NEWEST, PAGE_SIZE, Direction, Page, Position, RequestFilter, cut
from bot.domain.requests import Follower, Request
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, TOM, TOM_IN_GENESYS, request

REQUEST = request(approvals=(BEN,), decided_by=OLIVIA)


@pytest.mark.parametrize(
    "wanted",
    [
        RequestFilter(),
        RequestFilter(reference=REQUEST.reference),
        *(RequestFilter(slack_ids=frozenset({one})) for one in (RAVI, TOM, BEN, OLIVIA)),
        RequestFilter(email="Tom.Target@EXAMPLE.com"),
        RequestFilter(genesys_user_id=TOM_IN_GENESYS.id),
    ],
)
def test_filter__finds_everyone_who_is_involved(wanted: RequestFilter) -> None:
    assert wanted.matches(REQUEST)


@pytest.mark.parametrize(
    "wanted",
    [
        RequestFilter(reference="2222222"),
        RequestFilter(slack_ids=frozenset({"U0NADIA001"})),
        RequestFilter(email="tom@example.com"),
        RequestFilter(genesys_user_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e01"),
    ],
)
def test_filter__leaves_out_what_it_does_not_name(wanted: RequestFilter) -> None:
    assert not wanted.matches(REQUEST)
    assert not wanted.matches(request(target=None, target_slack_id=None))


def test_filter__finds_followers() -> None:
    followed = replace(REQUEST, followers=(Follower("U0FOLLOW01"),))
    assert RequestFilter(slack_ids=frozenset({"U0FOLLOW01"})).matches(followed)
    assert not RequestFilter(slack_ids=frozenset({"U0FOLLOW01"})).matches(REQUEST)


def test_filter__compares_addresses_in_any_case() -> None:
    assert TOM_IN_GENESYS.email
    shouted = replace(REQUEST, target=replace(TOM_IN_GENESYS, email=TOM_IN_GENESYS.email.upper()))
    assert RequestFilter(email=TOM_IN_GENESYS.email).matches(shouted)
    unknown = replace(REQUEST, target=replace(TOM_IN_GENESYS, email=None))
    assert RequestFilter(email="mutant").matches(unknown) is False


def test_filter__of_a_person_leaves_out_a_request_without_a_target() -> None:
    assert RequestFilter(email="tom@example.com").matches(request(target=None, target_slack_id=None)) is False


def test_positions__are_stored_in_buttons() -> None:
    assert (NEWEST.direction, NEWEST.at, NEWEST.id) == (Direction.OLDER, 1e12, "")
    assert [one.value for one in Direction] == ["older", "newer"]
    assert PAGE_SIZE == 10


def read(requests: list[Request], position: Position) -> Page:
    """Return a page as the database reads it: the requests on one side of a position, nearest first."""
    place = (position.at, position.id)
    if position.direction is Direction.NEWER:
        found = sorted((one for one in requests if (one.created_at, one.id) > place), key=_place)
    else:
        found = sorted((one for one in requests if (one.created_at, one.id) < place), key=_place, reverse=True)
    return cut(found[: PAGE_SIZE + 1], position, lambda one: one.created_at)


def _place(one: Request) -> tuple[float, str]:
    return one.created_at, one.id


@given(times=some.lists(some.integers(0, 9), max_size=45))
@example(times=[0] * 45)
@example(times=[*range(10), *range(10), *range(10)])
def test_pages__show_each_request_once_in_both_directions(times: list[int]) -> None:
    requests = [request(id=f"{number:03}", created_at=NOON + at) for number, at in enumerate(times)]
    expected = sorted(requests, key=_place, reverse=True)

    page, older = read(requests, NEWEST), []
    pages = [page]
    while page.older:
        page = read(requests, page.older)
        pages.append(page)
    older = [one for shown in pages for one in shown.requests]
    assert older == expected
    assert all(len(shown.requests) <= PAGE_SIZE for shown in pages)
    assert pages[0].newer is None

    newer = list(page.requests)
    while page.newer:
        page = read(requests, page.newer)
        newer = [*page.requests, *newer]
    assert newer == expected
