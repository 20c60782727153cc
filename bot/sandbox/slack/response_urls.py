"""response_urls (docs.slack.dev, "Handling user interaction")."""

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
"""How often a response_url can be used."""
LIFETIME = 30 * 60
"""How long a response_url is valid, in seconds."""


@dataclass(eq=False, kw_only=True)
class ResponseUrl:
    """A response_url and the command or click that it belongs to."""

    token: str
    channel_id: str
    user_id: str
    expires_at: float
    typed: str | None = None
    """The command as typed; Slack publishes it once, before the first in_channel response."""
    message: PostedMessage | None = None
    """The message that the user clicked; None for a command or shortcut."""
    uses: int = 0


class ResponseUrls:
    """Issues response_urls and executes the requests to them."""

    def __init__(self, conversations: Conversations, api: WebApi, clock: Callable[[], float]) -> None:
        self.base_url = ""
        """The address of the fake Slack, set when it listens."""
        self._conversations = conversations
        self._api = api
        self._clock = clock
        self._issued: dict[str, ResponseUrl] = {}

    def issue_for_command(self, channel_id: str, user_id: str, typed: str) -> ResponseUrl:
        """Return the response_url of a slash command."""
        return self._issue(channel_id, user_id, typed=typed)

    def issue_for_click(self, message: PostedMessage, user_id: str) -> ResponseUrl:
        """Return the response_url of a click; it can edit or delete the clicked message."""
        return self._issue(message.channel_id, user_id, message=message)

    def issue_for_shortcut(self, message: PostedMessage, user_id: str) -> ResponseUrl:
        """Return the response_url of a message shortcut; it can only post."""
        return self._issue(message.channel_id, user_id)

    def address(self, url: ResponseUrl) -> str:
        """Return the address to post to."""
        return f"{self.base_url}/response/{url.token}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handle `POST /response/<token>`; 404 if used up, expired or never issued."""
        url = self._issued.get(request.match_info["token"])
        raw = await request.text()
        try:
            body = json.loads(raw)
        except json.JSONDecodeError:
            body = None
        args = body if isinstance(body, dict) else {"unreadable": raw}
        return await self._api.respond(request, "response_url", args, lambda: self._use(url, body))

    def execute(self, url: ResponseUrl, body: dict[str, Any]) -> None:
        """Post, replace or delete a message, as the body of an acknowledgement does.

        A command always gets a new message. After a click the body may replace or delete the clicked message, whose
        visibility never changes.
        """
        if url.message is not None and body.get("delete_original"):
            self._conversations.delete(url.message)
        elif url.message is not None and body.get("replace_original"):
            self._conversations.edit(url.message, body.get("text") or "", body.get("blocks"))
        elif body.get("response_type") == "in_channel":
            self._publish_typed(url)
            self._conversations.post(url.channel_id, body.get("text") or "", body.get("blocks"))
        else:
            text = body.get("text") or ""
            self._conversations.post(url.channel_id, text, body.get("blocks"), only_for=url.user_id)

    def _use(self, url: ResponseUrl | None, body: object) -> web.Response:
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
        self.execute(url, body)
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
