"""Listeners: registered with Bolt, called, and never acknowledged when nothing was stored."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.requests import APPROVE, CANCEL
from bot.errors import BotError
from tests.support.bolt import USER, BoltHarness
from tests.support.stub_services import StubServices

CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": USER,
    "trigger_id": "1.2.click",
    "actions": [{"action_id": APPROVE, "value": "request-id"}],
}
VIEW: dict[str, Any] = {
    "type": "view_submission",
    "user": USER,
    "view": {"id": "V1", "type": "modal", "callback_id": "other"},
}
SHORTCUT: dict[str, Any] = {"type": "shortcut", "user": USER, "callback_id": "other", "trigger_id": "1.2.shortcut"}
MESSAGE_SHORTCUT = SHORTCUT | {"type": "message_action", "message": {"user": "U0TOM00001"}}
EVENT: dict[str, Any] = {"type": "event_callback", "team_id": "T0HOME0001", "event": {"type": "message"}}


@pytest.mark.parametrize("action_id", [APPROVE, CANCEL])
async def test_click__is_stored_then_acknowledged(action_id: str) -> None:
    bolt = BoltHarness()
    response = await bolt.send(CLICK | {"actions": [{"action_id": action_id, "value": "request-id"}]})
    assert response.status == 200
    assert [(one.request_id, one.action) for one in bolt.services.clicks] == [("request-id", action_id)]


async def test_click__every_button_of_the_payload_is_stored() -> None:
    bolt = BoltHarness()
    actions = [{"action_id": name, "value": name} for name in (APPROVE, "other", CANCEL)]
    await bolt.send(CLICK | {"actions": actions})
    assert [one.request_id for one in bolt.services.clicks] == [APPROVE, CANCEL]
    assert len({one.key for one in bolt.services.clicks}) == 2, "the store would take one for a replay of the other"


@pytest.mark.parametrize("error", [BotError("away"), RuntimeError("broken")])
async def test_click__that_cannot_be_stored_is_not_acknowledged(error: Exception) -> None:
    assert (await BoltHarness(StubServices(error=error)).send(CLICK)).status == 503


@pytest.mark.parametrize(
    "payload",
    [
        CLICK | {"actions": [{"action_id": "history_next", "value": "2"}]},
        VIEW,
        VIEW | {"type": "view_closed"},
        SHORTCUT,
        MESSAGE_SHORTCUT,
        EVENT,
        {"type": "block_suggestion", "user": USER, "action_id": "other", "value": "x"},
        {"command": "/other", "user_id": "U1", "text": "x"},
        {"type": "something_new"},
    ],
    ids=lambda payload: str(payload.get("type", "command")),
)
async def test_payload__without_a_listener_is_never_answered_200(payload: dict[str, Any]) -> None:
    bolt = BoltHarness()
    assert (await bolt.send(payload)).status == 404
    assert (bolt.services.clicks, bolt.services.commands, bolt.services.started) == ([], [], [])


async def test_listener__that_is_added_is_called() -> None:
    """A newcomer registers `app.action` and `app.view` as in Bolt's documentation."""
    bolt, called = BoltHarness(), []

    @bolt.app.action("history_next")
    async def turn_page(ack: AsyncAck, services: StubServices) -> None:
        called.append(services)
        await ack()

    @bolt.app.view("other")
    async def submit(ack: AsyncAck, view: dict[str, Any]) -> None:
        called.append(view["callback_id"])
        await ack()

    click = await bolt.send(CLICK | {"actions": [{"action_id": "history_next", "value": "2"}]})
    submitted = await bolt.send(VIEW)
    assert (click.status, submitted.status) == (200, 200)
    assert called == [bolt.services, "other"]


async def test_url_verification__is_answered_by_bolt() -> None:
    response = await BoltHarness().send({"type": "url_verification", "challenge": "3eZbrw1a"})
    assert response.status == 200
    assert "3eZbrw1a" in response.body


async def test_ssl_check__is_answered_by_bolt() -> None:
    assert (await BoltHarness().send({"ssl_check": "1", "token": "x"})).status == 200
