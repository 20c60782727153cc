"""Calls of the Platform API, with access token, retries, total timeout and uncertain DELETEs."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.purecloud import requests, retry
from bot.purecloud.errors import (
    GenesysError,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotSent,
    GenesysUnauthenticated,
    GenesysUnreachable,
    LoginCause,
)
from bot.purecloud.responses import ApiResponse, parse_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from bot.purecloud.allowance import Allowance
    from bot.purecloud.auth import Auth, Token
    from bot.purecloud.requests import ApiRequest
    from bot.purecloud.retry import Deadline, Limits
    from bot.purecloud.transport import RawResponse, Transport

    _Send = Callable[[int, Deadline], Awaitable[ApiResponse]]


write_guard: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("write_guard", default=None)
"""What the current task awaits before each attempt of a DELETE. It raises GenesysNotSent to prevent the attempt."""

write_sent: ContextVar[Callable[[], None] | None] = ContextVar("write_sent", default=None)
"""What the current task calls for each attempt of a DELETE that Genesys Cloud may have received."""


class Caller:
    """Sender of requests to the Platform API, with retries."""

    def __init__(
        self,
        transport: Transport,
        auth: Auth,
        api_url: str,
        *,
        limits: Limits,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
        allowance: Allowance,
    ) -> None:
        self._allowance = allowance
        self._transport = transport
        self._auth = auth
        self._api_url = api_url
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    async def call(self, request: ApiRequest) -> ApiResponse:
        """Send a request with the shared access token; raises GenesysError.

        A rejected token is renewed once, which does not count as an attempt. If a DELETE got no response, a definite
        "no" to its retry also raises GenesysNoResponse, because the first attempt may have been executed.
        """
        return await self._with_retries(request, partial(self._send_with_shared_token, request))

    async def call_once(self, request: ApiRequest, *, login: bool = True) -> ApiResponse:
        """Send a request once at most, whatever the response; raises GenesysError.

        Without a token, it logs in first if `login` is set, and raises GenesysNotSent if not.
        """
        deadline = retry.Deadline(self._clock, self._limits.total_timeout)
        token = self._auth.cached
        if token is None:
            if not login:
                raise GenesysNotSent(problem="no_token")
            token = await self._within(deadline, self._auth.token())
        try:
            return await self._send(request, token, 1, deadline)
        except GenesysUnauthenticated:
            self._auth.discard(token.generation)
            raise

    async def delete_own_token(self, token: Token) -> ApiResponse:
        """Send DELETE /tokens/me with this token; raises GenesysError.

        The status 401 is a success: the token was no longer valid.
        """
        request = requests.delete_tokens_me()
        return await self._with_retries(request, partial(self._send_unless_invalid, request, token))

    async def _with_retries(self, request: ApiRequest, send: _Send) -> ApiResponse:
        deadline = retry.Deadline(self._clock, self._limits.total_timeout)
        maybe_executed = False

        def delay_after(error: GenesysError, attempt: int) -> float | None:
            nonlocal maybe_executed
            maybe_executed = maybe_executed or (request.is_write and isinstance(error, GenesysNoResponse))
            return retry.retry_delay(error, attempt, self._limits, self._jitter)

        try:
            return await retry.with_retries(
                lambda attempt: send(attempt, deadline), delay_after, deadline=deadline, sleep=self._sleep
            )
        except GenesysNoResponse:
            raise
        except GenesysError as error:
            if not maybe_executed:
                raise
            raise GenesysNoResponse(
                status=error.status, correlation_id=error.correlation_id, problem="maybe_executed"
            ) from error

    async def _send_with_shared_token(self, request: ApiRequest, attempt: int, deadline: Deadline) -> ApiResponse:
        token = self._auth.cached or await self._within(deadline, self._auth.token())
        try:
            return await self._send(request, token, attempt, deadline)
        except GenesysUnauthenticated:
            self._auth.discard(token.generation)  # before the login, so that no one counts on a token that is refused
            token = await self._within(deadline, self._auth.renew(token.generation))
        return await self._send(request, token, attempt, deadline)

    async def _send_unless_invalid(
        self, request: ApiRequest, token: Token, attempt: int, deadline: Deadline
    ) -> ApiResponse:
        try:
            return await self._send(request, token, attempt, deadline)
        except GenesysUnauthenticated as error:
            return ApiResponse(error.status or HTTPStatus.UNAUTHORIZED, error.correlation_id)

    async def _send(self, request: ApiRequest, token: Token, attempt: int, deadline: Deadline) -> ApiResponse:
        signed = requests.with_bearer_token(request, token.value)
        guard = write_guard.get()
        if guard and request.is_write:
            await guard()
        began = self._clock()
        raw = await self._transmit(signed, attempt, deadline)
        self._allowance.note(raw.headers)
        self._auth.rejected = raw.status == HTTPStatus.UNAUTHORIZED
        return replace(parse_response(raw.status, raw.headers, raw.body), seconds=self._clock() - began)

    async def _transmit(self, request: ApiRequest, attempt: int, deadline: Deadline) -> RawResponse:
        """Send a request once, and report an attempt of a DELETE that Genesys Cloud may have received."""
        count = write_sent.get() if request.is_write else None
        try:
            return await self._transport.send(self._api_url, request, attempt=attempt, max_seconds=deadline.remaining())
        except GenesysUnreachable:
            count = None
            raise
        finally:
            if count:
                count()

    async def _within(self, deadline: Deadline, token: Coroutine[None, None, Token]) -> Token:
        try:
            async with asyncio.timeout(deadline.remaining()):
                return await token
        except TimeoutError as error:
            failure = GenesysLoginFailed(problem="login_timeout")
            failure.cause = LoginCause.NO_RESPONSE
            raise failure from error
