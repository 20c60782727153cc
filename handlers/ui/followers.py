"""Show who else has requested the same, and reply to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.requests import FINAL, Follower, Request, State, is_private
from handlers.messages import Catalog
from handlers.ui import blocks, notices, outcomes, rich_text
from handlers.ui.blocks import (
    Block,
    Message,
    channel_mention,
    escape,
    local_time,
    truncate,
    user_mention,
)
from handlers.ui.rich_text import Element, words

MAX_SHOWN = 3
"""Followers whose reason a card shows, the newest."""

MAX_REASON_LENGTH = 150
"""Characters of a follower's reason on a card; the audit log has all of it."""


def also_requested(catalog: Catalog, request: Request) -> Block | None:
    """Return who else has requested the same, and why; None if no one has."""
    found = paragraphs(catalog, request)
    return rich_text.block(*found) if found else None


def paragraphs(catalog: Catalog, request: Request) -> list[Element]:
    """Return who else has requested the same, and why, in paragraphs."""
    shown = request.followers[-MAX_SHOWN:]
    more = len(request.followers) - len(shown)
    found = [rich_text.paragraph(*_follower(catalog, one)) for one in shown]
    if more:
        found.append(rich_text.paragraph(words(catalog.text("request.also_requested.more", count=more))))
    return found


def _follower(catalog: Catalog, follower: Follower) -> list[Element]:
    parts = [words(catalog.text("request.also_requested")), rich_text.user(follower.user_id)]
    if follower.reason:
        reason = truncate(" ".join(follower.reason.split()), MAX_REASON_LENGTH)
        parts.append(words(catalog.text("request.also_requested.reason", reason=reason)))
    return parts


def followed(catalog: Catalog, request: Request, params: Mapping[str, Any], link: str | None) -> Message:
    """Return the reply to a person who requested what an open request is about.

    `own` in the parameters says that the same person made it, `reasoned` that they gave a reason, `keeps_reason` that
    it is another one than the request's, and `extended` that it stays open for longer. Earlier versions stored only
    `own`.
    """
    code = "request_followed.own" if params["own"] else "request_followed.other"
    if not params["own"] and not params.get("reasoned", True):
        code = "request_followed.other.no_reason"
    until = "request_followed.extended" if params.get("extended") else "request_followed.until"
    last = catalog.text("request_followed.next")
    if params.get("keeps_reason"):
        kept = "request_followed.keeps_reason" if request.reason else "request_followed.keeps_no_reason"
        last = f"{catalog.text(kept)} {last}"
    text = _already_requested(catalog, request, code, link, last, until=until)
    if request.state in FINAL:
        text = catalog.text("request_followed.ended", headline=escape(outcomes.headline(catalog, request)))
    return _with_reference(catalog, request, text)


def would_follow(catalog: Catalog, request: Request, *, own: bool, link: str | None) -> list[Block]:
    """Return what a dry run says about an open request for the same."""
    code = "request_followed.own" if own else "dry_run.follows.other"
    last = catalog.text("dry_run.follows.next")
    text = _already_requested(catalog, request, code, link, last, until="request_followed.until")
    return [blocks.section(text), blocks.context(catalog.text("reference", reference=request.reference))]


def _already_requested(
    catalog: Catalog, request: Request, code: str, link: str | None, last: str, *, until: str
) -> str:
    parts = [
        catalog.text(code, requester_mention=user_mention(request.requester)),
        _progress(catalog, request, until),
        catalog.text("request_followed.card", link=link) if link else "",
        last,
    ]
    return " ".join(filter(None, parts))


def _progress(catalog: Catalog, request: Request, until: str) -> str:
    if request.state is State.PENDING:
        return catalog.text(until, time=local_time(request.expires_at))
    return catalog.text("request_followed.approved")


def copy_not_posted(catalog: Catalog, request: Request, params: Mapping[str, Any], link: str | None) -> Message:
    """Return the reply that says that a follower's card could not be posted; `link` leads to another one."""
    private = is_private(params["place"])
    place = catalog.text("copy_not_posted.direct") if private else channel_mention(params["place"])
    code = params["slack_code"]
    advice = notices.advice_on_posting(catalog, code, private=private)
    because = notices.why_not_posted(catalog, code, private=private)
    text = catalog.text("copy_not_posted", place=place, why=because, advice=advice)
    card = catalog.text("request_followed.card", link=link) if link else ""
    return _with_reference(catalog, request, " ".join(filter(None, [text, card])))


def _with_reference(catalog: Catalog, request: Request, text: str) -> Message:
    reference = catalog.text("reference", reference=request.reference)
    return blocks.message(text, blocks.section(text), blocks.context(reference))
