"""Remind once of a request that still waits: in the thread of its card, or privately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bot.db.cards import CardStore
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.principals import Principal
from bot.domain.requests import MessageRef, Request, State, is_private
from bot.services.job_result import JobResult
from bot.services.mentions import approvers_to_mention
from bot.services.notifications import Delivery
from bot.services.pacing import ChannelPace
from bot.slack.api import RATE_LIMITED, SlackCallError
from bot.slack.messages import Message, SlackMessenger
from bot.slack.permalinks import Permalinks

MIN_TIME_LEFT = 60.0
"""Seconds for which a request must still be open, because a later reminder is of no use."""

UNPOSTED_DELAY = 5.0
"""Seconds until the bot looks again for a card that is not posted yet."""


class ReminderRenderer(Protocol):
    """Renders reminders; `handlers.ui` implements it."""

    def reminder(self, request: Request, approvers: Sequence[Principal], link: str | None) -> Message:
        """Return a reminder that mentions the approvers; `link` leads to a card in direct messages."""


class Reminders:
    """Posts the reminders.

    `approvers` returns who may approve a request, `ping` lets a reminder mention them.
    """

    def __init__(
        self,
        store: RequestStore,
        messenger: SlackMessenger,
        renderer: ReminderRenderer,
        delivery: Delivery,
        pace: ChannelPace,
        *,
        permalinks: Permalinks,
        approvers: Callable[[Request], Sequence[Principal]],
        ping: bool,
    ) -> None:
        self._store = store
        self._places = CardStore(store)
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery
        self._pace = pace
        self._permalinks = permalinks
        self._approvers = approvers
        self._ping = ping

    async def process(self, job: Job) -> JobResult:
        """Post a reminder at Slack's pace; nothing if the request has ended, or is about to."""
        found = await self._store.snapshot(job.request_id)
        request, card = found.request, _card_to_remind_of(found.request) if found.request else None
        if request is None or card is None or not _is_useful(request, found.now):
            await self._store.jobs.complete(job)
            return JobResult()
        wait = self._pace.take_turn(card.channel, job.id) if card.ts else UNPOSTED_DELAY
        if wait:
            await self._store.jobs.put_back(job, delay=wait)
            return JobResult()
        try:
            await self._post(request, card)
        except SlackCallError as error:
            if error.slack_code == RATE_LIMITED:
                self._pace.limit(card.channel, error.retry_after)
            await self._delivery.retry_later(job, error, since=None)
        else:
            await self._store.jobs.complete(job)
        return JobResult()

    async def _post(self, request: Request, card: MessageRef) -> None:
        if card.channel.startswith("D"):
            message = self._renderer.reminder(request, (), await self._permalinks.of(card))
            await self._messenger.post(card.channel, message)
        else:
            message = self._renderer.reminder(request, await self._mentions(request), None)
            await self._messenger.post(card.channel, message, thread_ts=card.ts)

    async def _mentions(self, request: Request) -> tuple[Principal, ...]:
        """Return whom the reminder mentions: no one shortly after another message of the same requester did."""
        approvers = approvers_to_mention(request, self._approvers(request)) if self._ping else ()
        if approvers and await self._places.take_ping(request.requester, f"reminder:{request.id}"):
            return approvers
        return ()


def _card_to_remind_of(request: Request) -> MessageRef | None:
    """Return the first card, or a copy in a channel if the first card is in one person's direct messages."""
    if request.card and is_private(request.card.channel):
        copies = [one.message for one in request.copies if one.message.ts and not is_private(one.message.channel)]
        return next(iter(copies), request.card)
    return request.card


def _is_useful(request: Request, now: float) -> bool:
    return request.state is State.PENDING and request.expires_at - now >= MIN_TIME_LEFT
