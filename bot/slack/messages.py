"""Post, edit and answer in Slack; knows no texts, only whether Slack took them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp

from bot.domain.requests import MessageRef
from bot.network.proxies import ProxyFor, direct
from bot.slack.api import Observe, SlackApi, SlackCallError
from bot.slack.channels import Channels
from bot.slack.posts import post_to_url

Message = Mapping[str, Any]
"""`text` and `blocks`, as Slack takes them."""


class SlackMessenger:
    """Delivers messages over shared connections; every method raises SlackCallError.

    `channels` decides in which channels it posts.
    """

    def __init__(
        self,
        api: SlackApi,
        session: aiohttp.ClientSession,
        observe: Observe,
        channels: Channels,
        proxy_for: ProxyFor = direct,
    ) -> None:
        self._api = api
        self._session = session
        self._observe = observe
        self._channels = channels
        self._proxy_for = proxy_for

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> MessageRef:
        """Post to a channel, a thread, or a person's direct messages (`U…`); return the posted message.

        Nothing is posted to a channel that another organization shares, or may share (`bot.slack.channels`).
        """
        await self._channels.require(channel)
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        response = await self._api.call(
            "chat.postMessage", channel=channel, unfurl_links=False, unfurl_media=False, **thread, **message
        )
        if not response.get("ts"):
            raise SlackCallError("no_ts", retryable=False)
        return MessageRef(str(response.get("channel") or channel), str(response["ts"]))

    async def update(self, ref: MessageRef, message: Message) -> None:
        """Edit a message that the bot posted."""
        await self._api.call("chat.update", channel=ref.channel, ts=ref.ts, **message)

    async def respond(self, url: str, message: Message, *, in_channel: bool = False) -> None:
        """Add a message through a `response_url`, for its person alone or for the whole channel."""
        kind = "in_channel" if in_channel else "ephemeral"
        await self._send(url, {"response_type": kind, "replace_original": False, **message})

    async def notify_user(self, url: str | None, user_id: str, message: Message, *, replace: bool = False) -> None:
        """Send a private message: through a `response_url` that works, else as a direct message.

        `replace` edits the message whose button was pressed, where the url still allows it.
        """
        if url:
            with suppress(SlackCallError):
                await (self.replace_original(url, message) if replace else self.respond(url, message))
                return
        await self.post(user_id, message)

    async def replace_original(self, url: str, message: Message) -> None:
        """Edit the message whose button was clicked, through the `response_url` of the click."""
        await self._send(url, {"replace_original": True, **message})

    async def _send(self, url: str, body: Message) -> None:
        await post_to_url(
            self._session, url, name="response_url", observe=self._observe, proxy_for=self._proxy_for, json=dict(body)
        )
