"""Every sentence that the bot says in Slack, by code."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from bot.visible_text import visible_text

_KINDS_OF = {"break-glass": ("revoke",), "revoke-many": ("revoke",)}
"""Actions that use the sentences of another one where they have none of their own."""

USER, CHANNEL = re.compile(r"[UW][A-Z0-9]{2,}"), re.compile(r"[CG][A-Z0-9]{2,}")
"""Ids of Slack users and channels."""


class Catalog:
    """The sentences of one language, by code.

    A code is `area.name`. Placeholders such as `{target}` are filled by the caller, who escapes what people wrote where
    Slack would read markup. A value becomes visible text on one line, so that it adds no line to a message.

    `{contact}` is whom to ask: the id of a Slack user or channel, or a short text.
    """

    def __init__(self, sentences: Mapping[str, str], contact: str | None = None) -> None:
        self._sentences = sentences
        self.contact = contact or sentences.get("contact", "?")
        self._values = {"contact": _mention(self.contact)}

    def __contains__(self, code: str) -> bool:
        """Return whether the catalog has a sentence for a code."""
        return code in self._sentences

    def text(self, code: str, /, **params: Any) -> str:
        """Return a sentence; a placeholder without a value becomes "?". Raises KeyError for an unknown code."""
        values = defaultdict(lambda: "?", self._values)
        for name, value in params.items():
            values[name] = visible_text(str(value))
        return self._sentences[code].format_map(values)

    def optional(self, code: str, /, **params: Any) -> str | None:
        """Return a sentence, or None if the catalog has none for this code."""
        return self.text(code, **params) if code in self else None

    def template(self, code: str) -> str:
        """Return a sentence with its placeholders. Raises KeyError for an unknown code."""
        return self._sentences[code]

    def of_action(self, action: str, code: str, /, **params: Any) -> str:
        """Return an action's own sentence (`revoke.title`), or the one for all actions (`request.title`)."""
        return self.text(self.code_of_action(action, code), **params)

    def code_of_action(self, action: str, code: str) -> str:
        """Return the code of an action's own sentence, or of the one for all actions."""
        for name in (action, *_KINDS_OF.get(action, ())):
            own = f"{name}.{code}"
            if own in self._sentences:
                return own
        return f"request.{code}"


def _mention(contact: str) -> str:
    """Return a contact in Slack's markup."""
    if USER.fullmatch(contact):
        return f"<@{contact}>"
    return f"<#{contact}>" if CHANNEL.fullmatch(contact) else html.escape(visible_text(contact), quote=False)
