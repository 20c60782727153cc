"""How long a call may take, and whether and when to ask again: pure.

Genesys recommends to repeat 429, 502, 503 and 504 only (developer.genesys.cloud, page "Platform API, Rate limits"); a
`Retry-After` may be hours, so waiting is capped.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.purecloud.errors import (
    GenesysError,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysRateLimited,
    GenesysUnreachable,
    LoginCause,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.purecloud.requests import Request

_TRANSIENT: Final = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_LOGIN_PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds between log-ins that met the login host's rate limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the client is; seconds, but for `tries`."""

    attempt_timeout: float = 5.0
    connect_timeout: float = 3.0
    login_timeout: float = 10.0
    """All tries of one log-in, waits included."""
    total_timeout: float = 15.0
    """All tries of one call, waits and log-in included."""
    tries: int = 3
    backoff: float = 0.25
    """The first pause between two tries; it doubles."""
    retry_after_cap: float = 10.0
    """Asked to wait longer than this, the call gives up at once and says so."""


class Deadline:
    """When a call's whole time is over, on a clock of seconds."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._ends = clock() + seconds

    def left(self) -> float:
        """Seconds until then; negative afterwards."""
        return self._ends - self._clock()


def pause(
    request: Request, error: GenesysError, attempt: int, limits: Limits, jitter: Callable[[], float]
) -> float | None:
    """Seconds to wait before the try after `attempt` (the first is 1), None to give up with the error.

    `jitter` gives numbers from 0 to 1; a pause without instructions is between a half and the whole of the backoff.
    """
    if not request.repeatable or attempt >= limits.tries or not _passing(error):
        return None
    backoff = limits.backoff * 2.0 ** (attempt - 1) * (1 + jitter()) / 2
    asked = error.retry_after if isinstance(error, GenesysRateLimited) else None
    if asked is None:
        return backoff
    return None if asked > limits.retry_after_cap else max(asked, backoff)


def login_pause(error: GenesysLoginFailed, attempt: int, limits: Limits) -> float | None:
    """Seconds to wait before logging in again after `attempt` (the first is 1), None to give up with the error.

    The rate limit is waited out for some seconds; no connection, no answer and a gateway's failure get one more try.
    """
    if error.cause is LoginCause.RATE_LIMITED:
        return _LOGIN_PAUSES[attempt - 1] if attempt <= len(_LOGIN_PAUSES) else None
    silent = error.cause in {LoginCause.UNREACHABLE, LoginCause.NO_RESPONSE} or error.status in _TRANSIENT
    return limits.backoff if silent and attempt == 1 else None


def _passing(error: GenesysError) -> bool:
    if isinstance(error, GenesysLoginFailed):
        return False  # logging in has tries of its own
    if error.status is None:
        return isinstance(error, (GenesysUnreachable, GenesysNoResponse))
    return error.status in _TRANSIENT
