"""Turn errors into replies and responses, so that nothing a person types or clicks raises any further."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse

from bot.domain.commands import Invoker
from bot.domain.denials import Denied
from bot.domain.people import nested, text
from bot.errors import BotError
from handlers.messages import Catalog
from handlers.payloads import Payload
from handlers.services import Services
from handlers.ui import blocks
from handlers.ui.blocks import Message
from handlers.ui.reasons import explain

log = structlog.get_logger()


_GLOBAL_SHORTCUT = "shortcut"
"""The type of a payload without a `response_url` whose person sees no reason: the reply is a direct message."""


async def on_error(error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse:
    """Answer a payload that must not look acknowledged: 404 without a listener, 503 after any other error.

    Slack shows the person a failure in both cases. A private reply adds the reason that the bot knows.
    """
    if "replays" in context:  # Slack may send it again
        context["replays"].forget(body)
    if isinstance(error, BoltUnhandledRequestError):
        log.warning("payload.no_listener", type=_type(body))
        return BoltResponse(status=404, body="no listener")
    if isinstance(error, BotError):
        log.warning("payload.not_stored", type=_type(body), error=error.code, problem=str(error))
    else:
        log.error("payload.listener_failed", type=_type(body), exc_info=error)
    replies = text(body, "response_url") or body.get("type") == _GLOBAL_SHORTCUT
    if isinstance(error, BotError) and "services" in context and replies:
        _reply_with_reason(error, body, context["services"], context["catalog"])
    return BoltResponse(status=503, body="not stored")


def _reply_with_reason(error: BotError, body: Payload, services: Services, catalog: Catalog) -> None:
    user_id = text(body, "user_id") or text(nested(body, "user"), "id") or ""
    message = error_message(catalog, error, by=user_id)
    instead = catalog.optional(f"shortcut.{text(body, 'callback_id')}.instead")
    if instead:
        message = blocks.message(f"{message['text']} {instead}", *message["blocks"], blocks.section(instead))
    services.tasks.start(services.replies.reply_until_expired(text(body, "response_url"), user_id, message))


def _type(payload: Payload) -> str:
    return "command" if "command" in payload else str(payload.get("type"))


async def reply_with(
    answer: Callable[[], Awaitable[Message]], invoker: Invoker, services: Services, catalog: Catalog
) -> None:
    """Send the answer to a read-only command, or the reason why there is none."""
    try:
        message = await answer()
    except Exception as error:  # noqa: BLE001 - the person gets a reply, the log the rest
        message = error_message(catalog, error, by=invoker.user_id)
    await services.replies.reply_until_expired(invoker.response_url, invoker.user_id, message)


def error_message(catalog: Catalog, error: Exception, *, by: str) -> Message:
    """Return what a user reads after an error."""
    if isinstance(error, BotError):
        if not isinstance(error, Denied):
            log.warning("command.failed", error=error.code, problem=str(error), by=by)
        reason = explain(catalog, error.code, error.params)
    else:
        incident = secrets.token_hex(4)
        log.error("command.failed_unexpectedly", incident=incident, by=by, exc_info=error)
        reason = explain(catalog, "internal_error", {"incident": incident})
    return blocks.message(reason, blocks.section(reason))
