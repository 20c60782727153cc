"""The parts that cards and the messages about them share."""

from __future__ import annotations

from bot.domain.requests import FINAL, Request, State
from handlers.messages import Catalog
from handlers.ui import blocks, outcomes, rich_text
from handlers.ui.blocks import Block, escape, foreign_mrkdwn, local_time, user_mention
from handlers.ui.rich_text import Element, words
from handlers.ui.sentences import sentence


def notified(catalog: Catalog, request: Request) -> str:
    """Return what a lock screen shows of an outcome."""
    unchanged = catalog.text("nothing_changed.plain") if outcomes.changed_nothing(request) else ""
    headline = with_note(f"{escape(outcomes.headline(catalog, request))}.", unchanged)
    text = with_reason(catalog, "request.notified", request, headline=headline)
    return with_note(text, catalog.text("reference.plain", reference=request.reference))


def with_reason(catalog: Catalog, code: str, request: Request, **params: str) -> str:
    """Return a text for a lock screen, with the requester and the reason."""
    reason = foreign_mrkdwn(request.reason) if request.reason else ""
    requester = user_mention(request.requester)
    return catalog.text(f"{code}.reason" if reason else code, requester_mention=requester, reason=reason, **params)


def with_note(text: str, note: str) -> str:
    """Return a text and a note, if there is one."""
    return f"{text} {note}" if note else text


def paragraphs(catalog: Catalog, request: Request) -> list[Element]:
    """Return what happened, in paragraphs."""
    return [rich_text.paragraph(*line) for line in outcomes.outcome(catalog, request)]


def reason(request: Request) -> Block | None:
    """Return the reason, None if there is none."""
    reason = quoted_reason(request)
    return rich_text.block(reason) if reason else None


def quoted_reason(request: Request) -> Element | None:
    """Return the reason as a quotation."""
    return rich_text.quote(words(request.reason)) if request.reason else None


def dropped(catalog: Catalog, request: Request) -> Block | None:
    """Return the line about approvals that no longer held, as a block."""
    dropped = dropped_paragraph(catalog, request)
    return rich_text.block(dropped) if dropped else None


def dropped_paragraph(catalog: Catalog, request: Request) -> Element | None:
    """Return the line about approvals that no longer held, and do not count."""
    if not request.dropped:
        return None
    return rich_text.paragraph(*sentence(catalog, "request.dropped", approvers=rich_text.users(request.dropped)))


def when(catalog: Catalog, request: Request) -> Block | None:
    """Return when the bot continues, or when Genesys Cloud takes requests again."""
    waiting = request.state is State.APPROVED
    at = request.outcome.get("continues_at" if waiting else "possible_at")
    if not at:
        return None
    return blocks.section(catalog.text(f"request.{'continues_at' if waiting else 'possible_at'}", time=local_time(at)))


def small_print(catalog: Catalog, request: Request) -> Block:
    """Return who requested and decided it, when, and the reference."""
    ended = request.state in FINAL and request.finished_at
    return blocks.context(
        catalog.text("request.requested_by", requester_mention=user_mention(request.requester)),
        _decided_by(catalog, request),
        local_time(request.finished_at) if ended and request.finished_at else None,
        catalog.text("request.reference", reference=request.reference),
    )


def _decided_by(catalog: Catalog, request: Request) -> str | None:
    """Return who cancelled, declined or approved; one approval of two is not an approved request."""
    if request.state in (State.CANCELLED, State.DECLINED):
        by = request.decided_by
        return catalog.text(f"request.{request.state}_by", approver_mention=user_mention(by)) if by else None
    approvers = ", ".join(user_mention(one) for one in request.approvals)
    if not approvers:
        return None
    code = "request.approved_by" if request.approved_at else "request.approved_only_by"
    return catalog.text(code, approvers=approvers)


def reference(catalog: Catalog, request: Request) -> Block:
    """Return the reference."""
    return blocks.context(catalog.text("reference", reference=request.reference))


def ids(catalog: Catalog, request: Request) -> Block | None:
    """Return the ids in Genesys Cloud, for admins and support."""
    correlation_id = request.outcome.get("correlation_id")
    parts = (
        catalog.text("request.target_id", id=foreign_mrkdwn(request.target.id)) if request.target else None,
        catalog.text("request.correlation_id", correlation_id=foreign_mrkdwn(correlation_id))
        if correlation_id
        else None,
    )
    return blocks.context(*parts) if any(parts) else None
