"""Post and update the cards that followers need whose approvers cannot see the first one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from bot.db.cards import CardStore
from bot.db.followers import FollowerStore
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import notices_to
from bot.domain.requests import FINAL, CardCopy, Request, State, is_private
from bot.services.cards import CardUpdater
from bot.services.job_result import JobResult
from bot.services.log_facts import log_facts
from bot.services.notifications import COPY_NOT_POSTED, message_payload
from bot.slack.api import SlackCallError
from bot.slack.messages import Message, SlackMessenger

log = structlog.get_logger()


class CopyUpdater:
    """Posts and edits copies. `cards` paces and edits them as it does the first card.

    `ping` lets a new copy in a channel mention the approvers, because they may not see the first card.
    """

    def __init__(
        self,
        followers: FollowerStore,
        cards: CardUpdater,
        messenger: SlackMessenger,
        *,
        ping: bool = False,
    ) -> None:
        self._followers = followers
        self._store = followers.requests
        self._places = CardStore(followers.requests)
        self._cards = cards
        self._messenger = messenger
        self._ping = ping

    async def process(self, job: Job) -> JobResult:
        """Bring a copy to its request's latest revision, posting it first if necessary."""
        request, now, _ = job.snapshot or await self._store.snapshot(job.request_id)
        copy = _copy_for(request, job.payload)
        if request is None or copy is None:
            await self._store.jobs.complete(job)
            return JobResult()
        update = self._update if copy.message.ts else partial(self._post, now=now)
        people = _followers(request, copy)
        return await self._cards.take_turn(job, request, copy.message, lambda: update(job, request, copy), people)

    async def _post(self, job: Job, request: Request, copy: CardCopy, *, now: float) -> JobResult:
        """Post a copy; if the bot may not post there, the followers who need it get a reply."""
        request = await self._cards.with_live_state(request, copy.place, now)
        try:
            posted = await self._messenger.post(copy.place, await self._new_copy(request, copy))
        except SlackCallError as error:
            if error.retryable:
                raise
            log.warning("card.copy_not_posted", **log_facts(request), channel=copy.place, code=error.slack_code)
            replies = [
                JobSpec(JobKind.REPLY, f"{job.id}:{one}", _not_posted(one, copy.place, error.slack_code))
                for one in _followers(request, copy)
            ]
            await self._followers.mark_copy(job, copy.place, None, *replies, *_notices(request, copy))
            return JobResult(wake=True)
        return JobResult(wake=not await self._followers.mark_copy(job, copy.place, posted, live=request.live))

    async def _new_copy(self, request: Request, copy: CardCopy) -> Message:
        """Return a new copy, which mentions the approvers in a channel, as a new card of its follower."""
        message = await self._cards.render(request, copy.place)
        if not self._ping or is_private(copy.place) or request.state is not State.PENDING:
            return message
        follower = next(iter(_followers(request, copy)), request.requester)
        if await self._places.take_ping(follower, f"copy:{request.id}:{copy.place}"):
            return self._cards.with_mentions(request, message)
        return message

    async def _update(self, job: Job, request: Request, copy: CardCopy) -> JobResult:
        """Edit a copy; an outcome that it cannot show goes into its thread, or to its followers."""
        shown = await self._cards.show(request, copy.message)
        if shown.anywhere or request.state not in FINAL:
            return JobResult(wake=not await self._places.mark_rendered(job))
        threaded = await self._cards.post_in_thread(request, copy.message, shown.code)
        await self._followers.mark_copy(job, copy.place, None, *(() if threaded else _notices(request, copy)))
        return JobResult(wake=True)


def _copy_for(request: Request | None, payload: Mapping[str, Any]) -> CardCopy | None:
    copies = request.copies if request else ()
    return next((one for one in copies if one.place == payload["to"]), None)


def _followers(request: Request, copy: CardCopy) -> list[str]:
    return [one.user_id for one in request.followers if one.place == copy.place]


def _not_posted(user_id: str, place: str, code: str) -> Mapping[str, Any]:
    return message_payload(user_id, None, COPY_NOT_POSTED, place=place, slack_code=code)


def _notices(request: Request, copy: CardCopy) -> list[JobSpec]:
    """Return the notices for those who see only this copy, if the request has ended."""
    people = _followers(request, copy) if request.state in FINAL else []
    return notices_to(request, people)
