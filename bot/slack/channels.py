"""Find out whether only the bot's own organization sees a channel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

import structlog

from bot.domain.denials import DenialCode
from bot.errors import SlackUnavailable
from bot.slack.api import SlackApi, SlackCallError
from bot.slack.shared_reads import MAX_REMEMBERED, SharedReads

ANSWER_AGE = 10.0
"""Seconds for which an answer of `conversations.info` serves. A channel may be shared at any time."""

PRIVATE_AGE = 60.0
"""Seconds for which a private channel counts as one, so that its cards need no further call."""

MAX_ANSWER_AGE = 600.0
"""Seconds for which an answer serves while Slack gives no newer one, so that an outage holds up no card."""

UNSUITABLE = frozenset({DenialCode.CHANNEL_SHARED.value, DenialCode.CHANNEL_UNREADABLE.value})
"""Codes of `SlackCallError` for a message that the bot did not post, because of who may see the channel."""

log = structlog.get_logger()


class Audience(Enum):
    """Who sees a channel."""

    OWN = auto()
    PRIVATE = auto()
    """Only its members see it, all of the bot's own organization."""
    SHARED = auto()
    """People of another organization see it, or are invited to it."""
    UNKNOWN = auto()


class _Known(NamedTuple):
    audience: Audience
    at: float


def read_audience(channel: Any) -> Audience:
    """Read the `channel` object of a `conversations.info` response (docs.slack.dev, Conversation object).

    A channel of several workspaces of one organization is not shared. What does not look like a channel is unknown.
    """
    if not isinstance(channel, Mapping) or not isinstance(channel.get("is_ext_shared"), bool):
        return Audience.UNKNOWN
    invited = (channel.get(name) for name in ("is_pending_ext_shared", "pending_shared", "pending_connected_team_ids"))
    elsewhere = bool(channel.get("is_shared")) and not channel.get("is_org_shared")
    if channel["is_ext_shared"] or any(invited) or elsewhere:
        return Audience.SHARED
    return Audience.PRIVATE if channel.get("is_private") is True else Audience.OWN


class Channels:
    """The channels in which the bot posts. An admin has chosen the `configured` ones."""

    def __init__(self, api: SlackApi, *, clock: Callable[[], float], configured: Collection[str] = ()) -> None:
        self._api = api
        self._clock = clock
        self._configured = frozenset(configured)
        self._known: dict[str, _Known] = {}
        self._reads = SharedReads(self._read, clock=clock)

    async def objection(self, channel: str) -> DenialCode | None:
        """Return why nothing about a person may be posted to a channel, None if it may.

        A direct message needs no call. A configured channel that Slack does not show to the bot is trusted.
        Raises SlackUnavailable if Slack may answer later.
        """
        if not is_channel(channel):
            return None
        audience = await self._reads.get(channel, since=self._clock() - ANSWER_AGE)
        if audience is Audience.UNKNOWN and channel not in self._configured:
            return DenialCode.CHANNEL_UNREADABLE
        return DenialCode.CHANNEL_SHARED if audience is Audience.SHARED else None

    async def is_private(self, channel: str) -> bool:
        """Return whether only the members of a channel see it; False if Slack does not say so in a call."""
        try:
            return await self._reads.get(channel, since=self._clock() - PRIVATE_AGE) is Audience.PRIVATE
        except SlackUnavailable:
            return False

    async def require(self, channel: str) -> None:
        """Raise SlackCallError unless a message about a person may be posted to a channel."""
        try:
            objection = await self.objection(channel)
        except SlackUnavailable as error:
            raise SlackCallError(error.slack_code, retryable=True, retry_after=error.retry_after) from error
        if objection:
            raise SlackCallError(objection.value, retryable=False)

    async def _read(self, channel: str) -> Audience:
        try:
            found = await self._api.read("conversations.info", channel=channel)
        except SlackUnavailable as error:
            return self._without_answer(channel, error)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[channel] = _Known(read_audience(found.get("channel")), self._clock())
        return self._known[channel].audience

    def _without_answer(self, channel: str, error: SlackUnavailable) -> Audience:
        """Return what was known before a failure. Raises SlackUnavailable if that was too long ago."""
        if not error.retryable:
            log.warning("channel.unreadable", channel=channel, code=error.slack_code)
            return Audience.UNKNOWN
        known = self._known.get(channel)
        if known is None or known.at < self._clock() - MAX_ANSWER_AGE:
            raise error
        return known.audience


def is_channel(conversation: str) -> bool:
    """Return whether an id is that of a channel or group, and not of a person or a direct message."""
    return conversation[:1] in ("C", "G")
