"""Who typed or clicked, as the payload tells it; what it may mean is judged elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from bot.services.clicks import Click
from bot.services.requesting import Invoker

Body = Mapping[str, Any]


def read_invoker(body: Body) -> Invoker:
    """Read a slash command (docs.slack.dev, Slash commands)."""
    return Invoker(
        user_id=str(body.get("user_id") or ""),
        team_id=_text(body, "team_id"),
        channel=str(body.get("channel_id") or ""),
        key=_key(body),
        response_url=_text(body, "response_url"),
    )


def read_click(body: Body, action: Body) -> Click:
    """Read one action of a `block_actions` payload; the message and the container may be missing.

    Of the button only the value is taken: a request's id.
    """
    person = _part(body, "user")
    container = _part(body, "container")
    return Click(
        request_id=str(action.get("value") or ""),
        action=str(action.get("action_id") or ""),
        user_id=str(person.get("id") or ""),
        team_id=_text(person, "team_id"),
        key=_key(body),
        response_url=_text(body, "response_url"),
        installed_in=_text(_part(body, "team"), "id"),
        ts=_text(container, "message_ts") or _text(_part(body, "message"), "ts"),
    )


def _key(body: Body) -> str:
    """Name a command or a click by its trigger_id: Slack makes one each time. Only a hash of it is kept."""
    return hashlib.sha256(str(body.get("trigger_id") or body).encode()).hexdigest()


def _text(part: Body, name: str) -> str | None:
    """Read a text that may be missing; anything else in its place counts as missing."""
    text = part.get(name)
    return text if isinstance(text, str) and text else None


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}
