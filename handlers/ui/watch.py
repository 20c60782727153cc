"""Say whether a person has logged in again after a revocation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.requests import Request, State
from bot.domain.watch import WatchFinding, finding_of
from handlers.messages import Catalog
from handlers.ui import blocks, outcomes, request_parts, rich_text
from handlers.ui.blocks import Message
from handlers.ui.next_steps import command
from handlers.ui.rich_text import Element, words
from handlers.ui.sentences import Value, as_mrkdwn, sentence, sentences

_TIMES = ("issued_at", "until", "revoked_at")
"""The times that a finding may have, one each."""


def paragraphs(catalog: Catalog, request: Request) -> list[Element]:
    """Return what the watch of a request has found, and what to do; nothing if there is no watch."""
    found = finding_of(request.outcome)
    if found is None or request.state is not State.REVOKED:
        return []
    finding, params = found
    suffix = ".incomplete" if finding is WatchFinding.NO_LOGIN and params.get("incomplete") else ""
    lines = sentences(catalog, f"watch.{finding}{suffix}", **_values(catalog, request, params))
    return [rich_text.paragraph(*line) for line in lines]


def logged_in_again(catalog: Catalog, request: Request, params: Mapping[str, Any], link: str | None) -> Message:
    """Return the message that a person has logged in again, with what to do; `link` leads to the card."""
    values = _values(catalog, request, params)
    first, *more = sentences(catalog, f"watch.message.{params['finding']}", **values)
    if link:
        first = [*first, words(" "), rich_text.link(link, catalog.text("list.card"))]
    return blocks.message(
        as_mrkdwn(sentence(catalog, "watch.notified", **values)),
        rich_text.block(*(rich_text.paragraph(*line) for line in (first, *more))),
        request_parts.reference(catalog, request),
    )


def _values(catalog: Catalog, request: Request, params: Mapping[str, Any]) -> dict[str, Value]:
    at = next((params[name] for name in _TIMES if isinstance(params.get(name), int | float)), None)
    return {
        "target": outcomes.target_name(catalog, request),
        "time": "?" if at is None else rich_text.time(at),
        "command": words(command(request), code=True),
    }
