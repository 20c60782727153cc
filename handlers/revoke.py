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
from handlers.ui.modals import IDENTIFIER, REASON, USER, View, revoke_modal
from handlers.views import entered, open_for_requester, open_view

VIEW = "revoke"
GLOBAL_SHORTCUT = "revoke_tokens"
MESSAGE_SHORTCUT = "revoke_author"


async def open_from_command(invoker: Invoker, trigger_id: str, services: Services, catalog: Catalog) -> None:
    """Open the modal for a requester; store the command of anyone else, to deny it."""
    view = _modal(services, catalog, channel=invoker.channel)
    await open_for_requester(REVOKE, invoker, trigger_id, services, view)


async def on_shortcut(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Open the modal; the message shortcut fills in the author of the message."""
    author = text(nested(body, "message"), "user")
    channel = text(nested(body, "channel"), "id") or ""
    await open_view(body["trigger_id"], services, _modal(services, catalog, user_id=author, channel=channel))
    await ack()


def _modal(services: Services, catalog: Catalog, *, channel: str, user_id: str | None = None) -> View:
    return revoke_modal(catalog, VIEW, user_id=user_id, channel=channel, require_reason=services.require_reason)


async def on_submit(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Store the request before acknowledging it; show what is wrong with the input in the modal."""
    submitter = read_submitter(body)
    target, errors = _target(body, submitter, catalog)
    reason = entered(body, REASON, "value") or ""
    if services.require_reason and not reason:
        errors[REASON] = catalog.text("modal.error.reason_missing")
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    await services.inbox.record_command(RequestCommand(REVOKE.name, submitter, target, reason))
    await ack()


def _target(body: Payload, submitter: Invoker, catalog: Catalog) -> tuple[TargetRef | None, dict[str, str]]:
    """Return the target that the modal names, or an error for an input."""
    user, identifier = entered(body, USER, "selected_user"), entered(body, IDENTIFIER, "value")
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
