"""The HTTP endpoint: unsigned, stale, malformed and replayed requests change nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from io import BytesIO
from urllib.parse import quote, urlencode

import pytest
from aiohttp import ClientSession

from bot.sandbox import personas
from bot.sandbox.slack.server import FakeSlack
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness

COMMAND = {
    "command": "/purecloud",
    "text": "whoami",
    "user_id": personas.OLIVIA,
    "team_id": "T0HOME0001",
    "channel_id": personas.OPS,
    "api_app_id": "A0REVOKE01",
    "trigger_id": "1.2.entry",
}
REVOKE = urlencode(COMMAND | {"text": f"revoke <@{personas.TOM}|tom> laptop stolen"}).encode()
JSON = {"Content-Type": "application/json"}

Headers = dict[str, str]
Forge = Callable[[FakeSlack], Headers]


def at_timestamp(timestamp: str) -> Forge:
    """Sign with a timestamp that is invalid or not current."""
    return lambda slack: (
        slack.signed_headers(REVOKE)
        | {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": slack.sign(REVOKE, timestamp),
        }
    )


def shifted(seconds: int) -> Forge:
    """Sign with a timestamp that is off by some seconds."""
    return lambda slack: slack.signed_headers(REVOKE, int(time.time()) + seconds)


def signature(text: str) -> Forge:
    """Send this signature with the current timestamp."""
    return lambda slack: slack.signed_headers(REVOKE) | {"X-Slack-Signature": text}


def without(name: str) -> Forge:
    """Leave out one header."""
    return lambda slack: {key: value for key, value in slack.signed_headers(REVOKE).items() if key != name}


FORGERIES: dict[str, Forge] = {
    "unsigned": lambda _: {"Content-Type": "application/x-www-form-urlencoded"},
    "no timestamp": without("X-Slack-Request-Timestamp"),
    "no signature": without("X-Slack-Signature"),
    "stale": shifted(-301),
    "in the future": shifted(330),
    "timestamp in words": at_timestamp("soon"),
    "negative timestamp": at_timestamp("-1"),
    "timestamp in exponent notation": at_timestamp("1e9"),
    "timestamp in Arabic digits": at_timestamp("\u0661\u0662\u0663"),
    "timestamp with a superscript": at_timestamp("\u00b2"),
    "timestamp of 400 digits": at_timestamp("9" * 400),
    "timestamp in a million years": at_timestamp("9" * 15),
    "empty timestamp": at_timestamp(""),
    "empty signature": signature(""),
    "signature without digest": signature("v0="),
    "non-ASCII signature": signature("v0=\u00fc\u4e2d"),
    "signature of version v1": lambda slack: (
        slack.signed_headers(REVOKE)
        | {"X-Slack-Signature": slack.signed_headers(REVOKE)["X-Slack-Signature"].replace("v0", "v1")}
    ),
    "signed with another secret": lambda _: FakeSlack().signed_headers(REVOKE),
    "signature of another body": lambda slack: slack.signed_headers(REVOKE + b"&text=help"),
    "invalid gzip, unsigned": lambda _: {"Content-Encoding": "gzip"},
    "invalid gzip, signed": lambda slack: slack.signed_headers(REVOKE) | {"Content-Encoding": "gzip"},
}


def payload(text: str) -> bytes:
    """Return a form with this `payload`."""
    return b"payload=" + quote(text).encode()


MALFORMED: dict[str, tuple[bytes, Headers]] = {
    "an empty body": (b"", {}),
    "truncated JSON": (b'{"type": "url_verification"', JSON),
    "a JSON list": (b"[1, 2]", JSON),
    "a JSON number": (b"7", JSON),
    "JSON null": (b"null", JSON),
    "a JSON object of unknown type": (b'{"a": 1}', JSON),
    "a JSON number of 5000 digits": (b'{"type": ' + b"9" * 5000 + b"}", JSON),
    "a lone surrogate in JSON": (json.dumps(COMMAND | {"trigger_id": "\ud800"}).encode(), JSON),
    "a lone surrogate in a payload": (
        payload(
            '{"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "approve", "value": "\\ud800"}]}'
        ),
        {},
    ),
    "a percent-encoded NUL in a form": (REVOKE + b"&text=revoke+tom%00", {}),
    "a raw NUL": (REVOKE + b"\0", {}),
    "a NUL in JSON": (json.dumps(COMMAND | {"trigger_id": "\\\0"}).encode(), JSON),
    "a NUL in a payload": (
        payload(
            '{"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "approve", "value": "\\u0000"}]}'
        ),
        {},
    ),
    "a truncated payload": (b"payload={bad", {}),
    "an empty payload": (b"payload=", {}),
    "a payload that is a list": (payload("[1]"), {}),
    "a payload that is a number": (payload("7"), {}),
    "a payload that is a string": (payload('"block_actions"'), {}),
    "a deeply nested list": (payload("[" * 50_000), {}),
    "a deeply nested object": (payload('{"a":' * 10_000), {}),
    "a click without a user": (payload('{"type": "block_actions", "actions": []}'), {}),
    "a click whose user id is a list": (
        payload('{"type": "block_actions", "user": {"id": []}, "actions": [{"action_id": "approve", "value": "1"}]}'),
        {},
    ),
    "a click without actions": (payload('{"type": "block_actions", "user": {"id": "U1"}}'), {}),
    "a click with an empty list of actions": (
        payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": []}'),
        {},
    ),
    "a click whose action is a number": (
        payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": [7]}'),
        {},
    ),
    "a click without an action_id": (
        payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": [{"value": "1"}]}'),
        {},
    ),
    "a click whose actions are a string": (
        payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": "approve"}'),
        {},
    ),
    "a click whose team is a boolean": (
        payload('{"type": "block_actions", "user": {"id": "U1"}, "team": true, "actions": [{"action_id": "approve"}]}'),
        {},
    ),
    "a type that is a list": (payload('{"type": ["block_actions"]}'), {}),
    "a command without a user": (b"command=%2Fpurecloud&text=revoke+tom.target%40example.com", {}),
    "a body that is not UTF-8": (b"\xff\xfe\x00payload", {}),
    "a form that is not UTF-8": (b"command=%2Fpurecloud&user_id=%ff", {}),
    "a thousand fields": (REVOKE + b"".join(b"&f%d=1" % number for number in range(1000)), {}),
    "a form without fields": (b"purecloud", {}),
}


async def nothing_happened(app: AppHarness, *, slack_calls: int) -> None:
    await app.wait_until_idle()
    assert len(app.slack.calls) == slack_calls
    assert not app.genesys.requests
    assert await app.audit_tags() == []


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_endpoint__rejects_forged_requests(app: AppHarness, forge: Forge) -> None:
    before = len(app.slack.calls)

    delivery = await app.slack.send_raw(REVOKE, forge(app.slack))

    assert delivery.status in (400, 401)
    assert app.slack.signing_secret not in delivery.body
    await nothing_happened(app, slack_calls=before)


@pytest.mark.parametrize(("body", "headers"), MALFORMED.values(), ids=MALFORMED)
async def test_endpoint__rejects_malformed_bodies(app: AppHarness, body: bytes, headers: Headers) -> None:
    before = len(app.slack.calls)

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body) | headers)

    assert delivery.status == 400
    await nothing_happened(app, slack_calls=before)


@pytest.mark.parametrize("reason", ["\\u0000", "%00", "\\\\u0000"])
async def test_endpoint__accepts_escaped_text_that_resembles_a_nul(app: AppHarness, reason: str) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke @tom {reason}")
    assert reason in app.slack.text_of(card)

    await app.slack.click(personas.OLIVIA, card, "approve")

    await app.wait_for_message("Revoked: all sessions of Tom Target")


async def test_endpoint__rejects_a_body_above_1_mb(app: AppHarness) -> None:
    before = len(app.slack.calls)
    body = REVOKE + b"&more=" + b"x" * (1024 * 1024)

    headers = app.slack.signed_headers(body)
    async with (
        ClientSession() as session,
        session.post(app.slack.events_url, data=BytesIO(body), headers=headers) as answer,
    ):
        status = answer.status

    assert status == 413
    await nothing_happened(app, slack_calls=before)


async def test_endpoint__serves_the_path_with_a_final_slash_too(app: AppHarness) -> None:
    app.slack.events_url += "/"

    await app.slack.command(personas.OLIVIA, "revoke @tom")

    await app.wait_for_message("Tom Target")


async def test_endpoint__accepts_only_post(app: AppHarness) -> None:
    async with ClientSession() as session:
        for method in ("GET", "PUT", "DELETE"):
            async with session.request(method, app.slack.events_url, data=REVOKE) as answer:
                assert answer.status == 405
    await nothing_happened(app, slack_calls=len(app.slack.calls))


async def test_url_verification__is_answered_only_if_signed(
    app: AppHarness,
) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"}).encode()

    signed = await app.slack.send_raw(body, app.slack.signed_headers(body) | JSON)
    unsigned = await app.slack.send_raw(body, JSON)

    assert (signed.status, signed.json) == (200, {"challenge": "3eZbrw1a"})
    assert unsigned.status == 401
    assert "3eZbrw1a" not in unsigned.body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"text": "revoke @tom leaked the payload"}, id="text"),
        pytest.param({"text": "revoke @tom", "channel_name": "payload-team"}, id="channel"),
        pytest.param({"text": "revoke @tom", "payload": "{bad"}, id="both"),
    ],
)
async def test_command__with_the_word_payload_is_processed(app: AppHarness, body: dict[str, str]) -> None:
    raw = urlencode(COMMAND | body | {"text": body["text"].replace("@tom", f"<@{personas.TOM}>")}).encode()

    delivery = await app.slack.send_raw(raw, app.slack.signed_headers(raw))

    assert delivery.status == 200
    await app.wait_for_private_message(personas.OLIVIA, "Revoke all sessions of Tom Target?")
    assert not app.deletes


async def test_click__for_another_app_is_rejected(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")

    delivery = await app.slack.click(personas.OLIVIA, card, "approve", api_app_id="A0SOMEBODY")

    assert delivery.status == 401
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:asked"]
    assert not app.deletes


async def test_command__for_another_app_is_rejected(app: AppHarness) -> None:
    before = len(app.slack.calls)

    delivery = await app.slack.command(personas.OLIVIA, "revoke @tom", api_app_id="A0SOMEBODY")

    assert delivery.status == 401
    await nothing_happened(app, slack_calls=before)


async def test_command__from_another_workspace_is_refused_in_private(app: AppHarness) -> None:
    delivery = await app.slack.command(personas.OLIVIA, "revoke @tom", team_id="T0EVIL0001")

    assert delivery.status == 200
    await app.wait_for_private_message(personas.OLIVIA, "Only members of this workspace")
    assert await app.audit_tags() == ["request:ask_refused"]
    assert not app.genesys.requests


async def test_replay__of_whoami_is_acknowledged_and_answered_once(app: AppHarness) -> None:
    first = await app.send_command(personas.OLIVIA, "whoami")
    await app.wait_for_private_message(personas.OLIVIA, "The bot's token")
    before = len(app.slack.calls)

    again = await app.slack.send_raw(first.raw, first.headers)

    assert again.status == 200
    await app.wait_until_idle()
    assert len(app.slack.calls) == before
    assert len(app.genesys.received("get_tokens_me")) == 1


async def test_replay__of_revoke_creates_one_request_across_replicas(start_app_with: StartApp) -> None:
    app = await start_app_with()
    same_slack = {name: app.environ[name] for name in app.environ if name.startswith("SLACK_")}
    other = await start_app_with(**same_slack)
    first = await app.send_command(personas.OLIVIA, "revoke @tom")
    await app.wait_for_private_message(personas.OLIVIA, "Revoke all sessions of Tom Target?")

    again = await app.slack.send_raw(first.raw, first.headers)
    elsewhere = await app.slack.send_raw(first.raw, first.headers, to=other.slack.events_url)
    await app.send_command(personas.OLIVIA, "revoke unknown@example.com")  # a later command is answered later
    await app.wait_for_private_message(personas.OLIVIA, "Genesys Cloud has no user")
    await app.wait_until_idle()

    assert (again.status, elsewhere.status) == (200, 200)
    assert (await app.audit_tags()).count("request:asked") == 1
    assert not [*app.deletes, *other.deletes]


async def test_replay__of_a_click_deletes_once_across_replicas(start_app_with: StartApp) -> None:
    app = await start_app_with()
    shared = {name: app.environ[name] for name in app.environ if name.startswith(("SLACK_", "PURECLOUD_"))}
    other = await start_app_with(**shared)
    card = await app.request_card(personas.OLIVIA, "revoke @tom")

    click = await app.slack.click(personas.OLIVIA, card, "approve")
    again = await app.slack.send_raw(click.raw, click.headers)
    elsewhere = await app.slack.send_raw(click.raw, click.headers, to=other.slack.events_url)
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    late = await app.slack.send_raw(click.raw, click.headers, to=other.slack.events_url)
    await app.wait_until_idle()

    assert {click.status, again.status, elsewhere.status, late.status} == {200}
    assert len(app.deletes) == 1
    assert await app.audit_tags() == ["request:asked", "request:approved", "token:revoked"]


async def test_payload__without_a_listener_is_not_a_server_error(app: AppHarness) -> None:
    for kind in ("event_callback", "view_submission", "view_closed", "shortcut", "message_action"):
        body = json.dumps({"type": kind, "team_id": "T0HOME0001", "user": {"id": personas.OLIVIA}}).encode()

        delivery = await app.slack.send_raw(body, app.slack.signed_headers(body) | JSON)

        assert delivery.status is not None
        assert delivery.status < 500
    assert not app.genesys.requests


async def test_click__on_an_unknown_button_gets_404(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    body = payload(
        json.dumps(
            {
                "type": "block_actions",
                "api_app_id": app.slack.app_id,
                "user": {"id": personas.OLIVIA, "team_id": app.slack.team_id},
                "trigger_id": "1.2.other",
                "actions": [{"action_id": "link", "value": app.slack.buttons(card)[0]["value"]}],
            }
        )
    )

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body))

    assert delivery.status == 404
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:asked"]


@pytest.mark.parametrize("callback_id", ["", "unknown"])
@pytest.mark.parametrize("kind", ["view_submission", "view_closed"])
async def test_view__without_a_listener_gets_404(app: AppHarness, kind: str, callback_id: str) -> None:
    body = payload(
        json.dumps(
            {
                "type": kind,
                "api_app_id": app.slack.app_id,
                "user": {"id": personas.OLIVIA, "team_id": app.slack.team_id},
                "view": {"id": "V1", "type": "modal", "callback_id": callback_id, "state": {"values": {}}},
            }
        )
    )

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body))

    assert delivery.status == 404
    assert await app.audit_tags() == []
