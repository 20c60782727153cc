"""Say what could not be read, and why, in words and mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.messages import Catalog
from handlers.ui import rich_text
from handlers.ui.blocks import foreign_value
from handlers.ui.rich_text import Element, words
from handlers.ui.sentences import sentence

MAX_SHOWN = 5
"""Failed checks that a text names."""

_FAMILIES = ("http", "proxy")
"""Codes that continue with an HTTP status."""

_MENTIONS = {"user_group": rich_text.usergroup, "slack_user": rich_text.user}


def failed_checks(catalog: Catalog, checks: Sequence[Mapping[str, Any]]) -> list[Element]:
    """Return what could not be read, and why.

    `checks` are as in `FailedCheck.params`; another version of the bot may have stored them.
    """
    shown: list[Element] = []
    for check in checks[:MAX_SHOWN]:
        shown += [words("; "), *_failed_check(catalog, check)]
    more = len(checks) - MAX_SHOWN
    if more > 0:
        shown += [words("; "), words(catalog.text("unread.more", count=more))]
    return shown[1:]


def _failed_check(catalog: Catalog, check: Mapping[str, Any]) -> list[Element]:
    subject, cause = str(check.get("subject")), str(check.get("cause"))
    mention = _MENTIONS.get(subject)
    code = f"unread.{subject}" if f"unread.{subject}" in catalog else "unread.other"
    what = sentence(catalog, code, mention=mention(str(check.get("id"))) if mention else [])
    because = why(catalog, cause, "genesys_error" if subject.startswith("genesys") else "slack_error")
    correlation_id = check.get("correlation_id")
    if not correlation_id:
        return sentence(catalog, "unread", what=what, why=because)
    shown = foreign_value(correlation_id)
    return sentence(catalog, "unread.correlation_id", what=what, why=because, correlation_id=shown)


def why(catalog: Catalog, code: str, otherwise: str = "slack_error") -> str:
    """Return why something failed, as a part of a sentence.

    `otherwise` is the code of the words for a code that the catalog does not know.
    """
    family = code.partition("_")[0]
    for known in (code, family if family in _FAMILIES else "", otherwise):
        if known and f"why.{known}" in catalog:
            return catalog.text(f"why.{known}")
    return catalog.text("why.slack_error")
