"""One attempt is one request on the wire: send it, read a bounded answer, name what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aiohttp

from bot.purecloud.errors import GenesysError, GenesysNoResponse, GenesysUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.purecloud.requests import Request
    from bot.purecloud.retry import Limits

    _Send = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

_LARGEST_BODY: Final = 1024 * 1024
_SHORTEST_TIMEOUT: Final = 0.001  # 0 would mean "for ever" to aiohttp

_NOT_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ServerFingerprintMismatch,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt as metrics want it: its operation, the HTTP status or the error's name, seconds, which attempt."""

    operation: str
    outcome: str
    seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it came; at most the first MiB of its body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """Sends requests through a session that belongs to somebody else."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        limits: Limits,
        *,
        clock: Callable[[], float],
        observe: Callable[[Call], None] | None,
    ) -> None:
        self._session = session
        self._limits = limits
        self._usual = self._seconds(limits.attempt_timeout)
        self._clock = clock
        self._observe = observe

    async def send(self, base_url: str, request: Request, *, attempt: int = 1, within: float | None = None) -> Received:
        """What came back, whatever its status, in `within` seconds or the attempt's timeout, whichever is less.

        GenesysUnreachable: it did not leave this machine. GenesysNoResponse: it may have arrived.
        """
        started = self._clock()
        outcome = "cancelled"
        try:
            received = await self._exchange(base_url, request, within)
            outcome = str(received.status)
        except GenesysError as error:
            outcome = type(error).__name__
            raise
        else:
            return received
        finally:
            if self._observe:
                self._observe(Call(request.operation, outcome, self._clock() - started, attempt))

    async def _exchange(self, base_url: str, request: Request, within: float | None) -> Received:
        try:
            async with self._session.request(
                request.method,
                base_url + request.path,
                headers=request.headers,
                data=request.body,
                timeout=self._timeout(within),
                allow_redirects=False,
                raise_for_status=False,
                middlewares=(_sent_once,),
            ) as response:
                return Received(response.status, response.headers, await _bounded(response.content))
        except _NOT_SENT as error:
            raise GenesysUnreachable from error
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise GenesysNoResponse from error

    def _timeout(self, within: float | None) -> aiohttp.ClientTimeout:
        if within is None or within >= self._limits.attempt_timeout:
            return self._usual
        return self._seconds(max(_SHORTEST_TIMEOUT, within))

    def _seconds(self, total: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=total, connect=min(total, self._limits.connect_timeout))


async def _sent_once(request: aiohttp.ClientRequest, send: _Send) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending again, unasked, what was cut off with a kept-alive connection.

    aiohttp does so on these two errors (RFC 9112, 9.3.1), which is one DELETE more than anybody decided on.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise GenesysNoResponse from error


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = bytearray(await content.read(_LARGEST_BODY))
    while not content.at_eof() and len(body) < _LARGEST_BODY:
        body += await content.read(_LARGEST_BODY - len(body))
    return bytes(body)
