"""The way in: what Slack did not sign for this app, just now and readably, is told so and changes nothing."""

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


def at(timestamp: str) -> Forge:
    """The right signature for a time that is none, or not now."""
    return lambda slack: (
        slack.signed_headers(REVOKE)
        | {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": slack.sign(REVOKE, timestamp),
        }
    )


def away(seconds: int) -> Forge:
    """The right signature of another time."""
    return lambda slack: slack.signed_headers(REVOKE, int(time.time()) + seconds)


def signature(text: str) -> Forge:
    """The right time with this signature."""
    return lambda slack: slack.signed_headers(REVOKE) | {"X-Slack-Signature": text}


def without(name: str) -> Forge:
    """One header less."""
    return lambda slack: {key: value for key, value in slack.signed_headers(REVOKE).items() if key != name}


FORGERIES: dict[str, Forge] = {
    "unsigned": lambda _: {"Content-Type": "application/x-www-form-urlencoded"},
    "without a time": without("X-Slack-Request-Timestamp"),
    "without a signature": without("X-Slack-Signature"),
    "stale": away(-301),
    "from the future": away(330),
    "time in words": at("soon"),
    "negative time": at("-1"),
    "fractional time": at("1e9"),
    "time with other digits": at("\u0661\u0662\u0663"),
    "time with a superscript": at("\u00b2"),
    "enormous time": at("9" * 400),
    "time of a million years": at("9" * 15),
    "empty time": at(""),
    "empty signature": signature(""),
    "signature of nothing": signature("v0="),
    "signature in another alphabet": signature("v0=\u00fc\u4e2d"),
    "signature of another version": lambda slack: (
        slack.signed_headers(REVOKE)
        | {"X-Slack-Signature": slack.signed_headers(REVOKE)["X-Slack-Signature"].replace("v0", "v1")}
    ),
    "signed with another secret": lambda _: FakeSlack().signed_headers(REVOKE),
    "signature of other bytes": lambda slack: slack.signed_headers(REVOKE + b"&text=help"),
    "unreadable compression, unsigned": lambda _: {"Content-Encoding": "gzip"},
    "unreadable compression, signed": lambda slack: slack.signed_headers(REVOKE) | {"Content-Encoding": "gzip"},
}


def payload(text: str) -> bytes:
    """A form whose `payload` says this."""
    return b"payload=" + quote(text).encode()


