"""For every reason a sentence: what is the matter, that nothing was changed, and what to do."""

from __future__ import annotations

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.policy import DenialCode, Denied
from bot.sandbox.slack.block_kit import problems
from handlers.messages.denials import SENTENCES, sentence
from handlers.ui import cards
from tests.support.examples import RAVI, TOM
from tests.support.render_text import texts, words
from tests.support.sample_outcomes import HOSTILE

FACTS = {
    "member": TOM,
    "requester": RAVI,
    "word": "tom",
    "named": "tom.target@example.com",
    "email": "tom.target@example.com",
    "count": "2",
    "names": "tom, ann",
    "code": "ratelimited",
}


def test_sentences__tell_every_reason(snapshot: SnapshotAssertion) -> None:
    assert "\n".join(f"{reason}: {sentence(Denied(reason, **FACTS))}" for reason in DenialCode) == snapshot


@pytest.mark.parametrize("reason", DenialCode)
def test_sentence__says_that_nothing_was_changed_and_never_that_something_ended(reason: DenialCode) -> None:
    said = sentence(Denied(reason, **FACTS))

    assert "nothing was changed" in said.lower()
    assert "revoked" not in said.lower()
    assert "?" not in said.replace("Whose sessions?", "")


def test_sentences__ask_for_no_fact_that_nobody_gives() -> None:
    asked = {name for text in SENTENCES.values() for name in re.findall(r"{(\w+)}", text)}

    assert asked == {*FACTS, "member_mention", "requester_mention"} - {"member", "requester"}
    assert set(SENTENCES) == set(DenialCode)


@pytest.mark.parametrize("reason", DenialCode)
def test_sentence__a_missing_fact_is_a_question_mark_and_no_error(reason: DenialCode) -> None:
    assert sentence(Denied(reason)) == re.sub(r"{\w+}", "?", SENTENCES[reason])


@pytest.mark.parametrize("reason", DenialCode)
def test_sentence__whatever_the_facts_say_nothing_rings_or_links(reason: DenialCode) -> None:
    for called in HOSTILE:
        told = dict.fromkeys(("word", "named", "email", "count", "names", "code", "unread"), called)
        message = cards.refusal(Denied(reason, member=TOM, requester=RAVI, **told))

        assert problems(message) == []
        markup = "".join(texts(message, "mrkdwn"))
        assert not any(call in markup for call in ("<!", "<http", "<@U0BEN"))


def test_sentence__names_what_could_not_be_checked() -> None:
    refused = Denied(DenialCode.NOT_AN_APPROVER, unread="user group S0TOKENAPP (ratelimited)")

    assert sentence(refused).endswith(
        "Not everything could be checked, and what cannot be checked counts as no: user group S0TOKENAPP (ratelimited)."
    )
    assert "could be checked" not in sentence(Denied(DenialCode.NOT_AN_APPROVER))


def test_refusal__is_read_out_as_it_is_shown() -> None:
    message = cards.refusal(Denied(DenialCode.NO_EMAIL, member=TOM))

    assert message["text"] == sentence(Denied(DenialCode.NO_EMAIL, member=TOM))
    assert f"<@{TOM}> has no e-mail address" in words(message)
