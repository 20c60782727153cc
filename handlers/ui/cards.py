"""Render the card of a request in each of its states, and the messages that refer to it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.requests import APPROVE, CANCEL, FINAL, Request, State
from handlers.messages import Catalog
from handlers.ui import blocks, outcomes, targets
from handlers.ui.blocks import Block, Message, channel_mention, escape, foreign_mrkdwn, local_time, user_mention
from handlers.ui.reasons import other_approvers

LINES_PER_SECTION = 20
"""Lines of expired requests in one section, because Slack limits its length."""


def card(catalog: Catalog, request: Request) -> Message:
    """Return the card of a request; only a pending one has buttons."""
    if request.state is State.PENDING:
        return _pending(catalog, request)
    headline = outcomes.headline(catalog, request)
    return blocks.message(
        _summary(catalog, request, headline),
        blocks.header(headline),
        *_target(catalog, request),
        blocks.plain_section(outcomes.outcome(catalog, request)),
        _when(catalog, request),
        _request_again(catalog, request),
        _reason(catalog, request),
        _dropped(catalog, request),
        _small_print(catalog, request),
        _correlation(catalog, request),
    )


def outcome(catalog: Catalog, request: Request) -> Message:
    """Return a short message about how a request ended, for a channel or the requester."""
    headline = outcomes.headline(catalog, request)
    return blocks.message(
        _summary(catalog, request, headline),
        blocks.plain_section(f"{headline}\n{outcomes.outcome(catalog, request)}"),
        _when(catalog, request),
        targets.slack_user(catalog, request),
        targets.warnings(catalog, request),
        _reason(catalog, request),
        _small_print(catalog, request),
        _correlation(catalog, request),
    )


def expirations(catalog: Catalog, requests: Sequence[Request]) -> Message:
    """Return a short message about several requests that expired, with a line for each of them."""
    headline = catalog.text("expirations.headline", count=len(requests))
    lines = [
        catalog.text("expirations.line", reference=request.reference, subject=outcomes.subject(catalog, request))
        for request in requests
    ]
    requesters = ", ".join(user_mention(one) for one in dict.fromkeys(request.requester for request in requests))
    return blocks.message(
        headline,
        blocks.section(headline),
        *(
            blocks.plain_section("\n".join(lines[start : start + LINES_PER_SECTION]))
            for start in range(0, len(lines), LINES_PER_SECTION)
        ),
        blocks.context(catalog.text("request.requested_by", requester_mention=requesters)),
    )


def card_posted(catalog: Catalog, request: Request, channel: str) -> Message:
    """Return the reply that says where the card is."""
    if channel.startswith("D"):
        text = catalog.text("card_posted.direct")
    else:
        text = catalog.text("card_posted.channel", channel=channel_mention(channel))
    return blocks.message(text, blocks.section(text), _reference(catalog, request))


def card_not_posted(catalog: Catalog, request: Request, slack_code: str) -> Message:
    """Return the reply that says that the card could not be posted, so the request was cancelled."""
    channel = channel_mention(request.card.channel) if request.card else catalog.text("card_not_posted.channel")
    variant = f"card_not_posted.{slack_code}"
    code = variant if variant in catalog else "card_not_posted"
    text = catalog.text(code, channel=channel, slack_code=foreign_mrkdwn(slack_code))
    return blocks.message(text, blocks.section(text), _reference(catalog, request))


def too_late(catalog: Catalog, request: Request) -> Message:
    """Return the private reply to a click that came too late."""
    text = outcomes.too_late(catalog, request)
    return blocks.message(escape(text), blocks.plain_section(text), _small_print(catalog, request))


def _pending(catalog: Catalog, request: Request) -> Message:
    title = catalog.of_action(request.action, "title", target=outcomes.target_name(request), action=request.action)
    requester = user_mention(request.requester)
    own = request.target_slack_id == request.requester
    return blocks.message(
        _with_note(
            catalog.text("request.summary", requester_mention=requester, title=escape(title)),
            targets.summary_note(catalog, request),
        ),
        blocks.header(title),
        *_target(catalog, request),
        blocks.section(catalog.text("request.own_account", requester_mention=requester)) if own else None,
        _list(catalog, request, "effects"),
        _list(catalog, request, "limits"),
        _reason(catalog, request),
        _approvals(catalog, request),
        _dropped(catalog, request),
        buttons(catalog, request),
        blocks.context(
            catalog.text("request.requested_by", requester_mention=requester),
            catalog.text("request.open_until", time=local_time(request.expires_at)),
            catalog.text("request.reference", reference=request.reference),
        ),
    )


def buttons(catalog: Catalog, request: Request) -> Block:
    """Return the buttons of a pending request."""
    return blocks.actions(
        request.id,
        _approve_button(catalog, request),
        blocks.button(catalog.of_action(request.action, "button.cancel"), CANCEL, request.id),
    )


def _with_note(text: str, note: str) -> str:
    return f"{text} {note}" if note else text


def _list(catalog: Catalog, request: Request, name: str) -> Block | None:
    """Return a heading and a bulleted list, or None for an action without this text."""
    code = f"{request.action}.{name}"
    if code not in catalog:
        return None
    heading = catalog.text(f"request.{name}.heading")
    return blocks.section(f"{heading}\n{blocks.bullets(catalog.lines(code))}")


def _approve_button(catalog: Catalog, request: Request) -> Block:
    target = outcomes.target_name(request)
    question = blocks.confirm(
        catalog.of_action(request.action, "dialog.title"),
        _with_note(
            catalog.of_action(request.action, "dialog.text", target=target), targets.dialog_note(catalog, request)
        ),
        catalog.of_action(request.action, "dialog.approve"),
        catalog.of_action(request.action, "dialog.back"),
    )
    label = catalog.of_action(request.action, "button")
    return blocks.button(label, APPROVE, request.id, style="danger", confirm=question)


def _target(catalog: Catalog, request: Request) -> list[Block | None]:
    make = (targets.facts, targets.slack_user, targets.warnings)
    return [block(catalog, request) for block in make]


def _reason(catalog: Catalog, request: Request) -> Block | None:
    return blocks.plain_section(catalog.text("request.reason", reason=request.reason)) if request.reason else None


def _approvals(catalog: Catalog, request: Request) -> Block | None:
    """Return how many approvals are needed, and how many there are, if the requester does not count."""
    if not request.protected:
        return None
    count = len(request.approvals)
    text = catalog.text(
        "request.approvals" if count else "request.approvals.none",
        required=request.approvals_required,
        requester_mention=user_mention(request.requester),
        approvers=", ".join(user_mention(one) for one in request.approvals),
        count=count,
        missing=other_approvers(catalog, max(request.approvals_required - count, 1)),
    )
    if request.target_protected:
        text = catalog.text("request.approvals.protected", approvals=text)
    return blocks.section(text)


def _dropped(catalog: Catalog, request: Request) -> Block | None:
    """Return the line about approvals that no longer held, and do not count."""
    if not request.dropped:
        return None
    approvers = ", ".join(user_mention(one) for one in dict.fromkeys(request.dropped))
    return blocks.section(catalog.text("request.dropped", approvers=approvers))


def _small_print(catalog: Catalog, request: Request) -> Block:
    ended = request.state in FINAL and request.finished_at
    return blocks.context(
        catalog.text("request.requested_by", requester_mention=user_mention(request.requester)),
        _decided_by(catalog, request),
        local_time(request.finished_at) if ended and request.finished_at else None,
        catalog.text("request.reference", reference=request.reference),
    )


def _decided_by(catalog: Catalog, request: Request) -> str | None:
    """Return who cancelled or approved; one approval of two is not an approved request."""
    if request.state is State.CANCELLED:
        by = request.decided_by
        return catalog.text("request.cancelled_by", approver_mention=user_mention(by)) if by else None
    approvers = ", ".join(user_mention(one) for one in request.approvals)
    if not approvers:
        return None
    code = "request.approved_by" if request.approved_at else "request.approved_only_by"
    return catalog.text(code, approvers=approvers)


def _when(catalog: Catalog, request: Request) -> Block | None:
    """Return when the bot continues, or when Genesys Cloud takes requests again."""
    waiting = request.state is State.APPROVED
    at = request.outcome.get("continues_at" if waiting else "possible_at")
    if not at:
        return None
    return blocks.section(catalog.text(f"request.{'continues_at' if waiting else 'possible_at'}", time=local_time(at)))


def _request_again(catalog: Catalog, request: Request) -> Block | None:
    """Return the line to type, because a finished card has no button."""
    if request.state not in outcomes.REPEATABLE_STATES:
        return None
    target = f" {escape(request.target.id)}" if request.target else ""
    return blocks.section(catalog.text("request.again", command=f"/purecloud {request.action}{target}"))


def _summary(catalog: Catalog, request: Request, headline: str) -> str:
    return f"{escape(headline)}. {catalog.text('reference.plain', reference=request.reference)}"


def _reference(catalog: Catalog, request: Request) -> Block:
    return blocks.context(catalog.text("reference", reference=request.reference))


def _correlation(catalog: Catalog, request: Request) -> Block | None:
    correlation_id = request.outcome.get("correlation_id")
    if not correlation_id:
        return None
    return blocks.context(catalog.text("correlation_id", correlation_id=foreign_mrkdwn(correlation_id)))
