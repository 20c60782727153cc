"""The forms of email addresses and Genesys Cloud user ids."""

from __future__ import annotations

import re
from urllib.parse import unquote

# Every repetition that may start anywhere is bounded, so that the time grows linearly with the length of a text.
ADDRESS = re.compile(
    r"[^\s@<>()\[\]\\,;:\"“”|\ufffd]{1,64}"
    r"@(?:[^\s!-,./:-@\[-`{-~]{1,63}\.){1,20}"
    r"(?:xn--[a-z0-9-]{1,59}|[^\s\d!-@\[-`{-~]{2,63})(?![^\s!-,./:-@\[-`{-~])",
    re.IGNORECASE,
)
"""An email address, also within a text."""

NAMED_ADDRESS = re.compile(r"[^<>]{0,200}<([^<>]{1,320})>")
"""`Name <address>`, as mail programs write it. The group is the address."""

_QUOTED_NAME = re.compile(r'"[^"]*"')

GENESYS_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
"""A UUID in the one form that Genesys Cloud uses."""


def mailto_recipients(link: str) -> list[str]:
    """Return the recipients of a `mailto:` link without its scheme (RFC 6068).

    Not each has the form of an address. Copies (`cc`, `bcc`) are no recipients. A name without `@` may precede an
    address, and `//` the first one.
    """
    path, _, fields = link.partition("#")[0].partition("?")
    values = [value for name, _, value in (field.partition("=") for field in fields.split("&")) if name.lower() == "to"]
    recipients = _QUOTED_NAME.sub("", ",".join(unquote(one) for one in [path.removeprefix("//"), *values]))
    parts = [part.strip() for part in re.split("[,;]", recipients)]
    return [_without_name(part) for part in parts if part]


def _without_name(recipient: str) -> str:
    named = NAMED_ADDRESS.fullmatch(recipient)
    return named[1] if named and "@" not in recipient[: named.start(1)] else recipient
