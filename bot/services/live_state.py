"""Read what a person is doing in Genesys Cloud, for those who decide and for the record.

It is a hint: it decides nothing, and what cannot be read in time is not known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

import structlog

from bot.domain.bulk import CALLS_UNKNOWN, IN_CALL
from bot.domain.live_state import MEDIA, PRESENCES, LiveState
from bot.domain.people import Person
from bot.domain.requests import Request, is_private
from bot.errors import BotError
from bot.purecloud import MediaSummary, User
from bot.services.log_facts import log_facts

EXPANSIONS = ("presence", "routingStatus", "conversationSummary", "lasttokenissued")
"""The fields of a user that are read."""

CARD_TIME_LIMIT = 1.5
"""Longest time by which a reading delays a new card, in seconds."""

CALL_TIME_LIMIT = 0.3
"""Longest time by which a reading delays a DELETE, in seconds."""

_ON_QUEUE = {
    "OFF_QUEUE": False,
    "IDLE": True,
    "INTERACTING": True,
    "NOT_RESPONDING": True,
    "COMMUNICATING": True,
}
"""Whether a user with this routing status is on queue (developer.genesys.cloud, Users, RoutingStatus)."""

log = structlog.get_logger()


class Reads(Protocol):
    """The read of a user within the budget for reads; raises GenesysError."""

    async def get_user_now(self, user_id: str, expand: Sequence[str], *, login: bool = True) -> User:
        """Return a user with further fields; without `login`, only if the client has a token."""


class PrivateChannels(Protocol):
    """Knows who sees a channel."""

    async def is_private(self, channel: str) -> bool:
        """Return whether only the members of a channel see it."""


class LiveStates:
    """The readings, and who may see them.

    They are shown in direct messages to people who may decide, and in a private `approvals_channel`.
    """

    def __init__(self, reads: Reads, channels: PrivateChannels, *, approvals_channel: str | None) -> None:
        self._reads = reads
        self._channels = channels
        self._approvals_channel = approvals_channel
        self._running: set[asyncio.Task[LiveState]] = set()

    async def for_card(self, request: Request, channel: str, now: float) -> LiveState | None:
        """Return what the target of a new card is doing; None if its audience may not see that.

        `now` is the time in epoch seconds.
        """
        if request.target is None or not await self.may_see(channel):
            return None
        return await self._read(request, request.target, now, CARD_TIME_LIMIT)

    def start_reading(self, request: Request, now: float) -> Awaitable[LiveState] | None:
        """Start the reading that `before_call` takes, None for a request without a target."""
        if request.target is None:
            return None
        task = asyncio.create_task(self._read(request, request.target, now, CALL_TIME_LIMIT))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def before_call(
        self, request: Request, now: float, reading: Awaitable[LiveState] | None = None
    ) -> LiveState | None:
        """Return what the target is doing before its DELETE, None if nothing is known.

        `reading` is one that `start_reading` has started.
        """
        if request.target is None:
            return None
        found = await (reading or self._read(request, request.target, now, CALL_TIME_LIMIT))
        return found if found.is_known else None

    async def may_show(self, request: Request, channel: str) -> bool:
        """Return whether a card in a channel may show what is known of the target; False if nothing is."""
        calls = request.bulk is not None and {IN_CALL, CALLS_UNKNOWN} & request.bulk.details.keys()
        return bool(request.live or request.live_before or calls) and await self.may_see(channel)

    async def may_see(self, channel: str) -> bool:
        """Return whether everyone in a channel may decide, or sees the requests of those who may."""
        if is_private(channel):
            return True
        return channel == self._approvals_channel and await self._channels.is_private(channel)

    async def _read(self, request: Request, target: Person, now: float, limit: float) -> LiveState:
        try:
            async with asyncio.timeout(limit):
                return live_state_of(await self._reads.get_user_now(target.id, EXPANSIONS, login=False), now)
        except (BotError, ValueError, TimeoutError) as error:
            log.info("target.live_state_unknown", **log_facts(request), error=getattr(error, "code", "timeout"))
            return LiveState(now)


def live_state_of(user: User, at: float) -> LiveState:
    """Return what a response says of a user. What is missing or unexpected is not known."""
    issued = user.last_token_issued.date_issued if user.last_token_issued else None
    last_login = issued.timestamp() if issued else None
    return LiveState(
        at,
        conversations_of(user),
        _ON_QUEUE.get((user.routing_status.status or "") if user.routing_status else ""),
        _presence(user),
        last_login if last_login and last_login > 0 else None,
    )


def conversations_of(user: User) -> dict[str, int] | None:
    """Return how many conversations of each kind a user has, without zeros.

    A response without calls does not say whether the user is on one.
    """
    summary = user.conversation_summary
    if summary is None or summary.call is None:
        return None
    found = (
        summary.call, summary.callback, summary.chat, summary.email, summary.message, summary.social_expression,
        summary.video,
    )  # fmt: skip
    counts = {kind: _count(one) for kind, one in zip(MEDIA, found, strict=True) if one}
    if None in counts.values():
        return None
    return {kind: count for kind, count in counts.items() if count}


def _count(media: MediaSummary) -> int | None:
    """Return how many conversations of one kind there are, None if a number is missing."""
    details = [one for one in (media.contact_center, media.enterprise) if one]
    counts = [one.active for one in details if one.active is not None]
    return sum(counts) if details and len(counts) == len(details) else None


def _presence(user: User) -> str | None:
    definition = user.presence.presence_definition if user.presence else None
    name = (definition.system_presence or "") if definition else ""
    code = name.strip().casefold().replace(" ", "_")
    return code if code in PRESENCES else None
