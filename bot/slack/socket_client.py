"""The SDK's Socket Mode client, for the life of one connection.

Left alone, the SDK closes a connection that Slack is about to end before it opens the next one. It notices a loss only
at its next ping, and retries a single-use URL for ever. `bot.slack.socket_mode` supervises it instead.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import aiohttp
import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.logs import RepeatLimit
from bot.network.proxies import ProxyFor, direct
from bot.slack.api import NETWORK_ERRORS, slack_call_error

CLOSE_FRAME_TIMEOUT = 1.0
"""Seconds for the WebSocket closing handshake; a peer that does not answer is not waited for."""

log = structlog.get_logger()


class SocketClient(SocketModeClient):
    """One WebSocket connection to Slack."""

    def __init__(self, app_token: str, web: AsyncWebClient, ping_interval: float, proxy_for: ProxyFor = direct) -> None:
        logger = logging.getLogger(f"{__name__}.sdk")
        logger.setLevel(logging.CRITICAL)  # its errors contain single-use URLs, which are credentials
        super().__init__(app_token, logger, web, ping_interval=ping_interval, auto_reconnect_enabled=False)
        self._proxy_for = proxy_for
        self._outage = RepeatLimit()
        self.proxy = None  # the SDK reads the environment and ignores NO_PROXY
        self.connecting: asyncio.Task[None] | None = None
        self.ending = asyncio.Event()
        """Set once Slack has announced the end of this connection."""

    async def issue_new_wss_url(self) -> str:
        """Request a single-use URL; a failure is logged with Slack's error code."""
        try:
            url = await super().issue_new_wss_url()
        except NETWORK_ERRORS as error:
            code = slack_call_error(error).slack_code
            if self._outage.allows(code):
                log.warning("socket.no_url", code=code)
            raise
        self._outage.reset()
        self.proxy = self._proxy_for(url)
        return url

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """Pass a frame on, and note an announced end.

        A connection too many (`too_many_websockets`) is not replaced at once: it is reopened after Slack closes it.
        """
        if message.get("type") != "disconnect":
            await super().run_message_listeners(message, raw_message)
            return
        log.info("socket.ending", reason=str(message.get("reason")))
        if message.get("reason") != "too_many_websockets":
            self.ending.set()

    @property
    def is_connecting(self) -> bool:
        """Whether the connection has not been established yet."""
        return self.connecting is not None and not self.connecting.done()

    def start(self) -> None:
        """Connect in the background, retrying until `stop`."""
        self.connecting = asyncio.create_task(self.connect())  # type: ignore[no-untyped-call] # the SDK's own

    async def stop(self) -> None:
        """Close the connection and end the SDK's tasks."""
        self.closed = True  # first, because the SDK would reconnect
        if self.connecting is not None:
            self.connecting.cancel()
        if self.current_session is not None:
            with suppress(TimeoutError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(CLOSE_FRAME_TIMEOUT):
                    await self.current_session.close()
        tasks = [self.connecting, self.message_processor, self.current_session_monitor, self.message_receiver]
        await self.close()  # type: ignore[no-untyped-call] # the SDK's own
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
