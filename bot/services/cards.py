"""Keep every card up to date with its request.

A card is rendered from the request as it is now, not from an event, so any replica can retry an update that failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import structlog

from bot.db.cards import CardStore
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import RequestStore, notices_to
from bot.db.rows import ResponseUrls, Snapshot
from bot.domain.bulk_files import BulkFile
from bot.domain.principals import Principal
from bot.domain.requests import FINAL, MessageRef, Request, State, is_private
from bot.errors import TOKEN_REFUSED
from bot.services.job_result import JobResult
from bot.services.live_state import LiveStates
from bot.services.log_facts import log_facts
from bot.services.mentions import approvers_to_mention
from bot.services.notifications import (
    CARD_NOT_POSTED,
    CARD_POSTED,
    Delivery,
    MessageRenderer,
    message_payload,
    people_to_notify,
)
from bot.services.pacing import ChannelPace
from bot.slack.api import RATE_LIMITED, SlackCallError
from bot.slack.channels import UNSUITABLE
from bot.slack.messages import Message, SlackMessenger

THREADLESS_ERRORS = frozenset({"message_not_found", "channel_not_found", "is_archived", "not_in_channel"})
"""Errors of `chat.update` after which the card's thread is of no use either (docs.slack.dev)."""

EXPIRED_CARDS = "chat.update"
"""The queue of the updates that show an expiration. They must not use up the updates that other cards need."""

log = structlog.get_logger()


class Shown(NamedTuple):
    """Whether a card shows its request, and if not, Slack's error code."""

    anywhere: bool
    code: str = ""


