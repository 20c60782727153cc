"""Notify channels and people: outcomes, and private replies to commands and clicks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from bot.db.expiry import ExpiryStore
from bot.db.job_queue import MAX_BACKOFF_DOUBLINGS
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.db.statements import RESPONSE_URL_LIFETIME
from bot.db.unreadable import UnreadableRow
from bot.domain.bulk_files import BulkFile
from bot.domain.principals import Principal
from bot.domain.requests import MessageRef, Request, State
from bot.errors import TOKEN_REFUSED, BotError
from bot.services.job_result import JobResult
from bot.services.log_facts import job_facts
from bot.services.pacing import ChannelPace
from bot.slack.api import RATE_LIMITED, SlackCallError
from bot.slack.channels import UNSUITABLE
from bot.slack.messages import Message, SlackMessenger

DELIVERY_DEADLINE = 86400.0
"""How long to keep retrying a message, in seconds. The audit log has the outcome in any case."""

MAX_FOLDED = 50
"""Expirations in one message, because Slack limits its length."""

MAX_DELIVERY_DELAY = 60.0
"""Longest wait between two attempts to deliver a message, in seconds, unless an admin must act first."""

FIXABLE_ERRORS = (
    TOKEN_REFUSED | UNSUITABLE | {"not_in_channel", "channel_not_found", "is_archived", "restricted_action"}
)
"""Errors of `chat.postMessage` that end once an admin invites or reinstalls the bot (docs.slack.dev), or no longer
shares the channel."""

LINK_TIMEOUT = 3.0
"""Longest time to look for the link to a card, in seconds. A message is sent without it."""

CARD_POSTED, CARD_NOT_POSTED = "card_posted", "card_not_posted"
"""Codes of replies: the card is in another channel, or it could not be posted, so the request was cancelled."""

FOLLOWED, COPY_NOT_POSTED = "request_followed", "copy_not_posted"
"""Codes of replies: a person follows an open request; the card that they need could not be posted."""

LOGGED_IN_AGAIN = "logged_in_again"
"""Code of a message: the person whose sessions were revoked has logged in again, or may have."""

LINK_ATTEMPTS = 5
"""How often a reply looks for the link to a card that is not posted yet, once a second. Then it goes without."""

log = structlog.get_logger()


class MessageRenderer(Protocol):
    """Renders the messages that the bot sends; `handlers.ui` implements it."""

    def card(self, request: Request, *, with_live_state: bool = False) -> Message:
        """Return the card of a request, as it is now; only some people may see what its target is doing."""

    def outcome(self, request: Request, link: str | None = None) -> Message:
        """Return a short message about how a request ended; `link` leads to its card."""

    def announcement(self, request: Request) -> Message:
        """Return the message that announces a revocation under break glass."""

    def expirations(self, requests: Sequence[Request]) -> Message:
        """Return a short message about several requests that expired."""

    def with_mentions(self, message: Message, approvers: Sequence[Principal]) -> Message:
        """Return a message that ends with a mention of user groups and users, if there are any."""

    def with_checkpoint(self, message: Message, checkpoint: str) -> Message:
        """Return a message that ends with a checkpoint of the audit log."""

    def reply(
        self, code: str, params: Mapping[str, Any], request: Request | None = None, link: str | None = None
    ) -> Message:
        """Return the private reply for a code: an error's, `CARD_POSTED` or `CARD_NOT_POSTED`.

        `link` leads to the card.
        """

    def file_comment(self, request: Request, file: BulkFile) -> str:
        """Return the text next to a file of a bulk request."""

    def thread_reply(self, code: str, params: Mapping[str, Any]) -> Message:
        """Return a reply in the thread of a card."""

    def affected(self, request: Request) -> Message:
        """Return what the person reads whose sessions a request ended."""

    def reminder(self, request: Request, approvers: Sequence[Principal], link: str | None) -> Message:
        """Return a reminder that mentions the approvers; `link` leads to a card in direct messages."""


class Permalinks(Protocol):
    """Finds links to messages."""

    async def of(self, message: MessageRef | None) -> str | None:
        """Return the link to a message, None if there is none."""


def recipients_of(request: Request, audit_channel: str | None) -> tuple[str, ...]:
    """Return who is notified when a request ends.

    These are the audit channel, and a requester who does not see the card.
    """
    channel = request.card.channel if request.card else ""
    sees_card = bool(channel) and (channel[0] == "D" or channel in (request.requester, request.requested_in))
    return tuple(one for one in (audit_channel, None if sees_card else request.requester) if one)


def people_to_notify(request: Request) -> tuple[str, ...]:
    """Return who must learn how a request ended that its first card cannot show.

    That is the requester, those who follow without another card, and who decided it.
    """
    copies = {one.place for one in request.copies}
    followers = (one.user_id for one in request.followers if one.place not in copies)
    people = (request.requester, *followers, *request.approvals, request.decided_by)
    return tuple(dict.fromkeys(one for one in people if one))


def is_person(channel: str) -> bool:
    """Return whether a channel is a person's direct messages, to which no admin can invite the bot."""
    return channel.startswith(("U", "W"))


