"""Every outcome of every action: its texts are true for the action, and for what the bot did."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.domain import actions
from bot.domain.bulk import BulkSource, BulkSummary
from bot.domain.requests import Request, State
from bot.purecloud import GenesysError, LoginCause
from handlers.messages.en import SENTENCES
from handlers.ui import outcomes
from handlers.ui.renderer import MessageRenderer
from tests.support.render_text import readable
from tests.support.sample_outcomes import ACTIONS, in_state
from tests.support.stub_services import ENGLISH

Result = dict[str, Any]

RENDERER = MessageRenderer(ENGLISH)
FIRST: Result = {"attempts": 1, "sent": 0, "uncertain": False, "unchanged": True}
NEVER: Result = FIRST | {"attempts": 0}
ONCE: Result = {"attempts": 1, "sent": 1, "uncertain": False}
LATER: Result = {"attempts": 2, "sent": 1, "uncertain": False}
LOST: Result = {"attempts": 2, "sent": 1, "uncertain": True}
WAITED: Result = {"attempts": 2, "sent": 0, "uncertain": False, "waits": 1, "unchanged": True}

REFUSED_BY_THE_BOT: list[Result] = [
    FIRST | {"code": "not_authorized"},
    WAITED | {"code": "not_authorized"},
    LATER | {"code": "not_authorized"},
]
WITH_A_TARGET: list[Result] = [
    FIRST | {"code": "no_target"},
    ONCE | {"code": "genesys_rejected", "problem": "invalid_target", "sent": 0},
]
"""Refusals that only an action with a target can meet."""

RESULTS: dict[State, list[Result]] = {
    State.APPROVED: [
        ONCE | {"code": "genesys_rate_limited", "unchanged": True},
        ONCE | {"code": "genesys_server_error", "status": 503},
    ],
    State.REVOKED: [ONCE | {"code": "executed", "status": 200}],
    State.REFUSED: [
        *REFUSED_BY_THE_BOT,
        ONCE | {"code": "genesys_forbidden", "status": 403, "permissions": ["oauth:token:delete"]},
        ONCE | {"code": "genesys_not_found", "status": 404},
        ONCE | {"code": "genesys_rejected", "status": 400, "detail": "No"},
        ONCE | {"code": "genesys_rejected", "status": 200, "problem": "unreadable_response"},
    ],
    State.FAILED: [
        NEVER | {"code": "too_late"},
        NEVER | {"code": "clock_behind"},
        FIRST | {"code": "genesys_unreachable"},
        ONCE | {"code": "genesys_rate_limited", "status": 429, "unchanged": True},
        ONCE | {"code": "genesys_unauthenticated", "status": 401, "unchanged": True},
        ONCE | {"code": "genesys_server_error", "status": 503},
        ONCE | {"code": "genesys_error", "status": 302},
        *(FIRST | {"code": "genesys_login_failed", "cause": cause} for cause in LoginCause),
        NEVER | {"code": "genesys_not_sent"},
        ONCE | {"code": "other"},
    ],
    State.UNKNOWN: [
        LATER | {"code": "too_late"},
        LOST | {"code": "clock_behind"},
        LOST | {"code": "process_ended"},
        LATER | {"code": "too_many_attempts"},
        LOST | {"code": "not_authorized"},
        LOST | {"code": "genesys_not_found", "status": 404},
        LOST | {"code": "genesys_no_response"},
    ],
}
CASES = [
    pytest.param(action, state, result, id=f"{action}, {state}, {result['code']}, {number}")
    for action in ACTIONS
    for state, results in RESULTS.items()
    for number, result in enumerate(
        [
            *results,
            *(WITH_A_TARGET if state is State.REFUSED and actions.ACTIONS[action].has_target else ()),
        ]
    )
]
OF_ANOTHER_ACTION = {
    True: re.compile(r"(old|new|own) token\b|\brotat"),
    False: re.compile(r"\buser\b|\bsession|\bperson|\bpeople\b|\blog(ged)? (in|out)|\brevo[ck]"),
}
"""What the texts of an action never speak of, by whether it has a target."""


def said_of(asked: Request) -> str:
    """Return everything that people read of how a request stands or ended, without the commands."""
    messages = [RENDERER.outcome(asked), RENDERER.reply("stale_request", {}, asked)]
    shown = "\n".join(readable(message) for message in messages)
    return f"{outcomes.headline(ENGLISH, asked)}\n{shown}".replace("*", "")


@pytest.mark.parametrize(("action", "state", "result"), CASES)
def test_texts__speak_of_what_the_action_is_about(action: str, state: State, result: Result) -> None:
    said = said_of(in_state(state, action, outcome=result))
    found = OF_ANOTHER_ACTION[actions.ACTIONS[action].has_target].search(said)
    assert not found, f"{found[0]!r} in {said}"
    assert "?" not in said


@pytest.mark.parametrize(("action", "state", "result"), CASES)
def test_texts__do_not_contradict_each_other(action: str, state: State, result: Result) -> None:
    asked = in_state(state, action, outcome=result)
    said = said_of(asked)
    assert ("Nothing was changed." in said) >= outcomes.changed_nothing(asked)
    if "nothing was sent" in said:
        assert "I asked" not in said
        assert "may already use a new one" not in said
        assert outcomes.changed_nothing(asked)
    if result.get("sent"):
        assert "nothing was sent" not in said
    if outcomes.changed_nothing(asked):
        assert "as logged in" not in said
        assert "as active" not in said


@pytest.mark.parametrize("result", [*REFUSED_BY_THE_BOT, *WITH_A_TARGET])
@pytest.mark.parametrize("action", ACTIONS)
def test_texts__of_a_refusal_by_the_bot_do_not_blame_genesys_cloud(action: str, result: Result) -> None:
    asked = in_state(State.REFUSED, action, outcome=result)
    assert "refused" not in said_of(asked).lower()
    assert "failed: " in outcomes.headline(ENGLISH, asked).lower()


@pytest.mark.parametrize("counts", [{"revoked": 1, "refused": 11}, {"refused": 12}, {"failed": 12}, {"unknown": 12}])
def test_texts__of_a_bulk_request_speak_of_people_and_blame_no_one(counts: dict[str, int]) -> None:
    """Genesys Cloud refuses a DELETE, or the bot does because the list is not what was approved."""
    state = next(one for one in (State.UNKNOWN, State.FAILED, State.REFUSED) if str(one) in counts)
    bulk = BulkSummary(BulkSource.LIST, {"found": 12}, "")
    said = said_of(in_state(state, bulk=bulk, action="revoke-many", outcome={"code": "bulk", "counts": counts}))
    assert not OF_ANOTHER_ACTION[True].search(said)
    assert "by Genesys Cloud" not in said
    assert "Nothing was changed" not in said
    assert "people" in said


def test_results__have_every_code() -> None:
    covered = {result["code"] for results in RESULTS.values() for result in [*results, *WITH_A_TARGET]}
    kinds: list[type[GenesysError]] = [GenesysError, *GenesysError.__subclasses__()]
    named = {code.split("problem.")[1].split(".")[0] for code in SENTENCES if "problem." in code}
    assert {kind.code for kind in kinds} | named | {"executed"} == covered
