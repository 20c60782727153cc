"""What must never be written down: secrets by their name and by their shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"

_SECRET_NAMES = re.compile(
    r"token$|secret|password|authorization|signature|cookie|response_url|trigger_id|card_url|database_url|^body$",
    re.IGNORECASE,
)
_SECRET_SHAPES = re.compile(
    r"xox[a-z](?:-[A-Za-z0-9-]+)+|xapp-[A-Za-z0-9-]+"  # Slack's tokens
    r"|https?://hooks\.slack[\w.-]*/\S+"  # a response_url is a bearer capability
    r"|(?i:\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,})"  # an Authorization header
    r"|(?i:(?:access_token|client_secret)[\"']?\s*[=:]\s*[\"']?[^\s\"'&,}]+)"
    r"|://[^\s:/@]*:[^\s/@]+@"  # a password in an address
)


def redact(value: Any, *secrets: str) -> Any:
    """Return a copy of a value, of any depth, without secrets.

    Entries with a telling name lose their value, texts lose what looks like a secret or contains one of `secrets`.
    Genesys tokens are opaque: only their name or being listed in `secrets` gives them away.
    """
    if isinstance(value, Mapping):
        return {key: HIDDEN if _telling(str(key), item) else redact(item, *secrets) for key, item in value.items()}
    if isinstance(value, str):
        return _clean(value, secrets)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item, *secrets) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _clean(str(value), secrets)


def _telling(name: str, value: Any) -> bool:
    return value is not None and _SECRET_NAMES.search(name) is not None


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return _SECRET_SHAPES.sub(HIDDEN, text)
