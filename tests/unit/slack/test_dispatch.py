"""The dispatcher: malformed payloads, rejections, and failures inside Bolt."""

from __future__ import annotations

import time
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from structlog.testing import capture_logs

from bot.metrics import Metrics
from bot.slack.dispatch import (
    REJECTION_LOG_INTERVAL,
    Dispatcher,
    InvalidSlackRequest,
    is_storable_text,
    payload_type,
)
from tests.support.clock import FakeClock

USER = {"id": "U0RAVI0001"}


def bolt_app() -> AsyncApp:
    """Return an app with one command."""

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0HOME0001", bot_token="xoxb-made-up")

    app = AsyncApp(authorize=authorize, request_verification_enabled=False, process_before_response=True)

    @app.command("/purecloud")
    async def command(ack: Any) -> None:
        await ack()

    return app


def count(metrics: Metrics, kind: str, status: int) -> float:
    labels = {"kind": kind, "status": str(status)}
    return metrics.registry.get_sample_value("purecloud_bot_ack_seconds_count", labels) or 0.0


async def test_dispatch__returns_the_response_and_counts_it() -> None:
    metrics = Metrics()
    dispatcher = Dispatcher(bolt_app(), metrics)
    response = await dispatcher.dispatch({"command": "/purecloud", "user_id": "U1"}, time.perf_counter())
    assert response.status == 200
    assert count(metrics, "command", 200) == 1


async def test_dispatch__failure_inside_bolt_is_answered_503() -> None:
    class Broken(AsyncApp):
        async def async_dispatch(self, _req: Any) -> Any:
            raise RuntimeError("broken")

    metrics = Metrics()
    broken = Broken(token="xoxb-made-up", signing_secret="made-up")
    with capture_logs() as logs:
        response = await Dispatcher(broken, metrics).dispatch({"command": "/p", "user_id": "U1"}, 0.0)
    assert response.status == 503
    assert [line["log_level"] for line in logs] == ["error"]


async def test_dispatch__payload_that_bolt_cannot_read_is_answered_400() -> None:
    payload = {"type": "shortcut", "user": USER, "callback_id": "x", "trigger_id": "1.2", "authorizations": [1]}
    assert (await Dispatcher(bolt_app(), Metrics()).dispatch(payload, 0.0)).status == 400


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": 7},
        {"command": "/purecloud"},
        {"command": ["/purecloud"], "user_id": "U1"},
        {"type": "block_actions", "user": USER},
        {"type": "block_actions", "user": USER, "actions": []},
        {"type": "block_actions", "user": USER, "actions": ["x"]},
        {"type": "block_actions", "user": USER, "actions": [{"action_id": "approve"}] * 11},
        {"type": "block_actions", "user": USER, "actions": [{"action_id": 7}]},
        {"type": "block_actions", "user": {"id": ""}, "actions": [{"action_id": "approve"}]},
        {"type": "block_actions", "actions": [{"action_id": "approve"}]},
        {"type": "view_submission", "user": USER},
        {"type": "view_submission", "user": USER, "view": {"callback_id": "revoke"}},
        {"type": "view_closed", "view": {"callback_id": "revoke", "type": "modal"}},
        {"type": "shortcut", "user": USER},
        {"type": "shortcut", "user": USER, "callback_id": "x"},
        {"type": "message_action", "user": USER, "callback_id": "x", "trigger_id": ""},
        {"type": "url_verification"},
        {"type": "url_verification", "challenge": 7},
        {"type": "message_action", "callback_id": "x"},
        {"type": "event_callback"},
        {"type": "event_callback", "event": {"type": None}},
        {"type": "event_callback", "event": -1, "ssl_check": "1"},
        {"type": "event_callback", "event": {"type": "app_home_opened", "tab": "home"}},
        {"type": "event_callback", "event": {"type": "app_home_opened", "tab": "home", "user": {"id": "U1"}}},
        {"type": "message_action", "user": USER, "callback_id": "x", "ssl_check": "1"},
        {"command": "/purecloud", "user_id": "U" * 256},
        {"type": "shortcut", "user": {"id": "U" * 256}, "callback_id": "x", "trigger_id": "1"},
    ],
)
async def test_dispatch__malformed_payload_is_answered_400(payload: dict[str, Any]) -> None:
    metrics = Metrics()
    assert (await Dispatcher(bolt_app(), metrics).dispatch(payload, 0.0)).status == 400
    assert count(metrics, "rejected", 400) == 1


@pytest.mark.parametrize("callback_id", ["approve", 7, {"id": "approve"}])
@pytest.mark.parametrize(
    "kind", ["interactive_message", "dialog_submission", "dialog_cancellation", "workflow_step_edit"]
)
async def test_dispatch__outdated_type_reaches_no_listener_of_a_button(kind: str, callback_id: Any) -> None:
    metrics, app, called = Metrics(), bolt_app(), []

    @app.action("approve")
    async def click(ack: Any) -> None:
        called.append(kind)
        await ack()

    payload = {"type": kind, "user": USER, "callback_id": callback_id, "actions": [], "workflow_step": {}}
    with capture_logs() as logs:
        response = await Dispatcher(app, metrics).dispatch(payload, 0.0)
    assert (response.status, called) == (404, [])
    assert count(metrics, "rejected", 404) == 1
    assert [line["log_level"] for line in logs] == ["warning"]


def test_payload_type__of_a_view_without_a_callback_id_is_known() -> None:
    view = {"callback_id": "", "type": "modal"}
    assert payload_type({"type": "view_submission", "user": USER, "view": view}) == "view_submission"


def test_payload_type__of_an_unknown_type_is_other() -> None:
    """A label of the metrics must not grow with what Slack sends."""
    assert payload_type({"type": "from_the_future"}) == "other"


async def test_reject__logs_few_and_counts_all() -> None:
    metrics, clock = Metrics(), FakeClock()
    dispatcher = Dispatcher(bolt_app(), metrics, clock=clock)
    error = InvalidSlackRequest("signature wrong", 401)
    with capture_logs() as logs:
        responses = [dispatcher.reject(error, 0.0) for _ in range(20)]
        clock.advance(REJECTION_LOG_INTERVAL)
        responses.append(dispatcher.reject(error, 0.0))
    assert {response.status for response in responses} == {401}
    assert [(line["event"], line["status"]) for line in logs] == [("payload.rejected", 401)] * 2
    assert count(metrics, "rejected", 401) == 21


@pytest.mark.parametrize(
    ("document", "storable"),
    [
        ('{"a": "b"}', True),
        (r'{"a": "\\u0000"}', True),
        (r'{"a": "\u0000"}', False),
        (r'{"a": "\\\u0000"}', False),
        ('{"a": "\ud800"}', False),
    ],
)
def test_is_storable_text__rejects_nul_and_lone_surrogates(document: str, *, storable: bool) -> None:
    assert is_storable_text(document) is storable
