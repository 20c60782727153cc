"""Find values of settings that can never work, such as a token with quotes around it.

No message repeats a value.
"""

from __future__ import annotations

import re

BOT_TOKEN_PREFIXES = ("xoxb-", "xoxe.xoxb-")
"""Beginnings of bot tokens; the second is a token that Slack rotates (docs.slack.dev, Using token rotation)."""

APP_TOKEN_PREFIX = "xapp-"  # noqa: S105 - the beginning of every such token

_TOKEN_KINDS = {
    APP_TOKEN_PREFIX: "an app-level token",
    **dict.fromkeys(BOT_TOKEN_PREFIXES, "a bot token"),
    "xoxp-": "a user token",
    "xoxe.xoxp-": "a user token",
    "xoxe-": "a refresh token",
    "xoxa-": "a legacy workspace token",
    "xoxs-": "a token of a browser session",
    "xoxc-": "a token of a browser session",
    "xoxd-": "a cookie of a browser session",
}
"""The tokens of Slack by their beginnings."""

MAX_CONTACT_LENGTH = 80
"""Characters of CONTACT, because it is a part of sentences."""

_PREFIX = "|".join(map(re.escape, (*BOT_TOKEN_PREFIXES, APP_TOKEN_PREFIX)))
_TOKEN = re.compile(rf"(?:{_PREFIX})[A-Za-z0-9][A-Za-z0-9._~+/=-]*")
"""A whole token: what follows the prefix is opaque, in the characters of a bearer token (RFC 6750)."""

_QUOTES = "\"'`\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e"


def check_text(text: str) -> str:
    """Return a value that has no quotes around it and no invisible characters. Raises ValueError."""
    if text[:1] in _QUOTES or text[-1:] in _QUOTES:
        raise ValueError("it begins or ends with a quotation mark; write the value without quotes")
    if len(text.splitlines()) > 1:
        raise ValueError("it has a line break inside; write the value on one line")
    if not text.isprintable():
        raise ValueError("it has an invisible character inside; type the value or copy it again")
    return text


def check_credential(text: str) -> str:
    """Return a value in which every character is one that Slack and Genesys Cloud use. Raises ValueError."""
    check_text(text)
    if not text.isascii():
        raise ValueError("it has a character outside ASCII; copy the value again")
    if " " in text:
        raise ValueError("it has a space inside; copy the value again")
    return text


def check_bot_token(text: str) -> str:
    """Return a bot token. Raises ValueError."""
    check_credential(text)
    if not text.startswith(BOT_TOKEN_PREFIXES):
        raise ValueError(f"{_named(text)}; write the Bot User OAuth Token, which begins with xoxb-")
    return _check_whole(text)


def check_app_token(text: str) -> str:
    """Return an app-level token. Raises ValueError."""
    check_credential(text)
    if not text.startswith(APP_TOKEN_PREFIX):
        raise ValueError(f"{_named(text)}; write the app-level token (xapp-…), made with the scope connections:write")
    return _check_whole(text)


def check_signing_secret(text: str) -> str:
    """Return a signing secret. Raises ValueError.

    Its form is not checked, because Slack does not document it; `check` warns about an unusual one.
    """
    check_text(text)
    if text.startswith(("xox", APP_TOKEN_PREFIX)):
        raise ValueError(f"{_named(text)}; write the signing secret under Basic Information at api.slack.com/apps")
    return text


def check_contact(text: str) -> str:
    """Return whom to ask: a Slack user or channel id, or a short text. Raises ValueError."""
    check_text(text)
    if len(text) > MAX_CONTACT_LENGTH or set(text) & set("<>{}*`_~"):
        raise ValueError(
            f"write a Slack user id (U…), a channel id (C…) or a short text, at most {MAX_CONTACT_LENGTH} characters "
            "without markup"
        )
    return text


def _check_whole(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise ValueError("it is not a whole token, or has characters that no token has; copy the value again")
    return token


def _named(token: str) -> str:
    """Return what a Slack token is, by its prefix."""
    kinds = (kind for prefix, kind in _TOKEN_KINDS.items() if token.startswith(prefix))
    return f"it is {next(kinds, 'no such token')}"
