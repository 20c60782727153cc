"""HTTP attempts. Each sends one request, reads a bounded response or raises a GenesysError."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aiohttp

from bot.network.errors import network_error_class
from bot.network.proxies import proxy_failure
from bot.purecloud.errors import GenesysError, GenesysNoResponse, GenesysUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.purecloud.requests import ApiRequest
    from bot.purecloud.retry import Limits

    _Send = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

_MAX_BODY_BYTES: Final = 1024 * 1024
_MIN_TIMEOUT: Final = 0.001
"""Shortest timeout of an attempt, in seconds, because 0 means "no timeout" to aiohttp."""

_NOT_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ServerFingerprintMismatch,
)


@dataclass(frozen=True, slots=True)
class HttpAttempt:
    """One attempt, for metrics.

    `outcome` is the HTTP status, the class of a network error, or `cancelled`. `attempt` counts from 1.
    """

    operation: str
    outcome: str
    seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An unparsed response with at most the first MiB of its body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """Sender of single HTTP requests. The session belongs to the caller."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        limits: Limits,
        *,
        clock: Callable[[], float],
        observe: Callable[[HttpAttempt], None] | None,
        proxy_for: Callable[[str], str | None] = lambda _url: None,
    ) -> None:
        self._session = session
        self._limits = limits
        self._attempt_timeout = self._client_timeout(limits.attempt_timeout)
        self._clock = clock
        self._observe = observe
        self._proxy_for = proxy_for

    async def send(
        self, base_url: str, request: ApiRequest, *, attempt: int = 1, max_seconds: float | None = None
    ) -> RawResponse:
        """Send a request and return the response, whatever its status.

        `max_seconds` shortens the timeout of the attempt. Raises GenesysUnreachable if the request was not sent,
        and GenesysNoResponse if it may have arrived.
        """
        started = self._clock()
        outcome = "cancelled"
        try:
            response = await self._exchange(base_url, request, max_seconds)
            outcome = str(response.status)
        except GenesysError as error:
            outcome = network_error_class(error.__cause__)
            raise
        else:
            return response
        finally:
            if self._observe:
                self._observe(HttpAttempt(request.operation, outcome, self._clock() - started, attempt))

    async def _exchange(self, base_url: str, request: ApiRequest, max_seconds: float | None) -> RawResponse:
        try:
            async with self._session.request(
                request.method,
                base_url + request.path,
                headers=request.headers,
                data=request.body,
                timeout=self._timeout(max_seconds),
                proxy=self._proxy_for(base_url),
                allow_redirects=False,
                raise_for_status=False,
                middlewares=(_prevent_resend,),
            ) as response:
                return RawResponse(response.status, response.headers, await _read_bounded(response.content))
        except _NOT_SENT as error:
            raise GenesysUnreachable(problem=proxy_failure(error)) from error
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise GenesysNoResponse from error

    def _timeout(self, seconds: float | None) -> aiohttp.ClientTimeout:
        if seconds is None or seconds >= self._limits.attempt_timeout:
            return self._attempt_timeout
        return self._client_timeout(max(_MIN_TIMEOUT, seconds))

    def _client_timeout(self, total: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=total, connect=min(total, self._limits.connect_timeout))


async def _prevent_resend(request: aiohttp.ClientRequest, send: _Send) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again after a kept-alive connection broke.

    aiohttp resends after these two errors (RFC 9112, 9.3.1), so a DELETE could be executed twice.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise GenesysNoResponse from error


async def _read_bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray(await content.read(_MAX_BODY_BYTES))
    while not content.at_eof() and len(body) < _MAX_BODY_BYTES:
        body += await content.read(_MAX_BODY_BYTES - len(body))
    return bytes(body)