class CardUpdater:
    """Posts and edits cards.

    `recipients` returns the channels to notify when a request ends, and `approvers` who may be mentioned on a new card.
    `live` reads what the target is doing.
    """

    def __init__(
        self,
        store: RequestStore,
        messenger: SlackMessenger,
        renderer: MessageRenderer,
        delivery: Delivery,
        recipients: Callable[[Request], Sequence[str]],
        *,
        pace: ChannelPace,
        approvers: Callable[[Request], Sequence[Principal]],
        live: LiveStates,
    ) -> None:
        self._live = live
        self._store = store
        self._places = CardStore(store)
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery
        self._recipients = recipients
        self._pace = pace
        self._approvers = approvers

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
        people = people_to_notify(request)
        return await self.take_turn(job, request, request.card, lambda: self._sync(job, request, found), people)

    async def take_turn(
        self,
        job: Job,
        request: Request,
        card: MessageRef | None,
        update: Callable[[], Awaitable[JobResult]],
        people: Sequence[str],
    ) -> JobResult:
        """Run the update of a card or a copy in its turn, and retry it later if Slack fails.

        If an admin must act first, `people` get the outcome as a message meanwhile.
        """
        queue = queue_of(request, card)
        wait = self._pace.take_place(queue, job.id)
        if wait:
            await self._store.jobs.put_back(job, delay=wait)
            return JobResult()
        try:
            return await update()
        except SlackCallError as error:
            if queue and error.slack_code == RATE_LIMITED:
                self._pace.limit(queue, error.retry_after)
                error.retry_after = self._pace.take_place(queue, job.id)
            refused = error.slack_code in TOKEN_REFUSED and request.state in FINAL
            if refused:
                await self._places.notify_once(request, people)
            await self._delivery.retry_later(job, error, since=request.finished_at)
            return JobResult(wake=refused)

    async def _sync(self, job: Job, request: Request, found: Snapshot) -> JobResult:
        if request.card and not request.card.ts:
            card = request.card
            request = await self.with_live_state(request, card.channel, found.now)
            return await self._post(job, request, card, found.urls)
        shown = await self.show(request, request.card, found.urls.click)
        if not shown.anywhere and request.state in FINAL:
            return await self._notify_instead(job, request, shown.code)
        return JobResult(wake=not await self._places.mark_rendered(job))

    async def with_live_state(self, request: Request, channel: str, now: float) -> Request:
        """Return a request with what its target is doing, if a new card in a channel shows it.

        A card of a request that is decided does not.
        """
        if request.live or request.state is not State.PENDING:
            return request
        return replace(request, live=await self._live.for_card(request, channel, now))

    async def render(self, request: Request, channel: str) -> Message:
        """Return a card as the people in a channel may see it."""
        return self._renderer.card(request, with_live_state=await self._live.may_show(request, channel))

    async def _post(self, job: Job, request: Request, card: MessageRef, urls: ResponseUrls) -> JobResult:
        """Post a card and reply where it is; if the bot may not post there, answer the command with the card."""
        try:
            posted = await self._messenger.post(card.channel, await self._new_card(job, request, card.channel))
        except SlackCallError as error:
            if error.retryable:
                raise
            return await self._post_elsewhere(job, request, urls.command, error.slack_code)
        if urls.click:
            await self._replace_clicked(request, urls.click)
        reply = _reply_about_place(job, request, posted, urls.command)
        files = _preview_of(request)
        up_to_date = await self._places.mark_posted(job, posted, *reply, *files, live=request.live)
        return JobResult(wake=bool(reply or files) or not up_to_date)

    async def _new_card(self, job: Job, request: Request, channel: str) -> Message:
        """Return a new card, which mentions the approvers once: later versions of it notify no one."""
        card = await self.render(request, channel)
        return self.with_mentions(request, card) if job.payload.get("ping") else card

    def with_mentions(self, request: Request, card: Message) -> Message:
        """Return a new card that mentions the approvers of a pending request."""
        if request.state is not State.PENDING:
            return card
        return self._renderer.with_mentions(card, approvers_to_mention(request, self._approvers(request)))

    async def _post_elsewhere(self, job: Job, request: Request, command_url: str | None, code: str) -> JobResult:
        """Reply to the command with the card, unless approvers would not see it there.

        A reply needs no membership in the channel. If that is not possible, the request is cancelled, because no
        approver can see it. The same holds for a channel of several organizations.
        """
        channel = request.card and request.card.channel
        log.warning("card.not_posted", **log_facts(request), channel=channel, code=code)
        visible = request.card is not None and request.card.channel in (request.requester, request.requested_in)
        visible = visible and code not in UNSUITABLE
        if visible and command_url and await self._respond_with_card(request, command_url):
            return JobResult(wake=not await self._places.mark_posted(job, None))
        others = tuple(one for one in self._recipients(request) if one != request.requester)
        reply = message_payload(request.requester, command_url, CARD_NOT_POSTED, slack_code=code)
        if await self._places.withdraw(job, problem=code, notify=others, reply=reply):
            log.info("request.withdrawn", **log_facts(request), code=code)
        else:
            await self._places.mark_posted(job, None, *_reply_about_copy(job, request, command_url))
        return JobResult(wake=True)

    async def _respond_with_card(self, request: Request, command_url: str) -> bool:
        """Answer the command with the card; return False if its `response_url` has expired."""
        in_channel = request.card is not None and request.card.channel == request.requested_in
        try:
            await self._messenger.respond(command_url, self._renderer.card(request), in_channel=in_channel)
        except SlackCallError as error:
            if error.retryable:
                raise
            log.warning("card.not_in_reply", **log_facts(request), code=error.slack_code)
            return False
        return True

    async def show(self, request: Request, card: MessageRef | None, click_url: str | None = None) -> Shown:
        """Edit a card: with `chat.update`, else through a click on it. `click_url` edits another message.

        Raises SlackCallError if no click can edit it, but a later `chat.update` may.
        """
        failure = await self._edit(request, card) if card else None
        replaced = click_url is not None and await self._replace_clicked(request, click_url)
        if card is None or failure is None:
            return Shown(anywhere=replaced or card is not None)
        for url in await self._places.click_urls(request.id, card.ts or ""):
            if await self._replace_clicked(request, url):
                return Shown(anywhere=True)
        _raise_if_passing(failure)
        return Shown(anywhere=False, code=failure.slack_code)

    async def _edit(self, request: Request, card: MessageRef) -> SlackCallError | None:
        """Edit a card with `chat.update`; return the error if Slack refuses it."""
        try:
            await self._messenger.update(card, await self.render(request, card.channel))
        except SlackCallError as error:
            if error.retryable:
                raise
            log.warning("card.not_editable", **log_facts(request), code=error.slack_code)
            return error
        return None

    async def _replace_clicked(self, request: Request, url: str) -> bool:
        """Edit a clicked message; return False once its `response_url` has expired, after 30 minutes.

        It may be anywhere, so it does not show what the target is doing.
        """
        try:
            await self._messenger.replace_original(url, self._renderer.card(request))
        except SlackCallError as error:
            if error.retryable:
                raise
            log.warning("card.copy_not_editable", **log_facts(request), code=error.slack_code)
            return False
        return True

    async def _notify_instead(self, job: Job, request: Request, code: str) -> JobResult:
        """Post the outcome as a new message, because no card can show it, and forget the card.

        The thread shows it to all who see the card. If the card has none, the requester and those who decided get
        direct messages. Without a card, nothing is posted again; a later click replaces what was clicked.
        """
        card = request.card
        if card and await self.post_in_thread(request, card, code):
            people: tuple[str, ...] = ()
        else:
            people = people_to_notify(request)
        await self._places.mark_posted(job, None, *notices_to(request, people))
        return JobResult(wake=True)

    async def post_in_thread(self, request: Request, card: MessageRef, code: str) -> bool:
        """Post the outcome in the thread of a card that cannot be edited; return whether Slack allows it."""
        if code in THREADLESS_ERRORS:
            return False
        try:
            await self._messenger.post(card.channel, self._renderer.outcome(request), thread_ts=card.ts)
        except SlackCallError as error:
            _raise_if_passing(error)
            log.warning("card.outcome_not_in_thread", **log_facts(request), code=error.slack_code)
            return False
        return True