def reply_payload(user_id: str, response_url: str | None, error: BotError) -> dict[str, Any]:
    """Return the payload of a REPLY job: who is replied to, and the code and parameters of the reason."""
    return message_payload(user_id, response_url, error.code, **error.params)


def message_payload(user_id: str, response_url: str | None, code: str, **params: Any) -> dict[str, Any]:
    """Return the payload of a REPLY job with this code and these parameters."""
    return {"user_id": user_id, "response_url": response_url, "code": code, "params": params}


def _newest_checkpoint(notices: Sequence[Job]) -> str:
    """Return the checkpoint of the newest notice; empty for notices of an earlier version."""
    checkpoints = [str(job.payload.get("checkpoint") or "") for job in notices]
    return max(checkpoints, key=lambda one: int(one.partition(":")[0] or 0))


class Delivery:
    """Decides what happens to a message that Slack did not take."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store

    async def retry_later(self, job: Job, error: SlackCallError, *, since: float | None) -> None:
        """Retry a message after a growing delay, and not before Slack allows it; give it up after a day.

        `since` is when the message became due, in epoch seconds; None while its request is open.
        """
        age = 0.0 if since is None else await self._store.jobs.now() - since
        if not error.retryable or age > DELIVERY_DEADLINE:
            if job.kind is JobKind.REPLY:  # its user may not exist, which no operator can fix
                log.warning("reply.given_up", **job_facts(job), by=job.payload.get("user_id"), code=error.slack_code)
            else:
                log.error("message.given_up", **job_facts(job), code=error.slack_code)
            await self._store.jobs.complete(job)
            return
        longest = max(MAX_DELIVERY_DELAY, age / 20) if error.slack_code in FIXABLE_ERRORS else MAX_DELIVERY_DELAY
        delay = max(error.retry_after, min(2.0 ** min(job.attempts - 1, MAX_BACKOFF_DOUBLINGS), longest))
        log.warning("message.retried", **job_facts(job), code=error.slack_code, delay=delay)
        await self._store.jobs.release(job, delay=delay)


class Notifier:
    """Sends outcomes and private replies."""

    def __init__(
        self,
        store: RequestStore,
        messenger: SlackMessenger,
        renderer: MessageRenderer,
        delivery: Delivery,
        pace: ChannelPace,
        *,
        audit_channel: str | None = None,
        permalinks: Permalinks | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._expiry = ExpiryStore(store)
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery
        self._pace = pace
        self._audit_channel = audit_channel
        self._permalinks = permalinks
        self._clock = clock
        self._sleep = sleep

    async def process_notice(self, job: Job) -> JobResult:
        """Notify a channel or a person of how a request ended, at Slack's pace.

        The notice of an expired request takes the others that wait for the same channel along. If this process ends
        between the post and the commit, the message may be posted twice.
        """
        request, _, _ = job.snapshot or await self._store.snapshot(job.request_id)
        if request is None:
            await self._store.jobs.complete(job)
            return JobResult()
        channel = job.payload["channel"]
        wait = self._pace.reserve(channel)
        if wait:
            await self._store.jobs.put_back(job, delay=wait)
            return JobResult()
        folded = (
            await self._expiry.take_expired_notices(channel, MAX_FOLDED - 1) if request.state is State.EXPIRED else []
        )
        also = [one.snapshot.request for one in folded if one.snapshot and one.snapshot.request]
        message = self._renderer.expirations([request, *also]) if also else await self._outcome(request, channel)
        if channel == self._audit_channel:
            message = self._renderer.with_checkpoint(message, _newest_checkpoint([job, *folded]))
        try:
            await self._messenger.post(channel, message)
        except SlackCallError as error:
            await self._retry_notices([job, *folded], error)
        else:
            await self._store.jobs.complete_all([job, *folded])
        return JobResult()

    async def _outcome(self, request: Request, channel: str) -> Message:
        """Return the outcome, with a link to the card that a person can open, or to the first one."""
        card = request.card_for([channel]) if is_person(channel) else request.card
        return self._renderer.outcome(request, await self._link(card))

    async def _link(self, card: MessageRef | None) -> str | None:
        """Return the link to a card, None if Slack does not give it within seconds."""
        if self._permalinks is None:
            return None
        try:
            async with asyncio.timeout(LINK_TIMEOUT):
                return await self._permalinks.of(card)
        except TimeoutError:
            return None

    async def _retry_notices(self, jobs: Sequence[Job], error: SlackCallError) -> None:
        """Retry the notices of a message that Slack did not take."""
        payload = jobs[0].payload
        if error.slack_code == RATE_LIMITED:
            self._pace.limit(payload["channel"], error.retry_after)
        fixable = error.slack_code in (TOKEN_REFUSED if is_person(payload["channel"]) else FIXABLE_ERRORS)
        if fixable and jobs[0].attempts == 1:
            log.error("notice.not_posted", **job_facts(jobs[0]), channel=payload["channel"], code=error.slack_code)
        error.retryable = error.retryable or fixable
        for job in jobs:
            await self._delivery.retry_later(job, error, since=job.created_at)

    async def process_reply(self, job: Job) -> JobResult:
        """Deliver a stored private reply, about the request as it is now if there is one.

        A reply that says that something waits is dropped if that is done, as after an outage of Slack. Raises
        UnreadableRow for a reply that only another version of the bot can render.
        """
        waiting = job.payload.get("while_waiting")
        if isinstance(waiting, int) and not await self._store.jobs.is_waiting(waiting):
            await self._store.jobs.complete(job)
            return JobResult()
        try:
            request = await self._store.get(job.request_id)
        except UnreadableRow:
            request = None
        card = request.card_for([job.payload["user_id"]]) if request else None
        about_card = job.payload["code"] in (FOLLOWED, COPY_NOT_POSTED)
        if about_card and card and not card.ts and job.attempts < LINK_ATTEMPTS:
            await self._store.jobs.release(job, delay=1.0)
            return JobResult()
        try:
            code, link = job.payload["code"], None
            if request and code in (CARD_POSTED, FOLLOWED, COPY_NOT_POSTED, LOGGED_IN_AGAIN):
                link = await self._link(card)
            message = self._renderer.reply(code, job.payload["params"], request, link)
        except KeyError as error:  # a code of a newer version of the bot
            raise UnreadableRow("jobs", job.id, "payload", f"reply: {job.payload['code']}") from error
        try:
            await self._messenger.notify_user(job.payload.get("response_url"), job.payload["user_id"], message)
        except SlackCallError as error:
            error.retryable = error.retryable or error.slack_code in TOKEN_REFUSED
            await self._delivery.retry_later(job, error, since=job.created_at)
        else:
            await self._store.jobs.complete(job)
        return JobResult()

    async def reply_until_expired(self, response_url: str | None, user_id: str, message: Message) -> None:
        """Send a private reply that is not stored.

        Retries while Slack is unavailable and the `response_url` is valid. A crash loses the reply, so it must be
        no outcome and no refusal of stored work. It answers a read-only command, or says why nothing was stored, which
        Slack shows too.
        """
        await self._notify_until_expired(response_url, user_id, message)

    async def replace_until_expired(self, response_url: str | None, user_id: str, message: Message) -> None:
        """Replace the private message whose button was pressed; retries like `reply_until_expired`."""
        await self._notify_until_expired(response_url, user_id, message, replace=True)

    async def _notify_until_expired(
        self, response_url: str | None, user_id: str, message: Message, *, replace: bool = False
    ) -> None:
        deadline, delay = self._clock() + RESPONSE_URL_LIFETIME, 1.0
        while True:
            try:
                await self._messenger.notify_user(response_url, user_id, message, replace=replace)
            except SlackCallError as error:
                wait = max(delay, error.retry_after)
                if not error.retryable or self._clock() + wait > deadline:
                    log.warning("reply.given_up", by=user_id, code=error.slack_code)
                    return
                log.info("reply.retried", by=user_id, code=error.slack_code, delay=wait)
                await self._sleep(wait)
                delay = min(2 * delay, MAX_DELIVERY_DELAY)
            else:
                return
