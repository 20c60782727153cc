"""Global and message shortcuts: who can use them, and the payloads for the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack.delivery import SHORTCUT_NOTICE, NotPossibleInSlack
from tests.sandbox.conftest import GONE, GUEST, HELPER, INVOKER, OPS, OUTSIDER, ROBOT, SHARED

if TYPE_CHECKING:
    import aiohttp

    from bot.sandbox.slack.server import FakeSlack
    from tests.support.clock import FakeClock
    from tests.support.event_receiver import Receiver


async def test_shortcut__is_the_payload_slack_sends(slack: FakeSlack, app: Receiver) -> None:
    delivery = await slack.shortcut(INVOKER, "revoke_tokens")
    payload = app.last
    assert payload == delivery.payload
    assert (payload["type"], payload["callback_id"]) == ("shortcut", "revoke_tokens")
    assert (payload["user"]["id"], payload["user"]["team_id"]) == (INVOKER, slack.team_id)
    assert (payload["team"]["id"], payload["is_enterprise_install"]) == (slack.team_id, False)
    assert not {"api_app_id", "channel", "message", "response_url"} & payload.keys()
    assert (delivery.error, delivery.notice, slack.messages) == (None, None, [])


async def test_message_shortcut__is_the_payload_slack_sends(slack: FakeSlack, app: Receiver) -> None:
    message = slack.say(HELPER, "I lost my laptop", OPS)
    await slack.message_shortcut(INVOKER, message, "revoke_author")
    payload = app.last
    assert (payload["type"], payload["callback_id"]) == ("message_action", "revoke_author")
    assert (payload["user"]["id"], payload["channel"]) == (INVOKER, {"id": OPS, "name": "ops"})
    assert (payload["message"]["user"], payload["message"]["text"]) == (HELPER, "I lost my laptop")
    assert payload["message_ts"] == payload["message"]["ts"] == message.ts
    assert "api_app_id" not in payload


async def test_message_shortcut__its_response_url_posts_to_the_user_alone(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    message = slack.say(HELPER, "I lost my laptop", OPS)
    delivery = await slack.message_shortcut(INVOKER, message, "revoke_author")
    webhook = AsyncWebhookClient(delivery.payload["response_url"], session=session)
    assert (await webhook.send(text="Working on it", replace_original=True)).body == "ok"
    assert [one.text for one in slack.seen_by(INVOKER)] == ["I lost my laptop", "Working on it"]
    assert slack.seen_by(HELPER) == [message]


@pytest.mark.parametrize("person", [OUTSIDER, GONE, ROBOT])
async def test_shortcut__is_not_offered_to(slack: FakeSlack, app: Receiver, person: str) -> None:
    message = slack.say(INVOKER, "hello", SHARED)
    with pytest.raises(NotPossibleInSlack):
        await slack.shortcut(person, "revoke_tokens")
    with pytest.raises(NotPossibleInSlack):
        await slack.message_shortcut(person, message, "revoke_author")
    assert app.received == []
    await slack.shortcut(person, "revoke_tokens", force=True)
    assert app.last["user"]["id"] == person


async def test_message_shortcut__needs_a_message_that_the_user_sees_and_that_stays(
    slack: FakeSlack, app: Receiver
) -> None:
    ephemeral = slack.conversations.post(OPS, "A card", only_for=INVOKER)
    elsewhere = slack.say(INVOKER, "hello", SHARED)
    for user, message in ((INVOKER, ephemeral), (GUEST, elsewhere)):
        with pytest.raises(NotPossibleInSlack):
            await slack.message_shortcut(user, message, "revoke_author")
    assert app.received == []


async def test_shortcut__overrides_and_omissions_change_the_payload(slack: FakeSlack, app: Receiver) -> None:
    await slack.shortcut(
        INVOKER, "revoke_tokens", team_id="T0EVIL0001", user_team_id="T0EVIL0002", omit=("trigger_id",)
    )
    assert (app.last["team"]["id"], app.last["user"]["team_id"]) == ("T0EVIL0001", "T0EVIL0002")
    assert "trigger_id" not in app.last


@pytest.mark.parametrize(("status", "error"), [(404, "http_client_error"), (503, "http_service_error")])
async def test_shortcut__that_the_app_does_not_take_shows_a_notice(
    slack: FakeSlack, app: Receiver, status: int, error: str
) -> None:
    message = slack.say(HELPER, "hello", OPS)
    app.answer = lambda: web.Response(status=status)
    for delivery in (
        await slack.shortcut(INVOKER, "revoke_tokens"),
        await slack.message_shortcut(INVOKER, message, "revoke_author"),
    ):
        assert (delivery.error, delivery.notice) == (error, SHORTCUT_NOTICE)
    assert slack.messages == [message]


async def test_shortcut__after_three_seconds_is_a_timeout(slack: FakeSlack, app: Receiver, clock: FakeClock) -> None:
    def slowly() -> web.Response:
        clock.advance(3.5)
        return web.Response()

    app.answer = slowly
    delivery = await slack.shortcut(INVOKER, "revoke_tokens")
    assert (delivery.error, delivery.notice) == ("operation_timeout", SHORTCUT_NOTICE)
