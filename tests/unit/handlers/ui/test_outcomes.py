"""Outcomes: what each stored result means, never more than Genesys Cloud confirmed."""

from __future__ import annotations

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.bulk import BulkSource, BulkSummary
from bot.domain.requests import State
from handlers.ui import outcomes
from tests.support.examples import NOON
from tests.support.render_text import plain
from tests.support.sample_outcomes import ACTIONS, in_state
from tests.support.stub_services import ENGLISH

RESULTS: dict[str, tuple[State, dict[str, Any]]] = {
    "403 with permissions": (
        State.REFUSED,
        {"code": "genesys_forbidden", "status": 403, "permissions": ["oauth:token:delete", "directory:user:view"]},
    ),
    "403 without": (State.REFUSED, {"code": "genesys_forbidden", "status": 403, "permissions": []}),
    "404": (State.REFUSED, {"code": "genesys_not_found", "status": 404, "detail": "User not found."}),
    "400": (State.REFUSED, {"code": "genesys_rejected", "status": 400, "detail": "the id is not valid"}),
    "400 without detail": (State.REFUSED, {"code": "genesys_rejected", "status": 400}),
    "unreadable": (State.REFUSED, {"code": "genesys_rejected", "problem": "unreadable_response"}),
    "invalid target": (State.REFUSED, {"code": "genesys_rejected", "problem": "invalid_target"}),
    "no target": (State.REFUSED, {"code": "no_target"}),
    "404 after no response": (State.REFUSED, {"code": "genesys_not_found", "status": 404, "uncertain": True}),
    "unreachable": (State.FAILED, {"code": "genesys_unreachable"}),
    "429": (State.FAILED, {"code": "genesys_rate_limited", "status": 429, "retry_after": 3600.0}),
    "429, certain": (
        State.FAILED,
        {"code": "genesys_rate_limited", "status": 429, "unchanged": True, "possible_at": NOON + 7200},
    ),
    "429, waiting": (State.APPROVED, {"code": "genesys_rate_limited", "status": 429, "waits": 1, "unchanged": True}),
    "429 of the login, waiting": (
        State.APPROVED,
        {"code": "genesys_login_failed", "cause": "rate_limited", "waits": 1},
    ),
    "too late after a wait": (State.FAILED, {"code": "too_late", "attempts": 1, "waits": 1, "unchanged": True}),
    "401": (State.FAILED, {"code": "genesys_unauthenticated", "status": 401}),
    "503": (State.FAILED, {"code": "genesys_server_error", "status": 503}),
    "no token": (State.FAILED, {"code": "genesys_login_failed", "cause": "wrong_secret"}),
    "no token, other": (State.FAILED, {"code": "genesys_login_failed", "cause": "other", "detail": "sorry"}),
    "unknown code": (State.FAILED, {"code": "from_the_future", "detail": "it {went} wrong"}),
    "no code": (State.FAILED, {}),
    "no response, once": (State.UNKNOWN, {"code": "genesys_no_response", "attempts": 1}),
    "no response, three times": (State.UNKNOWN, {"code": "genesys_no_response", "attempts": 3}),
    "too late, never sent": (State.UNKNOWN, {"code": "too_late", "attempts": 0}),
    "too late, sent once": (State.UNKNOWN, {"code": "too_late", "attempts": 1}),
    "clock behind, never sent": (State.UNKNOWN, {"code": "clock_behind", "attempts": 0}),
    "too many attempts": (State.UNKNOWN, {"code": "too_many_attempts", "attempts": 4}),
    "process ended": (State.UNKNOWN, {"code": "process_ended", "attempts": 1}),
    "in progress": (State.APPROVED, {}),
    "retrying": (State.APPROVED, {"code": "genesys_server_error", "status": 502, "uncertain": False}),
    "retrying after no response": (State.APPROVED, {"code": "genesys_no_response", "uncertain": True}),
}


