"""One call with all its tries: the token, the waits, the whole time, and the doubt that an unanswered DELETE leaves."""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.purecloud import requests as wire
from bot.purecloud import responses as answers
from bot.purecloud import retry as pace
from bot.purecloud.errors import GenesysError, GenesysLoginFailed, GenesysNoResponse, GenesysUnauthenticated, LoginCause
from bot.purecloud.responses import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from bot.purecloud.auth import Auth, Token
    from bot.purecloud.transport import Transport

    _Send = Callable[[int, pace.Deadline], Awaitable[Answer]]


class Caller:
    """Carries out calls of the Platform API."""

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        api_url: str,
        *,
        limits: pace.Limits,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._auth = auth
        self._api_url = api_url
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    async def call(self, request: wire.Request) -> Answer:
        """The answer to a request signed with the shared token, or a GenesysError.

        A rejected token is renewed once, which does not count as an attempt. Raises GenesysNoResponse also if a DELETE
        got no response and its retry a definite "no", because the first attempt may have been executed.
        """
        return await self._tries(request, partial(self._signed, request))

    async def end(self, token: Token) -> Answer:
        """The answer to DELETE /tokens/me with this very token; 401 says that it is dead, as was wanted."""
        request = wire.delete_tokens_me()
        return await self._tries(request, partial(self._last_use, token, request))

    async def _tries(self, request: wire.Request, send: _Send) -> Answer:
        deadline = pace.Deadline(self._clock, self._limits.total_timeout)
        doubtful = False
        attempt = 1
        while True:
            try:
                return await send(attempt, deadline)
            except GenesysError as error:
                doubtful = doubtful or (request.changes and isinstance(error, GenesysNoResponse))
                pause = pace.pause(request, error, attempt, self._limits, self._jitter)
                if pause is None or pause >= deadline.left():
                    if doubtful and not isinstance(error, GenesysNoResponse):
                        raise GenesysNoResponse(
                            status=error.status, correlation_id=error.correlation_id, problem="maybe_executed"
                        ) from error
                    raise
            await self._sleep(pause)
            attempt += 1

    async def _signed(self, request: wire.Request, attempt: int, deadline: pace.Deadline) -> Answer:
        token = self._auth.at_hand or await self._before(deadline, self._auth.token())
        try:
            return await self._send(request, token, attempt, deadline)
        except GenesysUnauthenticated:
            token = await self._before(deadline, self._auth.renewed(token.generation))
        return await self._send(request, token, attempt, deadline)

    async def _last_use(self, token: Token, request: wire.Request, attempt: int, deadline: pace.Deadline) -> Answer:
        try:
            return await self._send(request, token, attempt, deadline)
        except GenesysUnauthenticated as error:
            return Answer(error.status or HTTPStatus.UNAUTHORIZED, error.correlation_id)

    async def _send(self, request: wire.Request, token: Token, attempt: int, deadline: pace.Deadline) -> Answer:
        signed = wire.bearer(request, token.value)
        received = await self._transport.send(self._api_url, signed, attempt=attempt, within=deadline.left())
        return answers.decipher(received.status, received.headers, received.body)

    async def _before(self, deadline: pace.Deadline, token: Coroutine[None, None, Token]) -> Token:
        try:
            async with asyncio.timeout(deadline.left()):
                return await token
        except TimeoutError as error:
            late = GenesysLoginFailed(problem="login_timeout")
            late.cause = LoginCause.NO_RESPONSE
            raise late from error
