"""Build Block Kit blocks. Text that people wrote only goes into `plain_text` (docs.slack.dev).

Each text of a block passes `truncate`, which removes what readers cannot see.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from bot.domain.principals import Principal, PrincipalKind
from bot.visible_text import visible_lines, visible_text

Block = dict[str, Any]
Message = dict[str, Any]

MAX_HEADER_LENGTH = 150
MAX_TEXT_LENGTH = 3000
MAX_FIELD_LENGTH = 2000
MAX_VALUE_LENGTH = 250
"""Characters of a value that a person or Genesys Cloud chose."""

MAX_BUTTON_LENGTH = 75
_PART_OF_ENTITY = re.compile("&[a-z]{0,3}$")


def truncate(text: str, limit: int) -> str:
    """Return a visible text that Slack accepts: at most `limit` characters and not empty."""
    text = visible_lines(text)
    return shorten(text if text.strip() else "-", limit)


def shorten(text: str, limit: int = MAX_VALUE_LENGTH) -> str:
    """Return a text of at most `limit` characters; what is cut shows as `…`."""
    return text if len(text) <= limit else f"{visible_lines(text[: limit - 1])}…"


def foreign_value(value: Any) -> str:
    """Return a value that a person or another system chose, for a sentence of the bot.

    It is short, on one line, and without its final period, because the sentence adds one.
    """
    return shorten(visible_text(str(value)).rstrip("."))


def foreign_mrkdwn(value: Any) -> str:
    """Return such a value without markup; a sentence may have it between backticks."""
    text = escape(foreign_value(value)).replace("`", "'")
    return text if len(text) <= MAX_VALUE_LENGTH else f"{_PART_OF_ENTITY.sub('', text[: MAX_VALUE_LENGTH - 1])}…"


def escape(text: str) -> str:
    """Escape what Slack reads as markup, so that `<!channel>` mentions no one (Formatting message text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, limit: int = MAX_TEXT_LENGTH) -> Block:
    """Return a text that Slack shows as it is."""
    return {"type": "plain_text", "text": truncate(text, limit), "emoji": False}


def mrkdwn(text: str, limit: int = MAX_TEXT_LENGTH) -> Block:
    """Return a text with Slack's markup, for the bot's own sentences; Slack links only marked-up names."""
    return {"type": "mrkdwn", "text": truncate(text, limit), "verbatim": True}


def header(text: str) -> Block:
    """Return a heading, which screen readers announce as one."""
    return {"type": "header", "text": plain(text, MAX_HEADER_LENGTH)}


def section(text: str) -> Block:
    """Return a paragraph of the bot's own sentences."""
    return {"type": "section", "text": mrkdwn(text)}


def plain_section(text: str) -> Block:
    """Return a paragraph that may contain text that people wrote."""
    return {"type": "section", "text": plain(text)}


def context(*parts: str | None) -> Block:
    """Return a line of small print in the bot's own words."""
    return {"type": "context", "elements": [mrkdwn("  ·  ".join(part for part in parts if part))]}


def button(text: str, action_id: str, value: str, **more: Any) -> Block:
    """Return a button; its value is the request's id and nothing else."""
    return {"type": "button", "text": plain(text, MAX_BUTTON_LENGTH), "action_id": action_id, "value": value, **more}


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    """Return Slack's own dialog before it sends a click: a convenience, not a protection."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
        "style": "danger",
    }


def actions(request_id: str, *buttons: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "block_id": f"request-{request_id}", "elements": list(buttons)}


def message(summary: str, *blocks: Block | None) -> Message:
    """Return a message; notifications and screen readers use the summary."""
    return {"text": truncate(summary, MAX_TEXT_LENGTH), "blocks": [block for block in blocks if block]}


def user_mention(user_id: str) -> str:
    """Return a mention of a Slack user."""
    return f"<@{escape(user_id)}>"


def group_mention(group_id: str) -> str:
    """Return a mention of a Slack user group."""
    return f"<!subteam^{escape(group_id)}>"


def principal_mention(principal: Principal) -> str:
    """Return a mention of a Slack user or of a user group; a role or permission is shown as code."""
    if principal.kind is PrincipalKind.USER:
        return user_mention(principal.value)
    if principal.kind is PrincipalKind.GROUP:
        return group_mention(principal.value)
    return f"`{foreign_mrkdwn(principal)}`"


def channel_mention(channel: str) -> str:
    """Return a link to a Slack channel."""
    return f"<#{escape(channel)}>"


def local_time(at: float, *, seconds: bool = True) -> str:
    """Return a time that Slack shows in the reader's time zone (docs.slack.dev, Formatting message text).

    `at` is in epoch seconds; without `seconds`, the time is shown in minutes.
    """
    fallback = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    time = "time_secs" if seconds else "time"
    return f"<!date^{int(at)}^{{date_short_pretty}} {{{time}}}|{fallback}>"
