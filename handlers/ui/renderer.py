"""Render the messages that the bot's services send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.domain.bulk_files import BulkFile
from bot.domain.principals import Principal
from bot.domain.requests import Request
from bot.services.notifications import CARD_NOT_POSTED, CARD_POSTED, COPY_NOT_POSTED, FOLLOWED, LOGGED_IN_AGAIN
from handlers.messages import Catalog
from handlers.ui import blocks, break_glass, cards, followers, notices, reminders, thread_replies, watch
from handlers.ui.blocks import Message
from handlers.ui.reasons import explain

_AboutRequest = Callable[[Catalog, Request, Mapping[str, Any], str | None], Message]

_ABOUT_REQUESTS: Mapping[str, _AboutRequest] = {
    CARD_POSTED: lambda catalog, request, params, link: notices.card_posted(catalog, request, params["channel"], link),
    CARD_NOT_POSTED: lambda catalog, request, params, _: notices.card_not_posted(
        catalog, request, params["slack_code"]
    ),
    FOLLOWED: followers.followed,
    COPY_NOT_POSTED: followers.copy_not_posted,
    LOGGED_IN_AGAIN: watch.logged_in_again,
    "stale_request": lambda catalog, request, _, _link: notices.too_late(catalog, request),
}
"""The replies about requests, by code. With the request and parameters each renders a message; a link is optional."""


class MessageRenderer:
    """A `bot.services.notifications.MessageRenderer` in the language of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def card(self, request: Request, *, with_live_state: bool = False) -> Message:
        """Return the card of a request, as it is now; only some people may see what its target is doing."""
        return cards.card(self.catalog, request, with_live_state=with_live_state)

    def outcome(self, request: Request, link: str | None = None) -> Message:
        """Return a short message about how a request ended; `link` leads to its card."""
        return notices.outcome(self.catalog, request, link)

    def announcement(self, request: Request) -> Message:
        """Return the message that announces a revocation under break glass."""
        return break_glass.announcement(self.catalog, request)

    def expirations(self, requests: Sequence[Request]) -> Message:
        """Return a short message about several requests that expired."""
        return notices.expirations(self.catalog, requests)

    def with_mentions(self, message: Mapping[str, Any], approvers: Sequence[Principal]) -> Mapping[str, Any]:
        """Return a message that ends with a mention of user groups and users, if there are any."""
        if not approvers:
            return message
        line = self.catalog.text("request.ping", approvers=" ".join(map(blocks.principal_mention, approvers)))
        return {**message, "blocks": [*message["blocks"], blocks.section(line)]}

    def affected(self, request: Request) -> Message:
        """Return what the person reads whose sessions a request ended."""
        at = blocks.local_time(request.finished_at or request.created_at)
        text = self.catalog.of_action(request.action, "affected", time=at)
        reference = self.catalog.text("reference", reference=request.reference)
        return blocks.message(text, blocks.section(text), blocks.context(reference))

    def reminder(self, request: Request, approvers: Sequence[Principal], link: str | None) -> Message:
        """Return a reminder that mentions the approvers; `link` leads to a card in direct messages."""
        return reminders.reminder(self.catalog, request, approvers, link)

    def with_checkpoint(self, message: Mapping[str, Any], checkpoint: str) -> Mapping[str, Any]:
        """Return a message that ends with a checkpoint of the audit log, if there is one."""
        if not checkpoint:
            return message
        line = self.catalog.text("checkpoint", checkpoint=checkpoint)
        return {"text": f"{message['text']} {line}", "blocks": [*message["blocks"], blocks.context(line)]}

    def thread_reply(self, code: str, params: Mapping[str, Any]) -> Message:
        """Return a reply in the thread of a card. Raises KeyError for an unknown code."""
        return thread_replies.RENDERERS[code](self.catalog, params)

    def file_comment(self, request: Request, file: BulkFile) -> str:
        """Return the text next to a file of a bulk request."""
        return self.catalog.text(f"revoke-many.file.{file}", reference=request.reference)

    def reply(
        self, code: str, params: Mapping[str, Any], request: Request | None = None, link: str | None = None
    ) -> Message:
        """Return the private reply for a code: an error's, or one about the card to which `link` leads."""
        render = _ABOUT_REQUESTS.get(code)
        if render and request:
            return render(self.catalog, request, params, link)
        text = explain(self.catalog, code, params)
        reference = self.catalog.text("reference", reference=request.reference) if request else None
        return blocks.message(text, blocks.section(text), blocks.context(reference) if reference else None)
