"""The way in by Socket Mode: two connections the bot opens itself, kept up, and envelopes answered once kept."""

from __future__ import annotations

import asyncio
import json
import logging
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

from bot.errors import TOKEN_REFUSED, SettingsError, SlackUnavailable
from bot.slack.dispatch import Answer, Body, Dispatcher, InvalidSlackRequest, is_storable_text
from bot.slack.messages import delivery_error_from

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

HANG_UP = 1.0
"""Seconds that closing the connections may take when the process ends."""

LINGER = 30.0
"""Seconds Slack gets to close a connection whose end it announced; until then it may still send over it."""

PATIENCE = 3.0
"""Seconds Slack waits for an acknowledgement; a later one helps nobody."""

CLOSE = 1.0
"""Seconds a connection gets to say goodbye."""

_UNASKED = (TimeoutError, SlackApiError, aiohttp.ClientError, OSError)
"""What a call of the Web API may raise."""

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]

log = structlog.get_logger()


class SocketMode:
    """Everything between Slack's sockets and the admission."""

    def __init__(
        self,
        app_token: str,
        web: AsyncWebClient,
        admission: Dispatcher,
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
            await ask_for_a_connection(self._web, self._app_token)
        except SlackUnavailable as error:
            log.warning("slack cannot be asked for a connection; it is tried again", problem=error.slack_code)

    def start(self) -> None:
        """Connect, and keep the connections up until `stop`."""
        self._running = [asyncio.create_task(line.run()) for line in self._lines]

    async def stop(self, seconds: float) -> None:
        """Take no more envelopes, give those in hand at most so many seconds to be answered, then hang up."""
        self._stopping = True
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=min(max(seconds, 0.0), PATIENCE))
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=HANG_UP)

    async def is_up(self) -> bool:
        """Whether Slack can reach the bot: a connection stands and has answered a ping of late."""
        return any([await line.is_up() for line in self._lines])

    def _open(self) -> Client:
        client = Client(self._app_token, self._web, self._ping)
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
            except Exception as error:  # noqa: BLE001 - the SDK raises what it likes; what was done stays done
                log.warning("an acknowledgement did not reach slack", problem=type(error).__name__)


async def ask_for_a_connection(web: AsyncWebClient, app_token: str) -> None:
    """Ask for an address and leave it unused, to learn whether Slack accepts the token.

    Raises SettingsError where it does not, SlackUnavailable where it does not say.
    """
    try:
        await web.apps_connections_open(app_token=app_token)
    except _UNASKED as error:
        code = delivery_error_from(error).slack_code
        if code in TOKEN_REFUSED:
            raise SettingsError([f"SLACK_APP_TOKEN: Slack does not accept it ({code})"]) from None
        raise SlackUnavailable("apps.connections.open", code) from error


