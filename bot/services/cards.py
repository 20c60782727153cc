"""Keeps every message true: a card shows its request's latest revision, an outcome reaches those who must hear of it.

Cards are painted from the request as it is now, not from what happened: what fails is painted later, by any replica.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from bot.db.jobs import MAX_BACKOFF_DOUBLINGS, Job
from bot.db.requests import RequestStore, ResponseUrls
from bot.domain.requests import MessageRef, Request
from bot.errors import TOKEN_REFUSED, BotError
from bot.slack.messages import DeliveryError, Message, SlackMessenger

GIVE_UP = 86400.0
"""Seconds after a request's end when a message that Slack keeps refusing is given up; the trail has what it says."""

GONE = frozenset({"message_not_found", "channel_not_found", "cant_update_message", "edit_window_closed", "is_archived"})
"""What `chat.update` says of a card that cannot be edited, ever; all else may be put right (docs.slack.dev)."""

MENDABLE = TOKEN_REFUSED | {"not_in_channel", "channel_not_found", "is_archived", "restricted_action"}
"""What `chat.postMessage` says of a channel until somebody invites the bot, or installs it again."""

LONGEST_WAIT = 60.0

Audience = Callable[[Request], tuple[str, ...]]
"""Names the channels that hear of a request's end."""

log = structlog.get_logger()


class Words(Protocol):
    """What the bot says; `handlers.ui.cards` is it."""

    def card(self, request: Request) -> Message:
        """The card as it is true now."""

    def outcome(self, request: Request) -> Message:
        """A line for those who only want to know how it ended."""

    def posted(self, request: Request, place: MessageRef) -> Message:
        """Tell the requester where the card is."""

    def not_posted(self, request: Request, code: str) -> Message:
        """Tell the requester that nobody can see the card, so the request was withdrawn."""

    def answer(self, error: BotError, request: Request | None) -> Message:
        """Tell somebody why their click changed nothing."""


class CardUpdater:
    """Posts, repaints and tells; a message that cannot arrive now goes back to the queue."""

    def __init__(self, store: RequestStore, courier: SlackMessenger, words: Words, audience: Audience) -> None:
        self._store = store
        self._courier = courier
        self._words = words
        self._audience = audience

    async def paint(self, job: Job) -> bool:
        """Bring a card to its request's latest revision, posting it first where it is not posted yet.

        False when there is more to paint already.
        """
        sheet = await self._store.card_context(job.request_id)
        if sheet is None:
            return True
        request, urls = sheet
        try:
            place = await self._show(job, request, urls)
        except DeliveryError as problem:
            await self._later(job, problem, since=request.finished_at)
            return True
        return await self._store.mark_rendered(job, request.revision, place)

    async def notify(self, job: Job) -> None:
        """Tell a channel or a person how a request ended."""
        request = await self._store.get(job.request_id)
        if request is None:
            return
        try:
            await self._courier.post(job.payload["channel"], self._words.outcome(request))
        except DeliveryError as problem:
            mendable = problem.slack_code in MENDABLE
            if mendable and job.attempts == 1:
                log.error("an outcome cannot be told before somebody mends it", code=problem.slack_code, **job.payload)  # noqa: TRY400
            problem.passing = problem.passing or mendable
            await self._later(job, problem, since=job.created_at)
        else:
            await self._store.jobs.complete(job)

    async def answer(self, job: Job, error: BotError, request: Request | None) -> None:
        """Tell who clicked, in private, why it changed nothing; the decision stands whether or not this arrives."""
        message = self._words.answer(error, request)
        try:
            await self._courier.whisper(job.payload.get("response_url"), job.payload["user_id"], message)
        except DeliveryError as problem:
            log.warning("the clicker could not be told", code=problem.slack_code, request_id=job.request_id)

    async def _show(self, job: Job, request: Request, urls: ResponseUrls) -> MessageRef | None:
        place = request.card
        if place and not place.ts:
            place = await self._post(job, request, place, urls.command)
        elif place:
            await self._update(request, place)
        if urls.click:
            await self._replace(request, urls.click)
        return place

    async def _post(self, job: Job, request: Request, place: MessageRef, ask_url: str | None) -> MessageRef | None:
        """Post a card and tell the requester where it is; where the bot may not post, answer the command instead."""
        try:
            posted = await self._courier.post(place.channel, self._words.card(request))
        except DeliveryError as problem:
            if problem.passing:
                raise
            await self._post_elsewhere(job, request, ask_url, problem.slack_code)
            return None
        if ask_url and posted.channel != request.requested_in:
            await self._mention(ask_url, self._words.posted(request, posted))
        return posted

    async def _post_elsewhere(self, job: Job, request: Request, ask_url: str | None, code: str) -> None:
        """Answer the command with the card, which needs no membership; never where the approvers would not see it."""
        log.warning("the card cannot be posted", channel=request.card and request.card.channel, code=code)
        at_home = request.card is not None and request.card.channel in (request.requester, request.requested_in)
        if at_home and ask_url and await self._answered(request, ask_url):
            return
        others = tuple(one for one in self._audience(request) if one != request.requester)
        if await self._store.withdraw(job, problem=code, notify=others) and ask_url:
            await self._mention(ask_url, self._words.not_posted(request, code))

    async def _answered(self, request: Request, ask_url: str) -> bool:
        """Give the card as the command's answer; False when that address takes nothing any more."""
        everyone = request.card is not None and request.card.channel == request.requested_in
        try:
            await self._courier.tell(ask_url, self._words.card(request), everyone=everyone)
        except DeliveryError as problem:
            if problem.passing:
                raise
            log.warning(
                "the command cannot be answered with the card", code=problem.slack_code, reference=request.reference
            )
            return False
        return True

    async def _update(self, request: Request, place: MessageRef) -> None:
        try:
            await self._courier.update(place, self._words.card(request))
        except DeliveryError as problem:
            if problem.slack_code not in GONE:
                raise DeliveryError(problem.slack_code, passing=True, wait=problem.wait) from problem
            log.warning("the card cannot be edited", code=problem.slack_code, reference=request.reference)

    async def _replace(self, request: Request, url: str) -> None:
        """Edit the clicked message where it is not the card that was posted; such an address dies after a while."""
        try:
            await self._courier.replace(url, self._words.card(request))
        except DeliveryError as problem:
            if problem.passing:
                raise
            log.warning("the clicked message cannot be edited", code=problem.slack_code, reference=request.reference)

    async def _mention(self, url: str, message: Message) -> None:
        try:
            await self._courier.tell(url, message)
        except DeliveryError as problem:
            log.warning("the requester could not be told", code=problem.slack_code)

    async def _later(self, job: Job, problem: DeliveryError, *, since: float | None) -> None:
        """Put a message off, as long as Slack asks for and longer each time; give it up when it is old news.

        `since` is when the news was made; none while the request is open.
        """
        age = 0.0 if since is None else await self._store.jobs.check_writable() - since
        if not problem.passing or age > GIVE_UP:
            log.error("a message is given up", kind=job.kind, code=problem.slack_code, request_id=job.request_id)
            await self._store.jobs.complete(job)
            return
        longest = max(LONGEST_WAIT, age / 20)
        wait = max(problem.wait, min(2.0 ** min(job.attempts - 1, MAX_BACKOFF_DOUBLINGS), longest))
        log.warning("slack did not take a message; later", kind=job.kind, code=problem.slack_code, wait=wait)
        await self._store.jobs.release(job, delay=wait)
