"""The card of a request in each of its states, and the lines that tell of it elsewhere."""

from __future__ import annotations

from bot.domain.policy import Denied
from bot.domain.requests import APPROVE, CANCEL, FINAL, Kind, MessageRef, Request, State
from bot.errors import BotError
from handlers.messages import outcomes
from handlers.messages.denials import sentence
from handlers.ui import blocks
from handlers.ui.blocks import Block, Message, escape, moment, user

WHAT_HAPPENS = (
    "*Every session and every token* of this person ends, in all applications and on all devices.",
    "A *live call or chat may drop*.",
    "It *cannot be undone*.",
)
WHAT_DOES_NOT = (
    "It does not lock them out: *single sign-on may log them straight back in*.",
    "To lock somebody out, also set them inactive in Genesys Cloud.",
)
WHAT_ROTATING_DOES = (
    "The bot takes a new token, then deletes its old one (`DELETE /api/v2/tokens/me`).",
    "Nobody is logged out; requests under way go on with the new token.",
    "It *cannot be undone*, and need not be.",
)


def card(request: Request) -> Message:
    """Show a request as it is true now; only a pending one has buttons."""
    if request.state is State.PENDING:
        return _pending(request)
    headline = outcomes.headline(request)
    return blocks.message(
        f"{escape(headline)} Reference {request.reference}.",
        blocks.header(headline),
        _who(request),
        blocks.quote(outcomes.sentence(request)),
        blocks.section(f"Ask again with `{_again(request)}`") if request.state in outcomes.WORTH_REPEATING else None,
        _reason(request),
        _line(request),
        _genesys(request),
    )


def outcome(request: Request) -> Message:
    """Tell a channel or the requester in few words how a request ended."""
    headline = outcomes.headline(request)
    return blocks.message(
        f"{escape(headline)} Reference {request.reference}.",
        blocks.quote(f"{headline}\n{outcomes.sentence(request)}"),
        _reason(request),
        _line(request),
        _genesys(request),
    )


def posted(request: Request, place: MessageRef) -> Message:
    """Tell the requester where the card is."""
    if place.channel.startswith("D"):
        text = "I sent you the card in our direct messages, where only you see it. Nothing happens before you confirm."
    else:
        text = f"I posted the card in <#{place.channel}>. Nothing happens before somebody there confirms."
    return blocks.message(text, blocks.section(text), blocks.context(f"Reference `{request.reference}`"))


def not_posted(request: Request, code: str) -> Message:
    """Tell the requester that nobody would see the card."""
    channel = f"<#{request.card.channel}>" if request.card else "the channel"
    text = (
        f"I could not post the card in {channel} (`{code}`), so nobody could confirm it: the request is withdrawn and "
        "nothing was changed. Invite me to that channel, or ask whoever runs me to correct APPROVALS_CHANNEL."
    )
    return blocks.message(text, blocks.section(text), blocks.context(f"Reference `{request.reference}`"))


def answer(error: BotError, request: Request | None) -> Message:
    """Tell somebody in private why their click changed nothing."""
    if isinstance(error, Denied):
        return refusal(error, request)
    if request is None:
        text = "I do not know this request (any more). Nothing was changed."
        return blocks.message(text, blocks.quote(text))
    if request.state is State.PENDING:
        text = "Your click reached me too late to count. Nothing was changed by it."
    else:
        text = f"Your click changed nothing: {outcomes.standing(request)}"
    return blocks.message(escape(text), blocks.quote(text), _line(request))


def refusal(error: Denied, request: Request | None = None) -> Message:
    """Tell somebody in private why not, and what to do."""
    text = sentence(error)
    return blocks.message(
        text, blocks.section(text), blocks.context(f"Reference `{request.reference}`") if request else None
    )


def _pending(request: Request) -> Message:
    title = _title(request)
    rotating = request.kind is Kind.ROTATE
    happens = blocks.bullets(WHAT_ROTATING_DOES if rotating else WHAT_HAPPENS)
    return blocks.message(
        f"{user(request.requester)} asks: {escape(title)} Nothing happens before it is confirmed.",
        blocks.header(title),
        _who(request),
        blocks.section(":warning: *This is the account of the person who asks.*") if _own(request) else None,
        blocks.section(f"*What will happen*\n{happens}"),
        None if rotating else blocks.section(f"*What will not*\n{blocks.bullets(WHAT_DOES_NOT)}"),
        _reason(request),
        _agreement(request),
        blocks.actions(request.id, _confirm_button(request), blocks.button("Cancel", CANCEL, request.id)),
        blocks.context(
            f"Asked by {user(request.requester)}",
            f"can be confirmed until {moment(request.expires_at)}",
            f"reference `{request.reference}`",
        ),
    )


def _title(request: Request) -> str:
    if request.target is None:
        return "Exchange the bot's own Genesys Cloud token?"
    return f"Revoke every session of {blocks.cut(request.target.name or request.target.id, 100)}?"


def _own(request: Request) -> bool:
    return request.target_slack_id == request.requester


def _confirm_button(request: Request) -> Block:
    if request.target is None:
        question = blocks.confirm("Exchange the token?", "The bot's old token is deleted.", "Exchange", "Go back")
        return blocks.button("Exchange token", APPROVE, request.id, style="danger", confirm=question)
    name = blocks.cut(request.target.name or request.target.id, 120)
    question = blocks.confirm(
        "Revoke access?",
        f"Every session of {name} ends. A live call may drop. It cannot be undone.",
        "Revoke access",
        "Go back",
    )
    return blocks.button("Revoke access", APPROVE, request.id, style="danger", confirm=question)


def _who(request: Request) -> Block | None:
    target = request.target
    if target is None:
        return None
    return blocks.facts(
        [
            ("Name", target.name),
            ("E-mail", target.email),
            ("Division", target.division),
            ("State", target.state),
            ("Genesys Cloud id", target.id),
        ]
    )


def _reason(request: Request) -> Block | None:
    return blocks.quote(f"Reason: {request.reason}") if request.reason else None


def _agreement(request: Request) -> Block | None:
    if not request.protected:
        return None
    agreed = ", ".join(user(one) for one in request.approvals) or "nobody yet"
    return blocks.section(
        f"*Protected*: {request.approvals_required} different approvers must confirm, "
        f"none of them {user(request.requester)}.\n"
        f"Approved so far: {agreed} ({len(request.approvals)} of {request.approvals_required})."
    )


def _line(request: Request) -> Block:
    return blocks.context(
        f"Asked by {user(request.requester)}",
        _decision(request),
        moment(request.finished_at) if request.state in FINAL and request.finished_at else None,
        f"reference `{request.reference}`",
    )


def _decision(request: Request) -> str | None:
    """Tell who cancelled it or who confirmed it; one signature of two is no confirmation."""
    if request.state is State.CANCELLED:
        return f"cancelled by {user(request.decided_by)}" if request.decided_by else None
    agreed = ", ".join(user(one) for one in request.approvals)
    if not agreed:
        return None
    return f"confirmed by {agreed}" if request.approved_at else f"agreed to by {agreed} alone"


def _genesys(request: Request) -> Block | None:
    correlation_id = request.outcome.get("correlation_id")
    return blocks.context(f"Genesys Cloud correlation id `{escape(str(correlation_id))}`") if correlation_id else None


def _again(request: Request) -> str:
    return f"/purecloud revoke {escape(request.target.id)}" if request.target else "/purecloud rotate"
