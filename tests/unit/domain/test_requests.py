"""The state machine: every event in every state."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.requests import (
    APPROVE,
    CANCEL,
    DECLINE,
    FINAL,
    TRANSITIONS,
    CardCopy,
    Event,
    Follower,
    MessageRef,
    State,
    advance,
    approval_event,
    follow,
    unseeing_followers,
    worst_of,
)
from bot.errors import StaleRequest
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, TOM, request

ALLOWED = [(state, event, target) for state, events in TRANSITIONS.items() for event, target in events.items()]
FORBIDDEN = [
    (state, event) for state, event in itertools.product(State, Event) if event not in TRANSITIONS.get(state, {})
]


def test_transitions__cover_every_state_and_event() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {event for events in TRANSITIONS.values() for event in events} == set(Event)


def test_transitions__are_the_documented_ones() -> None:
    assert {(state, target) for state, _, target in ALLOWED if state is not target} == {
        ("pending", "approved"),
        ("pending", "cancelled"),
        ("pending", "declined"),
        ("pending", "expired"),
        ("approved", "revoked"),
        ("approved", "refused"),
        ("approved", "failed"),
        ("approved", "unknown"),
    }
    assert set(FINAL) == set(State) - {State.PENDING, State.APPROVED}


@pytest.mark.parametrize(("state", "event", "target"), ALLOWED)
def test_advance__follows_the_table(state: State, event: Event, target: State) -> None:
    before = request(state=state)

    after = advance(before, event, at=NOON + 5, by=BEN)

    assert after.state is target
    assert after.revision == before.revision + 1
    assert after.finished_at == (NOON + 5 if target in FINAL else None)
    assert before == request(state=state)


@pytest.mark.parametrize(("state", "event"), FORBIDDEN)
def test_advance__rejects_other_events(state: State, event: Event) -> None:
    with pytest.raises(StaleRequest, match=f"{event} in state {state}"):
        advance(request(state=state), event, at=NOON, by=BEN)


def test_advance__records_approvers_and_the_time_of_approval() -> None:
    signed = advance(request(approvals_required=2), Event.ADD_APPROVAL, at=NOON + 1, by=BEN)
    approved = advance(signed, Event.APPROVE, at=NOON + 2, by=OLIVIA)

    assert (signed.approvals, signed.decided_by, signed.approved_at) == ((BEN,), None, None)
    assert (approved.approvals, approved.decided_by, approved.approved_at) == ((BEN, OLIVIA), OLIVIA, NOON + 2)


@pytest.mark.parametrize(
    ("event", "by", "decided_by"), [(Event.CANCEL, RAVI, RAVI), (Event.DECLINE, BEN, BEN), (Event.EXPIRE, None, None)]
)
def test_advance__cancel_decline_and_expire_add_no_approval(
    event: Event, by: str | None, decided_by: str | None
) -> None:
    ended = advance(request(), event, at=NOON, by=by)

    assert (ended.approvals, ended.approved_at, ended.decided_by) == ((), None, decided_by)


def test_advance__without_a_person_records_no_approval() -> None:
    approved = advance(request(), Event.APPROVE, at=NOON)

    assert (approved.state, approved.approvals, approved.decided_by) == (State.APPROVED, (), None)


def test_advance__keeps_what_was_requested() -> None:
    asked = request(approvals_required=2, reason="laptop stolen")
    moved = advance(asked, Event.APPROVE, at=NOON, by=None)

    frozen = ("id", "reference", "action", "requester", "requested_in", "created_at", "expires_at", "target", "reason")
    assert all(
        getattr(moved, name) == getattr(asked, name)
        for name in (*frozen, "approvals_required", "card", "target_slack_id")
    )
    assert moved.approvals == ()


@given(events=st.lists(st.sampled_from(Event), max_size=12))
def test_advance__request_ends_at_most_once(events: list[Event]) -> None:
    current, endings = request(), 0
    for event in events:
        try:
            moved = advance(current, event, at=NOON, by=BEN)
        except StaleRequest:
            continue
        assert current.state not in FINAL
        assert moved.revision == current.revision + 1
        endings += moved.state in FINAL
        current = moved
    assert endings == (current.state in FINAL)
    assert current.state is not State.REVOKED or current.approved_at is not None


@pytest.mark.parametrize(
    ("needed", "approvals", "by", "event"),
    [
        (1, (), BEN, Event.APPROVE),
        (2, (), BEN, Event.ADD_APPROVAL),
        (2, (BEN,), BEN, Event.ADD_APPROVAL),
        (2, (BEN,), OLIVIA, Event.APPROVE),
    ],
)
def test_approval_event__counts_people_not_clicks(
    needed: int, approvals: tuple[str, ...], by: str, event: Event
) -> None:
    assert approval_event(request(approvals_required=needed, approvals=approvals), by) is event


@pytest.mark.parametrize(("seconds", "expired"), [(0, False), (899.999, False), (900, True), (901, True)])
def test_expired__from_expires_at_on(seconds: float, expired: bool) -> None:
    assert request().expired(NOON + seconds) is expired


def test_protected__if_one_approval_is_not_enough() -> None:
    assert request(approvals_required=2).protected
    assert not request().protected


@given(events=st.lists(st.sampled_from([Event.LOSE_TRACK, Event.FAIL, Event.REFUSE, Event.SUCCEED]), min_size=1))
def test_worst_of__is_a_success_only_if_every_item_is(events: list[Event]) -> None:
    found = worst_of(events)

    assert found in events
    assert (found is Event.SUCCEED) == (set(events) == {Event.SUCCEED})
    assert (found is Event.LOSE_TRACK) == (Event.LOSE_TRACK in events)


def test_break_glass__needs_no_other_approver_whomever_it_is_about() -> None:
    asked = request(action="break-glass", target_protected=True, approvals_required=2)

    assert (asked.break_glass, asked.protected) == (True, False)
    assert (request().break_glass, request(target_protected=True).protected) == (False, True)


FOLLOWER = Follower(OLIVIA, "phished", "C0OPS00001", "C0OPS00001")


def test_follow__adds_a_person_once_with_the_newest_reason() -> None:
    once = follow(request(), FOLLOWER)
    again = follow(once, FOLLOWER._replace(reason=""))
    newer = follow(again, FOLLOWER._replace(reason="laptop stolen"))

    assert once.followers == again.followers == (FOLLOWER,)
    assert [one.reason for one in newer.followers] == ["laptop stolen"]


def test_follow__the_requester_does_not_follow_but_gets_a_card() -> None:
    moved = follow(request(), Follower(RAVI, place="C0OTHER001"))

    assert moved.followers == ()
    assert moved.copies == (CardCopy("C0OTHER001", MessageRef("C0OTHER001")),)


@pytest.mark.parametrize(
    ("place", "card", "added"),
    [
        ("C0OPS00001", MessageRef("C0OPS00001", "1.2"), False),
        ("C0OTHER001", MessageRef("C0OPS00001", "1.2"), True),
        (OLIVIA, MessageRef("D0RAVI0001", "1.2"), True),
        (RAVI, MessageRef("D0RAVI0001", "1.2"), False),
        (RAVI, MessageRef(RAVI), False),
        ("C0OPS00001", None, True),
        ("", MessageRef("C0OPS00001", "1.2"), False),
    ],
)
def test_follow__adds_a_copy_only_where_no_card_is(place: str, card: MessageRef | None, added: bool) -> None:
    once = follow(request(card=card), Follower(OLIVIA, place=place))
    twice = follow(once, Follower(BEN, place=place))

    assert bool(once.copies) is added
    assert twice.copies == once.copies


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({OLIVIA}, "D0OLIVIA01"), ({RAVI}, "D0RAVI0001"), ({BEN}, "C0OTHER001"), ({TOM}, "C0OTHER001"),
    ],
)  # fmt: skip
def test_card_for__is_one_that_the_person_can_open(ids: set[str], expected: str) -> None:
    copies = (CardCopy(OLIVIA, MessageRef("D0OLIVIA01", "1")), CardCopy("C0OTHER001", MessageRef("C0OTHER001", "2")))
    asked = request(card=MessageRef("D0RAVI0001", "0"), copies=copies, followers=(Follower(BEN, place="C0OTHER001"),))

    found = asked.card_for(ids)
    assert found
    assert found.channel == expected


def test_card_for__direct_messages_of_others_are_none() -> None:
    assert request(card=MessageRef("D0RAVI0001", "0")).card_for({OLIVIA}) is None
    assert request(card=None).card_for({RAVI}) is None


@pytest.mark.parametrize(
    ("follower", "sees"),
    [
        (Follower(OLIVIA, place=OLIVIA), True),
        (Follower(OLIVIA, requested_in="C1", place="C1"), True),
        (Follower(OLIVIA, requested_in="C1", place="C2"), False),
        (Follower(OLIVIA, requested_in="", place=""), False),
    ],
)
def test_unseeing_followers__are_notified(follower: Follower, sees: bool) -> None:
    assert follower.sees_card is sees
    assert unseeing_followers(request(followers=(follower,))) == (() if sees else (OLIVIA,))


def test_is_open__until_the_expiry_or_while_approved() -> None:
    asked = request()
    assert asked.is_open(asked.expires_at - 1)
    assert not asked.is_open(asked.expires_at)
    assert request(state=State.APPROVED).is_open(asked.expires_at + 1)
    assert not any(request(state=state).is_open(0) for state in FINAL)


def test_is_made_by__requester_and_followers() -> None:
    asked = request(followers=(FOLLOWER,))
    assert asked.is_made_by({RAVI})
    assert asked.is_made_by({OLIVIA})
    assert not asked.is_made_by({BEN})


@pytest.mark.parametrize(
    ("clicked_at", "until"),
    [(NOON, NOON + 900), (NOON + 300, NOON + 900), (NOON + 301, NOON + 901), (NOON + 899, NOON + 1499)],
)
def test_decidable_until__is_the_expiry_or_ten_minutes_after_the_click(clicked_at: float, until: float) -> None:
    assert request().decidable_until(clicked_at) == until


def test_buttons__have_the_action_ids_of_cards_that_are_posted_already() -> None:
    assert (APPROVE, CANCEL, DECLINE) == ("approve", "cancel", "decline")
