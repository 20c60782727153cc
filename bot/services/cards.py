"""Keep every card up to date with its request.

A card is rendered from the request as it is now, not from an event, so any replica can retry an update that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.db.rows import ResponseUrls
from bot.domain.requests import MessageRef, Request, State
from bot.services.job_result import JobResult
from bot.services.notifications import Delivery, MessageRenderer
from bot.services.pacing import Pace
from bot.slack.api import RATE_LIMITED, SlackCallError
from bot.slack.messages import Message, SlackMessenger

UNEDITABLE_ERRORS = frozenset(
    {"message_not_found", "channel_not_found", "cant_update_message", "edit_window_closed", "is_archived"}
)
"""Errors of `chat.update` for a card that can never be edited; all others may pass (docs.slack.dev)."""

EXPIRED_CARDS = "chat.update"
"""The queue of the updates that show an expiration. They must not use up the updates that other cards need."""

log = structlog.get_logger()


class CardUpdater:
    """Posts and edits cards. `recipients` returns the channels to notify when a request ends."""

    def __init__(
        self,
        store: RequestStore,
        messenger: SlackMessenger,
        renderer: MessageRenderer,
        delivery: Delivery,
        recipients: Callable[[Request], Sequence[str]],
        *,
        pace: Pace,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery
        self._recipients = recipients
        self._pace = pace

    async def process(self, job: Job) -> JobResult:
        """Bring a card to its request's latest revision, posting it first if necessary.

        While Slack takes no more messages in the channel, new cards wait for their turn, oldest first. Cards of expired
        requests do the same while Slack takes no more updates.
        """
        found = job.snapshot or await self._store.snapshot(job.request_id)
        request = found.request
        if request is None:
            await self._store.jobs.complete(job)
            return JobResult()
        queue = _queue_of(request)
        wait = self._pace.take_place(queue, job.id)
        if wait:
            await self._store.jobs.put_back(job, delay=wait)
            return JobResult()
        try:
            card = await self._sync(job, request, found.urls)
        except SlackCallError as error:
            if queue and error.slack_code == RATE_LIMITED:
                self._pace.limit(queue, error.retry_after)
                error.retry_after = self._pace.take_place(queue, job.id)
            await self._delivery.retry_later(job, error, since=request.finished_at)
            return JobResult()
        if card == request.card:
            up_to_date = await self._store.mark_rendered(job)
        else:
            up_to_date = await self._store.mark_posted(job, card)
        return JobResult(wake=not up_to_date)

    async def _sync(self, job: Job, request: Request, urls: ResponseUrls) -> MessageRef | None:
        card = request.card
        if card and not card.ts:
            card = await self._post(job, request, card, urls.command)
        elif card:
            await self._update(request, card)
        if urls.click:
            await self._replace_clicked(request, urls.click)
        return card

    async def _post(self, job: Job, request: Request, card: MessageRef, command_url: str | None) -> MessageRef | None:
        """Post a card and reply where it is; if the bot may not post there, answer the command with the card."""
        try:
            posted = await self._messenger.post(card.channel, self._renderer.card(request))
        except SlackCallError as error:
            if error.retryable:
                raise
            await self._post_elsewhere(job, request, command_url, error.slack_code)
            return None
        if command_url and posted.channel != request.requested_in:
            await self._reply(command_url, self._renderer.card_posted(request, posted))
        return posted

    async def _post_elsewhere(self, job: Job, request: Request, command_url: str | None, code: str) -> None:
        """Reply to the command with the card, unless approvers would not see it there.

        A reply needs no membership in the channel. If that is not possible, the request is cancelled, because no
        approver can see it.
        """
        log.warning("card not posted", channel=request.card and request.card.channel, code=code)
        visible = request.card is not None and request.card.channel in (request.requester, request.requested_in)
        if visible and command_url and await self._respond_with_card(request, command_url):
            return
        others = tuple(one for one in self._recipients(request) if one != request.requester)
        if await self._store.withdraw(job, problem=code, notify=others) and command_url:
            await self._reply(command_url, self._renderer.card_not_posted(request, code))

    async def _respond_with_card(self, request: Request, command_url: str) -> bool:
        """Answer the command with the card; return False if its `response_url` has expired."""
        in_channel = request.card is not None and request.card.channel == request.requested_in
        try:
            await self._messenger.respond(command_url, self._renderer.card(request), in_channel=in_channel)
        except SlackCallError as error:
            if error.retryable:
                raise
            log.warning("command not answered with its card", code=error.slack_code, reference=request.reference)
            return False
        return True

    async def _update(self, request: Request, card: MessageRef) -> None:
        try:
            await self._messenger.update(card, self._renderer.card(request))
        except SlackCallError as error:
            if error.slack_code not in UNEDITABLE_ERRORS:
                raise SlackCallError(error.slack_code, retryable=True, retry_after=error.retry_after) from error
            log.warning("card not editable", code=error.slack_code, reference=request.reference)

    async def _replace_clicked(self, request: Request, url: str) -> None:
        """Edit the clicked message if it is a copy of the card; its `response_url` expires after 30 minutes."""
        try:
            await self._messenger.replace_original(url, self._renderer.card(request))
        except SlackCallError as error:
            if error.retryable:
                raise
            log.warning("clicked message not editable", code=error.slack_code, reference=request.reference)

    async def _reply(self, url: str, message: Message) -> None:
        try:
            await self._messenger.respond(url, message)
        except SlackCallError as error:
            log.warning("reply not delivered", code=error.slack_code)


def _queue_of(request: Request) -> str:
    """Return where a card waits its turn once Slack has limited it, if it does."""
    if request.card and not request.card.ts:
        return request.card.channel
    return EXPIRED_CARDS if request.state is State.EXPIRED else ""