@pytest.mark.parametrize(("state", "result"), list(RESULTS.values()), ids=list(RESULTS))
@pytest.mark.parametrize("action", ACTIONS)
def test_outcome__every_result(action: str, state: State, result: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    asked = in_state(state, action, outcome=result)
    said = "\n".join(plain(line) for line in outcomes.outcome(ENGLISH, asked))
    assert said == snapshot
    assert "revoked" not in said.lower()
    assert ".." not in said
    assert "?" not in said
    assert ("session" in said) <= (action in ("revoke", "break-glass"))


@pytest.mark.parametrize("state", [state for state in State if state is not State.REVOKED])
@pytest.mark.parametrize("action", ACTIONS)
def test_headline__says_revoked_or_rotated_only_after_a_success(action: str, state: State) -> None:
    said = outcomes.headline(ENGLISH, in_state(state, action)).lower()
    assert "revoked" not in said
    assert "rotated" not in said
    assert outcomes.headline(ENGLISH, in_state(State.REVOKED)) == "Revoked: all sessions of Tom Target"
    assert outcomes.headline(ENGLISH, in_state(State.REVOKED, "rotate")) == "Rotated: the bot's own token"


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELLED, State.REFUSED, State.FAILED])
@pytest.mark.parametrize("action", ACTIONS)
def test_headline__cannot_be_read_as_its_opposite(action: str, state: State) -> None:
    """ "Expired: every session of Tom" reads as if his sessions had expired."""
    assert " not " in outcomes.headline(ENGLISH, in_state(state, action))


@pytest.mark.parametrize("state", [State.REFUSED, State.FAILED, State.UNKNOWN, State.CANCELLED, State.EXPIRED])
@pytest.mark.parametrize("action", ACTIONS)
def test_outcome__always_says_whether_something_was_changed(action: str, state: State) -> None:
    said = plain(outcomes.outcome(ENGLISH, in_state(state, action))[0]).lower()
    phrases = ("nothing was changed", "not done", "as active", "no session is known", "can't say")
    assert any(phrase in said for phrase in phrases), f"{said!r} has none of {phrases}"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", [*ACTIONS, "from_the_future"])
def test_texts__exist_for_every_state_even_of_an_unknown_action(action: str, state: State) -> None:
    asked = in_state(state, "revoke")
    object.__setattr__(asked, "action", action)
    assert outcomes.headline(ENGLISH, asked)
    assert outcomes.outcome(ENGLISH, asked)
    assert outcomes.too_late(ENGLISH, asked)


@pytest.mark.parametrize("code", ["clock_behind", "too_late"])
def test_outcome__after_requests_that_genesys_answered_with_errors_is_unknown(code: str) -> None:
    """Genesys Cloud answered two requests with 503, and the third was not sent."""
    result = {"attempts": 0, "sent": 2, "uncertain": False, "code": code}

    ended = in_state(State.UNKNOWN, outcome=result)

    assert not outcomes.changed_nothing(ended)
    assert outcomes.headline(ENGLISH, ended).startswith("Unknown")


@pytest.mark.parametrize("outcome", [{"unchanged": True}, {"unchanged": True, "sent": 1}])
@pytest.mark.parametrize("state", [State.REFUSED, State.FAILED])
def test_changed_nothing__is_not_certain_once_a_rotation_may_have_a_new_token(
    state: State, outcome: dict[str, Any]
) -> None:
    result = {"code": "genesys_rate_limited", **outcome}
    assert not outcomes.changed_nothing(in_state(state, "rotate", outcome=result))
    assert outcomes.changed_nothing(in_state(state, "revoke", outcome=result))


@pytest.mark.parametrize("state", State)
def test_changed_nothing__of_a_bulk_request_is_certain_only_without_approval(state: State) -> None:
    asked = in_state(
        state, bulk=BulkSummary(BulkSource.LIST, {"found": 12}, ""), outcome={"counts": {"revoked": 11, "refused": 1}}
    )
    assert outcomes.changed_nothing(asked) is (state in (State.CANCELLED, State.DECLINED, State.EXPIRED))
