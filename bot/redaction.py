"""Redaction of secrets, by names of fields and shapes of values, and of what readers cannot see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.visible_text import visible_lines

REDACTED = "[redacted]"

MIN_SECRET_LENGTH = 8
"""Minimum length of a given secret to remove. Shorter ones are placeholders and occur in ordinary words."""

_SECRET_NAMES = re.compile(
    r"token$|secret|password|authorization|signature|cookie|response_url|trigger_id|card_url|database_url|^body$",
    re.IGNORECASE,
)
_CREDENTIAL = (
    r"(?![A-Z]{2,6}[0-9]+\b)"  # the number of a ticket
    r"(?=[A-Za-z0-9._/-]*(?:[~+=]|[A-Za-z][0-9]|[0-9][A-Za-z]|[a-z][A-Z]))[A-Za-z0-9._~+/=-]{16,}"
)
"""What follows `Bearer` or `Basic` in a header: long, with a sign, or letters next to digits or in mixed case.

Long words in mixed case have this form too, and are removed, because a credential must not stay.
"""

_SECRET_SHAPES = re.compile(
    r"xox[a-z]-[A-Za-z0-9-]+|xapp-[A-Za-z0-9-]+"  # Slack's tokens
    r"|https?://hooks\.slack[\w.-]*/\S+"  # a response_url is a bearer capability
    r"|(?i:authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic)\s+)[^\s\"',}]+"  # an Authorization header
    rf"|(?i:\b(?:bearer|basic))(?:\s*:\s*|\s+){_CREDENTIAL}"  # its value alone
    r"|(?i:(?:access_token|client_secret)[\"']?\s*[=:]\s*[\"']?[^\s\"'&,}]+)"
    r"|://[^\s/@]+@"  # the credentials in a URL
)


def redact(value: Any, *secrets: str) -> Any:
    """Return a copy of a value, of any depth, without secrets, control and invisible characters.

    A field with the name of a secret loses its value. A text loses what has the shape of a secret or equals one of
    `secrets`, unless that is short. Genesys tokens have no shape of their own; only their field's name or `secrets`
    identifies them.
    """
    if isinstance(value, Mapping):
        return {
            key: REDACTED if item is not None and _SECRET_NAMES.search(str(key)) else redact(item, *secrets)
            for key, item in value.items()
        }
    if isinstance(value, str):
        return _redact_text(value, secrets)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item, *secrets) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _redact_text(str(value), secrets)


def _redact_text(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if len(secret) >= MIN_SECRET_LENGTH:
            text = text.replace(secret, REDACTED)
    return _SECRET_SHAPES.sub(REDACTED, visible_lines(text))
