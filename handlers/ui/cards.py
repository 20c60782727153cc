"""Render the card of a request in each of its states."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.requests import APPROVE, CANCEL, DECLINE, Request, State
from handlers.messages import Catalog
from handlers.ui import blocks, bulk, followers, live_state, outcomes, request_parts, rich_text, targets, watch
from handlers.ui.blocks import MAX_BUTTON_LENGTH, Block, Message, escape, local_time
from handlers.ui.next_steps import next_steps
from handlers.ui.reasons import other_approvers
from handlers.ui.rich_text import Element
from handlers.ui.sentences import sentence, sentences


def card(catalog: Catalog, request: Request, *, with_live_state: bool = False, has_thread: bool = True) -> Message:
    """Return the card of a request; only a pending one has buttons.

    `with_live_state` is for people who may see what the target is doing. A dry run has no thread.
    """
    live = live_state.line(catalog, request) if with_live_state else None
    if request.state is State.PENDING:
        preview = bulk.preview(catalog, request, with_live_state=with_live_state, has_thread=has_thread)
        return _pending(catalog, request, live, preview)
    return blocks.message(
        request_parts.notified(catalog, request),
        blocks.header(outcomes.headline(catalog, request)),
        *_target(catalog, request),
        rich_text.block(
            *request_parts.paragraphs(catalog, request),
            *watch.paragraphs(catalog, request),
            next_steps(catalog, request),
        ),
        *bulk.report(catalog, request),
        request_parts.when(catalog, request),
        request_parts.reason(request),
        followers.also_requested(catalog, request),
        request_parts.dropped(catalog, request),
        live,
        request_parts.small_print(catalog, request),
        request_parts.ids(catalog, request),
    )


def _pending(catalog: Catalog, request: Request, live: Block | None, preview: Sequence[Element]) -> Message:
    target = outcomes.target_name(catalog, request)
    title = catalog.of_action(request.action, "title", target=target, action=request.action)
    return blocks.message(
        request_parts.with_note(_notified_pending(catalog, request, title), targets.summary_note(catalog, request)),
        blocks.header(title),
        *_target(catalog, request),
        live,
        rich_text.block(
            _requested_by(catalog, request),
            request_parts.quoted_reason(request),
            *preview,
            *followers.paragraphs(catalog, request),
            _approvals(catalog, request),
            request_parts.dropped_paragraph(catalog, request),
        ),
        _effects(catalog, request),
        buttons(catalog, request, (CANCEL,) if request.break_glass else (DECLINE, CANCEL)),
        blocks.context(
            catalog.text("request.open_until", time=local_time(request.expires_at, seconds=False)),
            catalog.text("request.reference", reference=request.reference),
        ),
        request_parts.ids(catalog, request),
    )


def buttons(catalog: Catalog, request: Request, ends: Sequence[str] = (DECLINE, CANCEL)) -> Block:
    """Return the buttons of a pending request, with what they are about for screen readers.

    Of `ends`, one is for approvers and one for the requester.
    """
    return blocks.actions(
        request.id, _approve_button(catalog, request), *(_end_button(catalog, request, action) for action in ends)
    )


def cancel_button(catalog: Catalog, request: Request) -> Block:
    """Return the one button with which a requester ends a request, for places other than its card."""
    return blocks.actions(request.id, _end_button(catalog, request, CANCEL))


def _end_button(catalog: Catalog, request: Request, action: str) -> Block:
    """Return the button that declines, which opens a modal, or the one that cancels, which asks again."""
    subject = outcomes.subject(catalog, request)
    label = catalog.text(f"request.button.{action}.label", subject=subject)
    question = {"confirm": _cancel_dialog(catalog, request, subject)} if action == CANCEL else {}
    return blocks.button(
        catalog.of_action(request.action, f"button.{action}"),
        action,
        request.id,
        accessibility_label=blocks.truncate(label, MAX_BUTTON_LENGTH),
        **question,
    )


def _cancel_dialog(catalog: Catalog, request: Request, subject: str) -> Block:
    """Return the question before a request is cancelled, because a slip costs minutes in an emergency."""
    return blocks.confirm(
        catalog.text("request.dialog.cancel.title"),
        catalog.text("request.dialog.cancel.text", subject=subject),
        catalog.of_action(request.action, "button.cancel"),
        catalog.of_action(request.action, "dialog.back"),
    )


def _notified_pending(catalog: Catalog, request: Request, title: str) -> str:
    """Return what a lock screen shows of a card: the target, the requester and the reason."""
    count, required = len(request.approvals), request.approvals_required
    code = "request.needed" if required == 1 else "request.needed.several"
    return request_parts.with_reason(
        catalog,
        catalog.code_of_action(request.action, "notified.pending"),
        request,
        needed=catalog.text(code, number=count + 1, required=required),
        title=escape(title),
    )


def _effects(catalog: Catalog, request: Request) -> Block | None:
    """Return the consequences, or None for an action without this text."""
    code = catalog.code_of_action(request.action, "effects")
    if code not in catalog:
        return None
    return rich_text.block(rich_text.bullets(*(rich_text.paragraph(*line) for line in sentences(catalog, code))))


def _approve_button(catalog: Catalog, request: Request) -> Block:
    target, subject = outcomes.target_name(catalog, request), outcomes.subject(catalog, request)
    question = blocks.confirm(
        catalog.of_action(request.action, "dialog.title", target=target),
        request_parts.with_note(
            catalog.of_action(request.action, "dialog.text", target=target), targets.dialog_note(catalog, request)
        ),
        catalog.of_action(request.action, "dialog.approve"),
        catalog.of_action(request.action, "dialog.back"),
    )
    label = catalog.of_action(request.action, "button.label", target=target, subject=subject)
    return blocks.button(
        catalog.of_action(request.action, "button"),
        APPROVE,
        request.id,
        style="danger",
        confirm=question,
        accessibility_label=blocks.truncate(label, MAX_BUTTON_LENGTH),
    )


def _target(catalog: Catalog, request: Request) -> list[Block | None]:
    make = (targets.facts, targets.slack_user, targets.warnings)
    return [block(catalog, request) for block in make]


def _requested_by(catalog: Catalog, request: Request) -> Element:
    """Return who requests this, and whether it is about their own account."""
    own = ".own" if request.target_slack_id == request.requester else ""
    reason = "" if request.reason else ".no_reason"
    code = catalog.code_of_action(request.action, f"by{own}{reason}")
    requester = rich_text.user(request.requester)
    return rich_text.paragraph(*sentence(catalog, code, requester=requester))


def _approvals(catalog: Catalog, request: Request) -> Element | None:
    """Return how many approvals there are and are needed, if the requester does not count."""
    if request.break_glass and request.target_protected:
        return rich_text.paragraph(*sentence(catalog, "break-glass.protected"))
    if not request.protected:
        return None
    count = len(request.approvals)
    given = sentence(catalog, "request.approvals.given", approvers=rich_text.users(request.approvals)) if count else []
    code = "request.approvals.protected" if request.target_protected else "request.approvals"
    text = sentence(
        catalog,
        "request.approvals.one" if request.approvals_required == 1 else code,
        count=str(count),
        required=str(request.approvals_required),
        given=given,
        missing=other_approvers(catalog, max(request.approvals_required - count, 1)),
        requester=rich_text.user(request.requester),
    )
    return rich_text.paragraph(*text)
