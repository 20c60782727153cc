"""Reply in the thread of a card: approvals, those that no longer count, and repeated calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.db.unreadable import UnreadableRow
from bot.domain.requests import Event, Request
from bot.services.job_result import JobResult
from bot.services.notifications import Delivery
from bot.services.pacing import ChannelPace
from bot.slack.api import RATE_LIMITED, SlackCallError
from bot.slack.messages import Message, SlackMessenger


class ThreadRenderer(Protocol):
    """Renders replies in threads; `handlers.ui` implements it."""

    def thread_reply(self, code: str, params: Mapping[str, Any]) -> Message:
        """Return a reply. Raises KeyError for a code of a newer version of the bot."""


def approval_note(request: Request, event: Event, by: str, dropped: Sequence[str]) -> dict[str, Any] | None:
    """Return the payload of a THREAD job for a click on a request, None for a click that cancels it."""
    if event not in (Event.ADD_APPROVAL, Event.APPROVE):
        return None
    count = len({*request.approvals, by})
    params = {"approver": by, "count": count, "required": request.approvals_required, "dropped": list(dropped)}
    return {"code": "approved", "params": params}


class ThreadReplies:
    """Posts the replies. A card that only one person sees has none."""

    def __init__(
        self,
        store: RequestStore,
        messenger: SlackMessenger,
        renderer: ThreadRenderer,
        delivery: Delivery,
        pace: ChannelPace,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery
        self._pace = pace

    async def process(self, job: Job) -> JobResult:
        """Post a reply at Slack's pace; nothing if the card cannot be found or is in direct messages.

        Raises UnreadableRow for a reply that only another version of the bot can render.
        """
        request = await self._store.get(job.request_id)
        card = request.card if request else None
        if card is None or not card.ts or card.channel.startswith("D"):
            await self._store.jobs.complete(job)
            return JobResult()
        wait = self._pace.take_turn(card.channel, job.id)
        if wait:
            await self._store.jobs.put_back(job, delay=wait)
            return JobResult()
        try:
            message = self._renderer.thread_reply(job.payload["code"], job.payload["params"])
        except KeyError as error:
            raise UnreadableRow("jobs", job.id, "payload", f"thread: {job.payload['code']}") from error
        try:
            await self._messenger.post(card.channel, message, thread_ts=card.ts)
        except SlackCallError as error:
            if error.slack_code == RATE_LIMITED:
                self._pace.limit(card.channel, error.retry_after)
            await self._delivery.retry_later(job, error, since=job.created_at)
        else:
            await self._store.jobs.complete(job)
        return JobResult()
