"""The forms of email addresses and Genesys Cloud user ids."""

from __future__ import annotations

import re

# Every repetition that may start anywhere is bounded, so that the time grows linearly with the length of a text.
ADDRESS = re.compile(
    r"[^\s@<>()\[\]\\,;:\"“”|]{1,64}"
    r"@(?:[^\s!-,./:-@\[-`{-~]{1,63}\.){1,20}"
    r"(?:xn--[a-z0-9-]{1,59}|[^\s\d!-@\[-`{-~]{2,63})(?![^\s!-,./:-@\[-`{-~])",
    re.IGNORECASE,
)
"""An email address, also within a text."""

GENESYS_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
"""A UUID in the one form that Genesys Cloud uses."""
