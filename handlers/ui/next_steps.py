"""Say what to do after a request that did not succeed."""

from __future__ import annotations

from bot.domain.requests import Request, State
from bot.visible_text import visible_text
from handlers.messages import Catalog
from handlers.ui import rich_text
from handlers.ui.rich_text import Element, words
from handlers.ui.sentences import Value, sentence, sentences

LOG_OUT_BY_HAND = "https://help.mypurecloud.com/articles/log-an-agent-out-of-genesys-cloud/"
"""Genesys Cloud's instructions for logging a person out without the bot."""

_STATES_WITH_STEPS = frozenset({State.REFUSED, State.FAILED, State.UNKNOWN, State.EXPIRED})


def next_steps(catalog: Catalog, request: Request) -> Element | None:
    """Return what to do next, because a finished card has no button; None if there is nothing to do."""
    if request.state not in _STATES_WITH_STEPS:
        return None
    lines = sentences(catalog, _code(catalog, request), **_values(catalog, request))
    paragraphs = [rich_text.paragraph(*line) for line in lines]
    return paragraphs[0] if len(paragraphs) == 1 else rich_text.numbered(*paragraphs)


def command(request: Request) -> str:
    """Return the line that requests the same again, with the reason."""
    target = _named(request)
    reason = visible_text(request.reason)
    if "@" in reason:  # the bot would read a second person
        reason = ""
    return " ".join(filter(None, ("/purecloud", request.action, target, reason)))


def _named(request: Request) -> str:
    """Return the target as a person can check it: the email address, or the id."""
    target = request.target
    if target is None:
        return ""
    email = target.email or ""
    is_plain = email.isascii() and email.isprintable() and email.count("@") == 1 and not set(email) & set(" <>&`\"'()")
    return email if is_plain else target.id


def _code(catalog: Catalog, request: Request) -> str:
    """Return the most specific code: of the action before all actions, of the outcome before the state."""
    suffixes = (f".{request.state}.{request.outcome.get('code')}", f".{request.state}", "")
    codes = [catalog.code_of_action(request.action, f"steps{suffix}") for suffix in suffixes]
    return next(code for code in codes if code in catalog)


def _values(catalog: Catalog, request: Request) -> dict[str, Value]:
    division = visible_text(request.target.division or "") if request.target else ""
    return {
        "command": words(command(request), code=True),
        "by_hand": rich_text.link(LOG_OUT_BY_HAND, catalog.text("revoke.by_hand")),
        "in_division": sentence(catalog, "request.in_division", division=division) if division else [],
    }
