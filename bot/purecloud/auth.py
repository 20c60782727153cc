"""The access token that all calls share.

A call requests the token when it needs one, so no timer runs. Concurrent calls share one login.
Grant: developer.genesys.cloud, page "Authorization, Client credentials". A token lives for `expires_in` at most. An
idle timeout, a rotation or an administrator may end it sooner, which a 401 reports.
"""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bot.purecloud import requests, retry
from bot.purecloud.errors import GenesysError, GenesysLoginFailed, GenesysUnreachable, LoginCause
from bot.purecloud.responses import parse_login_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.purecloud.models import OAuthTokenResponse
    from bot.purecloud.retry import Deadline, Limits
    from bot.purecloud.transport import Transport

_DEFAULT_LIFETIME: Final = 300.0
"""Lifetime of a token without `expires_in`, in seconds: the shortest that Genesys Cloud allows for a client."""
_RENEWAL_MARGIN: Final = 60.0
"""Time before its end at which a token is renewed, in seconds; a tenth of its lifetime if that is shorter."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    `generation` counts the tokens of this process from 1. `expires_at` is a time of the client's clock.
    """

    value: str = field(repr=False)
    generation: int
    expires_at: float


class Auth:
    """The current access token of one OAuth client.

    A failed or cancelled login changes nothing.
    """

    def __init__(
        self,
        transport: Transport,
        login_url: str,
        client_id: str,
        client_secret: str,
        *,
        limits: Limits,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._transport = transport
        self._login_url = login_url
        self._request = requests.login(client_id, client_secret)
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._token: Token | None = None
        self._renew_at = 0.0
        self._generation = 0
        self._lock = asyncio.Lock()
        self._refreshes = 0
        self._last_failure: GenesysLoginFailed | None = None
        self.rejected = False
        """Whether the last call was answered 401, even with a new token."""

    @property
    def cached(self) -> Token | None:
        """The current token, None if a login is necessary."""
        return self._cached_after(0)

    async def token(self) -> Token:
        """Return the current token, after a login if necessary; raises GenesysLoginFailed."""
        return await self._token_after(0)

    async def renew(self, generation: int) -> Token:
        """Return a token of a later generation, after a login if there is none yet.

        Concurrent callers share one login and its failure: each raises GenesysLoginFailed.
        """
        return await self._token_after(generation)

    def discard(self, generation: int) -> None:
        """Forget the token of this generation if it is the current one, because it was deleted or rejected."""
        if self._token and self._token.generation == generation:
            self._token = None

    def _cached_after(self, generation: int) -> Token | None:
        token = self._token
        return token if token and token.generation > generation and self._clock() < self._renew_at else None

    async def _token_after(self, generation: int) -> Token:
        if token := self._cached_after(generation):
            return token
        refreshes = self._refreshes
        async with self._lock:
            if token := self._cached_after(generation):
                return token
            if self._last_failure and self._refreshes > refreshes:
                # A caller that waited for a failed login does not start another one: fifty would meet the rate limit.
                raise copy(self._last_failure)
            return await self._refresh(generation)

    async def _refresh(self, generation: int) -> Token:
        try:
            response = await self._login()
        except GenesysLoginFailed as error:
            self._refreshes += 1
            self._last_failure = copy(error)
            if self._token:
                self._renew_at = self._token.expires_at  # use the old token until it expires
            if token := self._cached_after(generation):
                return token
            raise
        self._refreshes += 1
        self._last_failure = None
        return self._store(response)

    def _store(self, response: OAuthTokenResponse) -> Token:
        expires_in = response.expires_in
        lifetime = expires_in if expires_in and expires_in > 0 else _DEFAULT_LIFETIME
        now = self._clock()
        self._generation += 1
        self._token = Token(response.access_token.get_secret_value(), self._generation, now + lifetime)
        self._renew_at = now + lifetime - min(_RENEWAL_MARGIN, lifetime / 10)
        return self._token

    async def _login(self) -> OAuthTokenResponse:
        deadline = retry.Deadline(self._clock, self._limits.login_timeout)
        return await retry.with_retries(
            lambda attempt: self._request_token(attempt, deadline),
            lambda error, attempt: retry.login_retry_delay(error, attempt, self._limits),
            deadline=deadline,
            sleep=self._sleep,
        )

    async def _request_token(self, attempt: int, deadline: Deadline) -> OAuthTokenResponse:
        seconds = deadline.remaining()
        try:
            raw = await self._transport.send(self._login_url, self._request, attempt=attempt, max_seconds=seconds)
        except GenesysError as error:
            failure = GenesysLoginFailed(problem=error.problem)
            unreachable = isinstance(error, GenesysUnreachable)
            failure.cause = LoginCause.UNREACHABLE if unreachable else LoginCause.NO_RESPONSE
            raise failure from error
        return parse_login_response(raw.status, raw.headers, raw.body)
