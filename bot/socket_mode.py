"""The way in by Socket Mode: two connections the bot opens itself, kept up, and envelopes answered once kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.admission import Admission, Answer, Body, NotSlack
from bot.courier import not_delivered
from bot.errors import SettingsError

CONNECTIONS = 2
"""While Slack replaces one, the other takes what comes; an app may have ten, all its processes together."""

PING = 5.0
"""Seconds between pings; a connection that misses one is replaced after another half of it."""

LOOK = 1.0
"""Seconds between two looks at a connection."""

FORGET = 5.0
"""Seconds without a connection after which its address, good for one use, is taken for used up."""

REBUILD = 60.0
"""Seconds without a connection after which the client itself is replaced."""

CLOSE = 1.0
"""Seconds a connection gets to say goodbye."""

_WRONG_TOKEN = frozenset({
    "invalid_auth", "not_authed", "not_allowed_token_type", "token_revoked", "token_expired", "account_inactive",
    "missing_scope", "no_permission", "access_denied",
})  # fmt: skip
"""Answers that another try does not change (docs.slack.dev, apps.connections.open, Errors)."""

Open = Callable[[], SocketModeClient]
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]

log = structlog.get_logger()


class SocketMode:
    """Everything between Slack's sockets and the admission."""

    def __init__(
        self,
        app_token: str,
        web: AsyncWebClient,
        admission: Admission,
        *,
        ping: float = PING,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._app_token = app_token
        self._web = web
        self._admission = admission
        self._ping = ping
        self._lines = [Line(self._open, clock, sleep) for _ in range(CONNECTIONS)]
        self._running: list[asyncio.Task[None]] = []
        self._in_hand: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def check(self) -> None:
        """Refuse a token that Slack does not accept (SettingsError); a Slack that cannot be asked is tried later."""
        try:
            await self._web.apps_connections_open(app_token=self._app_token)
        except (TimeoutError, SlackApiError, aiohttp.ClientError, OSError) as error:
            code = not_delivered(error).code
            if code in _WRONG_TOKEN:
                raise SettingsError([f"SLACK_APP_TOKEN: Slack does not accept it ({code})"]) from None
            log.warning("slack cannot be asked for a connection; it is tried again", problem=code)

    def start(self) -> None:
        """Connect, and keep the connections up until `stop`."""
        self._running = [asyncio.create_task(line.run()) for line in self._lines]

    async def stop(self, seconds: float) -> None:
        """Take no more envelopes, give those in hand so many seconds to be answered, then hang up."""
        self._stopping = True
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=max(seconds, 0.0))
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def is_up(self) -> bool:
        """Whether Slack can reach the bot: a connection stands and has answered a ping of late."""
        return any([await line.is_up() for line in self._lines])

    def _open(self) -> SocketModeClient:
        client = SocketModeClient(self._app_token, web_client=self._web, ping_interval=self._ping)
        client.socket_mode_request_listeners.append(self._hear)
        return client

    async def _hear(self, client: AsyncBaseSocketModeClient, envelope: SocketModeRequest) -> None:
        """Answer one envelope. What was not done is not acknowledged: Slack tells the person, or sends it again."""
        task = asyncio.current_task()
        if self._stopping or task is None:
            return
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        answer = await self._admission.admit(read(envelope))
        if answer.accepted:
            try:
                await client.send_socket_mode_response(acknowledgement(envelope, answer))
            except (aiohttp.ClientError, OSError) as error:
                log.warning("an acknowledgement did not reach slack", problem=type(error).__name__)


class Line:
    """One connection, by the SDK's client; it would try an address that is used up for ever, and is watched for it."""

    def __init__(self, open_client: Open, clock: Clock, sleep: Sleep) -> None:
        self._open = open_client
        self._clock = clock
        self._sleep = sleep
        self._client: SocketModeClient | None = None

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        while True:
            client = self._client = self._open()
            connecting = asyncio.create_task(client.connect())  # type: ignore[no-untyped-call] # the SDK's own
            try:
                await self._watch(client)
                log.warning("a connection to slack does not come back; it is begun anew")
            finally:
                await close(client, connecting)

    async def is_up(self) -> bool:
        """Whether it stands, was greeted with a pong, and no ping went unanswered since."""
        client = self._client
        return client is not None and client.last_ping_pong_time is not None and await client.is_connected()

    async def _watch(self, client: SocketModeClient) -> None:
        """Return once the client is beyond help."""
        seen_up = self._clock()
        while self._clock() - seen_up < REBUILD:
            await self._sleep(LOOK)
            if await client.is_connected():
                seen_up = self._clock()
            elif self._clock() - seen_up >= FORGET:
                client.wss_uri = None


async def close(client: SocketModeClient, connecting: asyncio.Task[Any]) -> None:
    """End a client and everything it set going; a peer that does not answer is not waited for."""
    client.closed = True  # first, or it would connect again
    connecting.cancel()
    if client.current_session is not None:
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            await asyncio.wait_for(client.current_session.close(), timeout=CLOSE)
    tasks = [connecting, client.message_processor, client.current_session_monitor, client.message_receiver]
    await client.close()  # type: ignore[no-untyped-call] # the SDK's own
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)


async def read(envelope: SocketModeRequest) -> Body:
    """Read what an envelope holds: the same as HTTP's body, parsed; raises NotSlack (400)."""
    try:
        json.dumps(envelope.payload, ensure_ascii=False).encode()
    except ValueError:  # half a character, which no database would take
        raise NotSlack("The body cannot be read.", 400) from None
    return envelope.payload


def acknowledgement(envelope: SocketModeRequest, answer: Answer) -> SocketModeResponse:
    """Acknowledge, with what the person is shown when there is something."""
    payload: Mapping[str, Any] | None = answer.payload or ({"text": answer.text} if answer.text else None)
    return SocketModeResponse(envelope.envelope_id, dict(payload) if payload else None)
