"""An HTTP session that times out as soon as its request has reached a server that will not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal

import aiohttp

TEST_TIMEOUT = 60.0
"""Maximum time for any request of a test, in seconds. Long, because a test machine can be slow."""


class Blackhole(asyncio.Event):
    """The event that an unresponsive fake server waits for; it expires the requests that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: set[asyncio.Timeout] = set()
        """The timeouts of the requests that are on their way to the server."""

    async def wait(self) -> Literal[True]:
        """Expire the pending requests, then wait until the event is set."""
        for timeout in self.pending:
            timeout.reschedule(asyncio.get_running_loop().time())
        return await super().wait()

    async def sleep(self, _seconds: float) -> None:
        """Replace the sleep of a fake that would only be slow."""
        await self.wait()


class InstantTimeoutSession:
    """The part of aiohttp's ClientSession that the clients use, with timeouts that depend on no clock.

    A request times out when it reaches the blackhole and never by accident. `towards` limits this to URLs that
    contain it.
    """

    def __init__(self, session: aiohttp.ClientSession, blackhole: Blackhole, towards: str = "") -> None:
        self._session = session
        self._blackhole = blackhole
        self._towards = towards

    @property
    def closed(self) -> bool:
        """Whether the session is closed."""
        return self._session.closed

    @asynccontextmanager
    async def request(self, method: str, url: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request; raise TimeoutError as aiohttp does once the blackhole has it."""
        options["timeout"] = aiohttp.ClientTimeout(total=None)
        async with asyncio.timeout(TEST_TIMEOUT) as timeout:
            if self._towards in url:
                self._blackhole.pending.add(timeout)
            try:
                async with self._session.request(method, url, **options) as response:
                    yield response
            finally:
                self._blackhole.pending.discard(timeout)

    def get(self, url: str, **options: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a GET request."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a POST request."""
        return self.request("POST", url, **options)
