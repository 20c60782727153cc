"""The reason of a request or a decline, as it is stored."""

from __future__ import annotations

from collections.abc import Sequence

from bot.redaction import redact
from bot.visible_text import visible_text

MAX_REASON_LENGTH = 500
"""Characters of a reason that are stored; the card and the audit log show what is stored."""

SHORTENED = "… (shortened)"
"""The end of a reason that was longer."""


def stored_reason(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a reason on one line, without secrets, and marked if it had to be shortened."""
    reason = visible_text(str(redact(text, *secrets)))
    if len(reason) <= MAX_REASON_LENGTH:
        return reason
    return reason[: MAX_REASON_LENGTH - len(SHORTENED)] + SHORTENED
