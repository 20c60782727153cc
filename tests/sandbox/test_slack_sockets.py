"""The fake's Socket Mode, with a plain WebSocket and with the official clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.builtin import SocketModeClient as BuiltinSocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.delivery import MODAL_NOTICE
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.socket_mode import MAX_CONNECTIONS
from tests.sandbox.conftest import HELPER, INVOKER, OPS, card, channels, modal, people
from tests.support.clock import FakeClock


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(members=people(), channels=channels(), clock=clock, sleep=clock.sleep, socket_mode=True)
    await fake.start()
    yield fake
    await fake.stop()


async def ticket(slack: FakeSlack, client: AsyncWebClient) -> str:
    """Return a single-use URL."""
    answer = await client.apps_connections_open(app_token=slack.sockets.app_token)
    return str(answer["url"])


async def connect(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> aiohttp.ClientWebSocketResponse:
    """Open a connection and read its hello."""
    socket = await session.ws_connect(await ticket(slack, client))
    hello = await socket.receive_json()
    assert (hello["type"], hello["connection_info"]) == ("hello", {"app_id": slack.app_id})
    return socket


async def next_envelope(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    envelope: dict[str, Any] = await socket.receive_json()
    retry = {"retry_attempt", "retry_reason"} if envelope["type"] == "events_api" else set()
    assert set(envelope) == {"envelope_id", "type", "payload", "accepts_response_payload"} | retry
    return envelope


async def acknowledge(socket: aiohttp.ClientWebSocketResponse, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read the next envelope, acknowledge it, and return it."""
    envelope = await next_envelope(socket)
    await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": payload or {}})
    return envelope


async def test_open__needs_the_app_level_token(slack: FakeSlack, client: AsyncWebClient) -> None:
    for token, code in ((slack.bot_token, "not_allowed_token_type"), ("xapp-1-made-up", "invalid_auth")):
        with pytest.raises(SlackApiError, match=code):
            await client.apps_connections_open(app_token=token)

    assert slack.sockets.opened == 0


async def test_open__has_injected_faults(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fault("apps.connections.open", SlackFault(retry_after=30))

    with pytest.raises(SlackApiError, match="ratelimited"):
        await ticket(slack, client)

    assert (await ticket(slack, client)).startswith("ws://127.0.0.1:")


async def test_ticket__works_once(slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
    url = await ticket(slack, client)
    first = await session.ws_connect(url)

    with pytest.raises(aiohttp.WSServerHandshakeError) as again:
        await session.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError) as made_up:
        await session.ws_connect(url.replace("ticket=", "ticket=x"))

    assert (again.value.status, made_up.value.status) == (401, 401)
    assert (slack.sockets.opened, slack.sockets.refused) == (1, 2)
    await first.close()


async def test_ticket__a_refused_connection_uses_it_up(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    slack.sockets.refuse_next, url = 1, await ticket(slack, client)

    statuses = []
    for _ in range(2):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url)
        statuses.append(refused.value.status)

    assert statuses == [503, 401]
    await (await connect(slack, client, session)).close()


async def test_connections__above_the_limit_are_closed(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    taken = [await connect(slack, client, session) for _ in range(MAX_CONNECTIONS)]

    more = await session.ws_connect(await ticket(slack, client))

    assert (await more.receive_json())["reason"] == "too_many_websockets"
    assert (await more.receive()).type is aiohttp.WSMsgType.CLOSE
    assert not any(socket.closed for socket in taken)
    for socket in taken:
        await socket.close()


async def test_command__the_payload_of_its_acknowledgement_is_posted(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    socket = await connect(slack, client, session)
    typing = asyncio.create_task(slack.command(INVOKER, "help", OPS))

    envelope = await next_envelope(socket)
    await socket.send_json({"envelope_id": "of-another", "payload": {"text": "Not this"}})
    await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "This"}})
    delivery = await typing

    assert (envelope["type"], envelope["payload"]["text"]) == ("slash_commands", "help")
    assert (delivery.status, delivery.error, delivery.json) == (200, None, {"text": "This"})
    assert [message.text for message in slack.seen_by(INVOKER)] == ["This"]
    assert slack.seen_by(HELPER) == []
    await socket.close()


