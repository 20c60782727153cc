"""The tokens for bulk requests. A lane is a client with a login, an allowance and a pace of its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from bot.domain.actions import GenesysApi
from bot.purecloud import GenesysLoginFailed
from bot.purecloud.allowance import Allowance
from bot.purecloud.pace import Pacer

GROUP_SECONDS = 2.0
"""Seconds of DELETEs that a lane takes at once. A process that receives SIGTERM finishes them."""

MAX_GROUP = 64
"""People that a lane takes at once, and so the most DELETEs of a lane at the same time."""

MAX_TURN_WAIT = 2.0
"""Seconds that a DELETE may wait for its turn. For a longer time, the lane's job goes back to the queue."""

LOGIN_RETRY_DELAY = 10.0
"""Seconds after a failed login, unless Genesys Cloud asks to wait longer. Meanwhile no person's attempt is used up."""

log = structlog.get_logger()


class Login(Protocol):
    """The login of a client."""

    async def token(self) -> object:
        """Return the token, after a login if necessary; raises GenesysLoginFailed."""


class TokenClient(GenesysApi, Protocol):
    """A client with a token of its own; `bot.purecloud.PureCloud` implements it."""

    @property
    def auth(self) -> Login:
        """The client's login."""

    @property
    def allowance(self) -> Allowance:
        """What Genesys Cloud reports about the token."""


class LaneWaits(Exception):
    """A DELETE that was not sent, because the token must wait for its allowance."""


class Lane:
    """One token and its pace. `clock` returns monotonic seconds."""

    def __init__(
        self,
        number: int,
        client: TokenClient,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.number = number
        self.client = client
        self.pacer = Pacer(client.allowance, clock)
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()

    @property
    def group_size(self) -> int:
        """How many people the lane takes at once: one until its allowance is known."""
        per_second = self.pacer.per_second
        return min(MAX_GROUP, math.ceil(per_second * GROUP_SECONDS)) if per_second else 1

    async def ready_in(self) -> float:
        """Return the seconds to wait until the lane may have a token that may send, 0 for no wait."""
        try:
            await self.client.auth.token()
        except GenesysLoginFailed as error:
            delay = max(error.retry_after or 0.0, LOGIN_RETRY_DELAY)
            log.warning("bulk.login_failed", lane=self.number, problem=str(error), delay=delay)
            return delay
        delay = self.pacer.delay() or 0.0
        return delay if delay > MAX_TURN_WAIT else 0.0

    async def start(self, check: Callable[[], Awaitable[None]]) -> None:
        """Wait for the turn of a DELETE, then count it. `check` raises if it may not be sent any more.

        Raises LaneWaits if the turn is too far away.
        """
        async with self._turn:
            while (delay := self.pacer.delay()) != 0:
                if delay is None:
                    self._ended.clear()
                    await self._ended.wait()
                elif delay > MAX_TURN_WAIT:
                    raise LaneWaits
                else:
                    await self._sleep(delay)
            await check()
            self.pacer.start()

    def end(self) -> None:
        """Record the end of a DELETE, answered or not."""
        self.pacer.end()
        self._ended.set()


class LaneCall:
    """The DELETE of one person, with all its attempts."""

    def __init__(self, lane: Lane, check: Callable[[], Awaitable[None]]) -> None:
        self._lane = lane
        self._check = check
        self._sending = False

    async def guard(self) -> None:
        """Wait for the turn of an attempt; raises what prevents it. Earlier attempts have ended."""
        self.end()
        await self._lane.start(self._check)
        self._sending = True

    def end(self) -> None:
        """Record that no attempt is being sent."""
        if self._sending:
            self._sending = False
            self._lane.end()
