"""Timeouts, and whether and when the client sends a request again.

Genesys recommends repeating only 429, 502, 503 and 504 (developer.genesys.cloud, page "Platform API, Rate limits").
`Retry-After` can be hours, so the client caps how long it waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from bot.purecloud.errors import (
    GenesysError,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysRateLimited,
    GenesysServerError,
    GenesysUnreachable,
    LoginCause,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_RETRIED_STATUSES: Final = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_TRANSIENT_LOGIN_CAUSES: Final = {LoginCause.RATE_LIMITED, LoginCause.UNREACHABLE, LoginCause.NO_RESPONSE}
_LOGIN_RATE_LIMIT_DELAYS: Final = (1.0, 2.0, 4.0)
"""Delays between logins that met the login host's rate limit, in seconds."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """Timeouts and retry limits of the client, in seconds except for `max_attempts`."""

    attempt_timeout: float = 5.0
    connect_timeout: float = 3.0
    login_timeout: float = 10.0
    """Maximum time of one login, with its retries and delays."""
    total_timeout: float = 15.0
    """Maximum time of one call, with its login, retries and delays."""
    max_attempts: int = 3
    backoff: float = 0.25
    """Delay before the first retry; it doubles for each further one."""
    max_retry_after: float = 10.0
    """Longest `Retry-After` that the client waits for. A longer one fails the call at once, and its error has it."""


class Deadline:
    """The end of a call's total time, on a clock that counts seconds."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    def remaining(self) -> float:
        """Return the remaining seconds, negative after the end."""
        return self._ends_at - self._clock()


def is_transient(error: GenesysError) -> bool:
    """Return whether a later attempt may succeed.

    The client itself retries fewer errors, because Genesys recommends only some statuses for it. Its `retry_after` may
    be longer than the caller can wait.
    """
    if isinstance(error, GenesysLoginFailed):
        return error.cause in _TRANSIENT_LOGIN_CAUSES or (error.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, (GenesysUnreachable, GenesysNoResponse, GenesysRateLimited, GenesysServerError))


def retry_delay(error: GenesysError, attempt: int, limits: Limits, jitter: Callable[[], float]) -> float | None:
    """Return the seconds to wait after an attempt (the first is 1), None to give up.

    `jitter` returns numbers from 0 to 1. Without a `Retry-After`, the delay is between half of the backoff and all of
    it.
    """
    if isinstance(error, GenesysLoginFailed):  # the login has made its own retries
        return None
    if attempt >= limits.max_attempts or not _is_retried(error):
        return None
    backoff = limits.backoff * 2.0 ** (attempt - 1) * (1 + jitter()) / 2
    return _not_before(error, backoff, limits)


def login_retry_delay(error: GenesysError, attempt: int, limits: Limits) -> float | None:
    """Return the seconds to wait after a login (the first is 1), None to give up.

    The client waits several times for the rate limit to pass, and retries any other transient error once.
    """
    if isinstance(error, GenesysLoginFailed) and error.cause is LoginCause.RATE_LIMITED:
        known = attempt <= len(_LOGIN_RATE_LIMIT_DELAYS)
        return _not_before(error, _LOGIN_RATE_LIMIT_DELAYS[attempt - 1], limits) if known else None
    return _not_before(error, limits.backoff, limits) if attempt == 1 and _is_retried(error) else None


def _not_before(error: GenesysError, delay: float, limits: Limits) -> float | None:
    """Return a delay that is not shorter than `Retry-After`, None if the client does not wait as long."""
    retry_after = error.retry_after or 0.0
    return None if retry_after > limits.max_retry_after else max(retry_after, delay)


async def with_retries(
    send: Callable[[int], Awaitable[_Result]],
    delay_after: Callable[[GenesysError, int], float | None],
    *,
    deadline: Deadline,
    sleep: Callable[[float], Awaitable[None]],
) -> _Result:
    """Return the result of `send`, or raise the error of its last attempt.

    `delay_after` returns the seconds to wait after an error, None to give up. No retry starts after the deadline.
    """
    attempt = 1
    while True:
        try:
            return await send(attempt)
        except GenesysError as error:
            delay = delay_after(error, attempt)
            if delay is None or delay >= deadline.remaining():
                raise
        await sleep(delay)
        attempt += 1


def _is_retried(error: GenesysError) -> bool:
    return is_transient(error) and (error.status is None or error.status in _RETRIED_STATUSES)
