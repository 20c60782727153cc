"""The button and the modal by which an approver declines a request."""

from __future__ import annotations

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.commands import Invoker
from bot.domain.requests import DECLINE
from bot.visible_text import visible_text
from handlers.messages import Catalog
from handlers.payloads import read_click, read_decline, read_presser
from handlers.services import Services
from handlers.ui.modals import REASON, decline_modal
from handlers.views import entered, open_view, permissions_in_time

VIEW = DECLINE


async def on_click(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Open the modal for the reason, then acknowledge.

    The click of a person who approves nothing is stored without a reason, to be denied. A person whose permissions
    cannot be read in time gets the modal, because the submission is judged anyway.
    """
    click = next(read_click(body, action) for action in body["actions"] if action["action_id"] == DECLINE)
    if await _may_approve(read_presser(body), services):
        await open_view(str(body.get("trigger_id") or ""), services, decline_modal(catalog, VIEW, click.request_id))
    else:
        await services.inbox.record_click(click)
    await ack()


async def _may_approve(presser: Invoker, services: Services) -> bool:
    permissions = await permissions_in_time(presser, services)
    return permissions is None or bool(permissions.approve or permissions.unverified)


async def on_submit(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Store the decline before acknowledging it; ask for a reason in the modal if there is none."""
    reason = entered(body, REASON, "value") or ""
    if not visible_text(reason):
        await ack(response_action="errors", errors={REASON: catalog.text("decline.error.reason_missing")})
        return
    await services.inbox.record_click(read_decline(body, reason))
    await ack()
