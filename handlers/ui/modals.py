"""Render the modals, which request a revocation of one or many people, or decline a request."""

from __future__ import annotations

from typing import Any

from bot.services.reasons import MAX_REASON_LENGTH
from handlers.messages import Catalog
from handlers.ui import blocks
from handlers.ui.blocks import Block

USER, IDENTIFIER, REASON = "user", "identifier", "reason"
"""The ids of the modal's inputs and of their blocks."""

PEOPLE, FILE = "people", "file"
"""The ids of the inputs of the modal for many people."""

MAX_LIST_LENGTH = 3000
"""Characters of a pasted list, as many as Slack accepts (docs.slack.dev, Plain-text input element)."""

FILE_TYPES = ("csv", "tsv", "txt")

View = dict[str, Any]


def revoke_modal(
    catalog: Catalog, callback_id: str, *, user_id: str | None = None, channel: str = "", require_reason: bool = False
) -> View:
    """Return the modal, with a person filled in if `user_id` is given; `channel` is where it was opened."""
    select: Block = {
        "type": "users_select",
        "action_id": USER,
        "placeholder": blocks.plain(catalog.text("modal.user.placeholder"), blocks.MAX_FIELD_LENGTH),
    }
    if user_id:
        select["initial_user"] = user_id
    identifier = {"type": "plain_text_input", "action_id": IDENTIFIER, "max_length": 254}
    return _modal(
        catalog,
        "modal",
        callback_id,
        channel,
        _input(USER, catalog.text("modal.user"), select, optional=True),
        _input(IDENTIFIER, catalog.text("modal.identifier"), identifier, optional=True),
        _reason_input(catalog.text("modal.reason"), optional=not require_reason),
    )


def revoke_many_modal(catalog: Catalog, callback_id: str, *, channel: str, require_reason: bool) -> View:
    """Return the modal for a list of people, pasted or in a file."""
    listed = {
        "type": "plain_text_input",
        "action_id": PEOPLE,
        "multiline": True,
        "max_length": MAX_LIST_LENGTH,
        "placeholder": blocks.plain(catalog.text("revoke-many.modal.people.placeholder"), 150),
    }
    file = {"type": "file_input", "action_id": FILE, "filetypes": list(FILE_TYPES), "max_files": 1}
    return _modal(
        catalog,
        "revoke-many.modal",
        callback_id,
        channel,
        _input(PEOPLE, catalog.text("revoke-many.modal.people"), listed, optional=True),
        _input(FILE, catalog.text("revoke-many.modal.file"), file, optional=True),
        _reason_input(catalog.text("modal.reason"), optional=not require_reason),
    )


def decline_modal(catalog: Catalog, callback_id: str, request_id: str) -> View:
    """Return the modal that asks an approver for a reason; it shows nothing of the request."""
    return _modal(
        catalog, "decline", callback_id, request_id, _reason_input(catalog.text("decline.reason"), optional=False)
    )


def _modal(catalog: Catalog, name: str, callback_id: str, metadata: str, *inputs: Block) -> View:
    """Return a modal with the texts `name.title`, `name.submit`, `name.close` and `name.intro`."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": metadata,
        "title": blocks.plain(catalog.text(f"{name}.title"), 24),
        "submit": blocks.plain(catalog.text(f"{name}.submit"), 24),
        "close": blocks.plain(catalog.text(f"{name}.close"), 24),
        "blocks": [blocks.context(catalog.text(f"{name}.intro")), *inputs],
    }


def _reason_input(label: str, *, optional: bool) -> Block:
    element = {"type": "plain_text_input", "action_id": REASON, "multiline": True, "max_length": MAX_REASON_LENGTH}
    return _input(REASON, label, element, optional=optional)


def _input(name: str, label: str, element: Block, *, optional: bool) -> Block:
    shown = blocks.plain(label, blocks.MAX_FIELD_LENGTH)
    return {"type": "input", "block_id": name, "label": shown, "element": element, "optional": optional}
