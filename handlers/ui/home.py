"""Render the Home tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlers.messages import Catalog
from handlers.ui import blocks


def home_view(catalog: Catalog, commands: Sequence[str], hint: str) -> dict[str, Any]:
    """Return the Home tab: the commands that a person can type, and what they can approve."""
    listed = [blocks.section(blocks.bullets(commands))] if commands else []
    return {
        "type": "home",
        "blocks": [blocks.header(catalog.text("help.title")), *listed, blocks.context(hint)],
    }
