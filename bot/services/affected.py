"""Send a direct message to the person whose sessions were revoked (NOTIFY_TARGET)."""

from __future__ import annotations

from typing import Protocol

from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.people import Member
from bot.domain.policy import ineligibility
from bot.domain.requests import Request, State
from bot.errors import SlackUnavailable
from bot.services.identity import Identity
from bot.services.job_result import JobResult
from bot.services.notifications import Delivery
from bot.slack.api import SlackCallError, call_error_of
from bot.slack.messages import Message, SlackMessenger


class AffectedRenderer(Protocol):
    """Renders the message; `handlers.ui` implements it."""

    def affected(self, request: Request) -> Message:
        """Return what the person reads whose sessions a request ended."""


class AffectedPerson:
    """Notifies the affected person once, if they are a full member and did not request it."""

    def __init__(
        self,
        store: RequestStore,
        messenger: SlackMessenger,
        renderer: AffectedRenderer,
        delivery: Delivery,
        identity: Identity,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery
        self._identity = identity

    async def process(self, job: Job) -> JobResult:
        """Send the message, and retry it for a day while Slack is unavailable."""
        request = await self._store.get(job.request_id)
        try:
            member = await self._member(request) if request else None
            if request and member:
                await self._messenger.post(member.id, self._renderer.affected(request))
        except SlackUnavailable as error:
            await self._delivery.retry_later(job, call_error_of(error), since=job.created_at)
        except SlackCallError as error:
            await self._delivery.retry_later(job, error, since=job.created_at)
        else:
            await self._store.jobs.complete(job)
        return JobResult()

    async def _member(self, request: Request) -> Member | None:
        """Return the affected Slack user, found by id or else by a confirmed address; None if there is none."""
        if request.state is not State.REVOKED or request.target is None:
            return None
        member = await self._identity.slack_user_of(request.target_slack_id, request.target)
        if member is None or request.requester in member.ids or ineligibility(member, self._identity.workspace):
            return None
        return member if request.target_slack_id or member.email_confirmed else None