async def test_click__is_an_interactive_envelope(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    await client.chat_postMessage(channel=OPS, text="Shall it be done?", blocks=card("approve"))
    socket = await connect(slack, client, session)
    clicking = asyncio.create_task(slack.click(HELPER, slack.messages[-1], "approve"))

    envelope = await next_envelope(socket)
    await socket.send_json({"envelope_id": envelope["envelope_id"]})

    assert (envelope["type"], envelope["payload"]["user"]["id"]) == ("interactive", HELPER)
    assert (await clicking).error is None
    await socket.close()


async def test_shortcuts__are_interactive_envelopes_without_a_response_payload(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    message = slack.say(HELPER, "hello", OPS)
    socket = await connect(slack, client, session)
    for action in (
        slack.shortcut(INVOKER, "revoke_tokens"),
        slack.message_shortcut(INVOKER, message, "revoke_author"),
    ):
        using = asyncio.create_task(action)
        envelope = await acknowledge(socket)
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", False)
        assert envelope["payload"] == (await using).payload
        assert (await using).error is None
    await socket.close()


async def test_modal__errors_in_the_acknowledgement_appear_and_an_empty_one_closes_it(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    view = slack.views.push(INVOKER, modal())
    socket = await connect(slack, client, session)
    errors = {"response_action": "errors", "errors": {"reason": "Say more."}}

    submitting = asyncio.create_task(slack.submit_view(INVOKER, {"reason": "x"}))
    envelope = await acknowledge(socket, errors)
    await submitting
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
    assert envelope["payload"]["type"] == "view_submission"
    assert view.errors == {"reason": "Say more."}

    submitting = asyncio.create_task(slack.submit_view(INVOKER, {"reason": "stolen"}))
    await acknowledge(socket)
    await submitting
    assert slack.views.top_modal(INVOKER) is None
    await socket.close()


async def test_modal__without_an_acknowledgement_stays_with_a_notice(slack: FakeSlack) -> None:
    view = slack.views.push(INVOKER, modal())
    delivery = await slack.submit_view(INVOKER, {"reason": "x"})
    assert (delivery.error, view.notice) == ("dispatch_failed", MODAL_NOTICE)
    assert slack.views.top_modal(INVOKER) is view


async def test_view_closed__is_an_interactive_envelope(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    slack.views.push(INVOKER, modal(notify_on_close=True))
    socket = await connect(slack, client, session)
    closing = asyncio.create_task(slack.close_view(INVOKER))
    envelope = await acknowledge(socket)
    await closing
    assert (envelope["type"], envelope["payload"]["type"]) == ("interactive", "view_closed")
    await socket.close()


async def test_event__is_retried_until_it_is_acknowledged(session: aiohttp.ClientSession) -> None:
    async def until_connected(_seconds: float) -> None:
        await fake.sockets.wait_until(lambda: bool(fake.sockets.connections))

    fake = FakeSlack(members=people(), sleep=until_connected, socket_mode=True)
    client = AsyncWebClient(fake.bot_token, base_url=await fake.start(), session=session)
    first = await fake.open_home(INVOKER)
    socket = await connect(fake, client, session)
    envelope = await acknowledge(socket)
    await fake.wait_for_retries()

    assert [attempt.status for attempt in fake.event_attempts] == [None, None, 200]
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (2, "timeout")
    assert envelope["payload"] == first.payload
    await socket.close()
    await fake.stop()


async def test_command__without_a_connection_or_an_acknowledgement_fails(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    unconnected = await slack.command(INVOKER, "help", OPS)
    socket = await connect(slack, client, session)
    typing = asyncio.create_task(slack.command(INVOKER, "help", OPS))
    await next_envelope(socket)
    await socket.close()

    assert [unconnected.error, (await typing).error] == ["dispatch_failed"] * 2
    assert len([message for message in slack.seen_by(INVOKER) if "dispatch_failed" in message.text]) == 2


async def test_envelope__is_redelivered_over_another_connection_if_configured(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    slack.sockets.redeliver = True
    first = await connect(slack, client, session)
    typing = asyncio.create_task(slack.command(INVOKER, "help", OPS))
    before = await next_envelope(first)
    second = await connect(slack, client, session)
    await first.close()

    again = await next_envelope(second)
    await second.send_json({"envelope_id": again["envelope_id"]})

    assert again == before
    assert (await typing).status == 200
    await second.close()


async def test_freeze__stops_answering_pings(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    socket = await session.ws_connect(await ticket(slack, client), autoping=False)
    await socket.receive_json()
    await socket.ping(b"one")
    assert (await socket.receive()).data == b"one"

    slack.sockets.freeze()
    await socket.ping(b"two")
    await slack.sockets.broadcast(json.dumps({"type": "after"}))

    assert (await socket.receive_json())["type"] == "after"
    await socket.close()


async def test_official_client__acknowledges_and_reconnects_on_refresh(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    async def respond(official: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        await official.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "Heard"}))

    official = SocketModeClient(slack.sockets.app_token, web_client=client)
    official.socket_mode_request_listeners.append(respond)
    await official.connect()  # type: ignore[no-untyped-call] # the SDK's own
    await slack.sockets.wait_until(lambda: len(slack.sockets.connections) == 1)

    before = await slack.command(INVOKER, "help", OPS)
    await slack.sockets.disconnect("refresh_requested")
    await slack.sockets.wait_until(lambda: slack.sockets.opened > 1 and len(slack.sockets.connections) == 1)
    after = await slack.command(INVOKER, "help", OPS)
    await official.close()  # type: ignore[no-untyped-call] # the SDK's own

    assert [before.json, after.json] == [{"text": "Heard"}] * 2


async def hang_up(slack: FakeSlack, official: BuiltinSocketModeClient) -> None:
    """Close the blocking client's connection from Slack's side, then the client.

    The SDK closes its socket without a lock, so its reading thread must have ended before the client is closed.
    """
    official.auto_reconnect_enabled = False
    await slack.sockets.close()
    await asyncio.to_thread(official.current_session_runner.shutdown)
    await asyncio.to_thread(official.close)


async def test_official_blocking_client__acknowledges(slack: FakeSlack) -> None:
    def respond(official: BaseSocketModeClient, request: SocketModeRequest) -> None:
        official.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": request.type}))

    blocking = WebClient(slack.bot_token, base_url=slack.api_url)
    official = BuiltinSocketModeClient(slack.sockets.app_token, web_client=blocking)
    official.socket_mode_request_listeners.append(respond)
    await asyncio.to_thread(official.connect)
    await slack.sockets.wait_until(lambda: len(slack.sockets.connections) == 1)

    heard = await slack.command(INVOKER, "help", OPS)
    await hang_up(slack, official)

    assert heard.json == {"text": "slash_commands"}
    assert (slack.sockets.opened, slack.sockets.connections) == (1, [])
