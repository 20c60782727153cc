"""A request and its rows in the audit log: what fits, and each contradiction."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bot.domain.audit import EventType
from bot.domain.audit_check import Contradiction, LoggedEvent, contradiction
from bot.domain.requests import State
from tests.support.examples import BEN, OLIVIA, RAVI

ASKED = LoggedEvent(EventType.REQUESTED, RAVI)
ADDED = LoggedEvent(EventType.APPROVAL_ADDED, BEN)
DROPPED = LoggedEvent(EventType.APPROVAL_DROPPED, BEN)
APPROVED = LoggedEvent(EventType.APPROVED, OLIVIA)
GLASS_ASKED = LoggedEvent(EventType.BREAK_GLASS_REQUESTED, RAVI)
GLASS_APPROVED = LoggedEvent(EventType.BREAK_GLASS_APPROVED, RAVI)
ATTEMPT = LoggedEvent(EventType.ATTEMPT_FAILED, "bot")
ONE_REVOKED = LoggedEvent(EventType.REVOKED, "bot", of_one_person=True)
ONE_FAILED = LoggedEvent(EventType.FAILED, "bot", of_one_person=True)

ENDED = {
    State.REVOKED: EventType.REVOKED,
    State.REFUSED: EventType.REFUSED,
    State.FAILED: EventType.FAILED,
    State.UNKNOWN: EventType.UNKNOWN,
}


@pytest.mark.parametrize(
    ("state", "required", "rows"),
    [
        (State.PENDING, 1, [ASKED]),
        (State.PENDING, 2, [ASKED, ADDED]),
        (State.APPROVED, 1, [ASKED, APPROVED]),
        (State.APPROVED, 1, [ASKED, APPROVED, ATTEMPT]),
        (State.APPROVED, 2, [ASKED, ADDED, APPROVED]),
        (State.CANCELLED, 2, [ASKED, ADDED, LoggedEvent(EventType.CANCELLED, RAVI)]),
        (State.DECLINED, 2, [ASKED, ADDED, LoggedEvent(EventType.DECLINED, OLIVIA)]),
        (State.EXPIRED, 1, [ASKED, LoggedEvent(EventType.EXPIRED, "bot")]),
        *((state, 1, [ASKED, APPROVED, ATTEMPT, LoggedEvent(tag, "bot")]) for state, tag in ENDED.items()),
        (State.APPROVED, 1, [GLASS_ASKED, GLASS_APPROVED]),
        (State.REVOKED, 1, [GLASS_ASKED, GLASS_APPROVED, LoggedEvent(EventType.REVOKED, "bot")]),
        ("a state of another version", 1, [ASKED]),
        (State.APPROVED, 1, [ASKED, APPROVED, ONE_REVOKED, ONE_REVOKED]),
        (State.FAILED, 1, [ASKED, APPROVED, ONE_REVOKED, ONE_FAILED, LoggedEvent(EventType.FAILED, "bot")]),
    ],
)
def test_rows__that_lead_to_the_state_fit(state: str, required: int, rows: list[LoggedEvent]) -> None:
    assert contradiction(state, required, rows) is None


@pytest.mark.parametrize("state", list(State))
def test_request__without_its_first_row_does_not_fit(state: State) -> None:
    assert contradiction(state, 1, []) is Contradiction.NOT_REQUESTED
    assert contradiction(state, 1, [APPROVED]) is Contradiction.NOT_REQUESTED


@pytest.mark.parametrize(
    ("required", "approvals"),
    [(2, [APPROVED]), (3, [ADDED, APPROVED]), (2, [ADDED, DROPPED, APPROVED]), (2, [APPROVED, APPROVED])],
)
def test_approval__without_its_clicks_is_found(required: int, approvals: list[LoggedEvent]) -> None:
    for state, end in ENDED.items():
        rows = [ASKED, *approvals, LoggedEvent(end, "bot")]
        assert contradiction(state, required, rows) is Contradiction.APPROVAL_WITHOUT_CLICKS
    assert contradiction(State.APPROVED, required, [ASKED, *approvals]) is Contradiction.APPROVAL_WITHOUT_CLICKS


@pytest.mark.parametrize(("state", "end"), ENDED.items())
def test_execution__without_an_approval_before_it_is_found(state: State, end: EventType) -> None:
    executed = LoggedEvent(end, "bot")
    assert contradiction(State.PENDING, 1, [ASKED, ONE_REVOKED]) is Contradiction.EXECUTION_WITHOUT_APPROVAL
    for rows in ([ASKED, executed], [ASKED, ADDED, executed], [ASKED, executed, APPROVED]):
        assert contradiction(state, 1, rows) is Contradiction.EXECUTION_WITHOUT_APPROVAL


def test_state__that_no_row_explains_is_found() -> None:
    complete = {
        State.PENDING: [ASKED],
        State.APPROVED: [ASKED, APPROVED],
        State.CANCELLED: [ASKED, LoggedEvent(EventType.CANCELLED, RAVI)],
        State.DECLINED: [ASKED, LoggedEvent(EventType.DECLINED, BEN)],
        State.EXPIRED: [ASKED, LoggedEvent(EventType.EXPIRED, "bot")],
        **{state: [ASKED, APPROVED, LoggedEvent(tag, "bot")] for state, tag in ENDED.items()},
    }
    for one, other in pairwise([*complete, State.PENDING]):
        assert contradiction(one, 1, complete[other]) is Contradiction.STATE
        assert contradiction(other, 1, complete[one]) is Contradiction.STATE


def test_state__that_was_reached_twice_is_found() -> None:
    cancelled = LoggedEvent(EventType.CANCELLED, RAVI)
    assert contradiction(State.CANCELLED, 1, [ASKED, cancelled, cancelled]) is Contradiction.STATE


@pytest.mark.parametrize("state", [State.CANCELLED, State.DECLINED, State.EXPIRED])
def test_state__that_is_final_needs_the_row_of_its_end(state: State) -> None:
    assert contradiction(state, 1, [ASKED]) is Contradiction.STATE


@pytest.mark.parametrize("end", [EventType.CANCELLED, EventType.DECLINED, EventType.EXPIRED])
def test_state__pending_after_an_end_is_found(end: EventType) -> None:
    assert contradiction(State.PENDING, 1, [ASKED, LoggedEvent(end, "bot")]) is Contradiction.STATE


def test_bulk_request__does_not_end_with_the_outcome_of_one_person() -> None:
    assert contradiction(State.REVOKED, 1, [ASKED, APPROVED, ONE_REVOKED]) is Contradiction.STATE


def test_contradictions__have_stable_names() -> None:
    assert [one.value for one in Contradiction] == [
        "unknown_request", "not_requested", "approval_without_clicks", "execution_without_approval", "state",
    ]  # fmt: skip
