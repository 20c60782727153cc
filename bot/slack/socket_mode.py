"""Receive payloads over two Socket Mode connections, and acknowledge envelopes once they are stored."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import TOKEN_REFUSED, SettingsError, SlackUnavailable
from bot.network.errors import network_error_class
from bot.network.proxies import ProxyFor, direct
from bot.slack.api import NETWORK_ERRORS, slack_call_error
from bot.slack.dispatch import Dispatcher, InvalidSlackRequest, is_storable_text
from bot.slack.socket_client import SocketClient

CONNECTIONS = 2
"""Connections of a process. While Slack replaces one, the other receives; an app may have ten in all."""

PING_INTERVAL = 5.0
"""Seconds between pings; a connection that misses one is replaced after another half interval."""

POLL_INTERVAL = 1.0
"""Seconds between two checks of a connection."""

STALE_URL_AFTER = 5.0
"""Seconds without a connection after which the single-use URL is discarded and a new one requested."""

RECONNECT_AFTER = 60.0
"""Seconds without a connection after which the client itself is replaced."""

DRAIN_PERIOD = 30.0
"""Seconds that Slack has to close a connection whose end it announced; until then it may still send over it."""

ACK_TIMEOUT = 3.0
"""Seconds that Slack waits for an acknowledgement; a later one has no effect."""

CLOSE_TIMEOUT = 1.0
"""Seconds for closing all connections when the process stops."""

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]

log = structlog.get_logger()


class SocketMode:
    """The connections of one process, and the envelopes that arrive over them."""

    def __init__(
        self,
        app_token: str,
        web: AsyncWebClient,
        dispatcher: Dispatcher,
        *,
        proxy_for: ProxyFor = direct,
        ping_interval: float = PING_INTERVAL,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._app_token = app_token
        self._web = web
        self._dispatcher = dispatcher
        self._proxy_for = proxy_for
        self._ping_interval = ping_interval
        self._supervisors = [ConnectionSupervisor(self._client, clock, sleep) for _ in range(CONNECTIONS)]
        self._running: list[asyncio.Task[None]] = []
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def check(self) -> None:
        """Raise SettingsError for an app token that Slack rejects; an unreachable Slack is retried later."""
        try:
            await open_connection(self._web, self._app_token)
        except SlackUnavailable as error:
            log.warning("socket.no_url", code=error.slack_code)

    def start(self) -> None:
        """Connect, and keep the connections up until `stop`."""
        self._running = [asyncio.create_task(supervisor.run()) for supervisor in self._supervisors]

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - the caller shares one deadline
        """Accept no more envelopes, wait up to `timeout` seconds for those in flight, then disconnect."""
        self._stopping = True
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=min(max(timeout, 0.0), ACK_TIMEOUT))
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSE_TIMEOUT)

    async def is_up(self) -> bool:
        """Return whether a connection is up and has answered its last ping."""
        return await self.connections() > 0

    async def connections(self) -> int:
        """Return how many connections are up."""
        return sum([await supervisor.is_up() for supervisor in self._supervisors])

    def _client(self) -> SocketClient:
        client = SocketClient(self._app_token, self._web, self._ping_interval, self._proxy_for)
        client.socket_mode_request_listeners.append(self._on_envelope)
        return client

    async def _on_envelope(self, client: AsyncBaseSocketModeClient, envelope: SocketModeRequest) -> None:
        """Dispatch one envelope.

        Only a 200 is acknowledged; otherwise Slack shows a failure or sends it again.
        """
        started = time.perf_counter()
        task = asyncio.current_task()
        if self._stopping or task is None:
            return
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        payload: Any = envelope.payload
        if isinstance(payload, dict) and is_storable_text(json.dumps(payload, ensure_ascii=False)):
            response = await self._dispatcher.dispatch(payload, started)
        else:
            response = self._dispatcher.reject(InvalidSlackRequest("unreadable body", 400), started)
        try:
            await send_async_response(client, envelope, response, started)
        except Exception as error:  # noqa: BLE001 - the SDK raises anything; what was stored stays stored
            log.warning("socket.acknowledgement_lost", problem=network_error_class(error))


async def open_connection(web: AsyncWebClient, app_token: str) -> None:
    """Request a single-use URL and do not use it, to find out whether Slack accepts the app token.

    Raises SettingsError if Slack rejects the token, and SlackUnavailable if it does not answer.
    """
    try:
        await web.apps_connections_open(app_token=app_token)
    except NETWORK_ERRORS as error:
        code = slack_call_error(error).slack_code
        if code in TOKEN_REFUSED:
            raise SettingsError([f"SLACK_APP_TOKEN: Slack does not accept it ({code})"]) from None
        raise SlackUnavailable("apps.connections.open", code) from error


class ConnectionSupervisor:
    """Keeps one connection up: opens the next one before Slack ends the last, and at once after a loss."""

    def __init__(self, new_client: Callable[[], SocketClient], clock: Clock, sleep: Sleep) -> None:
        self._new_client = new_client
        self._clock = clock
        self._sleep = sleep
        self._clients: list[SocketClient] = []
        """The newest last; before it those that Slack has yet to close."""

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        try:
            while True:
                client = self._new_client()
                self._clients.append(client)
                client.start()
                try:
                    await self._watch(client)
                except Exception:  # otherwise this connection would be the last one
                    log.exception("socket.supervision_failed")
                    await asyncio.gather(self._stop([client]), self._sleep(POLL_INTERVAL), return_exceptions=True)
        finally:
            await self._stop(self._clients)

    async def is_up(self) -> bool:
        """Return whether a connection is established, has answered a ping, and missed none since."""
        return any([one.last_ping_pong_time is not None and await one.is_connected() for one in self._clients])

    async def _watch(self, client: SocketClient) -> None:
        """Return once another client is needed: this connection ends, is lost, or cannot be established."""
        started = self._clock()
        await self._sleep(POLL_INTERVAL)
        while not client.ending.is_set():
            elapsed = self._clock() - started
            if await client.is_connected():
                older = self._clients[:-1]
                await self._stop([one for one in older if elapsed >= DRAIN_PERIOD or not await one.is_connected()])
            elif not client.is_connecting or elapsed >= RECONNECT_AFTER:
                log.warning("socket.lost")
                await self._stop([client])
                return
            elif elapsed >= STALE_URL_AFTER and client.wss_uri is not None:
                log.warning("socket.not_established")
                client.wss_uri = None
            await self._pause(client)

    async def _pause(self, client: SocketClient) -> None:
        """Wait for the next check, or until Slack announces the end of the connection."""
        waiting = [asyncio.ensure_future(self._sleep(POLL_INTERVAL)), asyncio.ensure_future(client.ending.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    async def _stop(self, clients: list[SocketClient]) -> None:
        for client in list(clients):
            await client.stop()
            self._clients.remove(client)
