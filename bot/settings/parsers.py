"""Declare settings, and parse their values.

A parser raises ValueError with what to write instead. No message quotes a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, field
from typing import Any
from urllib.parse import urlsplit

from bot.settings.secret import Secret
from bot.settings.values import check_text

MAX_DURATION = 24 * 3600
"""Maximum of REQUEST_TTL, REMIND_AFTER and WATCH_FOR, in seconds. Later, the reason of a request may be gone."""

_WHOLE_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_MAX_DIGITS = 20
"""Digits of a number that are read; every longer number is above each maximum."""

_FLAGS = {
    "true": True, "t": True, "yes": True, "y": True, "on": True, "1": True,
    "false": False, "f": False, "no": False, "n": False, "off": False, "0": False,
}  # fmt: skip
_DURATION = re.compile(r"(\d{1,6})(s|m|h)")
_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600}
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,}")
_HTTP_URL = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_DATABASE_URL = re.compile(r"sqlite:///[^:?]+|postgres(ql)?://\S+")


def setting(parse: Callable[[str], Any] = str, *, default: Any = MISSING, shown: bool = True) -> Any:
    """Return a field with the parser of its variable. Without a default it is required."""
    return field(default=default, repr=shown, metadata={"parse": parse})


def secret(check: Callable[[str], str], *, min_length: int = 1) -> Callable[[str], Secret]:
    """Return the parser of a secret, from a check of its text."""

    def parse(text: str) -> Secret:
        if len(text) < min_length:
            raise ValueError(f"write at least {min_length} characters")
        return Secret(check(text))

    return parse


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return the parser of a whole number."""

    def parse(text: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(text):
            raise ValueError("write a whole number")
        number = int(text[:_MAX_DIGITS])
        if number < least:
            raise ValueError(f"write a number of at least {least}")
        if number > most:
            raise ValueError(f"write a number of at most {most}")
        return number

    return parse


def choice(*words: str) -> Callable[[str], str]:
    """Return the parser of one of these words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"write {', '.join(words[:-1])} or {words[-1]}")
        return text.lower()

    return parse


def parse_flag(text: str) -> bool:
    """Parse `true` or `false`, and other usual words for them."""
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        raise ValueError("write true or false") from None


def parse_duration(text: str) -> float:
    """Parse a duration such as `90s`, and return seconds."""
    found = _DURATION.fullmatch(text.lower())
    seconds = int(found[1]) * _SECONDS_PER_UNIT[found[2]] if found else 0
    if not 0 < seconds <= MAX_DURATION:
        raise ValueError("write a duration from 1s to 24h, such as 90s, 15m or 2h")
    return float(seconds)


def parse_duration_or_off(text: str) -> float | None:
    """Parse a duration or `off`."""
    if text.lower() == "off":
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{error}, or off") from None


def parse_channel(text: str) -> str:
    """Parse the id of a channel."""
    if not _CHANNEL_ID.fullmatch(text):
        raise ValueError("write a channel's id (C…), not its name; Slack shows it at the end of the channel's details")
    return text


def parse_http_url(text: str) -> str:
    """Parse the base address of an API, and return it without a slash at its end."""
    if not _HTTP_URL.fullmatch(text) or not _is_splittable(text):
        raise ValueError("write an address that begins with https:// (or http:// for tests)")
    return text.rstrip("/")


def parse_database_url(text: str) -> str:
    """Parse the address of the database."""
    check_text(text)
    if not _DATABASE_URL.fullmatch(text) or not _is_splittable(text):
        raise ValueError(
            "write a path such as sqlite:///purecloud-bot.db, or the postgres:// address that your host gave"
        )
    return text


def _is_splittable(url: str) -> bool:
    """Return whether urlsplit accepts the URL. Its own error message may quote a password."""
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True
