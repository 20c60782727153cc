"""Execution: what is sent for an approved request, how often, and what each response means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bot.db.jobs import Job, JobKind
from bot.domain.actions import REVOKE, ROTATE, Action
from bot.domain.requests import EXECUTION_WINDOW, Event, Request, State
from bot.purecloud import GenesysError, LoginCause, errors
from bot.services.attempts import (
    MAX_ATTEMPTS,
    MAX_ROUNDS,
    RATE_LIMIT_DELAY,
    RETRY_DELAY,
    AttemptResult,
    execute,
    result_of_error,
)
from tests.support.examples import NOON, TOM_IN_GENESYS, request, rotation
from tests.support.fake_genesys_api import FakeGenesysApi


def job(attempts: int = 1) -> Job:
    return Job(1, JobKind.EXECUTE, "request-id", {}, attempts, NOON)


def approved(**changes: Any) -> Request:
    return request(**{"state": State.APPROVED, "approved_at": NOON} | changes)


def rate_limited(retry_after: float | None) -> GenesysError:
    error = errors.GenesysRateLimited("Slow down.", status=429)
    error.retry_after = retry_after
    return error


def login_failed(cause: LoginCause, retry_after: float | None = None) -> GenesysError:
    error = errors.GenesysLoginFailed()
    error.cause, error.retry_after = cause, retry_after
    return error


async def test_execute__confirmed_delete_is_a_success_with_its_correlation_id() -> None:
    genesys = FakeGenesysApi()

    result = await execute(approved(), job(), REVOKE, genesys, now=NOON + 1, authorized=True)

    assert genesys.calls == [f"delete_token {TOM_IN_GENESYS.id}"]
    assert result.event is Event.SUCCEED
    assert result.outcome == {
        "code": "executed", "attempts": 1, "sent": 1, "uncertain": False, "status": 200,
        "correlation_id": "correlation-1",
    }  # fmt: skip


async def test_execute__rotation_uses_only_the_bots_own_token() -> None:
    genesys = FakeGenesysApi()

    result = await execute(rotation(approved_at=NOON), job(), ROTATE, genesys, now=NOON, authorized=True)

    assert genesys.calls == ["rotate"]
    assert result.event is Event.SUCCEED


@pytest.mark.parametrize(("seconds", "sent"), [(0, True), (EXECUTION_WINDOW, True), (EXECUTION_WINDOW + 0.001, False)])
async def test_execute__sends_nothing_after_the_execution_window(seconds: float, sent: bool) -> None:
    genesys = FakeGenesysApi()

    result = await execute(approved(), job(), REVOKE, genesys, now=NOON + seconds, authorized=True)

    assert bool(genesys.calls) is sent
    assert result.event is (Event.SUCCEED if sent else Event.FAIL)
    assert ("unchanged" in result.outcome) is not sent


@pytest.mark.parametrize(("attempts", "counted"), [(1, 0), (2, 1)])
async def test_execute__does_not_count_an_attempt_that_sends_nothing(attempts: int, counted: int) -> None:
    result = await execute(
        approved(), job(attempts), REVOKE, FakeGenesysApi(), now=NOON + 2 * EXECUTION_WINDOW, authorized=True
    )

    assert result.outcome["attempts"] == counted
    assert result.outcome["uncertain"] is (counted > 0)


async def test_execute__never_repeats_a_rotation() -> None:
    genesys = FakeGenesysApi()

    result = await execute(rotation(approved_at=NOON), job(attempts=2), ROTATE, genesys, now=NOON + 5, authorized=True)

    assert genesys.calls == []
    assert result.event is Event.LOSE_TRACK


async def test_execute__refuses_a_request_without_a_valid_target() -> None:
    genesys = FakeGenesysApi()
    no_target = await execute(approved(target=None), job(), REVOKE, genesys, now=NOON, authorized=True)
    no_uuid = await execute(
        approved(), job(), REVOKE, FakeGenesysApi(ValueError("not a UUID")), now=NOON, authorized=True
    )

    assert genesys.calls == []
    assert (no_target.event, no_uuid.event) == (Event.REFUSE, Event.REFUSE)
    assert (no_target.outcome["code"], no_uuid.outcome["problem"]) == ("no_target", "invalid_target")


@pytest.mark.parametrize(
    ("outcome", "attempts", "uncertain"),
    [
        ({}, 1, False),
        ({}, 2, True),
        ({"attempts": 1, "uncertain": False}, 2, False),
        ({"attempts": 1, "uncertain": True}, 2, True),
        ({"attempts": 1, "uncertain": False}, 3, True),
    ],
)
async def test_execute__remembers_that_an_earlier_attempt_may_have_been_executed(
    outcome: Mapping[str, Any], attempts: int, uncertain: bool
) -> None:
    genesys = FakeGenesysApi(errors.GenesysUnreachable())

    result = await execute(approved(outcome=outcome), job(attempts), REVOKE, genesys, now=NOON, authorized=True)

    assert result.outcome["uncertain"] is uncertain
    if attempts >= MAX_ROUNDS:
        assert result.event is (Event.LOSE_TRACK if uncertain else Event.FAIL)


TRANSIENT = [
    (errors.GenesysUnreachable(), RETRY_DELAY),
    (errors.GenesysNoResponse(), RETRY_DELAY),
    (errors.GenesysServerError(status=503), RETRY_DELAY),
    (login_failed(LoginCause.UNREACHABLE), RETRY_DELAY),
    (login_failed(LoginCause.NO_RESPONSE), RETRY_DELAY),
]
RATE_LIMITS = [
    (rate_limited(None), RATE_LIMIT_DELAY),
    (rate_limited(45.0), 45.0),
    (rate_limited(0.0), RETRY_DELAY),
    (rate_limited(EXECUTION_WINDOW - 20), EXECUTION_WINDOW - 20),
    (login_failed(LoginCause.RATE_LIMITED), RATE_LIMIT_DELAY),
    (login_failed(LoginCause.RATE_LIMITED, retry_after=45.0), 45.0),
]
"""Errors that certainly changed nothing, and the seconds to wait for them."""
PERMANENT = [
    (errors.GenesysForbidden(status=403), Event.REFUSE),
    (errors.GenesysNotFound(status=404), Event.REFUSE),
    (errors.GenesysRejected(status=400), Event.REFUSE),
    (errors.GenesysUnauthenticated(status=401), Event.FAIL),
    (login_failed(LoginCause.WRONG_SECRET), Event.FAIL),
    (login_failed(LoginCause.CLIENT_NOT_FOUND), Event.FAIL),
    (login_failed(LoginCause.OTHER), Event.FAIL),
    (GenesysError(), Event.FAIL),
]


@pytest.mark.parametrize(("error", "wait"), TRANSIENT)
def test_result__transient_error_gets_one_more_round(error: GenesysError, wait: float) -> None:
    first = result_of_error(error, REVOKE, {"attempts": 1, "uncertain": False})
    last = result_of_error(error, REVOKE, {"attempts": MAX_ROUNDS, "uncertain": False})

    assert (first.event, first.retry_delay) == (None, wait)
    assert last.event is (Event.LOSE_TRACK if isinstance(error, errors.GenesysNoResponse) else Event.FAIL)


@pytest.mark.parametrize(("error", "_wait"), TRANSIENT)
def test_result__rotation_gets_no_second_round(error: GenesysError, _wait: float) -> None:
    assert result_of_error(error, ROTATE, {"attempts": 1, "uncertain": False}).event is not None


WINDOW = {"now": NOON + 10, "until": NOON + EXECUTION_WINDOW}


def unavailable(retry_after: float) -> GenesysError:
    error = errors.GenesysServerError(status=503)
    error.retry_after = retry_after
    return error


@pytest.mark.parametrize(("error", "wait"), RATE_LIMITS)
@pytest.mark.parametrize("attempts", [1, MAX_ATTEMPTS + 1])
@pytest.mark.parametrize("action", [REVOKE, ROTATE])
def test_result__rate_limit_is_waited_out_within_the_window(
    error: GenesysError, wait: float, attempts: int, action: Action
) -> None:
    before = {"waits": attempts - 1, "unchanged": True} if attempts > 1 else {"unchanged": True}
    wait = max(wait, RETRY_DELAY * 2 ** (attempts - 1))

    result = result_of_error(error, action, {"attempts": attempts, "uncertain": False} | before, **WINDOW)

    assert (result.event, result.retry_delay) == (None, wait)
    assert (result.outcome["waits"], result.outcome["unchanged"]) == (attempts, True)


@pytest.mark.parametrize("uncertain", [False, True])
def test_result__longer_wait_fails_and_names_the_time(uncertain: bool) -> None:
    error = rate_limited(EXECUTION_WINDOW)

    facts = {"attempts": 1, "uncertain": uncertain, "unchanged": True}
    result = result_of_error(error, REVOKE, facts, **WINDOW)

    assert result.event is (Event.LOSE_TRACK if uncertain else Event.FAIL)
    assert result.outcome["possible_at"] == NOON + 10 + EXECUTION_WINDOW
    assert ("unchanged" in result.outcome) is not uncertain


def test_result__unavailable_service_is_waited_for_but_not_certain_to_have_changed_nothing() -> None:
    facts = {"attempts": 1, "uncertain": False, "unchanged": True}

    waiting = result_of_error(unavailable(45), REVOKE, facts, **WINDOW)
    rotation = result_of_error(unavailable(45), ROTATE, facts, **WINDOW)

    assert (waiting.event, waiting.retry_delay, waiting.outcome["waits"]) == (None, 45, 1)
    assert "unchanged" not in waiting.outcome
    assert rotation.event is Event.FAIL


def test_result__rounds_after_a_wait_do_not_count_as_rounds() -> None:
    error = errors.GenesysUnreachable()

    retried = result_of_error(error, REVOKE, {"attempts": 6, "uncertain": False, "waits": 5}, **WINDOW)
    last = result_of_error(error, REVOKE, {"attempts": 7, "uncertain": False, "waits": 5}, **WINDOW)

    assert (retried.event, last.event) == (None, Event.FAIL)


async def test_execute__after_waits_that_take_too_long_fails_and_changed_nothing() -> None:
    waiting = {"attempts": 5, "sent": 9, "uncertain": False, "waits": 5, "unchanged": True}

    result = await execute(
        approved(outcome=waiting), job(6), REVOKE, FakeGenesysApi(), now=NOON + EXECUTION_WINDOW + 1, authorized=True
    )

    assert result.event is Event.FAIL
    assert result.outcome == waiting | {"code": "too_late"}


UNCHANGED = [
    errors.GenesysUnreachable(),
    errors.GenesysUnauthenticated(status=401),
    rate_limited(None),
    login_failed(LoginCause.WRONG_SECRET),
]
"""Errors after which certainly nothing was executed."""


@pytest.mark.parametrize("error", [*UNCHANGED, errors.GenesysServerError(status=503), GenesysError()])
def test_result__of_an_error_says_whether_certainly_nothing_was_executed(error: GenesysError) -> None:
    facts = {"attempts": 1, "uncertain": False}

    first = result_of_error(error, REVOKE, facts | {"unchanged": True}, **WINDOW)
    after_other_errors = result_of_error(error, REVOKE, facts, **WINDOW)

    assert ("unchanged" in first.outcome) is (error in UNCHANGED)
    assert "unchanged" not in after_other_errors.outcome


@pytest.mark.parametrize(
    ("outcome", "attempts", "sent", "at_least"),
    [
        ({}, 1, 1, False),
        ({"attempts": 1, "sent": 3}, 2, 4, False),
        ({"attempts": 1, "sent": 3}, 3, 4, True),
        ({"attempts": 2, "sent": 3, "at_least": True}, 3, 4, True),
        ({"attempts": 1}, 2, 2, False),  # as an earlier version stored it
    ],
)
async def test_execute__counts_the_requests_of_all_attempts(
    outcome: Mapping[str, Any], attempts: int, sent: int, at_least: bool
) -> None:
    genesys = FakeGenesysApi(errors.GenesysNoResponse())

    result = await execute(approved(outcome=outcome), job(attempts), REVOKE, genesys, now=NOON, authorized=True)

    assert (result.outcome["sent"], result.outcome.get("at_least", False)) == (sent, at_least)


async def test_execute__guard_that_stops_a_repetition_leaves_open_what_the_first_request_did() -> None:
    genesys = FakeGenesysApi(errors.GenesysNotSent(problem="too_late"))

    result = await execute(approved(), job(), REVOKE, genesys, now=NOON, authorized=True)

    assert (result.event, result.outcome["sent"]) == (Event.LOSE_TRACK, 1)


async def test_execute__process_that_died_after_a_wait_makes_the_result_uncertain() -> None:
    waiting = {"attempts": 1, "uncertain": False, "waits": 1, "unchanged": True}
    late = NOON + EXECUTION_WINDOW + 1

    result = await execute(approved(outcome=waiting), job(3), REVOKE, FakeGenesysApi(), now=late, authorized=True)

    assert result.event is Event.LOSE_TRACK
    assert "unchanged" not in result.outcome


@pytest.mark.parametrize("attempts", [2, 6])
async def test_execute__rotation_continues_after_waits(attempts: int) -> None:
    genesys = FakeGenesysApi()
    waiting = {"attempts": attempts - 1, "uncertain": False, "waits": attempts - 1, "unchanged": True}

    result = await execute(
        rotation(approved_at=NOON, outcome=waiting), job(attempts), ROTATE, genesys, now=NOON + 60, authorized=True
    )

    assert genesys.calls == ["rotate"]
    assert result.event is Event.SUCCEED


@pytest.mark.parametrize(("error", "event"), PERMANENT)
def test_result__permanent_error_ends_at_once(error: GenesysError, event: Event) -> None:
    result = result_of_error(error, REVOKE, {"attempts": 1, "uncertain": False})

    assert result.event is event
    assert result.outcome["code"] == error.code


@pytest.mark.parametrize("error", [error for error, _ in [*TRANSIENT, *PERMANENT, *RATE_LIMITS]])
@pytest.mark.parametrize("uncertain", [True, False])
@pytest.mark.parametrize("attempts", [1, MAX_ROUNDS, MAX_ROUNDS + 1])
def test_result__error_is_never_a_success_and_uncertainty_never_a_failure(
    error: GenesysError, uncertain: bool, attempts: int
) -> None:
    result = result_of_error(error, REVOKE, {"attempts": attempts, "uncertain": uncertain})

    assert result.event is not Event.SUCCEED
    assert not (uncertain and result.event is Event.FAIL)


def test_result__has_genesys_detail_and_the_missing_permission() -> None:
    error = errors.GenesysForbidden("Missing.", status=403, error_code="missing.permissions", correlation_id="c-1")
    error.permissions = ("oauth:token:delete",)

    result = result_of_error(error, REVOKE, {"attempts": 1, "uncertain": False})

    assert result == AttemptResult(
        Event.REFUSE,
        {
            "attempts": 1,
            "uncertain": False,
            "code": "genesys_forbidden",
            "status": 403,
            "error_code": "missing.permissions",
            "detail": "Missing.",
            "correlation_id": "c-1",
            "permissions": ["oauth:token:delete"],
        },
    )


def test_result__has_the_cause_of_a_failed_login() -> None:
    result = result_of_error(login_failed(LoginCause.WRONG_SECRET), REVOKE, {"attempts": 1, "uncertain": False})

    assert result.outcome["cause"] == "wrong_secret"


@pytest.mark.parametrize("error", [errors.GenesysNotFound(), errors.GenesysForbidden(), errors.GenesysRejected()])
def test_result__refusal_after_an_unanswered_attempt_is_unknown(error: GenesysError) -> None:
    result = result_of_error(error, REVOKE, {"attempts": 2, "uncertain": True})
    assert result.event is Event.LOSE_TRACK


async def test_execute__stops_after_four_attempts_by_any_process() -> None:
    genesys = FakeGenesysApi()
    result = await execute(approved(), job(attempts=MAX_ATTEMPTS + 1), REVOKE, genesys, now=NOON + 1, authorized=True)
    assert (result.event, genesys.calls) == (Event.LOSE_TRACK, [])
