"""Random requests to the HTTP endpoint: they break nothing and revoke nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from bot.sandbox import personas
from tests.support.app_harness import TOM_ID, AppHarness

fuzzing = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""All examples share one app, so that leftovers of one example would harm the next. Examples have no time limit."""

TYPES = ("application/x-www-form-urlencoded", "application/json", "text/plain", "")

anything: some.SearchStrategy[Any] = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
kinds = some.sampled_from(["block_actions", "view_submission", "view_closed", "shortcut", "event_callback", "other"])
names = ("user", "actions", "team", "channel", "container", "message", "view", "event", "trigger_id", "response_url")
interactions = some.fixed_dictionaries({"type": kinds}, optional=dict.fromkeys(names, anything))
actions = some.fixed_dictionaries(
    {"action_id": some.sampled_from(["approve", "cancel", ""]), "value": some.just(TOM_ID) | anything},
)
clicks = some.fixed_dictionaries(
    {
        "type": some.just("block_actions"),
        "user": some.fixed_dictionaries({"id": some.just(personas.OLIVIA) | anything}, optional={"team_id": anything}),
        "actions": some.lists(actions, min_size=1, max_size=2),
    },
    optional=dict.fromkeys(("team", "channel", "container", "message", "trigger_id"), anything),
)


@fuzzing
@given(body=some.binary(max_size=300), kind=some.sampled_from(TYPES))
async def test_unsigned_bytes__are_rejected(app: AppHarness, body: bytes, kind: str) -> None:
    delivery = await app.slack.send_raw(body, {"Content-Type": kind})

    assert delivery.status == 401
    assert not app.genesys.requests


@fuzzing
@given(body=some.binary(max_size=300), kind=some.sampled_from(TYPES))
async def test_signed_bytes__are_a_bad_request(app: AppHarness, body: bytes, kind: str) -> None:
    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body) | {"Content-Type": kind})

    assert delivery.status == 400
    assert not app.genesys.requests


@fuzzing
@given(payload=interactions | clicks)
async def test_signed_payloads__of_any_shape_break_nothing(app: AppHarness, payload: dict[str, Any]) -> None:
    body = urlencode({"payload": json.dumps(payload)}).encode()

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body))

    assert delivery.status in (200, 400, 401, 404)
    assert not app.genesys.requests


@fuzzing
@given(text=some.text(max_size=40), channel=some.text(max_size=12), team=some.text(max_size=12))
async def test_signed_commands__with_any_text_revoke_nothing(
    app: AppHarness, text: str, channel: str, team: str
) -> None:
    fields = {"command": "/purecloud", "user_id": personas.OLIVIA, "text": text, "channel_id": channel, "team_id": team}
    body = urlencode(fields, errors="replace").encode()

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body))

    assert delivery.status == (400 if "\0" in text + channel + team else 200)  # PostgreSQL rejects NUL
    assert not app.deletes
