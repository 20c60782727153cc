"""Send one call of an approved request, and judge what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.db.jobs import Job
from bot.domain.actions import Action, GenesysApi, Response
from bot.domain.live_state import LiveState
from bot.domain.requests import Event, Request
from bot.purecloud import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysNotSent,
    GenesysRateLimited,
    GenesysRejected,
    GenesysUnauthenticated,
    GenesysUnreachable,
    LoginCause,
    is_transient,
)
from bot.purecloud.caller import write_sent

MAX_ROUNDS = 2
"""How often a call that meets a transient error is tried; each time the client retries within seconds by itself.

Rounds that Genesys Cloud has asked to wait for do not count.
"""

RETRY_DELAY = 3.0
"""Seconds between two rounds, if Genesys Cloud does not say how long to wait."""

RATE_LIMIT_DELAY = 60.0
"""Seconds to wait for a rate limit that does not say how long. Genesys Cloud counts requests by the minute."""

MAX_DOUBLINGS = 4
"""How often the shortest wait doubles, so that a rate limit that goes on is not met every few seconds."""

MAX_ATTEMPTS = 4
"""How often a call is sent in all, counting processes that died while they sent it, but no rounds after a wait."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended: an event for the request, or None for another round in `retry_delay` seconds.

    `outcome` holds a code and its parameters, for the card, the log and the audit log. Besides those of the error:

    - `attempts`, and `sent`: the requests that Genesys Cloud may have received
    - `at_least`: there may be more, because a process ended
    - `uncertain`: an attempt may have been executed
    - `unchanged`: certainly nothing was executed
    - `waits`: the attempts after which Genesys Cloud asked to wait
    - `possible_at`, `continues_at`: when Genesys Cloud takes requests again, and the bot continues, in epoch seconds
    - `sent_at`, `answered_at`: when the last call was executed, by Genesys Cloud's clock
    - `live`: what the target was doing before the first attempt
    - `watch`: see `bot.domain.watch`
    """

    event: Event | None
    outcome: Mapping[str, Any]
    retry_delay: float = 0.0


async def execute(
    request: Request, job: Job, action: Action, genesys: GenesysApi, *, now: float, authorized: bool,
    live: LiveState | None = None,
) -> AttemptResult:  # fmt: skip
    """Send the call of an approved request; `now` is the database's time in epoch seconds.

    `authorized` says whether the seals of the request and of its approvals are genuine, `live` what the target was
    doing just before.

    A call is repeated only if the repetition cannot end a new login that the approval does not cover.
    """
    facts = _facts(request, job)
    if live:
        facts["live"] = live.codes
    expired = _reason_not_to_send(request, job, action, now)
    if expired:
        return _not_sent(facts, expired)
    if not authorized:
        event = Event.LOSE_TRACK if facts["uncertain"] else Event.REFUSE
        return AttemptResult(event, facts | {"code": "not_authorized"})
    if action.has_target and request.target is None:
        return AttemptResult(Event.REFUSE, facts | {"code": "no_target"})
    try:
        response = await _send(request, action, genesys, facts)
    except GenesysNotSent as error:
        return _not_sent(facts, error.problem)
    except GenesysError as error:
        return result_of_error(error, action, facts, now=now, until=send_until(request, now))
    facts.pop("unchanged", None)
    times = {"sent_at": response.sent_at, "answered_at": response.answered_at}
    return AttemptResult(
        Event.SUCCEED,
        facts
        | {"code": "executed", "status": response.status, "correlation_id": response.correlation_id}
        | {name: at for name, at in times.items() if at is not None},
    )


def _facts(request: Request, job: Job) -> dict[str, Any]:
    """Return what is known of a request's attempts before this one, which `attempts` includes."""
    before = request.outcome
    facts: dict[str, Any] = {"attempts": job.attempts, "uncertain": _uncertain(request, job)}
    facts["sent"] = int(before.get("sent", before.get("attempts", 0)))
    if before.get("at_least") or _has_lost_attempt(request, job):
        facts["at_least"] = True
    if before.get("waits"):
        facts["waits"] = int(before["waits"])
    if before.get("live"):
        facts["live"] = before["live"]
    if not facts["uncertain"] and (job.attempts == 1 or before.get("unchanged")):
        facts["unchanged"] = True
    return facts


def _not_sent(facts: Mapping[str, Any], code: str | None) -> AttemptResult:
    """Return the result of an attempt that ends before its next request is sent.

    It failed if certainly nothing was executed before, and is unknown otherwise.
    """
    event = Event.FAIL if facts.get("unchanged") else Event.LOSE_TRACK
    return AttemptResult(event, {**facts, "attempts": facts["attempts"] - 1, "code": code})


