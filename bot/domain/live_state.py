"""What a person is doing in Genesys Cloud: a hint on cards, which decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MEDIA = ("call", "callback", "chat", "email", "message", "social", "video")
"""The kinds of conversations, as they are stored."""

PRESENCES = frozenset({
    "available", "away", "break", "busy", "idle", "meal", "meeting", "offline", "on_queue", "training",
})  # fmt: skip
"""The presences that Genesys Cloud has, as they are stored. Organizations name further ones after one of them."""

MAX_CONVERSATIONS = 9999
"""A larger number of conversations is not believed."""


@dataclass(frozen=True, slots=True)
class LiveState:
    """What a person was doing at a time; None is not known. Times are epoch seconds."""

    at: float
    conversations: Mapping[str, int] | None = None
    """How many of each kind, without kinds of which there are none."""
    on_queue: bool | None = None
    presence: str | None = None
    last_login: float | None = None
    """When Genesys Cloud last issued a token to the person."""

    @property
    def is_known(self) -> bool:
        """Whether anything is known."""
        return (self.conversations, self.on_queue, self.presence, self.last_login) != (None, None, None, None)

    @property
    def codes(self) -> dict[str, Any]:
        """The state as it is stored, without what is not known."""
        names = ("conversations", "on_queue", "presence", "last_login")
        known = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return {"at": self.at, **known}


def read_live_state(stored: Any) -> LiveState | None:
    """Return a stored state, None if it has no time. What this version does not understand is not known."""
    at = _number(stored.get("at")) if isinstance(stored, Mapping) else None
    if at is None:
        return None
    presence, on_queue = stored.get("presence"), stored.get("on_queue")
    return LiveState(
        at,
        _conversations(stored.get("conversations")),
        on_queue if isinstance(on_queue, bool) else None,
        presence if isinstance(presence, str) and presence in PRESENCES else None,
        _number(stored.get("last_login")),
    )


def _conversations(stored: Any) -> dict[str, int] | None:
    if not isinstance(stored, Mapping):
        return None
    counts = {kind: stored[kind] for kind in MEDIA if kind in stored}
    known = all(type(count) is int and 0 < count <= MAX_CONVERSATIONS for count in counts.values())
    return counts if known and len(counts) == len(stored) else None


def _number(stored: Any) -> float | None:
    return float(stored) if isinstance(stored, int | float) and not isinstance(stored, bool) else None