def _preview_of(request: Request) -> tuple[JobSpec, ...]:
    """Return the job that shares what was found for each entry of a bulk request."""
    payload = {"file": BulkFile.PREVIEW.value}
    return (JobSpec(JobKind.FILE, f"{request.id}:{BulkFile.PREVIEW}", payload),) if request.bulk else ()


def _raise_if_passing(error: SlackCallError) -> None:
    """Raise a retryable error if a later call may succeed, perhaps once an admin has reinstalled the bot."""
    if error.retryable or error.slack_code in TOKEN_REFUSED:
        raise SlackCallError(error.slack_code, retryable=True, retry_after=error.retry_after) from error


def _reply_about_place(job: Job, request: Request, card: MessageRef, command_url: str | None) -> tuple[JobSpec, ...]:
    """Return the reply that says where a new card is, unless the requester sees it anyway."""
    in_direct_message = command_url is None and card.channel.startswith("D")
    if in_direct_message or card.channel == request.requested_in:
        return ()
    payload = message_payload(request.requester, command_url, CARD_POSTED, channel=card.channel)
    return (JobSpec(JobKind.REPLY, str(job.id), payload),)


def _reply_about_copy(job: Job, request: Request, command_url: str | None) -> tuple[JobSpec, ...]:
    """Return the reply that says where a follower's card is, because the first one could not be posted."""
    channel = next((one.place for one in request.copies if not is_private(one.place)), None)
    if channel is None:
        return ()
    payload = message_payload(request.requester, command_url, CARD_POSTED, channel=channel)
    return (JobSpec(JobKind.REPLY, str(job.id), payload),)


def queue_of(request: Request, card: MessageRef | None) -> str:
    """Return where a card waits its turn once Slack has limited it, if it does."""
    if card and not card.ts:
        return card.channel
    return EXPIRED_CARDS if request.state is State.EXPIRED else ""
