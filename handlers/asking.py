"""Who typed or clicked, as the payload tells it; what it may mean is judged elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from bot.decisions import Click
from bot.service import Asker

Body = Mapping[str, Any]


def read_asker(body: Body) -> Asker:
    """Read a slash command (docs.slack.dev, Slash commands)."""
    return Asker(
        user_id=str(body.get("user_id") or ""),
        team_id=body.get("team_id") or None,
        channel=str(body.get("channel_id") or ""),
        key=_key(body),
        response_url=_address(body),
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
        team_id=person.get("team_id") or None,
        key=_key(body),
        response_url=_address(body),
        installed_in=_part(body, "team").get("id") or None,
        ts=container.get("message_ts") or _part(body, "message").get("ts"),
    )


def _key(body: Body) -> str:
    """Name a command or a click by its trigger_id: Slack makes one each time. Only a hash of it is kept."""
    return hashlib.sha256(str(body.get("trigger_id") or body).encode()).hexdigest()


def _address(body: Body) -> str | None:
    url = body.get("response_url")
    return url if isinstance(url, str) and url else None


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}
