"""Render the modal that requests a revocation."""

from __future__ import annotations

from typing import Any

from handlers.messages import Catalog
from handlers.ui import blocks
from handlers.ui.blocks import Block

USER, IDENTIFIER, REASON = "user", "identifier", "reason"
"""The ids of the modal's inputs and of their blocks."""

MAX_REASON_LENGTH = 500
"""Characters of a reason, as many as the bot stores."""

View = dict[str, Any]


def revoke_modal(catalog: Catalog, callback_id: str, *, user_id: str | None = None, channel: str = "") -> View:
    """Return the modal, with a person filled in if `user_id` is given; `channel` is where it was opened."""
    select: Block = {
        "type": "users_select",
        "action_id": USER,
        "placeholder": blocks.plain(catalog.text("modal.user.placeholder"), blocks.MAX_FIELD_LENGTH),
    }
    if user_id:
        select["initial_user"] = user_id
    identifier = {"type": "plain_text_input", "action_id": IDENTIFIER, "max_length": 254}
    reason = {"type": "plain_text_input", "action_id": REASON, "multiline": True, "max_length": MAX_REASON_LENGTH}
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": channel,
        "title": blocks.plain(catalog.text("modal.title"), 24),
        "submit": blocks.plain(catalog.text("modal.submit"), 24),
        "close": blocks.plain(catalog.text("modal.close"), 24),
        "blocks": [
            blocks.context(catalog.text("modal.intro")),
            _input(catalog, USER, select),
            _input(catalog, IDENTIFIER, identifier),
            _input(catalog, REASON, reason),
        ],
    }


def _input(catalog: Catalog, name: str, element: Block) -> Block:
    label = blocks.plain(catalog.text(f"modal.{name}"), blocks.MAX_FIELD_LENGTH)
    return {"type": "input", "block_id": name, "label": label, "element": element, "optional": True}
