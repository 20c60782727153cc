"""The card in each of its states: true, harmless, with buttons only while they work, and such as Slack takes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.people import Person
from bot.domain.policy import DenialCode, Denied
from bot.domain.requests import APPROVE, CANCEL, Kind, MessageRef, Request, State
from bot.errors import StaleRequest
from bot.sandbox.slack.block_kit import problems
from handlers.ui import cards
from handlers.ui.blocks import Message
from tests.support.examples import BEN, OLIVIA, RAVI, TOM_IN_GENESYS, request, rotation
from tests.support.render_text import buttons, readable, texts, words
from tests.support.sample_outcomes import HOSTILE, OUTCOMES, every, in_state

STATES = [(state, kind) for state in State for kind in Kind]


def everything_said(asked: Request) -> list[Message]:
    """Every message that tells of a request."""
    place = asked.card or MessageRef("D0RAVI0001")
    return [
        cards.card(asked),
        cards.outcome(asked),
        cards.posted(asked, place),
        cards.not_posted(asked, "not_in_channel"),
        cards.answer(StaleRequest(), asked),
        cards.refusal(Denied(DenialCode.NOT_YOURS_TO_CANCEL, requester=asked.requester), asked),
    ]


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_card__reads_well(state: State, kind: Kind, snapshot: SnapshotAssertion) -> None:
    assert readable(cards.card(in_state(state, kind))) == snapshot


@pytest.mark.parametrize(("state", "kind"), [one for one in STATES if one[0] is not State.PENDING])
def test_outcome__reads_well_in_few_words(state: State, kind: Kind, snapshot: SnapshotAssertion) -> None:
    message = cards.outcome(in_state(state, kind, reason="laptop stolen"))

    assert readable(message) == snapshot
    assert len(message["blocks"]) <= 4


def test_card__says_so_when_it_is_ones_own_account(snapshot: SnapshotAssertion) -> None:
    assert readable(cards.card(request(target_slack_id=RAVI, reason="lost my phone"))) == snapshot
    assert "account of the person who asks" not in words(cards.card(request()))
    assert "account of the person who asks" not in words(cards.card(rotation()))


@pytest.mark.parametrize("approvals", [(), (BEN,)])
def test_card__of_a_protected_person_counts_who_agreed(approvals: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    assert readable(cards.card(request(approvals_required=2, approvals=approvals))) == snapshot


def test_card__of_a_protected_person_names_both_who_agreed() -> None:
    said = words(cards.card(in_state(State.REVOKED, approvals_required=2, approvals=(BEN, OLIVIA), decided_by=OLIVIA)))

    assert f"confirmed by <@{BEN}>, <@{OLIVIA}>" in said


def test_card__cancelled_after_one_agreed_names_who_cancelled_and_nobody_as_confirming() -> None:
    said = words(cards.card(in_state(State.CANCELLED, approvals_required=2, approvals=(BEN,), decided_by=OLIVIA)))

    assert f"cancelled by <@{OLIVIA}>" in said
    assert "confirmed by" not in said


def test_card__expired_after_one_agreed_says_who_that_was_but_not_that_it_was_confirmed() -> None:
    said = words(cards.card(in_state(State.EXPIRED, approvals_required=2, approvals=(BEN,))))

    assert "confirmed by" not in said


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_card__has_buttons_while_pending_and_never_else(state: State, kind: Kind) -> None:
    for asked in every(state, kind):
        found = buttons(cards.card(asked))
        assert [one["action_id"] for one in found] == (["approve", "cancel"] if state is State.PENDING else [])
        assert all(one["value"] == asked.id for one in found)
        assert not any(buttons(message) for message in everything_said(asked)[1:])


def test_card__a_button_carries_the_requests_id_and_nothing_of_the_target() -> None:
    approve, cancel = buttons(cards.card(request()))

    assert (approve["style"], approve["confirm"]["style"]) == ("danger", "danger")
    assert "style" not in cancel
    assert {approve["value"], cancel["value"]} == {"request-id"}
    assert (approve["action_id"], cancel["action_id"]) == (APPROVE, CANCEL)


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_card__says_revoked_only_when_genesys_confirmed_it(state: State, kind: Kind) -> None:
    for asked in every(state, kind):
        said = [words(message).lower() for message in everything_said(asked)]
        if (state, kind) == (State.REVOKED, Kind.REVOKE):
            assert "revoked: every session of tom target" in said[0]
        else:
            assert not any("revoked" in one for one in said)


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_card__always_says_who_asked_whom_it_is_about_and_its_reference(state: State, kind: Kind) -> None:
    for asked in every(state, kind):
        for said in (words(cards.card(asked)), words(cards.outcome(asked))):
            assert f"<@{asked.requester}>" in said
            assert "7K3M9QX" in said
            assert (asked.target.name if asked.target else "own") in said
            assert ("laptop stolen" in said) == bool(asked.reason)


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_messages__are_such_as_slack_takes_and_have_a_text_to_be_notified(state: State, kind: Kind) -> None:
    for asked in every(state, kind):
        for message in everything_said(asked):
            assert problems(message) == []


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_messages__whatever_people_are_called_nothing_rings_links_or_breaks(state: State, kind: Kind) -> None:
    for called in HOSTILE:
        person = Person(id=TOM_IN_GENESYS.id, name=called, email=called, division=called, state=called)
        told = dict.fromkeys(("message", "correlation_id", "code"), called) | {"permissions": [called], "status": 400}
        asked = in_state(state, kind, reason=called[:500])
        asked = replace(asked, target=person if asked.target else None, outcome=OUTCOMES.get(state, {}) | told)

        for message in everything_said(asked):
            assert problems(message) == []
            markup = "".join(texts(message, "mrkdwn"))
            assert not any(call in markup for call in ("<!channel", "<!subteam", "<https:", "<<"))


@pytest.mark.parametrize("state", State)
def test_messages__show_what_genesys_said_as_it_is_and_never_as_markup(state: State) -> None:
    asked = in_state(state, outcome={"attempts": 1, "error": "GenesysRejected", "status": 400, "message": "a <b> & c"})

    for message in everything_said(asked):
        assert "<b>" not in "".join(texts(message, "mrkdwn"))
        assert "&lt;" not in "".join(texts(message, "plain_text"))


@pytest.mark.parametrize(
    "place", [MessageRef("D0RAVI0001"), MessageRef("C0APPROVE1")], ids=["direct message", "channel"]
)
def test_posted__tells_where_the_card_is(place: MessageRef, snapshot: SnapshotAssertion) -> None:
    assert readable(cards.posted(request(), place)) == snapshot


@pytest.mark.parametrize("place", [None, MessageRef("C0APPROVE1")])
def test_not_posted__tells_that_nothing_happens_and_what_to_do(
    place: MessageRef | None, snapshot: SnapshotAssertion
) -> None:
    assert readable(cards.not_posted(request(card=place), "not_in_channel")) == snapshot


@pytest.mark.parametrize("state", [None, *State])
def test_answer__to_a_late_click_says_that_it_changed_nothing_and_how_things_stand(
    state: State | None, snapshot: SnapshotAssertion
) -> None:
    message = cards.answer(StaleRequest(), in_state(state) if state else None)

    assert readable(message) == snapshot
    assert "hanged nothing" in words(message) or "Nothing was changed" in words(message)
    assert problems(message) == []


def test_refusal__names_the_request_where_there_is_one() -> None:
    refused = Denied(DenialCode.OWN_REQUEST)

    assert "7K3M9QX" in words(cards.answer(refused, request()))
    assert "Reference" not in words(cards.refusal(refused))
