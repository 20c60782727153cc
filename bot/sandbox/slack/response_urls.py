"""The addresses an app may answer to: five times, for half an hour (docs.slack.dev, "Handling user interaction")."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.slack import block_kit

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.slack.api import WebApi
    from bot.sandbox.slack.messages import Conversations, PostedMessage

MAX_USES = 5
LIFETIME = 30 * 60
"""Seconds a response_url can be used."""


@dataclass(eq=False, kw_only=True)
class ResponseUrl:
    """One address, and what it belongs to: a typed command or a click on a message."""

    token: str
    channel_id: str
    user_id: str
    expires_at: float
    typed: str | None = None
    """The command as typed; published once, before the first answer everybody sees."""
    message: PostedMessage | None = None
    """The clicked message; None for a command."""
    uses: int = 0


class ResponseUrls:
    """Hands out response_urls and does what is posted to them."""

    def __init__(self, conversations: Conversations, api: WebApi, clock: Callable[[], float]) -> None:
        self._conversations = conversations
        self._api = api
        self._clock = clock
        self._issued: dict[str, ResponseUrl] = {}

    def issue_for_command(self, channel_id: str, user_id: str, typed: str) -> ResponseUrl:
        """The address that goes with a slash command."""
        return self._issue(channel_id, user_id, typed=typed)

    def issue_for_click(self, message: PostedMessage, user_id: str) -> ResponseUrl:
        """The address that goes with a click; it may edit or delete the message that was clicked."""
        return self._issue(message.channel_id, user_id, message=message)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """`POST /response/<token>`: "ok", or 404 `expired_url` when used up, too late or never issued."""
        url = self._issued.get(request.match_info["token"])
        raw = await request.text()
        try:
            body = json.loads(raw)
        except json.JSONDecodeError:
            body = None
        args = body if isinstance(body, dict) else {"unreadable": raw}
        return await self._api.answered(request, "response_url", args, lambda: self._used(url, body))

    def answer(self, url: ResponseUrl, body: dict[str, Any]) -> None:
        """Do what an answer says; the answer in an ack is the same as one posted here.

        From a command it is always a new message. From a click it may replace or delete the clicked one; who sees
        a message never changes.
        """
        if url.message is not None and body.get("delete_original"):
            self._conversations.delete(url.message)
        elif url.message is not None and body.get("replace_original"):
            self._conversations.edit(url.message, body.get("text") or "", body.get("blocks"))
        elif body.get("response_type") == "in_channel":
            self._publish_typed(url)
            self._conversations.post(url.channel_id, body.get("text") or "", body.get("blocks"))
        else:
            self._conversations.post(url.channel_id, body.get("text") or "", body.get("blocks"), only_for=url.user_id)

    def _used(self, url: ResponseUrl | None, body: object) -> web.Response:
        if url is None or url.uses >= MAX_USES or self._clock() > url.expires_at:
            return web.Response(status=HTTPStatus.NOT_FOUND, text="expired_url")
        if not isinstance(body, dict):
            return web.Response(status=HTTPStatus.BAD_REQUEST, text="invalid_payload")
        if not body.get("delete_original"):
            if not body.get("text") and not body.get("blocks"):
                return web.Response(status=HTTPStatus.BAD_REQUEST, text="no_text")
            if block_kit.problems(body):
                return web.Response(status=HTTPStatus.BAD_REQUEST, text="invalid_blocks")
        url.uses += 1
        self.answer(url, body)
        return web.Response(text="ok")

    def _publish_typed(self, url: ResponseUrl) -> None:
        if url.typed is not None:
            self._conversations.post(url.channel_id, url.typed, author_id=url.user_id)
            url.typed = None

    def _issue(
        self, channel_id: str, user_id: str, *, typed: str | None = None, message: PostedMessage | None = None
    ) -> ResponseUrl:
        url = ResponseUrl(
            token=secrets.token_urlsafe(12),
            channel_id=channel_id,
            user_id=user_id,
            expires_at=self._clock() + LIFETIME,
            typed=typed,
            message=message,
        )
        self._issued[url.token] = url
        return url
