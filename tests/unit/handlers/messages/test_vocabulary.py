"""One word for each concept: revoke, session, request, approve, rotate."""

from __future__ import annotations

import re

import pytest

from handlers.messages.en import SENTENCES

REJECTED = {
    r"access(es)?": "revoke sessions",
    r"log-?ins?(?! at your identity provider)": "session, account, or 'log in' for what a person does",
    r"(confirm|confirms|confirming|confirmation|agree\w*|sign(s|ed|ing)?(?!-on)|consent\w*)": "approve",
    r"exchang\w*": "rotate",
    r"(ask(s|ed)? for a revocation|may neither)": "request",
    r"(kill\w*|terminat\w*|invalidat\w*)": "revoke",
    r"e-mails?": "email",
}
"""Words that the bot does not say, and what it says instead."""

ALLOWED = re.compile(r"Genesys Cloud's login\b|\bnew login\b", re.IGNORECASE)
"""The host that issues tokens, and what a watch looks for."""

NOT_DONE = re.compile(r"\bnothing (was|has been|has) (changed|ended|done)|changed nothing", re.IGNORECASE)
DETAILS = ("stale.approved", "stale.approved.paused", "stale.approved.stopped", "stale.revoked", "stale.refused",
           "stale.failed", "stale.unknown", "request.changed.uncertain")  # fmt: skip
"""Sentences about a click or attempt that changed nothing, although another one may have."""


@pytest.mark.parametrize("pattern", REJECTED)
def test_sentences__use_the_glossary(pattern: str) -> None:
    found = {
        code: sentence
        for code, sentence in SENTENCES.items()
        if re.search(rf"\b{pattern}\b", ALLOWED.sub("", sentence), re.IGNORECASE)
    }
    assert found == {}, f"say: {REJECTED[pattern]}"


def test_sentences__say_in_one_way_that_nothing_was_changed() -> None:
    said = {code: {match[0] for match in NOT_DONE.finditer(one)} for code, one in SENTENCES.items()}
    others = {code: found for code, found in said.items() if found - {"Nothing was changed"} and code not in DETAILS}
    assert others == {}


@pytest.mark.parametrize("word", ["Confirm it", "they signed", "your login", "revoke access", "an e-mail"])
def test_rejected_words__are_found(word: str) -> None:
    assert any(re.search(rf"\b{pattern}\b", word, re.IGNORECASE) for pattern in REJECTED)


@pytest.mark.parametrize("word", ["single sign-on can log them in", "block the login at your identity provider"])
def test_words_of_other_things__are_allowed(word: str) -> None:
    assert not any(re.search(rf"\b{pattern}\b", word, re.IGNORECASE) for pattern in REJECTED)
