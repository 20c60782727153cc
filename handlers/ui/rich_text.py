"""Build `rich_text` blocks (docs.slack.dev, Rich text block).

They read no markup, so they may contain text that people wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bot.visible_text import visible_lines
from handlers.ui.blocks import Block, shorten

Element = dict[str, Any]

MAX_RICH_TEXT_LENGTH = 3000


def block(*parts: Element | None) -> Block:
    """Return a block of paragraphs, lists and quotes."""
    return {"type": "rich_text", "elements": [part for part in parts if part]}


def paragraph(*elements: Element | None) -> Element:
    """Return a paragraph."""
    return {"type": "rich_text_section", "elements": [element for element in elements if element]}


def bullets(*paragraphs: Element) -> Element:
    """Return a bulleted list."""
    return {"type": "rich_text_list", "style": "bullet", "elements": list(paragraphs)}


def numbered(*paragraphs: Element) -> Element:
    """Return a numbered list."""
    return {"type": "rich_text_list", "style": "ordered", "elements": list(paragraphs)}


def quote(*elements: Element) -> Element:
    """Return a quotation."""
    return {"type": "rich_text_quote", "elements": list(elements)}


def words(text: str, *, bold: bool = False, code: bool = False) -> Element:
    """Return words without what readers cannot see; they may be spaces or a line break between others."""
    style = {name: True for name, wanted in (("bold", bold), ("code", code)) if wanted}
    element: Element = {"type": "text", "text": shorten(visible_lines(text), MAX_RICH_TEXT_LENGTH) or "-"}
    return element | ({"style": style} if style else {})


def user(user_id: str) -> Element:
    """Return a mention of a Slack user."""
    return {"type": "user", "user_id": user_id}


def users(user_ids: Iterable[str]) -> list[Element]:
    """Return mentions of Slack users, with commas between them."""
    mentions = [user(one) for one in dict.fromkeys(user_ids)]
    return [part for mention in mentions for part in (words(", "), mention)][1:]


def usergroup(group_id: str) -> Element:
    """Return a mention of a Slack user group."""
    return {"type": "usergroup", "usergroup_id": group_id}


def channel(channel_id: str) -> Element:
    """Return a link to a Slack channel."""
    return {"type": "channel", "channel_id": channel_id}


def emoji(name: str) -> Element:
    """Return an emoji."""
    return {"type": "emoji", "name": name}


def link(url: str, text: str) -> Element:
    """Return a link."""
    return {"type": "link", "url": url, "text": text}


def time(at: float, *, seconds: bool = False) -> Element:
    """Return a time that Slack shows in the reader's time zone; `at` is in epoch seconds."""
    fallback = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC" if seconds else "%Y-%m-%d %H:%M UTC")
    shown = "{date_short_pretty} {time_secs}" if seconds else "{date_short_pretty} {time}"
    return {"type": "date", "timestamp": int(at), "format": shown, "fallback": fallback}
