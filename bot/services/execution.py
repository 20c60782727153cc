"""Carry out what was approved: one DELETE, and the truth about how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from bot.db.jobs import Job
from bot.domain.requests import EXECUTION_WINDOW, Event, Kind, Request
from bot.purecloud import (
    Done,
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysRateLimited,
    GenesysRejected,
    GenesysServerError,
    GenesysUnreachable,
    LoginCause,
)
from bot.services.error_text import error_text

ROUNDS = 2
"""How often a DELETE that met a passing fault is tried; each time the client has its own tries in seconds."""

PAUSE = 3.0
"""Seconds between two rounds where Genesys Cloud did not say how long to wait."""

LONGEST_PAUSE = 30.0

MOST_ATTEMPTS = 4
"""How often a DELETE is sent in all, processes that died in the middle included."""

_PASSING_LOGIN = frozenset({LoginCause.RATE_LIMITED, LoginCause.UNREACHABLE, LoginCause.NO_RESPONSE})


class Tokens(Protocol):
    """What carrying out needs of the Tokens API; each raises GenesysError."""

    async def delete_token(self, user_id: str) -> Done:
        """End every token of a person."""

    async def rotate(self) -> Done:
        """Take a new token and end the old one."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended: an event for the request, or None for another round after `wait` seconds.

    `outcome` is what the card, the log and the trail tell of it.
    """

    event: Event | None
    outcome: Mapping[str, Any]
    wait: float = 0.0


async def execute(request: Request, job: Job, tokens: Tokens, *, now: float) -> AttemptResult:
    """Send the DELETE of an approved request; `now` is the database's time.

    A repeat is sent only where it cannot end a new log-in that has nothing to do with this approval.
    """
    facts = {"attempts": job.attempts, "uncertain": _uncertain(request, job)}
    against = _too_late(request, job, now)
    if against:
        return AttemptResult(Event.LOSE_TRACK, facts | {"attempts": job.attempts - 1, "message": against})
    try:
        done = await _send(request, tokens)
    except GenesysError as error:
        return result_of_error(error, request.kind, facts)
    return AttemptResult(Event.SUCCEED, facts | {"status": done.status, "correlation_id": done.correlation_id})


def _too_late(request: Request, job: Job, now: float) -> str | None:
    """Tell why nothing may be sent any more, if so."""
    if now - (request.approved_at or now) > EXECUTION_WINDOW:
        return "more than 10 minutes have passed since the approval"
    if job.attempts > MOST_ATTEMPTS:
        return f"it was tried {MOST_ATTEMPTS} times"
    if request.kind is Kind.ROTATE and job.attempts > 1:
        return "the process that held the token has ended"
    return None


async def _send(request: Request, tokens: Tokens) -> Done:
    if request.kind is Kind.ROTATE:
        return await tokens.rotate()
    if request.target is None:
        raise GenesysRejected(problem="no_target")
    try:
        return await tokens.delete_token(request.target.id)
    except ValueError as error:
        raise GenesysRejected(problem="invalid_user_id") from error


def _uncertain(request: Request, job: Job) -> bool:
    """Whether an earlier attempt may have reached Genesys Cloud: it got no answer, or its process died."""
    told = int(request.outcome.get("attempts", 0))
    return bool(request.outcome.get("uncertain")) or job.attempts - 1 > told


def result_of_error(error: GenesysError, kind: Kind, facts: Mapping[str, Any]) -> AttemptResult:
    """Tell what an error means for a request that was tried `facts["attempts"]` times."""
    uncertain = bool(facts["uncertain"]) or isinstance(error, GenesysNoResponse)
    outcome = {
        **facts,
        "uncertain": uncertain,
        "error": type(error).__name__,
        "status": error.status,
        "code": error.error_code,
        "message": error_text(error),
        "correlation_id": error.correlation_id,
    }
    if isinstance(error, GenesysForbidden):
        outcome["permissions"] = list(error.permissions)
    if isinstance(error, GenesysLoginFailed):
        outcome["cause"] = error.cause
    if isinstance(error, GenesysForbidden | GenesysNotFound | GenesysRejected):
        return AttemptResult(Event.LOSE_TRACK if uncertain else Event.REFUSE, outcome)
    if _passes(error) and kind is Kind.REVOKE and facts["attempts"] < ROUNDS:
        return AttemptResult(None, outcome, wait=_pause(error))
    return AttemptResult(Event.LOSE_TRACK if uncertain else Event.FAIL, outcome)


def _passes(error: GenesysError) -> bool:
    if isinstance(error, GenesysLoginFailed):
        return error.cause in _PASSING_LOGIN or (error.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, GenesysRateLimited):
        return (error.retry_after or 0) <= LONGEST_PAUSE
    return isinstance(error, GenesysNoResponse | GenesysUnreachable | GenesysServerError)


def _pause(error: GenesysError) -> float:
    asked = error.retry_after if isinstance(error, GenesysRateLimited) else None
    return asked if asked is not None else PAUSE
