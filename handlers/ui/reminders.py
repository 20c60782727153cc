"""Render the reminder of a request that still waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.principals import Principal
from bot.domain.requests import Request
from handlers.messages import Catalog
from handlers.ui import blocks, outcomes
from handlers.ui.blocks import Message, escape, local_time


def reminder(catalog: Catalog, request: Request, approvers: Sequence[Principal], link: str | None) -> Message:
    """Return a reminder that mentions the approvers; `link` leads to a card in direct messages."""
    subject = escape(outcomes.subject(catalog, request))
    summary = catalog.text("reminder", subject=subject, time=local_time(request.expires_at))
    mentions = " ".join(map(blocks.principal_mention, approvers))
    parts = (mentions, summary, f"<{link}|{catalog.text('reminder.card')}>" if link else "")
    return blocks.message(
        summary,
        blocks.section(" ".join(part for part in parts if part)),
        blocks.context(catalog.text("reference", reference=request.reference)),
    )
