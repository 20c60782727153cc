"""Announce a revocation under break glass in both channels, before its DELETE."""

from __future__ import annotations

import asyncio

import structlog

from bot.db.executions import ExecutionStore
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.requests import Request
from bot.services.job_result import JobResult
from bot.services.log_facts import log_facts
from bot.services.notifications import FIXABLE_ERRORS, Delivery, MessageRenderer
from bot.slack.api import SlackCallError
from bot.slack.messages import SlackMessenger

ANNOUNCEMENT_TIMEOUT = 3.0
"""Maximum time of one attempt, in seconds. The DELETE follows the first attempt in any case."""

log = structlog.get_logger()


class Announcer:
    """Posts announcements, and starts the DELETE after the first attempt in each channel."""

    def __init__(
        self,
        store: RequestStore,
        messenger: SlackMessenger,
        renderer: MessageRenderer,
        delivery: Delivery,
        *,
        audit_channel: str | None = None,
        timeout: float = ANNOUNCEMENT_TIMEOUT,
    ) -> None:
        self._store = store
        self._executions = ExecutionStore(store)
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery
        self._audit_channel = audit_channel
        self._timeout = timeout

    async def process(self, job: Job) -> JobResult:
        """Announce a request in one channel, and start its DELETE if no other channel is being tried.

        An announcement that Slack did not take is retried like an outcome. It may be posted twice if the process ends
        between the post and its commit.
        """
        found = job.snapshot or await self._store.snapshot(job.request_id)
        if found.request is None:
            await self._store.jobs.complete(job)
            return JobResult()
        try:
            await self._post(job, found.request)
        except SlackCallError as error:
            error.retryable = error.retryable or error.slack_code in FIXABLE_ERRORS
            if job.attempts == 1:
                log.error("announcement.not_posted", **log_facts(found.request), code=error.slack_code)  # noqa: TRY400
            await self._delivery.retry_later(job, error, since=job.created_at)
        else:
            await self._store.jobs.complete(job)
        execution = await self._executions.start_announced(job.request_id)
        return JobResult((execution,) if execution else ())

    async def _post(self, job: Job, request: Request) -> None:
        channel, message = job.payload["channel"], self._renderer.announcement(request)
        if channel == self._audit_channel:
            message = self._renderer.with_checkpoint(message, str(job.payload.get("checkpoint") or ""))
        try:
            async with asyncio.timeout(self._timeout):
                await self._messenger.post(channel, message)
        except TimeoutError:
            raise SlackCallError("timeout", retryable=True) from None
