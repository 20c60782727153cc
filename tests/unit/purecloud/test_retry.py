"""Whether and when a request is sent again."""

from __future__ import annotations

import pytest

from bot.purecloud import GenesysError, GenesysLoginFailed, Limits, LoginCause, errors, is_transient, retry
from tests.support.clock import FakeClock


def full_jitter() -> float:
    return 1.0


def rate_limited(seconds: float | None) -> errors.GenesysRateLimited:
    error = errors.GenesysRateLimited(status=429)
    error.retry_after = seconds
    return error


@pytest.mark.parametrize(
    "error",
    [
        rate_limited(None),
        errors.GenesysNoResponse(status=502),
        errors.GenesysServerError(status=503),
        errors.GenesysNoResponse(status=504),
        errors.GenesysNoResponse(),
        errors.GenesysUnreachable(),
    ],
)
def test_retry_delay__doubles_until_three_attempts_failed(error: GenesysError) -> None:
    assert [retry.retry_delay(error, attempt, Limits(), full_jitter) for attempt in (1, 2, 3)] == [0.25, 0.5, None]


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
def test_retry_delay__is_none_for_other_errors(error: GenesysError) -> None:
    assert retry.retry_delay(error, 1, Limits(), full_jitter) is None


@pytest.mark.parametrize(("retry_after", "delay"), [(0, 0.25), (4, 4), (10, 10), (10.5, None), (3600, None)])
def test_retry_delay__follows_retry_after_up_to_the_maximum(retry_after: float, delay: float | None) -> None:
    assert retry.retry_delay(rate_limited(retry_after), 1, Limits(), full_jitter) == delay


@pytest.mark.parametrize(("jitter", "delay"), [(0.0, 0.125), (0.5, 0.1875), (1.0, 0.25)])
def test_retry_delay__jitter_covers_the_upper_half_of_the_backoff(jitter: float, delay: float) -> None:
    assert retry.retry_delay(errors.GenesysUnreachable(), 1, Limits(), lambda: jitter) == delay


def login_failed(cause: LoginCause, status: int | None = None) -> GenesysLoginFailed:
    error = GenesysLoginFailed(status=status)
    error.cause = cause
    return error


@pytest.mark.parametrize(
    ("error", "delays"),
    [
        (login_failed(LoginCause.RATE_LIMITED, 400), [1, 2, 4, None]),
        (login_failed(LoginCause.UNREACHABLE), [0.25, None, None, None]),
        (login_failed(LoginCause.NO_RESPONSE), [0.25, None, None, None]),
        (login_failed(LoginCause.OTHER, 503), [0.25, None, None, None]),
        (login_failed(LoginCause.OTHER, 500), [None] * 4),
        (login_failed(LoginCause.CLIENT_NOT_FOUND, 400), [None] * 4),
        (login_failed(LoginCause.WRONG_SECRET, 401), [None] * 4),
    ],
)
def test_login_retry_delay__retries_the_rate_limit_thrice_and_other_errors_once(
    error: GenesysLoginFailed, delays: list[float | None]
) -> None:
    assert [retry.login_retry_delay(error, attempt, Limits()) for attempt in (1, 2, 3, 4)] == delays


def test_deadline__remaining_time_becomes_negative() -> None:
    moments = iter([100.0, 103.0, 120.0])
    deadline = retry.Deadline(lambda: next(moments), 15.0)

    assert deadline.remaining() == 12.0
    assert deadline.remaining() == -5.0


TRANSIENT = [
    errors.GenesysUnreachable(),
    errors.GenesysNoResponse(),
    errors.GenesysNoResponse(status=408),
    errors.GenesysServerError(status=500),
    rate_limited(3600),
    login_failed(LoginCause.RATE_LIMITED, 400),
    login_failed(LoginCause.UNREACHABLE),
    login_failed(LoginCause.NO_RESPONSE),
    login_failed(LoginCause.OTHER, 500),
]
PERMANENT = [
    GenesysError(),
    errors.GenesysRejected(status=400),
    errors.GenesysUnauthenticated(status=401),
    errors.GenesysForbidden(status=403),
    errors.GenesysNotFound(status=404),
    login_failed(LoginCause.WRONG_SECRET, 401),
    login_failed(LoginCause.CLIENT_NOT_FOUND, 400),
    login_failed(LoginCause.OTHER, 400),
    login_failed(LoginCause.OTHER),
]


@pytest.mark.parametrize(
    ("error", "transient"), [*((one, True) for one in TRANSIENT), *((one, False) for one in PERMANENT)]
)
def test_is_transient__is_true_if_a_later_attempt_may_succeed(error: GenesysError, transient: bool) -> None:
    assert is_transient(error) is transient


async def test_with_retries__starts_no_attempt_after_the_deadline() -> None:
    clock = FakeClock()
    attempts: list[int] = []

    async def send(attempt: int) -> None:
        attempts.append(attempt)
        raise errors.GenesysUnreachable

    with pytest.raises(errors.GenesysUnreachable):
        await retry.with_retries(
            send, lambda _error, _attempt: 4.0, deadline=retry.Deadline(clock, 10.0), sleep=clock.sleep
        )

    assert attempts == [1, 2, 3]
    assert clock.slept == [4.0, 4.0]


async def test_with_retries__returns_the_first_result() -> None:
    clock = FakeClock()

    async def send(attempt: int) -> int:
        if attempt < 3:
            raise errors.GenesysUnreachable
        return attempt

    deadline = retry.Deadline(clock, 10.0)
    assert await retry.with_retries(send, lambda _error, _attempt: 1.0, deadline=deadline, sleep=clock.sleep) == 3