class Client(SocketModeClient):
    """The SDK's client for the life of one connection.

    Left alone it would close what Slack announces to end before another connection stands, notice a loss only at its
    next ping, and try an address that is used up for ever; `Line` sees to all three.
    """

    def __init__(self, app_token: str, web: AsyncWebClient, ping: float) -> None:
        logger = logging.getLogger(f"{__name__}.client")
        logger.setLevel(logging.CRITICAL)  # its errors tell addresses that open a connection, every few seconds
        super().__init__(app_token, logger, web, ping_interval=ping, auto_reconnect_enabled=False)
        self.connecting: asyncio.Task[None] | None = None
        self.leaving = asyncio.Event()
        """Set once Slack has announced the end of this connection."""

    async def issue_new_wss_url(self) -> str:
        """Ask for an address that is good for one connection."""
        try:
            return await super().issue_new_wss_url()
        except _UNASKED as error:
            log.warning(
                "slack gives no address for a connection; it is asked again",
                problem=delivery_error_from(error).slack_code,
            )
            raise

    async def run_message_listeners(self, message: Body, raw_message: str) -> None:
        """Hand a frame on. One connection too many is not replaced: it is opened again once Slack has closed it."""
        if message.get("type") != "disconnect":
            await super().run_message_listeners(message, raw_message)
            return
        log.info("slack ends a connection", reason=str(message.get("reason")))
        if message.get("reason") != "too_many_websockets":
            self.leaving.set()

    @property
    def is_connecting(self) -> bool:
        """Whether no connection has come about yet."""
        return self.connecting is not None and not self.connecting.done()

    def begin(self) -> None:
        """Connect, and try again for as long as it takes."""
        self.connecting = asyncio.create_task(self.connect())  # type: ignore[no-untyped-call] # the SDK's own

    async def end(self) -> None:
        """Hang up and end what was set going; a peer that does not answer is not waited for."""
        self.closed = True  # first, or it would connect again
        if self.connecting is not None:
            self.connecting.cancel()
        if self.current_session is not None:
            with suppress(TimeoutError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(CLOSE):
                    await self.current_session.close()
        tasks = [self.connecting, self.message_processor, self.current_session_monitor, self.message_receiver]
        await self.close()  # type: ignore[no-untyped-call] # the SDK's own
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)


class Line:
    """One connection after the other: the next is opened before Slack ends the last, and at once after a loss."""

    def __init__(self, open_client: Callable[[], Client], clock: Clock, sleep: Sleep) -> None:
        self._open = open_client
        self._clock = clock
        self._sleep = sleep
        self._clients: list[Client] = []
        """The newest last; before it those that Slack has yet to close."""

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        try:
            while True:
                client = self._open()
                self._clients.append(client)
                client.begin()
                try:
                    await self._watch(client)
                except Exception:  # or this connection would be the last one
                    log.exception("a connection to slack could not be watched; another is opened")
                    await asyncio.gather(self._end([client]), self._sleep(LOOK), return_exceptions=True)
        finally:
            await self._end(self._clients)

    async def is_up(self) -> bool:
        """Whether it stands, was greeted with a pong, and no ping went unanswered since."""
        return any([one.last_ping_pong_time is not None and await one.is_connected() for one in self._clients])

    async def _watch(self, client: Client) -> None:
        """Return once another client is needed: this one's connection ends, is lost, or does not come about."""
        begun = self._clock()
        await self._sleep(LOOK)
        while not client.leaving.is_set():
            waited = self._clock() - begun
            if await client.is_connected():
                await self._end([one for one in self._clients[:-1] if waited >= LINGER or not await one.is_connected()])
            elif not client.is_connecting or waited >= REBUILD:
                log.warning("a connection to slack is lost; another is opened")
                await self._end([client])
                return
            elif waited >= FORGET and client.wss_uri is not None:
                log.warning("slack does not take a connection; another address is asked for")
                client.wss_uri = None
            await self._pause(client)

    async def _pause(self, client: Client) -> None:
        """Wait for the next look, or until Slack ends the connection."""
        waiting = [asyncio.ensure_future(self._sleep(LOOK)), asyncio.ensure_future(client.leaving.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    async def _end(self, clients: list[Client]) -> None:
        for client in list(clients):
            await client.end()
            self._clients.remove(client)


async def read(envelope: SocketModeRequest) -> Body:
    """Read what an envelope holds: the same as HTTP's body, parsed; raises InvalidSlackRequest (400)."""
    if not is_storable_text(json.dumps(envelope.payload, ensure_ascii=False)):
        raise InvalidSlackRequest("The body cannot be read.", 400)
    return envelope.payload


def acknowledgement(envelope: SocketModeRequest, answer: Answer) -> SocketModeResponse:
    """Acknowledge, with what the person is shown when there is something."""
    payload: Mapping[str, Any] | None = answer.payload or ({"text": answer.text} if answer.text else None)
    return SocketModeResponse(envelope.envelope_id, dict(payload) if payload else None)