def send_until(request: Request, now: float) -> float:
    """Return until when a call of a request may be sent, in epoch seconds."""
    return (request.approved_at or now) + request.execution_window


def _reason_not_to_send(request: Request, job: Job, action: Action, now: float) -> str | None:
    """Return the code of the reason why nothing may be sent any more, if there is one."""
    if now - (request.approved_at or now) > request.execution_window:
        return "too_late"
    rounds = job.attempts - int(request.outcome.get("waits", 0))
    if rounds > MAX_ATTEMPTS:
        return "too_many_attempts"
    if not action.repeatable and rounds > 1:
        return "process_ended"
    return None


async def _send(request: Request, action: Action, genesys: GenesysApi, facts: dict[str, Any]) -> Response:
    """Send the call, and count each request that Genesys Cloud may have received in `facts`."""
    sent_before = facts["sent"]

    def count() -> None:
        facts["sent"] += 1

    token = write_sent.set(count)
    try:
        return await action.execute(genesys, request)
    except ValueError as error:  # the client sends nothing for an id that cannot be one
        raise GenesysRejected(problem="invalid_target") from error
    except GenesysNotSent:
        if facts["sent"] > sent_before:  # an earlier request of this attempt got an answer that is not certain
            facts.pop("unchanged", None)
        raise
    finally:
        write_sent.reset(token)


def _uncertain(request: Request, job: Job) -> bool:
    """Return whether an earlier attempt may have reached Genesys Cloud.

    Such an attempt got no response, or its process died.
    """
    return bool(request.outcome.get("uncertain")) or _has_lost_attempt(request, job)


def _has_lost_attempt(request: Request, job: Job) -> bool:
    """Return whether an earlier attempt ended with its process, so that nothing is known of it."""
    return job.attempts - 1 > int(request.outcome.get("attempts", 0))


def result_of_error(
    error: GenesysError, action: Action, facts: Mapping[str, Any], *, now: float = 0.0, until: float = math.inf
) -> AttemptResult:
    """Return what an error means for a request that was tried `facts["attempts"]` times.

    A rate limit is waited out if it ends before `until`; `now` and `until` are in epoch seconds.
    """
    uncertain = bool(facts["uncertain"]) or isinstance(error, GenesysNoResponse)
    params = {name: value for name, value in error.params.items() if value is not None}
    known = {name: value for name, value in facts.items() if name != "unchanged"}
    outcome = {**known, **params, "uncertain": uncertain, "code": error.code}
    event = Event.LOSE_TRACK if uncertain else Event.FAIL
    if isinstance(error, GenesysForbidden | GenesysNotFound | GenesysRejected):
        return AttemptResult(Event.LOSE_TRACK if uncertain else Event.REFUSE, outcome)
    waits = int(facts.get("waits", 0))
    wait = _wait_after(error, waits)
    if not uncertain and _is_certain(error) and facts.get("unchanged"):
        outcome["unchanged"] = True
    if wait is not None:
        if now + wait > until:
            possible_in = RATE_LIMIT_DELAY if error.retry_after is None else error.retry_after
            return AttemptResult(event, outcome | {"possible_at": now + possible_in})
        if action.repeatable or _is_certain(error):
            return AttemptResult(None, outcome | {"waits": waits + 1}, retry_delay=wait)
    if is_transient(error) and action.repeatable and facts["attempts"] - waits < MAX_ROUNDS:
        return AttemptResult(None, outcome, retry_delay=RETRY_DELAY)
    return AttemptResult(event, outcome)


def _is_certain(error: GenesysError) -> bool:
    """Return whether nothing was executed: no connection, no valid token, or a rate limit."""
    return isinstance(error, GenesysRateLimited | GenesysLoginFailed | GenesysUnreachable | GenesysUnauthenticated)


def _is_rate_limit(error: GenesysError) -> bool:
    login = isinstance(error, GenesysLoginFailed) and error.cause is LoginCause.RATE_LIMITED
    return login or isinstance(error, GenesysRateLimited)


def _wait_after(error: GenesysError, waits: int) -> float | None:
    """Return how long Genesys Cloud asks to wait after an error, in seconds; None if it does not."""
    shortest = RETRY_DELAY * 2.0 ** min(waits, MAX_DOUBLINGS)
    if error.retry_after is not None and is_transient(error):
        return max(error.retry_after, shortest)
    return RATE_LIMIT_DELAY if _is_rate_limit(error) else None
