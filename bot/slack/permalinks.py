"""Find the links to messages."""

from __future__ import annotations

import structlog

from bot.domain.requests import MessageRef
from bot.errors import SlackUnavailable
from bot.slack.api import SlackApi

MAX_KNOWN_LINKS = 1000
"""Maximum number of links that are remembered; a link never changes."""

log = structlog.get_logger()


class Permalinks:
    """The links to messages, by `chat.getPermalink` (docs.slack.dev)."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._known: dict[MessageRef, str] = {}

    async def of(self, message: MessageRef | None) -> str | None:
        """Return the link to a message; None if it is not posted yet or Slack gives no link."""
        if message is None or not message.ts:
            return None
        if message not in self._known:
            link = await self._read(message)
            if link is None:
                return None
            if len(self._known) >= MAX_KNOWN_LINKS:
                del self._known[next(iter(self._known))]
            self._known[message] = link
        return self._known[message]

    async def _read(self, message: MessageRef) -> str | None:
        try:
            found = await self._api.read("chat.getPermalink", channel=message.channel, message_ts=message.ts or "")
        except SlackUnavailable as error:
            log.info("message.no_link", channel=message.channel, code=error.slack_code)
            return None
        return str(found["permalink"]) if found.get("permalink") else None
