"""Whom to ask is named in every refusal that someone else can resolve."""

from __future__ import annotations

import re

import pytest

from bot.domain.requests import State
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.ui.reasons import explain
from handlers.ui.renderer import MessageRenderer
from tests.support.render_text import words
from tests.support.sample_outcomes import in_state

CONTACTS = {"U0IT000001": "<@U0IT000001>", "C0ITDESK01": "<#C0ITDESK01>", "IT & desk (4711)": "IT &amp; desk (4711)"}
RESOLVABLE = [
    "not_a_requester", "not_an_approver", "not_an_admin", "guest", "request_altered", "clock_behind",
    "no_approver_here", "too_few_approvers", "internal_error", "database_full", "unreadable_row",
    "genesys_unauthenticated", "genesys_forbidden", "genesys_login_failed",
]  # fmt: skip
"""Codes of refusals that the requester cannot resolve alone."""


@pytest.mark.parametrize("code", RESOLVABLE)
@pytest.mark.parametrize("contact", CONTACTS)
def test_refusal__names_the_contact(code: str, contact: str) -> None:
    assert CONTACTS[contact] in explain(Catalog(SENTENCES, contact), code, {})
    assert "an admin of this bot" in explain(Catalog(SENTENCES), code, {})


def test_refusal__by_a_token_that_slack_does_not_accept_names_the_contact() -> None:
    params = {"slack_code": "invalid_auth", "method": "users.info"}
    assert "<@U0IT000001>" in explain(Catalog(SENTENCES, "U0IT000001"), "slack_unavailable", params)


def test_refusal__that_passes_by_itself_names_no_one() -> None:
    for code in ("genesys_unreachable", "genesys_rate_limited", "database_unavailable", "already_approved"):
        assert "U0IT000001" not in explain(Catalog(SENTENCES, "U0IT000001"), code, {})


@pytest.mark.parametrize("action", ["revoke", "rotate"])
@pytest.mark.parametrize("contact", CONTACTS)
def test_card__of_a_refusal_for_a_permission_mentions_the_contact(action: str, contact: str) -> None:
    card = MessageRenderer(Catalog(SENTENCES, contact)).card(in_state(State.REFUSED, action))
    assert f"sk {CONTACTS[contact].replace('&amp;', '&')}:" in words(card)


def test_sentences__name_no_other_contact() -> None:
    for code, sentence in SENTENCES.items():
        if code != "contact":
            assert not re.search(r"\ban admin of this bot|\bthe admins of this bot", sentence, re.IGNORECASE), code
