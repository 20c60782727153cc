"""Cards: true in every state, harmless, accepted by Slack, with buttons only while they work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.live_state import LiveState
from bot.domain.people import Person
from bot.domain.requests import APPROVE, CANCEL, DECLINE, MessageRef, Request, State
from bot.sandbox.slack.block_kit import problems
from bot.services.notifications import MAX_FOLDED
from handlers.ui.blocks import Message, local_time
from handlers.ui.next_steps import LOG_OUT_BY_HAND
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, TOM_IN_GENESYS, request, rotation
from tests.support.render_text import buttons, plain_words, readable, texts, words
from tests.support.sample_outcomes import ACTIONS, HOSTILE, OUTCOMES, in_state, variants
from tests.support.stub_services import ENGLISH

STATES = [(state, action) for state in State for action in ACTIONS]
RENDERER = MessageRenderer(ENGLISH)


def all_messages(asked: Request) -> list[Message]:
    """Return every message about a request; the card comes first."""
    return [
        RENDERER.card(asked),
        RENDERER.outcome(asked),
        RENDERER.reply("card_posted", {"channel": "D0RAVI0001"}, asked),
        RENDERER.reply("card_not_posted", {"slack_code": "not_in_channel"}, asked),
        RENDERER.reply("stale_request", {}, asked),
        RENDERER.reply("not_yours_to_cancel", {"requester": asked.requester}, asked),
    ]


@pytest.mark.parametrize(("state", "action"), STATES)
def test_card__in_every_state(state: State, action: str, snapshot: SnapshotAssertion) -> None:
    assert readable(RENDERER.card(in_state(state, action))) == snapshot


@pytest.mark.parametrize(("state", "action"), [one for one in STATES if one[0] is not State.PENDING])
def test_outcome__in_every_state_is_short(state: State, action: str, snapshot: SnapshotAssertion) -> None:
    message = RENDERER.outcome(in_state(state, action, reason="laptop stolen"))
    assert readable(message) == snapshot
    assert len(message["blocks"]) <= 4


@pytest.mark.parametrize("action", ACTIONS)
def test_card__that_waits_says_when_it_continues(action: str, snapshot: SnapshotAssertion) -> None:
    outcome = {"code": "genesys_rate_limited", "status": 429, "attempts": 1, "waits": 1, "continues_at": NOON + 105}
    message = RENDERER.card(in_state(State.APPROVED, action, outcome=outcome))
    assert readable(message) == snapshot
    assert f"Next attempt: {local_time(NOON + 105)}." in words(message)


@pytest.mark.parametrize("action", ACTIONS)
def test_card__that_cannot_wait_names_the_time_and_says_what_was_changed(
    action: str, snapshot: SnapshotAssertion
) -> None:
    outcome = {"code": "genesys_rate_limited", "status": 429, "unchanged": True, "possible_at": NOON + 7200}
    message = RENDERER.card(in_state(State.FAILED, action, outcome=outcome))
    assert readable(message) == snapshot
    assert f"Genesys Cloud takes requests again from {local_time(NOON + 7200)}." in words(message)
    assert problems(message) == problems(RENDERER.outcome(in_state(State.FAILED, action, outcome=outcome))) == []


@pytest.mark.parametrize("state", [State.PENDING, State.REVOKED, State.UNKNOWN])
def test_card__for_those_who_decide_shows_the_live_state(state: State, snapshot: SnapshotAssertion) -> None:
    live = LiveState(NOON, {"call": 1, "chat": 2}, on_queue=True, presence="busy", last_login=NOON - 780)
    asked = in_state(state, live=live)
    asked = replace(asked, outcome={**asked.outcome} | {"live": live.codes}) if state is not State.PENDING else asked
    assert readable(RENDERER.card(asked, with_live_state=True)) == snapshot
    for message in (RENDERER.card(asked), RENDERER.outcome(asked)):
        assert "1 call" not in words(message)


def test_expirations__are_one_message_with_a_line_for_each(snapshot: SnapshotAssertion) -> None:
    expired = [
        in_state(State.EXPIRED, action, reference=f"REF{number}", requester=(RAVI, OLIVIA)[number % 2])
        for number, action in enumerate([*ACTIONS, "revoke"])
    ]
    assert readable(RENDERER.expirations(expired)) == snapshot


@pytest.mark.parametrize("called", HOSTILE)
def test_expirations__of_as_many_requests_as_fit_are_accepted_by_slack_whatever_their_names(called: str) -> None:
    person = replace(TOM_IN_GENESYS, name=called)
    expired = [
        in_state(State.EXPIRED, reference=f"REF{number:04}", target=person, requester=f"U0MEMBER{number:03}")
        for number in range(MAX_FOLDED)
    ]
    message = RENDERER.expirations(expired)
    assert problems(message) == []
    said = words(message)
    assert all(request.reference in said for request in expired)
    assert not any(one in "".join(texts(message, "mrkdwn")) for one in ("<!channel", "<!subteam", "<https:", "<<"))


def test_card__marks_the_requesters_own_account(snapshot: SnapshotAssertion) -> None:
    assert readable(RENDERER.card(request(target_slack_id=RAVI, reason="lost my phone"))) == snapshot
    assert "own account" not in words(RENDERER.card(request()))
    assert "own account" not in words(RENDERER.card(rotation()))


@pytest.mark.parametrize("state", ["inactive", "Inactive", "hibernating"])
def test_card__of_an_inactive_person_says_that_open_sessions_end(state: str) -> None:
    target = replace(TOM_IN_GENESYS, state=state)
    assert f"{state}; open sessions, if any, end" in words(RENDERER.card(request(target=target)))
    for other in (TOM_IN_GENESYS, replace(TOM_IN_GENESYS, state=None)):
        assert "if any" not in words(RENDERER.card(request(target=other)))


@pytest.mark.parametrize("state", sorted(set(State) - {State.PENDING}))
def test_card__that_is_decided_shows_no_state_because_it_may_have_changed(state: State) -> None:
    said = words(RENDERER.card(in_state(state, target=replace(TOM_IN_GENESYS, state="inactive"))))
    assert "inactive" not in said
    assert "Support" in said


@pytest.mark.parametrize("approvals", [(), (BEN,)])
def test_card__of_a_protected_person_counts_approvals(approvals: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    asked = request(approvals_required=2, target_protected=True, approvals=approvals)
    assert readable(RENDERER.card(asked)) == snapshot


@pytest.mark.parametrize(
    ("required", "approvals", "line"),
    [
        (2, (), f"0 of 2 approvals. Still needed: two other approvers, not <@{RAVI}>."),
        (2, (BEN,), f"1 of 2 approvals (<@{BEN}>). Still needed: one other approver, not <@{RAVI}>."),
        (
            5,
            (BEN, OLIVIA),
            f"2 of 5 approvals (<@{BEN}>, <@{OLIVIA}>). Still needed: 3 other approvers, not",
        ),
    ],
)
def test_card__that_needs_several_approvals_names_who_is_missing(
    required: int, approvals: tuple[str, ...], line: str
) -> None:
    said = plain_words(RENDERER.card(request(approvals_required=required, approvals=approvals)))
    assert line in said
    assert "Protected" not in said


def test_card__of_a_protected_person_who_needs_one_approval_says_that_the_requester_does_not_count() -> None:
    said = plain_words(RENDERER.card(request(target_protected=True)))
    assert f"Protected: needs one other approver, not <@{RAVI}>." in said


def test_card__of_a_protected_person_names_both_approvers() -> None:
    asked = in_state(State.REVOKED, approvals_required=2, approvals=(BEN, OLIVIA), decided_by=OLIVIA)
    assert f"approved by <@{BEN}>, <@{OLIVIA}>" in words(RENDERER.card(asked))


@pytest.mark.parametrize("state", [State.PENDING, State.REVOKED, State.EXPIRED])
def test_card__shows_an_approval_that_no_longer_counts(state: State) -> None:
    asked = in_state(state, approvals_required=2, approvals=(OLIVIA,), dropped=(BEN, BEN))
    assert words(RENDERER.card(asked)).count(f"The approval of <@{BEN}> no longer counts") == 1
    assert "no longer counts" not in words(RENDERER.card(in_state(state, approvals_required=2)))


def test_card__cancelled_after_one_approval_names_only_who_cancelled() -> None:
    asked = in_state(State.CANCELLED, approvals_required=2, approvals=(BEN,), decided_by=OLIVIA)
    said = words(RENDERER.card(asked))
    assert f"cancelled by <@{OLIVIA}>" in said
    assert "approved by" not in said


def test_card__declined_names_who_declined_and_why() -> None:
    asked = in_state(State.DECLINED, approvals_required=2, approvals=(OLIVIA,))
    for message in (RENDERER.card(asked), RENDERER.outcome(asked)):
        assert f"declined by <@{BEN}>" in words(message)
        assert "The reason: he is on a call" in words(message)
        assert "approved by" not in words(message)
    hostile = in_state(State.DECLINED, outcome={"reason": "*Approved* <!channel>"})
    assert "<!channel>" not in "".join(texts(RENDERER.card(hostile), "mrkdwn"))


def test_card__expired_after_one_approval_is_not_shown_as_approved() -> None:
    said = words(RENDERER.card(in_state(State.EXPIRED, approvals_required=2, approvals=(BEN,))))
    assert f"approved only by <@{BEN}>" in said
    assert "approved by" not in said


@pytest.mark.parametrize(("state", "action"), STATES)
def test_card__has_buttons_only_while_pending(state: State, action: str) -> None:
    for asked in variants(state, action):
        found = buttons(RENDERER.card(asked))
        decline = [] if action == "break-glass" else ["decline"]
        expected = ["approve", *decline, "cancel"] if state is State.PENDING else []
        assert [one["action_id"] for one in found] == expected
        assert all(one["value"] == asked.id for one in found)
        assert not any(buttons(message) for message in all_messages(asked)[1:])


def test_card__button_carries_only_the_request_id() -> None:
    approve, decline, cancel = buttons(RENDERER.card(request()))
    assert (approve["style"], approve["confirm"]["style"]) == ("danger", "danger")
    assert "style" not in {*cancel, *decline}
    assert {approve["value"], decline["value"], cancel["value"]} == {"request-id"}
    assert (approve["action_id"], decline["action_id"], cancel["action_id"]) == (APPROVE, DECLINE, CANCEL)


def test_card__asks_again_before_it_is_cancelled_and_says_what_it_is_about() -> None:
    long = replace(TOM_IN_GENESYS, name="Target " * 40)
    for asked in (request(), request(target=long), rotation()):
        _, decline, cancel = buttons(RENDERER.card(asked))
        assert "confirm" not in decline, "its modal asks for the reason"
        assert cancel["confirm"]["title"]["text"] == "Cancel this request?"
        assert cancel["confirm"]["confirm"]["text"] == "Cancel request"
        assert cancel["confirm"]["deny"]["text"] == "Go back"
        assert len(cancel["confirm"]["text"]["text"]) <= 300
    assert "all sessions of Tom Target" in buttons(RENDERER.card(request()))[-1]["confirm"]["text"]["text"]


def test_card__buttons_say_to_screen_readers_whom_they_are_about() -> None:
    labels = [one["accessibility_label"] for one in buttons(RENDERER.card(request()))]
    assert labels == [
        "Revoke all sessions of Tom Target",
        "Decline request about all sessions of Tom Target",
        "Cancel request about all sessions of Tom Target",
    ]
    long = replace(TOM_IN_GENESYS, name="Target " * 20)
    assert all(len(one["accessibility_label"]) <= 75 for one in buttons(RENDERER.card(request(target=long))))


@pytest.mark.parametrize(("state", "action"), STATES)
def test_notification__names_requester_target_and_reason(state: State, action: str) -> None:
    """A lock screen shows nothing else."""
    for asked in variants(state, action):
        for message in (RENDERER.card(asked), RENDERER.outcome(asked)):
            assert f"<@{asked.requester}>" in message["text"]
            assert (asked.target.name if asked.target else "own") in message["text"]
            assert ("laptop stolen" in message["text"]) == bool(asked.reason)


@pytest.mark.parametrize(
    ("state", "outcome", "unchanged"),
    [
        (State.CANCELLED, {}, True),
        (State.EXPIRED, {}, True),
        (State.REFUSED, {"code": "genesys_not_found"}, True),
        (State.REFUSED, {"code": "genesys_not_found", "uncertain": True}, False),
        (State.FAILED, {"code": "genesys_rate_limited", "unchanged": True}, True),
        (State.FAILED, {"code": "genesys_server_error"}, False),
        (State.UNKNOWN, {"code": "genesys_no_response", "attempts": 1}, False),
    ],
)
def test_card__that_changed_nothing_says_so_first_and_in_bold(
    state: State, outcome: dict[str, Any], unchanged: bool
) -> None:
    card = RENDERER.card(in_state(state, outcome=outcome))
    first = next(block for block in card["blocks"] if block["type"] == "rich_text")["elements"][0]["elements"][0]
    assert (first == {"type": "text", "text": "Nothing was changed.", "style": {"bold": True}}) is unchanged
    assert ("Nothing was changed." in card["text"]) is unchanged


@pytest.mark.parametrize("state", [State.REFUSED, State.FAILED, State.UNKNOWN])
def test_card__of_a_revocation_that_did_not_succeed_links_to_logging_out_by_hand(state: State) -> None:
    for message in (RENDERER.card(in_state(state)), RENDERER.outcome(in_state(state))):
        assert f"[log them out in Genesys Cloud by hand]({LOG_OUT_BY_HAND})" in words(message)
    assert LOG_OUT_BY_HAND not in words(RENDERER.card(in_state(state, "rotate")))


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"attempts": 2, "sent": 6}, "I asked Genesys Cloud 6 times"),
        ({"attempts": 1, "sent": 1}, "I asked Genesys Cloud once"),
        ({"attempts": 2, "sent": 3, "at_least": True}, "I asked Genesys Cloud at least 3 times"),
        ({"attempts": 1, "sent": 0, "at_least": True, "uncertain": True}, "I asked Genesys Cloud at least once"),
        ({"attempts": 0, "sent": 0, "at_least": True, "uncertain": True}, "an unknown number of times"),
    ],
)
def test_card__of_an_unknown_outcome_counts_the_requests(outcome: dict[str, Any], said: str) -> None:
    assert said in words(RENDERER.card(in_state(State.UNKNOWN, outcome=outcome | {"code": "genesys_no_response"})))


@pytest.mark.parametrize(
    ("required", "said"),
    [(2, f"Only <@{BEN}> approved in time; two approvals were needed."), (3, "3 approvals were needed.")],
)
def test_card__that_expired_says_who_approved(required: int, said: str) -> None:
    asked = in_state(State.EXPIRED, approvals_required=required, approvals=(BEN,))
    assert said in words(RENDERER.card(asked))
    assert "It was not approved in time" in words(RENDERER.card(in_state(State.EXPIRED)))


@pytest.mark.parametrize(("state", "action"), STATES)
def test_card__says_revoked_only_if_genesys_confirmed_it(state: State, action: str) -> None:
    for asked in variants(state, action):
        said = [words(message).lower() for message in all_messages(asked)]
        if state is State.REVOKED and action in ("revoke", "break-glass"):
            assert "revoked: all sessions of tom target" in said[0]
        else:
            assert not any("revoked" in one for one in said)


@pytest.mark.parametrize(("state", "action"), STATES)
def test_card__names_requester_target_and_reference(state: State, action: str) -> None:
    for asked in variants(state, action):
        for said in (words(RENDERER.card(asked)), words(RENDERER.outcome(asked))):
            assert f"<@{asked.requester}>" in said
            assert "7K3M9QX" in said
            assert (asked.target.name if asked.target else "own") in said
            assert ("laptop stolen" in said) == bool(asked.reason)


@pytest.mark.parametrize(("state", "action"), STATES)
def test_messages__are_accepted_by_slack(state: State, action: str) -> None:
    for asked in variants(state, action):
        for message in all_messages(asked):
            assert problems(message) == []


@pytest.mark.parametrize(("state", "action"), STATES)
def test_messages__with_hostile_names_mention_and_link_nothing(state: State, action: str) -> None:
    for called in HOSTILE:
        person = Person(id=TOM_IN_GENESYS.id, name=called, email=called, division=called, state=called)
        stored = dict.fromkeys(("detail", "correlation_id", "error_code"), called)
        outcome = OUTCOMES.get(state, {}) | stored | {"permissions": [called], "status": 400}
        asked = in_state(state, action, reason=called[:500])
        asked = replace(asked, target=person if asked.target else None, outcome=outcome)
        for message in all_messages(asked):
            assert problems(message) == []
            markup = "".join(texts(message, "mrkdwn"))
            assert not any(one in markup for one in ("<!channel", "<!subteam", "<https:", "<<"))


@pytest.mark.parametrize("state", State)
def test_messages__show_what_genesys_sent_as_plain_text(state: State) -> None:
    outcome = {"code": "genesys_rejected", "attempts": 1, "status": 400, "detail": "a <b> & c"}
    for message in all_messages(in_state(state, outcome=outcome)):
        assert "<b>" not in "".join(texts(message, "mrkdwn"))
        assert "&lt;" not in "".join(texts(message, "plain_text"))


@pytest.mark.parametrize("ref", [MessageRef("D0RAVI0001"), MessageRef("C0APPROVE1")], ids=["direct message", "channel"])
def test_card_posted__says_where_the_card_is(ref: MessageRef, snapshot: SnapshotAssertion) -> None:
    assert readable(RENDERER.reply("card_posted", {"channel": ref.channel}, request())) == snapshot


@pytest.mark.parametrize("ref", [None, MessageRef("C0APPROVE1")])
def test_card_not_posted__says_that_nothing_happens_and_what_to_do(
    ref: MessageRef | None, snapshot: SnapshotAssertion
) -> None:
    assert readable(RENDERER.reply("card_not_posted", {"slack_code": "not_in_channel"}, request(card=ref))) == snapshot


NOT_POSTED = {
    "not_in_channel": "Invite me to that channel, or ask",
    "channel_not_found": "Invite me to that channel, or ask",
    "is_archived": "that channel is archived. No one",
    "invalid_blocks": "This does not pass by itself: ask",
    "missing_scope": "This does not pass by itself: ask",
    "restricted_action": "This does not pass by itself: ask",
}
"""What helps, by the error of the post."""


@pytest.mark.parametrize(("code", "advice"), NOT_POSTED.items())
def test_card_not_posted__advises_an_invitation_only_where_that_helps(code: str, advice: str) -> None:
    said = words(RENDERER.reply("card_not_posted", {"slack_code": code}, request(card=MessageRef("C0APPROVE1"))))
    assert advice in said
    assert ("Invite me" in said) is advice.startswith("Invite me")


def test_card_not_posted__in_direct_messages_advises_no_invitation() -> None:
    ref = MessageRef("U0RAVI0001")
    said = words(RENDERER.reply("card_not_posted", {"slack_code": "channel_not_found"}, request(card=ref)))
    assert "Invite me" not in said


@pytest.mark.parametrize("state", [None, *State])
def test_reply__to_a_late_click_says_that_it_changed_nothing(state: State | None, snapshot: SnapshotAssertion) -> None:
    message = RENDERER.reply("stale_request", {}, in_state(state) if state else None)
    assert readable(message) == snapshot
    assert "changed nothing" in words(message) or "Nothing was changed" in words(message)
    assert problems(message) == []


def test_reply__names_the_request_if_there_is_one() -> None:
    assert "7K3M9QX" in words(RENDERER.reply("own_request", {}, request()))
    assert "Reference" not in words(RENDERER.reply("own_request", {}))
