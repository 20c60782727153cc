"""How a request ended, in words that are true of what Genesys Cloud answered and never of more."""

from __future__ import annotations

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.requests import Kind, State
from bot.purecloud import errors
from handlers.messages import outcomes
from tests.support.sample_outcomes import in_state

ANSWERS: dict[str, tuple[State, dict[str, Any]]] = {
    "403 with the permission": (
        State.REFUSED,
        {"error": "GenesysForbidden", "status": 403, "permissions": ["oauth:token:delete", "directory:user:view"]},
    ),
    "403 without": (State.REFUSED, {"error": "GenesysForbidden", "status": 403, "permissions": []}),
    "404": (State.REFUSED, {"error": "GenesysNotFound", "status": 404, "message": "User not found."}),
    "400": (State.REFUSED, {"error": "GenesysRejected", "status": 400, "message": "the id is not valid"}),
    "unreadable": (State.REFUSED, {"error": "GenesysRejected", "message": None}),
    "404 after no answer": (State.REFUSED, {"error": "GenesysNotFound", "status": 404, "uncertain": True}),
    "unreachable": (State.FAILED, {"error": "GenesysUnreachable"}),
    "429": (State.FAILED, {"error": "GenesysRateLimited", "status": 429}),
    "401": (State.FAILED, {"error": "GenesysUnauthenticated", "status": 401}),
    "503": (State.FAILED, {"error": "GenesysServerError", "status": 503}),
    "no token": (State.FAILED, {"error": "GenesysLoginFailed", "message": "client not found."}),
    "of another kind": (State.FAILED, {"error": "GenesysError", "message": "it {went} wrong"}),
    "no answer, once": (State.UNKNOWN, {"error": "GenesysNoResponse", "attempts": 1}),
    "no answer, three times": (State.UNKNOWN, {"error": "GenesysNoResponse", "attempts": 3}),
    "no answer, a gateway's": (State.UNKNOWN, {"error": "GenesysNoResponse", "status": 504, "attempts": 2}),
    "too late, never sent": (State.UNKNOWN, {"message": "more than 10 minutes have passed", "attempts": 0}),
    "too late, sent once": (State.UNKNOWN, {"message": "more than 10 minutes have passed", "attempts": 1}),
    "under way": (State.APPROVED, {}),
    "under way again": (State.APPROVED, {"error": "GenesysServerError", "status": 502, "uncertain": False}),
    "under way again after no answer": (State.APPROVED, {"error": "GenesysNoResponse", "uncertain": True}),
}


@pytest.mark.parametrize(("state", "outcome"), list(ANSWERS.values()), ids=list(ANSWERS))
@pytest.mark.parametrize("kind", Kind)
def test_sentence__tells_each_answer_of_genesys_cloud(
    kind: Kind, state: State, outcome: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    said = outcomes.sentence(in_state(state, kind, outcome=outcome))

    assert said == snapshot
    assert "revoked" not in said.lower()
    assert ".." not in said
    assert ("person" in said or "session" in said) <= (kind is Kind.REVOKE)


@pytest.mark.parametrize("state", [state for state in State if state is not State.REVOKED])
@pytest.mark.parametrize("kind", Kind)
def test_headline__says_revoked_or_exchanged_of_a_success_alone(kind: Kind, state: State) -> None:
    said = outcomes.headline(in_state(state, kind)).lower()

    assert "revoked" not in said
    assert "exchanged" not in said
    assert outcomes.headline(in_state(State.REVOKED)).startswith("Revoked: every session of Tom Target")
    assert outcomes.headline(in_state(State.REVOKED, Kind.ROTATE)).startswith("Exchanged: the bot's own token")


@pytest.mark.parametrize("state", [State.REFUSED, State.FAILED, State.UNKNOWN, State.CANCELLED, State.EXPIRED])
@pytest.mark.parametrize("kind", Kind)
def test_sentence__always_says_whether_something_was_changed(kind: Kind, state: State) -> None:
    said = outcomes.sentence(in_state(state, kind)).lower()

    assert any(words in said for words in ("nothing was changed", "not deleted", "as alive", "not known", "unknown"))


def test_sentence__of_an_open_request_says_that_nothing_has_happened() -> None:
    assert outcomes.sentence(in_state(State.PENDING)) == "Nothing has happened yet."


@pytest.mark.parametrize("name", outcomes.PROBLEMS)
def test_problems__are_errors_that_there_are(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.GenesysError)


def test_tables__have_a_row_for_every_state() -> None:
    assert set(outcomes.HEADLINES) == set(State)
    assert all(outcomes.sentence(in_state(state, kind)) for state in State for kind in Kind)
    assert all(outcomes.standing(in_state(state, kind)) for state in State for kind in Kind)
