"""Socket Mode as the stand-in speaks it, to a plain WebSocket and to the official client."""

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

from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.socket_mode import MOST_CONNECTIONS
from tests.sandbox.conftest import HELPER, INVOKER, OPS, card, people, rooms
from tests.support.clock import FakeClock


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    stand_in = FakeSlack(members=people(), channels=rooms(), clock=clock, sleep=clock.sleep, socket_mode=True)
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


async def ticket(slack: FakeSlack, client: AsyncWebClient) -> str:
    """An address for one connection."""
    answer = await client.apps_connections_open(app_token=slack.sockets.app_token)
    return str(answer["url"])


async def connect(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> aiohttp.ClientWebSocketResponse:
    """A connection that was greeted."""
    socket = await session.ws_connect(await ticket(slack, client))
    hello = await socket.receive_json()
    assert (hello["type"], hello["connection_info"]) == ("hello", {"app_id": slack.app_id})
    return socket


async def next_envelope(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    envelope: dict[str, Any] = await socket.receive_json()
    assert set(envelope) == {"envelope_id", "type", "payload", "accepts_response_payload"}
    return envelope


async def test_open__is_for_the_apps_own_token(slack: FakeSlack, client: AsyncWebClient) -> None:
    for token, code in ((slack.bot_token, "not_allowed_token_type"), ("xapp-1-made-up", "invalid_auth")):
        with pytest.raises(SlackApiError, match=code):
            await client.apps_connections_open(app_token=token)

    assert slack.sockets.opened == 0


async def test_open__has_its_faults_and_its_rate(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fault("apps.connections.open", SlackFault(retry_after=30))

    with pytest.raises(SlackApiError, match="ratelimited"):
        await ticket(slack, client)

    assert (await ticket(slack, client)).startswith("ws://127.0.0.1:")


async def test_ticket__is_good_for_one_connection(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    url = await ticket(slack, client)
    first = await session.ws_connect(url)

    with pytest.raises(aiohttp.WSServerHandshakeError) as again:
        await session.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError) as made_up:
        await session.ws_connect(url.replace("ticket=", "ticket=x"))

    assert (again.value.status, made_up.value.status) == (401, 401)
    assert (slack.sockets.opened, slack.sockets.refused) == (1, 2)
    await first.close()


async def test_ticket__is_used_up_by_a_refusal(
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


async def test_connections__beyond_the_most_are_sent_away(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    taken = [await connect(slack, client, session) for _ in range(MOST_CONNECTIONS)]

    more = await session.ws_connect(await ticket(slack, client))

    assert (await more.receive_json())["reason"] == "too_many_websockets"
    assert (await more.receive()).type is aiohttp.WSMsgType.CLOSE
    assert not any(socket.closed for socket in taken)
    for socket in taken:
        await socket.close()


async def test_command__goes_to_one_connection_and_shows_the_acknowledgement(
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


async def test_delivery__without_a_connection_or_an_acknowledgement_is_shown_as_failed(
    slack: FakeSlack, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    nobody = await slack.command(INVOKER, "help", OPS)
    socket = await connect(slack, client, session)
    typing = asyncio.create_task(slack.command(INVOKER, "help", OPS))
    await next_envelope(socket)
    await socket.close()

    assert [nobody.error, (await typing).error] == ["dispatch_failed"] * 2
    assert len([message for message in slack.seen_by(INVOKER) if "dispatch_failed" in message.text]) == 2


async def test_delivery__that_was_not_acknowledged_comes_again_where_it_shall(
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


async def test_freeze__ends_the_answers_to_pings(
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


async def test_official_client__connects_acknowledges_and_is_refreshed(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    async def acknowledge(official: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        await official.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "Heard"}))

    official = SocketModeClient(slack.sockets.app_token, web_client=client)
    official.socket_mode_request_listeners.append(acknowledge)
    await official.connect()  # type: ignore[no-untyped-call] # the SDK's own
    await slack.sockets.wait_until(lambda: len(slack.sockets.connections) == 1)

    before = await slack.command(INVOKER, "help", OPS)
    await slack.sockets.disconnect("refresh_requested")
    await slack.sockets.wait_until(lambda: slack.sockets.opened > 1 and len(slack.sockets.connections) == 1)
    after = await slack.command(INVOKER, "help", OPS)
    await official.close()  # type: ignore[no-untyped-call] # the SDK's own

    assert [before.json, after.json] == [{"text": "Heard"}] * 2


async def hang_up(slack: FakeSlack, official: BuiltinSocketModeClient) -> None:
    """End the blocking client's connection from Slack's side, and close the client once its reader has done so.

    The SDK closes a socket without asking whether another thread just did: whoever reads must have ended before.
    """
    official.auto_reconnect_enabled = False
    await slack.sockets.close()
    await asyncio.to_thread(official.current_session_runner.shutdown)
    await asyncio.to_thread(official.close)


async def test_official_blocking_client__connects_and_acknowledges(slack: FakeSlack) -> None:
    def acknowledge(official: BaseSocketModeClient, request: SocketModeRequest) -> None:
        official.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": request.type}))

    blocking = WebClient(slack.bot_token, base_url=slack.api_url)
    official = BuiltinSocketModeClient(slack.sockets.app_token, web_client=blocking)
    official.socket_mode_request_listeners.append(acknowledge)
    await asyncio.to_thread(official.connect)
    await slack.sockets.wait_until(lambda: len(slack.sockets.connections) == 1)

    heard = await slack.command(INVOKER, "help", OPS)
    await hang_up(slack, official)

    assert heard.json == {"text": "slash_commands"}
    assert (slack.sockets.opened, slack.sockets.connections) == (1, [])
