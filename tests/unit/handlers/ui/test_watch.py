"""What people read about a watch: on the card of a revocation, and in a message if the person is back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.requests import Request, State
from bot.domain.watch import WatchFinding
from bot.sandbox.slack.block_kit import problems
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import NOON, TOM_IN_GENESYS
from tests.support.render_text import readable, words
from tests.support.sample_outcomes import HOSTILE, OUTCOMES, in_state
from tests.support.stub_services import ENGLISH

RENDERER = MessageRenderer(ENGLISH)

FINDINGS: list[dict[str, Any]] = [
    {"code": "watching", "until": NOON + 670},
    {"code": "logged_in", "issued_at": NOON + 75.2},
    {"code": "same_second", "issued_at": NOON + 70.3},
    {"code": "no_login", "until": NOON + 670},
    {"code": "no_login", "until": NOON + 150, "incomplete": True},
    {"code": "not_known"},
    {"code": "revoked_again", "revoked_at": NOON + 200},
]
LINK = "https://example.slack.com/archives/C0OPS00001/p1782043200000100"


def revoked(finding: dict[str, Any], **changes: Any) -> Request:
    outcome = OUTCOMES[State.REVOKED] | {"watch": finding}
    return in_state(State.REVOKED, reason="laptop stolen", outcome=outcome, **changes)


def test_findings__are_all_those_that_exist() -> None:
    assert {one["code"] for one in FINDINGS} == set(WatchFinding)


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda one: " ".join(str(part) for part in one))
def test_card__says_what_the_watch_has_found(finding: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    request = revoked(finding)
    assert readable(RENDERER.card(request)) == snapshot
    assert RENDERER.outcome(request) == RENDERER.outcome(in_state(State.REVOKED, reason="laptop stolen"))


@pytest.mark.parametrize("finding", FINDINGS[1:3], ids=lambda one: one["code"])
@pytest.mark.parametrize("link", [None, LINK])
def test_message__says_that_the_person_is_back_and_what_to_do(
    finding: dict[str, Any], link: str | None, snapshot: SnapshotAssertion
) -> None:
    params = {"finding": finding["code"], "issued_at": finding["issued_at"]}
    assert readable(RENDERER.reply("logged_in_again", params, revoked(finding), link)) == snapshot


@pytest.mark.parametrize("called", HOSTILE)
@pytest.mark.parametrize("finding", FINDINGS[:3], ids=lambda one: one["code"])
def test_texts__are_accepted_by_slack_whatever_the_names(finding: dict[str, Any], called: str) -> None:
    request = revoked(finding, target=replace(TOM_IN_GENESYS, name=called, email=called))
    params = {"finding": "logged_in", "issued_at": NOON}
    for message in (RENDERER.card(request), RENDERER.reply("logged_in_again", params, request)):
        assert problems(message) == []
        assert "<!channel" not in words({"text": message["text"], "blocks": []})


@pytest.mark.parametrize("finding", [{"code": "levitating"}, {"code": "logged_in"}, {"code": "no_login", "until": "x"}])
def test_card__with_a_finding_of_another_version_is_rendered(finding: dict[str, Any]) -> None:
    assert problems(RENDERER.card(revoked(finding))) == []


@pytest.mark.parametrize("state", sorted(set(State) - {State.REVOKED}))
def test_card__of_another_state_has_no_finding(state: State) -> None:
    request = in_state(state, outcome={"watch": FINDINGS[1]})
    assert "Logged in again" not in words(RENDERER.card(request))
