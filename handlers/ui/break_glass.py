"""Announce in both channels what one person does alone under break glass."""

from __future__ import annotations

from bot.domain.requests import Request
from handlers.messages import Catalog
from handlers.ui import blocks, outcomes, request_parts, rich_text, targets
from handlers.ui.blocks import Message, escape
from handlers.ui.sentences import sentence


def announcement(catalog: Catalog, request: Request) -> Message:
    """Return the message that goes to both channels before the DELETE; it stays true afterwards."""
    subject = outcomes.subject(catalog, request)
    code = "break-glass.announced.protected" if request.target_protected else "break-glass.announced"
    text = sentence(catalog, code, requester=rich_text.user(request.requester))
    summary = request_parts.with_reason(catalog, "break-glass.notified", request, subject=escape(subject))
    return blocks.message(
        summary,
        blocks.header(catalog.text("break-glass.announced.title", subject=subject)),
        targets.facts(catalog, request),
        targets.slack_user(catalog, request),
        targets.warnings(catalog, request),
        rich_text.block(rich_text.paragraph(*text), request_parts.quoted_reason(request)),
        request_parts.reference(catalog, request),
    )
