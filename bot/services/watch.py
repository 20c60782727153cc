"""Watch after a revocation whether Genesys Cloud issues the person a new token.

Times are compared with Genesys Cloud's own clock, as the `Date` of the DELETE's response shows it. The clock of this
machine measures only how much time has passed since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from bot.db.jobs import Job, JobKind, JobSpec, Payload
from bot.db.transaction import Transaction
from bot.db.watches import WatchStore
from bot.domain.requests import Request
from bot.domain.watch import MAX_LOOKS, Revocation, WatchFinding, looks, next_look
from bot.errors import BotError
from bot.purecloud import GenesysRateLimited
from bot.services.genesys_reads import RESERVED
from bot.services.job_result import JobResult
from bot.services.live_state import Reads
from bot.services.log_facts import log_facts
from bot.services.notifications import LOGGED_IN_AGAIN, message_payload

LOOK_TIME_LIMIT = 3.0
"""Longest time that a look takes, in seconds, because it occupies a place of the worker."""

MAX_BUDGET_DELAY = 60.0
"""Longest time until a look is tried again for which the budget for reads was used up, in seconds."""

MIN_BUDGET_DELAY = 1.0
"""Shortest time until then, in seconds."""

Begin = Callable[[Transaction, Request], None]
"""Begins a watch as part of the transaction that stores an outcome."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch as its job stores it.

    Times are epoch seconds of Genesys Cloud's clock, `duration` is in seconds.
    """

    revocation: Revocation
    duration: float
    seen_at: float | None = None
    """When Genesys Cloud last said that there was no new token."""

    @property
    def payload(self) -> dict[str, Any]:
        """The watch as it is stored."""
        revocation = self.revocation
        return {
            "sent_at": revocation.sent_at,
            "answered_at": revocation.answered_at,
            "last_token": revocation.last_token,
            "duration": self.duration,
            "seen_at": self.seen_at,
        }


def read_watch(payload: Payload) -> Watch:
    """Return a stored watch (`bot.db.payloads` has checked it)."""
    revocation = Revocation(payload["sent_at"], payload["answered_at"], payload.get("last_token"))
    return Watch(revocation, payload["duration"], payload.get("seen_at"))


class Watches:
    """The watches. `duration` is WATCH_FOR in seconds, None for no watch."""

    def __init__(self, watches: WatchStore, reads: Reads, *, duration: float | None) -> None:
        self._watches = watches
        self._jobs = watches.requests.jobs
        self._reads = reads
        self._duration = duration

    def begin(self, outcome: dict[str, Any]) -> tuple[dict[str, Any], Begin]:
        """Return the outcome of a revocation with its watch, and what begins that in the same transaction.

        Without a `Date` of Genesys Cloud, no token can be compared with the DELETE.
        """
        watch = self._watch_for(outcome)
        if watch:
            until = watch.revocation.answered_at + watch.duration
            payload, delay = watch.payload, looks(watch.duration)[0]
            outcome = outcome | {"watch": {"code": WatchFinding.WATCHING, "until": until}}
            return outcome, partial(self._watches.begin, payload=payload, delay=delay)
        if self._duration is not None:
            outcome = outcome | {"watch": {"code": WatchFinding.NOT_KNOWN}}
        return outcome, partial(self._watches.begin, payload=None, delay=0.0)

    def _watch_for(self, outcome: Mapping[str, Any]) -> Watch | None:
        sent_at, answered_at = outcome.get("sent_at"), outcome.get("answered_at")
        if self._duration is None or sent_at is None or answered_at is None:
            return None
        last_token = (outcome.get("live") or {}).get("last_login")
        return Watch(Revocation(sent_at, answered_at, last_token), self._duration)

    async def process(self, job: Job) -> JobResult:
        """Look for a new token, and report it, or look again later. The last look reports in any case."""
        request, now, _ = await self._watches.requests.snapshot(job.request_id)
        if request is None or request.target is None:
            await self._jobs.complete(job)
            return JobResult()
        watch, elapsed = read_watch(job.payload), now - job.created_at
        issued = None
        if job.attempts <= MAX_LOOKS:
            try:
                issued = await self._last_token(request, request.target.id)
            except GenesysRateLimited as error:
                if elapsed < watch.duration:
                    await self._jobs.put_back(job, delay=_budget_delay(error, watch.duration - elapsed))
                    return JobResult()
        found = watch.revocation.judge(issued) if issued is not None else None
        if found:
            return await self._report(request, job, {"code": found, "issued_at": issued})
        if issued is not None:
            watch = replace(watch, seen_at=watch.revocation.answered_at + elapsed)
        again = next_look(elapsed, job.attempts, watch.duration)
        if again is None:
            return await self._report(request, job, _without_login(watch))
        await self._jobs.continue_later(job, watch.payload, delay=again - elapsed)
        return JobResult()

    async def _last_token(self, request: Request, user_id: str) -> float | None:
        """Return when Genesys Cloud last issued a person a token, None if it does not say.

        Raises GenesysRateLimited if the budget for reads is used up, so that nothing was sent.
        """
        try:
            async with asyncio.timeout(LOOK_TIME_LIMIT):
                user = await self._reads.get_user_now(user_id, ["lasttokenissued"])
        except (BotError, ValueError, TimeoutError) as error:
            if isinstance(error, GenesysRateLimited) and error.problem == RESERVED:
                raise
            log.warning("watch.not_read", **log_facts(request), error=getattr(error, "code", "timeout"))
            return None
        issued = user.last_token_issued.date_issued if user.last_token_issued else None
        return issued.timestamp() if issued else None

    async def _report(self, request: Request, job: Job, finding: Mapping[str, Any]) -> JobResult:
        is_back = finding["code"] in (WatchFinding.LOGGED_IN, WatchFinding.SAME_SECOND)
        messages = _messages(request, finding) if is_back else []
        if await self._watches.finish(job, finding, messages):
            log.info("watch.ended", **log_facts(request), finding=str(finding["code"]))
        return JobResult(wake=True)


def _budget_delay(error: GenesysRateLimited, remaining: float) -> float:
    """Return when to try again, at the end of the watch at the latest."""
    return max(MIN_BUDGET_DELAY, min(error.retry_after or 0.0, remaining, MAX_BUDGET_DELAY))


def _without_login(watch: Watch) -> dict[str, Any]:
    """Return what a watch has found that saw no new token."""
    if watch.seen_at is None:
        return {"code": WatchFinding.NOT_KNOWN}
    complete = watch.seen_at >= watch.revocation.answered_at + watch.duration
    return {"code": WatchFinding.NO_LOGIN, "until": watch.seen_at, **({} if complete else {"incomplete": True})}


def _messages(request: Request, finding: Mapping[str, Any]) -> list[JobSpec]:
    """Return the messages to the requester, the approvers and the followers, but not to the target."""
    people = (request.requester, *request.approvals, *(one.user_id for one in request.followers))
    return [
        JobSpec(
            JobKind.REPLY,
            f"{request.id}:{LOGGED_IN_AGAIN}:{person}",
            message_payload(person, None, LOGGED_IN_AGAIN, finding=finding["code"], issued_at=finding["issued_at"]),
        )
        for person in dict.fromkeys(people)
        if person != request.target_slack_id
    ]
