"""response_urls, used by the official webhook clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.models.blocks import DividerBlock
from slack_sdk.webhook import WebhookClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.server import FakeSlack
from tests.sandbox.conftest import HELPER, INVOKER, OPS, card
from tests.support.clock import FakeClock
from tests.support.event_receiver import Receiver

if TYPE_CHECKING:
    from bot.sandbox.slack.messages import PostedMessage


async def webhook_of_command(slack: FakeSlack, session: aiohttp.ClientSession) -> AsyncWebhookClient:
    delivery = await slack.command(INVOKER, "revoke @hal", OPS)
    return AsyncWebhookClient(delivery.payload["response_url"], session=session)


async def webhook_of_click(
    slack: FakeSlack, session: aiohttp.ClientSession, message: PostedMessage
) -> AsyncWebhookClient:
    delivery = await slack.click(INVOKER, message, "go")
    return AsyncWebhookClient(delivery.payload["response_url"], session=session)


async def test_command__a_response_is_visible_to_the_user_alone(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    response = await (await webhook_of_command(slack, session)).send(text="Working on it", blocks=card("go"))
    assert (response.status_code, response.body) == (200, "ok")
    assert [message.text for message in slack.seen_by(INVOKER)] == ["Working on it"]
    assert slack.seen_by(HELPER) == []
    assert slack.calls_of("response_url")[0].args["text"] == "Working on it"


async def test_command__a_response_never_replaces_a_message(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    webhook = await webhook_of_command(slack, session)
    await webhook.send(text="first")
    await webhook.send(text="second", replace_original=True)
    assert [message.text for message in slack.seen_by(INVOKER)] == ["first", "second"]
    assert all(not message.history for message in slack.messages)


async def test_command__in_channel_publishes_the_typed_command_once(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    webhook = await webhook_of_command(slack, session)
    await webhook.send(text="one", response_type="in_channel")
    await webhook.send(text="two", response_type="in_channel")
    assert [message.text for message in slack.seen_by(HELPER)] == ["/purecloud revoke @hal", "one", "two"]


async def test_click__replaces_an_ephemeral_message_for_its_user_alone(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"), only_for=INVOKER)
    webhook = await webhook_of_click(slack, session, message)
    await webhook.send(text="Done", replace_original=True, response_type="in_channel")
    assert [message.text for message in slack.seen_by(INVOKER)] == ["Done"]
    assert slack.buttons(message) == []
    assert slack.seen_by(HELPER) == []


async def test_click__deletes_the_clicked_message(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"))
    response = await (await webhook_of_click(slack, session, message)).send_dict({"delete_original": True})
    assert response.status_code == 200
    assert message.deleted
    assert slack.seen_by(INVOKER) == []


async def test_click__without_replace_original_posts_to_the_user_alone(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"))
    await (await webhook_of_click(slack, session, message)).send(text="Not you", replace_original=False)
    assert slack.seen_by(HELPER) == [message]
    assert slack.seen_by(INVOKER)[-1].text == "Not you"


async def test_response_url__works_with_the_blocking_client(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"))
    delivery = await slack.click(INVOKER, message, "go")
    webhook = WebhookClient(delivery.payload["response_url"])
    response = await asyncio.to_thread(
        webhook.send, text="Done", blocks=[DividerBlock(block_id="line")], replace_original=True
    )
    made_up = await asyncio.to_thread(WebhookClient(f"{webhook.url}x").send, text="Done")
    assert (response.status_code, response.body, message.text) == (200, "ok", "Done")
    assert message.blocks == [{"type": "divider", "block_id": "line"}]
    assert (made_up.status_code, made_up.body) == (404, "expired_url")


async def test_response_url__works_five_times(slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession) -> None:
    webhook = await webhook_of_command(slack, session)
    statuses = [(await webhook.send(text="again")).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [404]
    assert len(slack.messages) == 5


async def test_response_url__works_for_half_an_hour(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    webhook = await webhook_of_command(slack, session)
    clock.now += 30 * 60
    assert (await webhook.send(text="in time")).body == "ok"
    clock.now += 1
    response = await webhook.send(text="too late")
    assert (response.status_code, response.body) == (404, "expired_url")
    assert [message.text for message in slack.messages] == ["in time"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("not json", "invalid_payload"),
        ("[]", "invalid_payload"),
        ("{}", "no_text"),
        ('{"text": "x", "blocks": [{"type": "hologram"}]}', "invalid_blocks"),
    ],
)
async def test_response_url__rejects_an_invalid_body(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession, body: str, error: str
) -> None:
    url = (await webhook_of_command(slack, session)).url
    async with session.post(url, data=body) as response:
        assert (response.status, await response.text()) == (400, error)
    assert slack.messages == []


async def test_response_url__rejects_an_unknown_address(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    response = await AsyncWebhookClient(slack.api_url.replace("/api/", "/response/x"), session=session).send(text="x")
    assert (response.status_code, response.body) == (404, "expired_url")


async def test_response_url__has_injected_faults(
    slack: FakeSlack, app: Receiver, session: aiohttp.ClientSession
) -> None:
    webhook = await webhook_of_command(slack, session)
    slack.fault("response_url", SlackFault(status=500))
    assert (await webhook.send(text="lost")).status_code == 500
    assert slack.messages == []


async def test_wait_for_message__returns_once_the_message_is_posted(slack: FakeSlack, app: Receiver) -> None:
    app.answer = lambda: web.Response(text="at last")
    waiting = asyncio.create_task(slack.wait_for_message(lambda message: "last" in message.text))
    await asyncio.sleep(0)
    assert not waiting.done()
    await slack.command(INVOKER, "help")
    assert (await waiting).text == "at last"


async def test_wait_for_message__finds_edited_but_not_deleted_messages(slack: FakeSlack) -> None:
    deleted, kept = (slack.conversations.post(OPS, "A card") for _ in range(2))
    slack.conversations.delete(deleted)
    slack.conversations.edit(kept, "Done", None)
    assert await slack.wait_for_message(lambda message: message.text == "Done") is kept
    with pytest.raises(TimeoutError, match="for all: 'Done'"):
        await slack.wait_for_message(lambda message: message is deleted, timeout=0)
    assert slack.on_change == []


async def test_text_of__includes_confirmation_dialogs(slack: FakeSlack) -> None:
    blocks = card("go")
    blocks[1]["elements"][0]["confirm"] = {"title": {"type": "plain_text", "text": "Sure?"}}
    message = slack.conversations.post(OPS, "A card", blocks)
    assert slack.text_of(message).split("\n") == ["A card", "Shall it be *done*?", "go", "Sure?"]
