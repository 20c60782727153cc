"""Render lists of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.pages import Direction
from bot.domain.requests import FINAL, Request, State
from bot.services.overview import ListedRequest
from handlers.messages import Catalog
from handlers.ui import blocks, cards, outcomes, rich_text
from handlers.ui.blocks import Block, Message, truncate
from handlers.ui.rich_text import Element, words

MAX_REASON_LENGTH = 150
"""Characters of a reason in a list; the card shows all of it."""


def request_list(
    catalog: Catalog,
    name: str,
    requests: Sequence[ListedRequest],
    places: Mapping[Direction, str],
    *,
    filtered: bool = False,
) -> Message:
    """Return a page of the list `name`; `places` are the values of the buttons that lead to the next ones.

    `filtered` means that the list is about one person or reference.
    """
    title = catalog.text(f"{name}.title")
    if not requests:
        empty = catalog.text(f"{name}.empty.filtered" if filtered else f"{name}.empty")
        return blocks.message(title, blocks.header(title), blocks.section(empty))
    return blocks.message(
        catalog.text(f"{name}.summary", count=len(requests)),
        blocks.header(title),
        *(part for one in requests for part in entry_with_cancel(catalog, one)),
        _buttons(catalog, name, places),
    )


def entry_with_cancel(catalog: Catalog, listed: ListedRequest) -> list[Block]:
    """Return one request, with a button for its requester, who may not see its card."""
    return [entry(catalog, listed), *([cards.cancel_button(catalog, listed.request)] if listed.cancels else [])]


def entry(catalog: Catalog, listed: ListedRequest) -> Block:
    """Return one request: how it stands, who made and decided it, when, why, and a link to its card."""
    request = listed.request
    reason = words(f"\n{truncate(' '.join(request.reason.split()), MAX_REASON_LENGTH)}") if request.reason else None
    return rich_text.block(
        rich_text.paragraph(
            words(_headline(catalog, request), bold=True),
            *_link(catalog, listed),
            words("\n"),
            words(catalog.text("list.requested_by")),
            rich_text.user(request.requester),
            *_decided(catalog, request),
            *_when(catalog, listed),
            words("  ·  "),
            words(request.reference, code=True),
            reason,
        )
    )


def _headline(catalog: Catalog, request: Request) -> str:
    if request.state is State.PENDING:
        target = outcomes.target_name(catalog, request)
        return catalog.of_action(request.action, "title", target=target, action=request.action)
    return outcomes.headline(catalog, request)


def _link(catalog: Catalog, listed: ListedRequest) -> list[Element]:
    return [words("  "), rich_text.link(listed.link, catalog.text("list.card"))] if listed.link else []


def _decided(catalog: Catalog, request: Request) -> list[Element]:
    """Return who approved, cancelled or declined, and how many approvals a pending request has."""
    parts: list[Element] = []
    if request.state in (State.CANCELLED, State.DECLINED) and request.decided_by:
        return [words(catalog.text(f"list.{request.state}_by")), rich_text.user(request.decided_by)]
    for number, approver in enumerate(request.approvals):
        parts += [words(", " if number else catalog.text("list.approved_by")), rich_text.user(approver)]
    if request.state is State.PENDING and request.approvals_required > 1:
        count = catalog.text("list.approvals", count=len(request.approvals), required=request.approvals_required)
        parts.append(words(count))
    return parts


def _when(catalog: Catalog, listed: ListedRequest) -> list[Element]:
    request = listed.request
    if request.state in FINAL and request.finished_at:
        return [words("  ·  "), rich_text.time(request.finished_at)]
    if request.state is not State.PENDING:
        return []
    until = [words(catalog.text("list.open_until")), rich_text.time(request.expires_at)]
    return [*until, words(catalog.text("list.waits"), bold=True)] if listed.waits else until


def _buttons(catalog: Catalog, name: str, places: Mapping[Direction, str]) -> Block | None:
    buttons = [
        blocks.button(catalog.text(f"list.{direction}"), f"{name}_{direction}", places[direction])
        for direction in (Direction.NEWER, Direction.OLDER)
        if direction in places
    ]
    return {"type": "actions", "block_id": f"{name}-pages", "elements": buttons} if buttons else None
