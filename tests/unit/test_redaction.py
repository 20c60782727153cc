"""No secret survives, by its name or by its shape, however deep it lies; what is no secret stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import HIDDEN, redact

SHAPED = {
    "xoxb-1234567890-abcDEF": "1234567890-abcDEF",
    "xoxe.xoxp-1-Mi0yLTk5": "Mi0yLTk5",
    "xapp-1-A012-345-abcdef": "345-abcdef",
    "https://hooks.slack.com/commands/T0HOME0001/1234/abcdef": "T0HOME0001/1234",
    "Bearer abcdefgh12345678": "abcdefgh12345678",
    "authorization: BASIC dXNlcjpwYXNzd29yZA==": "dXNlcjpwYXNzd29yZA",
    "client_secret=s3cr3t-value": "s3cr3t-value",
    '{"access_token": "opaque123"}': "opaque123",
    "postgresql://bot:hunter22@db.example.com/bot": "hunter22",
}
"""Texts, and the part of each that must not be seen."""

TELLING = [
    "access_token",
    "SLACK_BOT_TOKEN",
    "client_secret",
    "PURECLOUD_SECRET",
    "password",
    "Authorization",
    "X-Slack-Signature",
    "Set-Cookie",
    "response_url",
    "card_url",
    "trigger_id",
    "DATABASE_URL",
    "body",
]
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(("text", "secret"), list(SHAPED.items()))
def test_redact__hides_what_looks_like_a_secret_in_the_middle_of_a_sentence(text: str, secret: str) -> None:
    said = redact(f"it failed with {text} at the end")

    assert secret not in said
    assert said.startswith("it failed with ")
    assert said.endswith(" at the end")
    assert HIDDEN in said


@pytest.mark.parametrize("name", TELLING)
def test_redact__hides_whatever_stands_under_a_telling_name(name: str) -> None:
    assert redact({name: "opaque"}) == {name: HIDDEN}
    assert redact([{"deep": ({name: {"value": "opaque"}},)}]) == [{"deep": [{name: HIDDEN}]}]
    assert redact({name: None}) == {name: None}


@pytest.mark.parametrize("name", ["token_kind", "attempts", "status", "correlation_id", "event", "bodyguard", "url"])
def test_redact__leaves_what_is_no_secret(name: str) -> None:
    assert redact({name: "https://api.mypurecloud.com/api/v2/tokens/me"}) == {
        name: "https://api.mypurecloud.com/api/v2/tokens/me"
    }


def test_redact__hides_the_secrets_it_is_handed_whatever_they_look_like() -> None:
    assert redact("a opaque-genesys-token b", "opaque-genesys-token", "") == f"a {HIDDEN} b"
    assert redact({"message": ["xyz"]}, "xyz") == {"message": [HIDDEN]}


def test_redact__reads_other_objects_as_their_text() -> None:
    error = ValueError("Bearer abcdefgh12345678")

    assert redact({"error": error}) == {"error": HIDDEN}
    assert redact(frozenset({"xoxb-1-a"})) == [HIDDEN]


def test_redact__returns_a_copy() -> None:
    original = {"headers": {"Authorization": "Bearer abcdefgh12345678"}}
    redact(original)

    assert original == {"headers": {"Authorization": "Bearer abcdefgh12345678"}}


@given(value=NESTED, secret=st.text("abcdefghij0123456789", min_size=12, max_size=20))
def test_redact__no_depth_hides_a_secret_and_a_second_time_changes_nothing(value: Any, secret: str) -> None:
    said = redact({"a": [value, {"b": (f"before {secret} after",)}]}, secret)

    assert secret not in json.dumps(said["a"][1])
    assert redact(said, secret) == said
