"""Render the messages that refer to cards."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.requests import Request, is_private
from handlers.messages import Catalog
from handlers.ui import blocks, outcomes, request_parts, rich_text, targets
from handlers.ui.blocks import Message, channel_mention, user_mention
from handlers.ui.failed_checks import why
from handlers.ui.next_steps import next_steps
from handlers.ui.rich_text import words
from handlers.ui.sentences import as_mrkdwn, sentence

LINES_PER_SECTION = 20
"""Lines of expired requests in one section, because Slack limits its length."""

INVITATION_HELPS = frozenset({"not_in_channel", "channel_not_found", "channel_unreadable"})
"""Errors of a post that end once the bot is a member of the channel (docs.slack.dev, chat.postMessage)."""


def outcome(catalog: Catalog, request: Request, link: str | None = None) -> Message:
    """Return a short message about how a request ended; `link` leads to its card."""
    headline = [words(outcomes.headline(catalog, request), bold=True)]
    if link:
        headline += [words("  "), rich_text.link(link, catalog.text("list.card"))]
    return blocks.message(
        request_parts.notified(catalog, request),
        rich_text.block(
            rich_text.paragraph(*headline),
            *request_parts.paragraphs(catalog, request),
            next_steps(catalog, request),
            request_parts.quoted_reason(request),
        ),
        request_parts.when(catalog, request),
        targets.slack_user(catalog, request),
        targets.warnings(catalog, request),
        request_parts.small_print(catalog, request),
        request_parts.ids(catalog, request),
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


def card_posted(catalog: Catalog, request: Request, channel: str, link: str | None = None) -> Message:
    """Return the reply that says where the card is; `link` leads to it."""
    code = "card_posted.direct" if channel.startswith("D") else "card_posted.channel"
    place = catalog.text(f"{code}.place", channel=channel_mention(channel))
    card = rich_text.link(link, catalog.text("card_posted.link")) if link else catalog.text("card_posted.card")
    text = sentence(
        catalog, code, channel=rich_text.channel(channel), card=card, time=rich_text.time(request.expires_at)
    )
    return blocks.message(place, rich_text.block(rich_text.paragraph(*text)), request_parts.reference(catalog, request))


def card_not_posted(catalog: Catalog, request: Request, slack_code: str) -> Message:
    """Return the reply that says that the card could not be posted, so the request was cancelled."""
    place = request.card.channel if request.card else ""
    channel = channel_mention(place) if place else catalog.text("card_not_posted.channel")
    variant = f"card_not_posted.{slack_code}"
    code = variant if variant in catalog else "card_not_posted"
    private = is_private(place)
    advice = advice_on_posting(catalog, slack_code, private=private)
    text = catalog.text(code, channel=channel, why=why_not_posted(catalog, slack_code, private=private), advice=advice)
    return blocks.message(text, blocks.section(text), request_parts.reference(catalog, request))


def why_not_posted(catalog: Catalog, slack_code: str, *, private: bool) -> str:
    """Return why Slack did not take a message; there is no channel to speak of if it is `private`."""
    return why(catalog, "no_direct_messages" if private and slack_code in INVITATION_HELPS else slack_code)


def advice_on_posting(catalog: Catalog, slack_code: str, *, private: bool = False) -> str:
    """Return what helps after an error of `chat.postMessage`.

    No one can invite the bot to direct messages, which are `private`.
    """
    if private:
        return catalog.text("not_posted.other")
    variant = "not_posted.invite" if slack_code in INVITATION_HELPS else f"not_posted.{slack_code}"
    return catalog.text(variant if variant in catalog else "not_posted.other")


def too_late(catalog: Catalog, request: Request) -> Message:
    """Return the private reply to a click that came too late."""
    text = outcomes.too_late(catalog, request)
    return blocks.message(
        as_mrkdwn(text), rich_text.block(rich_text.paragraph(*text)), request_parts.small_print(catalog, request)
    )
