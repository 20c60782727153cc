"""Render what a dry run has found out."""

from __future__ import annotations

from bot.services.dry_run import DryRun
from handlers.messages import Catalog
from handlers.ui import blocks, cards, followers
from handlers.ui.blocks import Message, channel_mention, principal_mention


def dry_run_message(catalog: Catalog, found: DryRun) -> Message:
    """Return the card without its buttons, where it would go, and who could approve it.

    Where the person would follow an open request, return what they would learn about that one.
    """
    title, header = catalog.text("dry_run.title"), blocks.header(catalog.text("dry_run.title"))
    if found.follows:
        follows = found.follows
        lines = followers.would_follow(catalog, follows.request, own=follows.own, link=follows.link)
        return blocks.message(title, header, *lines)
    card = [
        block for block in cards.card(catalog, found.request, has_thread=False)["blocks"] if block["type"] != "actions"
    ]
    return blocks.message(title, header, blocks.section(_consequences(catalog, found)), *card)


def _consequences(catalog: Catalog, found: DryRun) -> str:
    request = found.request
    channel = request.card.channel if request.card else ""
    if not channel.startswith(("C", "G")):
        return catalog.text("dry_run.direct")
    count = request.approvals_required
    return catalog.text(
        "dry_run.channel.1" if count == 1 else "dry_run.channel",
        channel=channel_mention(channel),
        count=count,
        approvers=", ".join(map(principal_mention, found.approvers)),
    )