UNREADABLE: dict[str, tuple[bytes, Headers]] = {
    "nothing": (b"", {}),
    "JSON cut short": (b'{"type": "url_verification"', JSON),
    "a JSON list": (b"[1, 2]", JSON),
    "a JSON number": (b"7", JSON),
    "JSON null": (b"null", JSON),
    "a JSON object of no kind": (b'{"a": 1}', JSON),
    "an enormous JSON number": (b'{"type": ' + b"9" * 5000 + b"}", JSON),
    "half a character in JSON": (json.dumps(COMMAND | {"trigger_id": "\ud800"}).encode(), JSON),
    "half a character in a payload": (
        payload(
            '{"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "approve", "value": "\\ud800"}]}'
        ),
        {},
    ),
    "a NUL in a form": (REVOKE + b"&text=revoke+tom%00", {}),
    "a NUL as it is": (REVOKE + b"\0", {}),
    "a NUL in JSON": (json.dumps(COMMAND | {"trigger_id": "\\\0"}).encode(), JSON),
    "a NUL in a payload": (
        payload(
            '{"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": "approve", "value": "\\u0000"}]}'
        ),
        {},
    ),
    "a payload cut short": (b"payload={bad", {}),
    "an empty payload": (b"payload=", {}),
    "a payload that is a list": (payload("[1]"), {}),
    "a payload that is a number": (payload("7"), {}),
    "a payload that is a text": (payload('"block_actions"'), {}),
    "a deep payload": (payload("[" * 100_000), {}),
    "a deep object": (payload('{"a":' * 50_000), {}),
    "a click by nobody": (payload('{"type": "block_actions", "actions": []}'), {}),
    "a click by no id": (
        payload('{"type": "block_actions", "user": {"id": []}, "actions": [{"action_id": "approve", "value": "1"}]}'),
        {},
    ),
    "a click on nothing": (payload('{"type": "block_actions", "user": {"id": "U1"}}'), {}),
    "a click on none of its actions": (payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": []}'), {}),
    "a click on a number": (payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": [7]}'), {}),
    "a click on no id": (payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": [{"value": "1"}]}'), {}),
    "a click on a text": (payload('{"type": "block_actions", "user": {"id": "U1"}, "actions": "approve"}'), {}),
    "a click in a team that is none": (
        payload('{"type": "block_actions", "user": {"id": "U1"}, "team": true, "actions": [{"action_id": "approve"}]}'),
        {},
    ),
    "a type that is a list": (payload('{"type": ["block_actions"]}'), {}),
    "a command by nobody": (b"command=%2Fpurecloud&text=revoke+tom.target%40example.com", {}),
    "bytes that are no text": (b"\xff\xfe\x00payload", {}),
    "a form of bytes that are no text": (b"command=%2Fpurecloud&user_id=%ff", {}),
    "a thousand fields": (REVOKE + b"".join(b"&f%d=1" % number for number in range(1000)), {}),
    "a form with no field": (b"purecloud", {}),
}


async def nothing_happened(app: AppHarness, *, slack_calls: int) -> None:
    await app.wait_until_idle()
    assert len(app.slack.calls) == slack_calls
    assert not app.genesys.requests
    assert await app.audit_tags() == []


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_entry__what_slack_did_not_sign_is_turned_away(app: AppHarness, forge: Forge) -> None:
    before = len(app.slack.calls)

    delivery = await app.slack.send_raw(REVOKE, forge(app.slack))

    assert delivery.status in (400, 401)
    assert app.slack.signing_secret not in delivery.body
    await nothing_happened(app, slack_calls=before)


@pytest.mark.parametrize(("body", "headers"), UNREADABLE.values(), ids=UNREADABLE)
async def test_entry__what_cannot_be_read_is_a_bad_request(app: AppHarness, body: bytes, headers: Headers) -> None:
    before = len(app.slack.calls)

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body) | headers)

    assert delivery.status == 400
    await nothing_happened(app, slack_calls=before)


@pytest.mark.parametrize("reason", ["\\u0000", "%00", "\\\\u0000"])
async def test_entry__what_only_looks_like_a_nul_is_heard(app: AppHarness, reason: str) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke @tom {reason}")
    assert reason in app.slack.text_of(card)

    await app.slack.click(personas.OLIVIA, card, "approve")

    await app.wait_for_message("Revoked: every session of Tom Target")


async def test_entry__a_body_beyond_all_measure_is_too_large(app: AppHarness) -> None:
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


async def test_entry__only_post_is_answered(app: AppHarness) -> None:
    async with ClientSession() as session:
        for method in ("GET", "PUT", "DELETE"):
            async with session.request(method, app.slack.events_url, data=REVOKE) as answer:
                assert answer.status == 405
    await nothing_happened(app, slack_calls=len(app.slack.calls))


async def test_entry__slacks_question_whether_the_address_is_the_apps_is_answered_when_signed(
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
async def test_entry__the_word_payload_loses_no_command(app: AppHarness, body: dict[str, str]) -> None:
    raw = urlencode(COMMAND | body | {"text": body["text"].replace("@tom", f"<@{personas.TOM}>")}).encode()

    delivery = await app.slack.send_raw(raw, app.slack.signed_headers(raw))

    assert delivery.status == 200
    await app.wait_for_private_message(personas.OLIVIA, "Revoke every session of Tom Target?")
    assert not app.deletes


async def test_entry__a_click_for_another_app_is_turned_away(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")

    delivery = await app.slack.click(personas.OLIVIA, card, "approve", api_app_id="A0SOMEBODY")

    assert delivery.status == 401
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:asked"]
    assert not app.deletes


async def test_entry__a_command_for_another_app_is_turned_away(app: AppHarness) -> None:
    before = len(app.slack.calls)

    delivery = await app.slack.command(personas.OLIVIA, "revoke @tom", api_app_id="A0SOMEBODY")

    assert delivery.status == 401
    await nothing_happened(app, slack_calls=before)


async def test_entry__a_command_of_another_workspace_is_refused_in_private(app: AppHarness) -> None:
    delivery = await app.slack.command(personas.OLIVIA, "revoke @tom", team_id="T0EVIL0001")

    assert delivery.status == 200
    await app.wait_for_private_message(personas.OLIVIA, "Only members of the workspace this bot belongs to")
    assert await app.audit_tags() == ["request:ask_refused"]
    assert not app.genesys.requests


async def test_entry__a_replayed_whoami_is_acknowledged_and_told_once(app: AppHarness) -> None:
    first = await app.send_command(personas.OLIVIA, "whoami")
    await app.wait_for_private_message(personas.OLIVIA, "The bot's token")
    before = len(app.slack.calls)

    again = await app.slack.send_raw(first.raw, first.headers)

    assert again.status == 200
    await app.wait_until_idle()
    assert len(app.slack.calls) == before
    assert len(app.genesys.received("get_tokens_me")) == 1


async def test_entry__a_replayed_revoke_asks_once_also_of_another_replica(start_app_with: StartApp) -> None:
    app = await start_app_with()
    same_slack = {name: app.environ[name] for name in app.environ if name.startswith("SLACK_")}
    other = await start_app_with(**same_slack)
    first = await app.send_command(personas.OLIVIA, "revoke @tom")
    await app.wait_for_private_message(personas.OLIVIA, "Revoke every session of Tom Target?")

    again = await app.slack.send_raw(first.raw, first.headers)
    elsewhere = await app.slack.send_raw(first.raw, first.headers, to=other.slack.events_url)
    await app.send_command(personas.OLIVIA, "revoke nobody@example.com")  # what is asked later is told later
    await app.wait_for_private_message(personas.OLIVIA, "Genesys Cloud knows nobody")
    await app.wait_until_idle()

    assert (again.status, elsewhere.status) == (200, 200)
    assert (await app.audit_tags()).count("request:asked") == 1
    assert not [*app.deletes, *other.deletes]


async def test_entry__a_replayed_click_deletes_once_also_by_another_replica(start_app_with: StartApp) -> None:
    app = await start_app_with()
    shared = {name: app.environ[name] for name in app.environ if name.startswith(("SLACK_", "PURECLOUD_"))}
    other = await start_app_with(**shared)
    card = await app.request_card(personas.OLIVIA, "revoke @tom")

    click = await app.slack.click(personas.OLIVIA, card, "approve")
    again = await app.slack.send_raw(click.raw, click.headers)
    elsewhere = await app.slack.send_raw(click.raw, click.headers, to=other.slack.events_url)
    await app.wait_for_message("Revoked: every session of Tom Target")
    late = await app.slack.send_raw(click.raw, click.headers, to=other.slack.events_url)
    await app.wait_until_idle()

    assert {click.status, again.status, elsewhere.status, late.status} == {200}
    assert len(app.deletes) == 1
    assert await app.audit_tags() == ["request:asked", "request:approved", "token:revoked"]


async def test_entry__what_no_listener_wants_is_no_failure(app: AppHarness) -> None:
    for kind in ("event_callback", "view_submission", "view_closed", "shortcut", "message_action"):
        body = json.dumps({"type": kind, "team_id": "T0HOME0001", "user": {"id": personas.OLIVIA}}).encode()

        delivery = await app.slack.send_raw(body, app.slack.signed_headers(body) | JSON)

        assert delivery.status is not None
        assert delivery.status < 500
    assert not app.genesys.requests


async def test_entry__a_click_on_a_button_of_another_kind_is_acknowledged(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    body = payload(
        json.dumps(
            {
                "type": "block_actions",
                "api_app_id": app.slack.app_id,
                "user": {"id": personas.OLIVIA, "team_id": app.slack.team_id},
                "trigger_id": "1.2.other",
                "actions": [{"action_id": "link", "value": card.blocks[-2]["elements"][0]["value"]}],
            }
        )
    )

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body))

    assert delivery.status == 200
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:asked"]


async def test_entry__a_click_that_also_names_a_command_is_kept_as_a_click(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    approve = next(button for button in app.slack.buttons(card) if button["action_id"] == "approve")
    click = {
        "type": "block_actions",
        "command": "/purecloud",
        "api_app_id": app.slack.app_id,
        "user": {"id": personas.OLIVIA, "team_id": app.slack.team_id},
        "trigger_id": "1.2.both",
        "actions": [{"action_id": "approve", "value": approve["value"]}],
    }
    body = payload(json.dumps(click))

    delivery = await app.slack.send_raw(body, app.slack.signed_headers(body))

    assert delivery.status == 200
    await app.wait_for_message("Revoked: every session of Tom Target")
