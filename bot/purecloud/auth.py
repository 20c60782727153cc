"""One access token for everybody: asked for before use, renewed in one flight, never by a timer.

The client credentials grant: developer.genesys.cloud, page "Authorization, Client credentials". A token lives as long
as `expires_in` says at most; an idle timeout, a rotation or an administrator may end it sooner, which a 401 tells.
"""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bot.purecloud import requests as wire
from bot.purecloud import responses as answers
from bot.purecloud import retry as pace
from bot.purecloud.errors import GenesysError, GenesysLoginFailed, GenesysUnreachable, LoginCause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.purecloud.models import OAuthTokenResponse
    from bot.purecloud.transport import Transport

_LIFETIME: Final = 300.0
"""Seconds a token is trusted for where the answer does not say: the shortest a client can be set to."""
_MARGIN: Final = 60.0
"""Seconds before its end at which a token is renewed, or a tenth of its life if that is less."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; `generation` counts the tokens of this process, `expires_at` is a moment of the clock."""

    value: str = field(repr=False)
    generation: int
    expires_at: float


class Auth:
    """Keeps one token of one OAuth client; a failed or cancelled log-in leaves everything as it was."""

    def __init__(
        self,
        transport: Transport,
        login_url: str,
        client_id: str,
        client_secret: str,
        *,
        limits: pace.Limits,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._transport = transport
        self._login_url = login_url
        self._request = wire.login(client_id, client_secret)
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._token: Token | None = None
        self._renew_at = 0.0
        self._generation = 0
        self._lock = asyncio.Lock()
        self._flights = 0
        self._failure: GenesysLoginFailed | None = None

    @property
    def at_hand(self) -> Token | None:
        """A token that should still serve, if there is one without asking."""
        return self._serving(0)

    async def token(self) -> Token:
        """A token that should still serve; GenesysLoginFailed when there is none to be had."""
        return await self._newer_than(0)

    async def renewed(self, after: int) -> Token:
        """A token of a later generation: taken now, unless somebody did so meanwhile.

        However many ask at once, one log-in is made, and its failure is everybody's: GenesysLoginFailed.
        """
        return await self._newer_than(after)

    def forget(self, generation: int) -> None:
        """Drop the token of that generation, if it is still the one in use: it has been deleted."""
        if self._token and self._token.generation == generation:
            self._token = None

    def _serving(self, after: int) -> Token | None:
        token = self._token
        return token if token and token.generation > after and self._clock() < self._renew_at else None

    async def _newer_than(self, after: int) -> Token:
        if token := self._serving(after):
            return token
        came = self._flights
        async with self._lock:
            if token := self._serving(after):
                return token
            if self._failure and self._flights > came:
                # Who waited for a log-in that failed does not start the next one: fifty would meet the rate limit.
                raise copy(self._failure)
            return await self._fly(after)

    async def _fly(self, after: int) -> Token:
        try:
            response = await self._log_in()
        except GenesysLoginFailed as error:
            self._flights += 1
            self._failure = copy(error)
            if self._token:
                self._renew_at = self._token.expires_at  # what is left of the old token is used up first
            if token := self._serving(after):
                return token
            raise
        self._flights += 1
        self._failure = None
        return self._keep(response)

    def _keep(self, response: OAuthTokenResponse) -> Token:
        said = response.expires_in
        lifetime = said if said and said > 0 else _LIFETIME
        now = self._clock()
        self._generation += 1
        self._token = Token(response.access_token.get_secret_value(), self._generation, now + lifetime)
        self._renew_at = now + lifetime - min(_MARGIN, lifetime / 10)
        return self._token

    async def _log_in(self) -> OAuthTokenResponse:
        deadline = pace.Deadline(self._clock, self._limits.login_timeout)
        attempt = 1
        while True:
            try:
                return await self._ask(attempt, deadline)
            except GenesysLoginFailed as error:
                pause = pace.login_pause(error, attempt, self._limits)
                if pause is None or pause >= deadline.left():
                    raise
            await self._sleep(pause)
            attempt += 1

    async def _ask(self, attempt: int, deadline: pace.Deadline) -> OAuthTokenResponse:
        try:
            received = await self._transport.send(
                self._login_url, self._request, attempt=attempt, within=deadline.left()
            )
        except GenesysError as error:
            unreachable = isinstance(error, GenesysUnreachable)
            failure = GenesysLoginFailed()
            failure.cause = LoginCause.UNREACHABLE if unreachable else LoginCause.NO_RESPONSE
            raise failure from error
        return answers.decipher_login(received.status, received.headers, received.body)
