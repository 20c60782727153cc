"""Execute approved bulk requests: lanes take small groups of people, at the pace of the tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from bot.db.bulk_runs import BulkItem, ItemResult
from bot.db.bulk_store import NOT_AUTHORIZED, OUTCOMES, BulkStore, Group, Recorded
from bot.db.driver import DatabaseUnavailable
from bot.db.jobs import Job
from bot.domain.actions import Actions
from bot.domain.bulk import digest_of
from bot.domain.requests import FINAL, Request, State
from bot.metrics import Metrics
from bot.purecloud import GenesysRateLimited
from bot.purecloud.caller import write_guard
from bot.services.attempts import RATE_LIMIT_DELAY, AttemptResult, execute
from bot.services.execution import until_recorded
from bot.services.job_result import JobResult
from bot.services.lanes import Lane, LaneCall, LaneWaits
from bot.services.log_facts import job_facts, log_facts
from bot.services.write_checks import LeaseLost, WriteChecks

END_AT_ONCE = 200
"""People who get an outcome in one transaction when a request is stopped, because thousands would block the others."""

CLOCK_RETRY_DELAY = 5.0
"""Seconds until a process whose clock is behind looks again whether it may send DELETEs."""

REMEMBERED_LISTS = 4
"""Bulk requests whose people a process remembers; more than one rarely runs at the same time."""

log = structlog.get_logger()


class BulkService:
    """Executes the lanes of bulk requests. `open_lane` returns a lane by its number."""

    def __init__(self, store: BulkStore, actions: Actions, open_lane: Callable[[int], Lane], metrics: Metrics) -> None:
        self._bulk = store
        self._store = store.requests
        self._actions = actions
        self._open_lane = open_lane
        self._metrics = metrics
        self._checks = WriteChecks(store.requests)
        self._lanes: dict[int, Lane] = {}
        self._lists: dict[str, dict[int, str]] = {}

    async def process(self, job: Job) -> JobResult:
        """Send the DELETEs of one group of people, and give the job back."""
        lane = self._lane(job.payload["lane"])
        delay = CLOCK_RETRY_DELAY if self._store.database.time.is_behind else await lane.ready_in()
        if delay:
            await self._store.jobs.put_back(job, delay=delay)
            return JobResult()
        group = await self._bulk.take(job, lane.group_size)
        if group is None:
            return JobResult()
        ends = group.ends or await self._objection(group)
        if ends:
            recorded = await self._bulk.end(job, ends, END_AT_ONCE, unsent=group.items)
        else:
            recorded = await self._record(job, group, lane, await self._send(job, group, lane))
        if recorded is None:
            self._metrics.leases_lost.inc()
            log.warning("lease.lost", **job_facts(job, group.request))
            return JobResult()
        return self._report(recorded)

    def _lane(self, number: int) -> Lane:
        if number not in self._lanes:
            self._lanes[number] = self._open_lane(number)
        return self._lanes[number]

    async def _objection(self, group: Group) -> str | None:
        """Return why the people of a group were not approved, None if they were."""
        request = group.request
        if self._store.seals.authorizes(request, group.now) and await self._are_listed(request, group.items):
            return None
        log.error("bulk.not_authorized", **log_facts(request))
        return NOT_AUTHORIZED

    async def _are_listed(self, request: Request, items: Sequence[BulkItem]) -> bool:
        """Return whether the approvals cover these people: the seal covers the digest of the list.

        The list is read once. What another writer of the database changes later differs from it.
        """
        if request.id not in self._lists:
            found = await self._bulk.target_ids(request.id)
            if request.bulk is None or digest_of(found.values()) != request.bulk.digest:
                return False
            kept = list(self._lists.items())[1 - REMEMBERED_LISTS :]
            self._lists = dict([*kept, (request.id, found)])
        listed = self._lists[request.id]
        return all(listed.get(item.place) == item.person.id for item in items)

    async def _send(self, job: Job, group: Group, lane: Lane) -> list[ItemResult] | None:
        """Send the DELETEs of a group; return the results, None if another process has the lane now."""
        latest = self._checks.latest_send(group.request, job, group.now)

        async def send(item: BulkItem) -> ItemResult | None:
            call = LaneCall(lane, lambda: self._checks.require(job, latest))
            token = write_guard.set(call.guard)
            try:
                return await self._attempt(job, group, lane, item)
            finally:
                write_guard.reset(token)
                call.end()

        found = await asyncio.gather(*map(send, group.items), return_exceptions=True)
        results = []
        for one in found:
            if isinstance(one, LeaseLost):
                return None
            if isinstance(one, BaseException):  # the next process that takes the person counts a lost attempt
                log.error("bulk.attempt_failed", **job_facts(job, group.request), exc_info=one)
            elif one:
                results.append(one)
        return results

    async def _attempt(self, job: Job, group: Group, lane: Lane, item: BulkItem) -> ItemResult:
        """Send the DELETE of one person, as that of a request for this person alone."""
        request = replace(group.request, target=item.person, outcome=item.detail)
        own_job, action = replace(job, attempts=item.attempts), self._actions[request.action]
        try:
            result = await execute(request, own_job, action, lane.client, now=group.now, authorized=True)
        except (LaneWaits, DatabaseUnavailable):  # nothing was sent
            return ItemResult(item, item.attempts - 1, None, item.detail)
        self._pause(lane, result)
        outcome = OUTCOMES[result.event] if result.event else None
        return ItemResult(item, result.outcome["attempts"], outcome, result.outcome, result.retry_delay)

    def _pause(self, lane: Lane, result: AttemptResult) -> None:
        """Let a lane wait for as long as Genesys Cloud has asked."""
        if result.outcome["code"] != GenesysRateLimited.code:
            return
        seconds = result.retry_delay or result.outcome.get("retry_after") or RATE_LIMIT_DELAY
        if not lane.pacer.paused_for:
            self._metrics.bulk_waits.inc()
            log.warning("bulk.waits", lane=lane.number, delay=seconds)
        lane.pacer.pause(seconds)

    async def _record(self, job: Job, group: Group, lane: Lane, results: list[ItemResult] | None) -> Recorded | None:
        """Record the results of a group; while the database is unavailable, that is retried, never a call."""
        if results is None:
            return None
        return await until_recorded(
            lambda: self._bulk.record(job, results, delay=lane.pacer.paused_for),
            lambda error: log.error(
                "bulk.outcomes_not_recorded", **job_facts(job, group.request), people=len(results), exc_info=error
            ),
        )

    def _report(self, recorded: Recorded) -> JobResult:
        request = recorded.request
        for outcome in recorded.outcomes:
            self._metrics.bulk_people.labels(outcome).inc()
        if State.REVOKED in recorded.outcomes:
            self._metrics.last_success.set(recorded.at)
        if request.state in FINAL:
            self._lists.pop(request.id, None)
            self._metrics.outcomes.labels(request.action, request.state).inc()
            log.info("bulk.finished", **(dict(request.outcome) | log_facts(request)), state=str(request.state))
        return JobResult(recorded.follow_up, wake=True)
