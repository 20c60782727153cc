"""The pieces of Block Kit the bot uses; people's words only ever go into plain text (docs.slack.dev, Block Kit)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

Block = dict[str, Any]
Message = dict[str, Any]

_HEADER = 150
_TEXT = 3000
_FIELD = 2000
_SUMMARY = 3000


def cut(text: str, limit: int) -> str:
    """Shorten a text to what Slack takes; a text may not be empty either."""
    text = text or "-"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def escape(text: str) -> str:
    """Make people's words harmless where mrkdwn is read: `<!channel>` must not ring."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(text: str, limit: int = _TEXT) -> Block:
    """Text shown as it is."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": False}


def mrkdwn(text: str, limit: int = _TEXT) -> Block:
    """Text in Slack's markup: the bot's own words."""
    return {"type": "mrkdwn", "text": cut(text, limit)}


def header(text: str) -> Block:
    """A heading, which screen readers announce as one."""
    return {"type": "header", "text": plain(text, _HEADER)}


def section(text: str) -> Block:
    """A paragraph of the bot's own words."""
    return {"type": "section", "text": mrkdwn(text)}


def quote(text: str) -> Block:
    """A paragraph of somebody's words."""
    return {"type": "section", "text": plain(text)}


def facts(rows: Iterable[tuple[str, str | None]]) -> Block:
    """Up to five rows of a label and what somebody else called it; rows without a value are left out."""
    pairs = [(label, value) for label, value in rows if value][:5]
    cells = [cell for label, value in pairs for cell in (mrkdwn(f"*{label}*", _FIELD), plain(value, _FIELD))]
    return {"type": "section", "fields": cells or [plain("")]}


def context(*parts: str | None) -> Block:
    """A small line of the bot's own words."""
    return {"type": "context", "elements": [mrkdwn("  ·  ".join(part for part in parts if part))]}


def button(text: str, action: str, value: str, **more: Any) -> Block:
    """A button; its value is the request's id and nothing else."""
    return {"type": "button", "text": plain(text, 75), "action_id": action, "value": value, **more}


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    """Slack's own question before a click is sent; courtesy, not security."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
        "style": "danger",
    }


def actions(request_id: str, *buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": f"request-{request_id}", "elements": list(buttons)}


def bullets(lines: Sequence[str]) -> str:
    """Make a list of the bot's own words."""
    return "\n".join(f"•  {line}" for line in lines)


def message(summary: str, *blocks: Block | None) -> Message:
    """Put a message together; the summary is what notifications and screen readers say."""
    return {"text": cut(summary, _SUMMARY), "blocks": [block for block in blocks if block]}


def user(user_id: str) -> str:
    """Mention a Slack user."""
    return f"<@{user_id}>"


def moment(at: float) -> str:
    """Show a time in the reader's own zone (docs.slack.dev, Formatting message text, dates); `at` is epoch seconds."""
    fallback = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"<!date^{int(at)}^{{date_short_pretty}} {{time_secs}}|{fallback}>"
