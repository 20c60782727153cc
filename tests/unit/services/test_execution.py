"""What is sent for an approved request, how often, and what each answer of Genesys Cloud comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.db.jobs import Job, JobKind
from bot.domain.requests import EXECUTION_WINDOW, Event, Kind, Request, State
from bot.purecloud import Done, GenesysError, LoginCause, errors
from bot.services.execution import LONGEST_PAUSE, MOST_ATTEMPTS, PAUSE, ROUNDS, AttemptResult, execute, result_of_error
from tests.support.examples import NOON, TOM_IN_GENESYS, request, rotation


@dataclass
class FakeTokens:
    """The Tokens API, remembering what was asked; `error` is what it answers with instead."""

    error: Exception | None = None
    calls: list[str] = field(default_factory=list)

    async def delete_token(self, user_id: str) -> Done:
        return self._answer(user_id)

    async def rotate(self) -> Done:
        return self._answer("me")

    def _answer(self, who: str) -> Done:
        self.calls.append(who)
        if self.error:
            raise self.error
        return Done(200, "correlation-1")


def job(attempts: int = 1) -> Job:
    return Job(1, JobKind.EXECUTE, "request-id", {}, attempts, NOON)


def approved(**changes: Any) -> Request:
    return request(**{"state": State.APPROVED, "approved_at": NOON} | changes)


def rate_limited(retry_after: float | None) -> GenesysError:
    error = errors.GenesysRateLimited("Slow down.", status=429)
    error.retry_after = retry_after
    return error


def login_failed(cause: LoginCause) -> GenesysError:
    error = errors.GenesysLoginFailed()
    error.cause = cause
    return error


async def test_carry_out__a_confirmed_delete_is_a_success_with_its_correlation_id() -> None:
    tokens = FakeTokens()

    ending = await execute(approved(), job(), tokens, now=NOON + 1)

    assert tokens.calls == [TOM_IN_GENESYS.id]
    assert ending.event is Event.SUCCEED
    assert ending.outcome == {"attempts": 1, "uncertain": False, "status": 200, "correlation_id": "correlation-1"}


async def test_carry_out__a_rotation_touches_the_bots_own_token_alone() -> None:
    tokens = FakeTokens()

    ending = await execute(rotation(approved_at=NOON), job(), tokens, now=NOON)

    assert tokens.calls == ["me"]
    assert ending.event is Event.SUCCEED


@pytest.mark.parametrize(("seconds", "sent"), [(0, True), (EXECUTION_WINDOW, True), (EXECUTION_WINDOW + 0.001, False)])
async def test_carry_out__nothing_is_sent_when_the_approval_is_too_old(seconds: float, sent: bool) -> None:
    tokens = FakeTokens()

    ending = await execute(approved(), job(), tokens, now=NOON + seconds)

    assert bool(tokens.calls) is sent
    assert ending.event is (Event.SUCCEED if sent else Event.LOSE_TRACK)


@pytest.mark.parametrize(("attempts", "told"), [(1, 0), (2, 1)])
async def test_carry_out__an_attempt_that_sends_nothing_is_not_told_as_one(attempts: int, told: int) -> None:
    ending = await execute(approved(), job(attempts), FakeTokens(), now=NOON + 2 * EXECUTION_WINDOW)

    assert ending.outcome["attempts"] == told
    assert ending.outcome["uncertain"] is (told > 0)


async def test_carry_out__a_rotation_is_never_repeated_because_its_token_is_gone_with_its_process() -> None:
    tokens = FakeTokens()

    ending = await execute(rotation(approved_at=NOON), job(attempts=2), tokens, now=NOON + 5)

    assert tokens.calls == []
    assert ending.event is Event.LOSE_TRACK


async def test_carry_out__a_request_that_names_nobody_or_no_uuid_is_refused_and_not_sent() -> None:
    tokens = FakeTokens()
    nobody = await execute(approved(target=None), job(), tokens, now=NOON)
    no_uuid = await execute(approved(), job(), FakeTokens(ValueError("not a UUID")), now=NOON)

    assert tokens.calls == []
    assert (nobody.event, no_uuid.event) == (Event.REFUSE, Event.REFUSE)
    assert no_uuid.outcome["message"] == "The request does not name a Genesys Cloud user id; nothing was sent."


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
async def test_carry_out__remembers_that_an_earlier_attempt_may_have_got_through(
    outcome: Mapping[str, Any], attempts: int, uncertain: bool
) -> None:
    tokens = FakeTokens(errors.GenesysUnreachable())

    ending = await execute(approved(outcome=outcome), job(attempts), tokens, now=NOON)

    assert ending.outcome["uncertain"] is uncertain
    if attempts >= ROUNDS:
        assert ending.event is (Event.LOSE_TRACK if uncertain else Event.FAIL)


PASSING = [
    (errors.GenesysUnreachable(), PAUSE),
    (errors.GenesysNoResponse(), PAUSE),
    (errors.GenesysServerError(status=503), PAUSE),
    (rate_limited(None), PAUSE),
    (rate_limited(7.0), 7.0),
    (rate_limited(0.0), 0.0),
    (rate_limited(LONGEST_PAUSE), LONGEST_PAUSE),
    (login_failed(LoginCause.RATE_LIMITED), PAUSE),
    (login_failed(LoginCause.UNREACHABLE), PAUSE),
    (login_failed(LoginCause.NO_RESPONSE), PAUSE),
]
FOR_GOOD = [
    (errors.GenesysForbidden(status=403), Event.REFUSE),
    (errors.GenesysNotFound(status=404), Event.REFUSE),
    (errors.GenesysRejected(status=400), Event.REFUSE),
    (errors.GenesysUnauthenticated(status=401), Event.FAIL),
    (rate_limited(LONGEST_PAUSE + 1), Event.FAIL),
    (login_failed(LoginCause.WRONG_SECRET), Event.FAIL),
    (login_failed(LoginCause.CLIENT_NOT_FOUND), Event.FAIL),
    (login_failed(LoginCause.OTHER), Event.FAIL),
    (GenesysError(), Event.FAIL),
]


@pytest.mark.parametrize(("error", "wait"), PASSING)
def test_ending__a_passing_fault_gets_another_round_but_only_one(error: GenesysError, wait: float) -> None:
    first = result_of_error(error, Kind.REVOKE, {"attempts": 1, "uncertain": False})
    last = result_of_error(error, Kind.REVOKE, {"attempts": ROUNDS, "uncertain": False})

    assert (first.event, first.wait) == (None, wait)
    assert last.event is (Event.LOSE_TRACK if isinstance(error, errors.GenesysNoResponse) else Event.FAIL)


@pytest.mark.parametrize(("error", "_wait"), PASSING)
def test_ending__a_rotation_gets_no_other_round(error: GenesysError, _wait: float) -> None:
    assert result_of_error(error, Kind.ROTATE, {"attempts": 1, "uncertain": False}).event is not None


@pytest.mark.parametrize(("error", "event"), FOR_GOOD)
def test_ending__what_will_not_pass_ends_at_once(error: GenesysError, event: Event) -> None:
    ending = result_of_error(error, Kind.REVOKE, {"attempts": 1, "uncertain": False})

    assert ending.event is event
    assert ending.outcome["error"] == type(error).__name__


@pytest.mark.parametrize("error", [error for error, _ in [*PASSING, *FOR_GOOD]])
@pytest.mark.parametrize("uncertain", [True, False])
@pytest.mark.parametrize("attempts", [1, ROUNDS, ROUNDS + 1])
def test_ending__no_error_is_ever_a_success_and_doubt_never_a_plain_failure(
    error: GenesysError, uncertain: bool, attempts: int
) -> None:
    ending = result_of_error(error, Kind.REVOKE, {"attempts": attempts, "uncertain": uncertain})

    assert ending.event is not Event.SUCCEED
    assert not (uncertain and ending.event is Event.FAIL)


def test_ending__tells_what_genesys_said_and_which_permission_is_missing() -> None:
    error = errors.GenesysForbidden("Missing.", status=403, error_code="missing.permissions", correlation_id="c-1")
    error.permissions = ("oauth:token:delete",)

    ending = result_of_error(error, Kind.REVOKE, {"attempts": 1, "uncertain": False})

    assert ending == AttemptResult(
        Event.REFUSE,
        {
            "attempts": 1,
            "uncertain": False,
            "error": "GenesysForbidden",
            "status": 403,
            "code": "missing.permissions",
            "message": "Missing.",
            "correlation_id": "c-1",
            "permissions": ["oauth:token:delete"],
        },
    )


def test_ending__tells_why_the_login_host_gave_no_token() -> None:
    ending = result_of_error(login_failed(LoginCause.WRONG_SECRET), Kind.REVOKE, {"attempts": 1, "uncertain": False})

    assert ending.outcome["cause"] == "wrong_secret"


@pytest.mark.parametrize("error", [errors.GenesysNotFound(), errors.GenesysForbidden(), errors.GenesysRejected()])
def test_ending__after_an_unanswered_attempt_a_refusal_leaves_it_unknown(error: GenesysError) -> None:
    ending = result_of_error(error, Kind.REVOKE, {"attempts": 2, "uncertain": True})
    assert ending.event is Event.LOSE_TRACK


async def test_carry_out__stops_after_four_attempts_whoever_made_them() -> None:
    tokens = FakeTokens()
    ending = await execute(approved(), job(attempts=MOST_ATTEMPTS + 1), tokens, now=NOON + 1)
    assert (ending.event, tokens.calls) == (Event.LOSE_TRACK, [])
