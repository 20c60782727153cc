"""Whether and when a call is made again."""

from __future__ import annotations

import pytest

from bot.purecloud import GenesysError, GenesysLoginFailed, Limits, LoginCause, errors
from bot.purecloud import requests as wire
from bot.purecloud import retry as pace

GET, LOGIN = wire.get_tokens_me(), wire.login("id", "secret")


def whole() -> float:
    return 1.0


def limited(seconds: float | None) -> errors.GenesysRateLimited:
    error = errors.GenesysRateLimited(status=429)
    error.retry_after = seconds
    return error


@pytest.mark.parametrize(
    "error",
    [
        limited(None),
        errors.GenesysNoResponse(status=502),
        errors.GenesysServerError(status=503),
        errors.GenesysNoResponse(status=504),
        errors.GenesysNoResponse(),
        errors.GenesysUnreachable(),
    ],
)
def test_pause__what_may_pass_is_tried_three_times_with_a_growing_pause(error: GenesysError) -> None:
    assert [pace.pause(GET, error, attempt, Limits(), whole) for attempt in (1, 2, 3)] == [0.25, 0.5, None]
    assert pace.pause(LOGIN, error, 1, Limits(), whole) is None


@pytest.mark.parametrize(
    "error",
    [
        errors.GenesysRejected(status=400),
        errors.GenesysUnauthenticated(status=401),
        errors.GenesysForbidden(status=403),
        errors.GenesysNotFound(status=404),
        errors.GenesysNoResponse(status=408),
        errors.GenesysServerError(status=500),
        errors.GenesysServerError(status=501),
        errors.GenesysNoResponse(status=200),
        errors.GenesysRejected(),
        errors.GenesysLoginFailed(status=503),
        errors.GenesysLoginFailed(),
    ],
)
def test_pause__what_will_not_pass_is_not_tried_again(error: GenesysError) -> None:
    assert pace.pause(GET, error, 1, Limits(), whole) is None


@pytest.mark.parametrize(("asked", "pause"), [(0, 0.25), (4, 4), (10, 10), (10.5, None), (3600, None)])
def test_pause__retry_after_is_honoured_up_to_the_cap(asked: float, pause: float | None) -> None:
    assert pace.pause(GET, limited(asked), 1, Limits(), whole) == pause


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 0.125), (0.5, 0.1875), (1.0, 0.25)])
def test_pause__is_spread_over_the_upper_half_of_the_backoff(jitter: float, pause: float) -> None:
    assert pace.pause(GET, errors.GenesysUnreachable(), 1, Limits(), lambda: jitter) == pause


def failed(cause: LoginCause, status: int | None = None) -> GenesysLoginFailed:
    error = GenesysLoginFailed(status=status)
    error.cause = cause
    return error


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (failed(LoginCause.RATE_LIMITED, 400), [1, 2, 4, None]),
        (failed(LoginCause.UNREACHABLE), [0.25, None, None, None]),
        (failed(LoginCause.NO_RESPONSE), [0.25, None, None, None]),
        (failed(LoginCause.OTHER, 503), [0.25, None, None, None]),
        (failed(LoginCause.OTHER, 500), [None] * 4),
        (failed(LoginCause.CLIENT_NOT_FOUND, 400), [None] * 4),
        (failed(LoginCause.WRONG_SECRET, 401), [None] * 4),
    ],
)
def test_login_pause__waits_out_the_rate_limit_and_tries_silence_once_more(
    error: GenesysLoginFailed, pauses: list[float | None]
) -> None:
    assert [pace.login_pause(error, attempt, Limits()) for attempt in (1, 2, 3, 4)] == pauses


def test_deadline__counts_down_and_below_zero() -> None:
    moments = iter([100.0, 103.0, 120.0])
    deadline = pace.Deadline(lambda: next(moments), 15.0)

    assert deadline.left() == 12.0
    assert deadline.left() == -5.0
