"""The shortcuts and the modal that request a revocation; the command is in `handlers.commands`."""

from __future__ import annotations

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.actions import REVOKE
from bot.domain.commands import Invoker, RequestCommand, TargetRef
from bot.domain.denials import Denied
from bot.domain.people import nested, text
from handlers.messages import Catalog
from handlers.payloads import Payload, read_submitter
from handlers.services import Services
from handlers.targets import read_line
from handlers.ui.modals import IDENTIFIER, REASON, USER, revoke_modal

VIEW = "revoke"
GLOBAL_SHORTCUT = "revoke_tokens"
MESSAGE_SHORTCUT = "revoke_author"


async def on_shortcut(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Open the modal; the message shortcut fills in the author of the message."""
    author = text(nested(body, "message"), "user")
    channel = text(nested(body, "channel"), "id") or ""
    view = revoke_modal(catalog, VIEW, user_id=author, channel=channel)
    await services.web_api.call("views.open", trigger_id=body["trigger_id"], view=view)
    await ack()


async def on_submit(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Store the request before acknowledging it; show what is wrong with the input in the modal."""
    values = nested(nested(body["view"], "state"), "values")
    submitter = read_submitter(body)
    target, errors = _target(values, submitter, catalog)
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    reason = _value(values, REASON, "value") or ""
    await services.inbox.record_command(RequestCommand(REVOKE.name, submitter, target, reason))
    await ack()


def _target(values: Payload, submitter: Invoker, catalog: Catalog) -> tuple[TargetRef | None, dict[str, str]]:
    """Return the target that the modal names, or an error for an input."""
    user, identifier = _value(values, USER, "selected_user"), _value(values, IDENTIFIER, "value")
    if user and identifier:
        return None, {IDENTIFIER: catalog.text("modal.error.two_targets")}
    if user:
        return TargetRef(slack_user_id=user), {}
    if not identifier:
        return None, {USER: catalog.text("modal.error.target_missing")}
    try:
        target, rest = read_line(identifier, me=submitter.user_id)
    except Denied:
        rest, target = identifier, None
    return (None, {IDENTIFIER: catalog.text("modal.error.target_unreadable")}) if rest else (target, {})


def _value(values: Payload, block: str, field: str) -> str | None:
    found = text(nested(nested(values, block), block), field)
    return found.strip() or None if found else None
