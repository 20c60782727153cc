"""A press of a card's button, as the bot stores it before it acknowledges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.requests import Request


@dataclass(frozen=True, slots=True)
class Click:
    """A press of a card's button. The button carries the request's id; the rest says who pressed it.

    `key` identifies the click (a hash of its `trigger_id`), so that the bot recognises a replay. `installed_in` is the
    workspace whose installation posted the message; None where the app is installed org-wide. `reason` is why the
    person declines, which they enter in a modal.
    """

    request_id: str
    action: str
    user_id: str
    team_id: str | None
    key: str
    response_url: str | None = None
    installed_in: str | None = None
    ts: str | None = None
    reason: str = ""

    def copy_url(self, request: Request) -> str | None:
        """Return the url that edits the clicked message, if that is not a card that `chat.update` reaches."""
        cards = [one.message for one in request.copies] + ([request.card] if request.card else [])
        return None if any(self.ts == one.ts for one in cards) else self.response_url

    @property
    def payload(self) -> dict[str, Any]:
        """The click as it is stored, without the ids that its row has anyway."""
        return {
            "action": self.action,
            "user_id": self.user_id,
            "team_id": self.team_id,
            "response_url": self.response_url,
            "installed_in": self.installed_in,
            "ts": self.ts,
            "reason": self.reason,
        }


def read_click(request_id: str, payload: Mapping[str, Any]) -> Click:
    """Read a stored click, perhaps written by another version of the bot."""
    known = {name: payload.get(name) for name in ("team_id", "response_url", "installed_in", "ts")}
    reason = payload.get("reason") or ""
    return Click(request_id, payload["action"], payload["user_id"], key="", reason=reason, **known)
