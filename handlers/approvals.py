"""Clicks on a card's buttons: stored, then acknowledged, and decided after that."""

from __future__ import annotations

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.bulk import CONTROLS
from bot.domain.requests import APPROVE, CANCEL
from handlers.payloads import read_click
from handlers.services import Services

ACTIONS = (APPROVE, CANCEL, *CONTROLS)
"""The `action_id` of the buttons whose clicks are stored as they are."""


async def on_click(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """Acknowledge once every click of the payload is on disk; an error is answered 503."""
    for action in body["actions"]:
        if action["action_id"] in ACTIONS:
            await services.inbox.record_click(read_click(body, action))
    await ack()
