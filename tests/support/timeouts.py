"""A session whose time is up as soon as its request has come to a server that will not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal

import aiohttp

SAFETY = 60.0
"""Seconds after which anything at all is given up: long, because machines are slow at times."""


class Silence(asyncio.Event):
    """What a server waits for that does not answer; says so to whoever must not wait in vain."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: set[asyncio.Timeout] = set()
        """The time-outs of the requests that are on their way to it."""

    async def wait(self) -> Literal[True]:
        """As long as the silence lasts; those whose requests have come are told that their time is up."""
        for limit in self.waiting:
            limit.reschedule(asyncio.get_running_loop().time())
        return await super().wait()

    async def sleep(self, _seconds: float) -> None:
        """The same, for who would only be slow."""
        await self.wait()


class Patience:
    """The part of aiohttp's ClientSession that the clients use; time-outs happen at once and never by accident.

    `towards`: the addresses that contain it are those that may meet the silence.
    """

    def __init__(self, session: aiohttp.ClientSession, silence: Silence, towards: str = "") -> None:
        self._session = session
        self._silence = silence
        self._towards = towards

    @property
    def closed(self) -> bool:
        """Whether it can be used no more."""
        return self._session.closed

    @asynccontextmanager
    async def request(self, method: str, url: str, **options: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request, and give up as aiohttp does when its time is over."""
        options["timeout"] = aiohttp.ClientTimeout(total=None)
        async with asyncio.timeout(SAFETY) as limit:
            if self._towards in url:
                self._silence.waiting.add(limit)
            try:
                async with self._session.request(method, url, **options) as response:
                    yield response
            finally:
                self._silence.waiting.discard(limit)

    def post(self, url: str, **options: Any) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """The same by POST."""
        return self.request("POST", url, **options)
