"""The parts of manifest.yml that the page needs, because the installed package lacks that file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A shortcut of the app, in Slack's menus or on a message."""

    callback_id: str
    name: str
    type: Literal["global", "message"]


SHORTCUTS: Final = (
    Shortcut("revoke_tokens", "Revoke sessions", "global"),
    Shortcut("revoke_author", "Revoke author's sessions", "message"),
    Shortcut("revoke_many", "Revoke many people", "global"),
)

HOME_TAB_ENABLED: Final = True
"""Whether the app has a Home tab, and gets an event when someone opens it."""

MESSAGES_TAB_READ_ONLY: Final = True
"""Whether the app takes no typed messages."""
