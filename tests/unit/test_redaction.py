"""Redaction hides secrets at any depth, by name and by shape, and keeps everything else."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import REDACTED, redact

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for path in (*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py"))
    if path.name != "redaction.py" and "sandbox" not in path.parts
)

SECRET_TEXTS = {
    "xoxb-1234567890-abcDEF": "1234567890-abcDEF",
    "xoxe.xoxp-1-Mi0yLTk5": "Mi0yLTk5",
    "xapp-1-A012-345-abcdef": "345-abcdef",
    "https://hooks.slack.com/commands/T0HOME0001/1234/abcdef": "T0HOME0001/1234",
    "Bearer abcdefgh12345678": "abcdefgh12345678",
    "authorization: BASIC dXNlcjpwYXNzd29yZA==": "dXNlcjpwYXNzd29yZA",
    "client_secret=s3cr3t-value": "s3cr3t-value",
    '{"access_token": "opaque123"}': "opaque123",
    '{"Authorization": "Basic YTpi"}': "YTpi",
    "Authorization: Bearer x": "Bearer x",
    "Bearer: abcdefgh12345678": "abcdefgh12345678",
    "bearer :abcdefgh12345678": "abcdefgh12345678",
    "Bearer AbCdEfGhIjKlMnOpQrSt": "AbCdEfGhIjKlMnOpQrSt",
    "bearer 3fa85f64-5717-4562-b3fc-2c963f66afa6": "3fa85f64",
    "Basic Y2xpZW50OnNlY3JldA==": "Y2xpZW50OnNlY3JldA",
    "postgresql://bot:hunter22@db.example.com/bot": "hunter22",
    "http://jane:hunter22@proxy.example.com:3128": "hunter22",
    "http://hunter22@proxy.example.com:3128": "hunter22",
}
"""Texts, each with its secret part."""

ORDINARY_TEXTS = [
    "Basic credentials were phished",
    "Bearer of bad news",
    "Basic 2-factor-authentication was phished",
    "Basic: conditional-access-2024 is off",
    "Basic INC0012345678901",
    "basic authentication/authorization is off",
    "Basic Authentication",
    "Bearer responsibilities",
    "basic training in Amsterdam-Noord",
    "Generate one with the scope connections:write under Basic Information at api.slack.com/apps.",
    "the permission authorization:grant:view is missing",
    "authorization: revoked by the boss",
    "the token that begins with xoxb-, not xapp-",
    "see https://medium.com/@evil/post and mail tom@example.com",
]

SECRET_NAMES = [
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


@pytest.mark.parametrize(("text", "secret"), list(SECRET_TEXTS.items()))
def test_redact__hides_the_shape_of_a_secret_inside_a_sentence(text: str, secret: str) -> None:
    redacted = redact(f"it failed with {text} at the end")

    assert secret not in redacted
    assert redacted.startswith("it failed with ")
    assert redacted.endswith(" at the end")
    assert REDACTED in redacted


@pytest.mark.parametrize("text", ORDINARY_TEXTS)
def test_redact__keeps_ordinary_words(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_redact__keeps_the_bots_own_sentences(path: Path) -> None:
    module = ast.parse(path.read_text())
    documented = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(module) if isinstance(node, ast.Constant) and id(node) not in documented]

    assert [one.value for one in constants if isinstance(one.value, str) and REDACTED in redact(one.value)] == []


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_redact__hides_the_value_of_a_field_with_a_secret_name(name: str) -> None:
    assert redact({name: "opaque"}) == {name: REDACTED}
    assert redact([{"deep": ({name: {"value": "opaque"}},)}]) == [{"deep": [{name: REDACTED}]}]
    assert redact({name: None}) == {name: None}


@pytest.mark.parametrize("name", ["token_kind", "attempts", "status", "correlation_id", "event", "bodyguard", "url"])
def test_redact__keeps_fields_with_other_names(name: str) -> None:
    assert redact({name: "https://api.mypurecloud.com/api/v2/tokens/me"}) == {
        name: "https://api.mypurecloud.com/api/v2/tokens/me"
    }


def test_redact__hides_given_secrets_of_any_shape() -> None:
    assert redact("a opaque-genesys-token b", "opaque-genesys-token", "") == f"a {REDACTED} b"
    assert redact({"message": ["a xyz12345"]}, "xyz12345") == {"message": [f"a {REDACTED}"]}
    assert redact("placeholder abc", "abc") == "placeholder abc"


def test_redact__converts_other_objects_to_text() -> None:
    error = ValueError("Bearer abcdefgh12345678")

    assert redact({"error": error}) == {"error": REDACTED}
    assert redact(frozenset({"xoxb-1-a"})) == [REDACTED]


def test_redact__leaves_the_original_unchanged() -> None:
    original = {"headers": {"Authorization": "Bearer abcdefgh12345678"}}
    redact(original)

    assert original == {"headers": {"Authorization": "Bearer abcdefgh12345678"}}


@given(value=NESTED, secret=st.text("abcdefghij0123456789", min_size=12, max_size=20))
def test_redact__finds_secrets_at_any_depth_and_is_idempotent(value: Any, secret: str) -> None:
    redacted = redact({"a": [value, {"b": (f"before {secret} after",)}]}, secret)

    assert secret not in json.dumps(redacted["a"][1])
    assert redact(redacted, secret) == redacted
