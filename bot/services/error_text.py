"""English sentences for error codes.

Stored outcomes and unverified permissions hold sentences for now, so this module cannot be in `handlers.messages` yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from bot.errors import TOKEN_REFUSED, BotError

LOGIN_CAUSES = {
    "client_not_found": (
        "The Genesys Cloud login host does not know the OAuth client. The client id is wrong, or the client belongs to"
        " another region."
    ),
    "wrong_secret": "The Genesys Cloud login host knows the OAuth client, but its secret is wrong.",
    "rate_limited": "The Genesys Cloud login host gives no more tokens for now.",
    "unreachable": "The Genesys Cloud login host cannot be reached, so nothing was asked of Genesys Cloud.",
    "no_answer": "The Genesys Cloud login host did not answer, so nothing was asked of Genesys Cloud.",
}

PROBLEMS = {
    "login_timeout": "The Genesys Cloud login host gave no token in time.",
    "unexpected_html": (
        "Something that is not Genesys Cloud answered with a web page; whether anything was done is not known."
    ),
    "unreadable_response": "Genesys Cloud's answer is no {expected} and cannot be read.",
    "maybe_executed": "Genesys Cloud was asked and did not answer; whether it acted is not known.",
    "no_target": "The request names nobody; nothing was sent.",
    "invalid_user_id": "The request does not name a Genesys Cloud user id; nothing was sent.",
}

ERRORS = {
    "genesys_unreachable": "Genesys Cloud cannot be reached; the request did not leave.",
    "genesys_no_response": "Genesys Cloud was asked and did not answer; whether it acted is not known.",
    "genesys_rate_limited": "Genesys Cloud takes no more requests for now.",
    "genesys_unauthenticated": "Genesys Cloud does not accept the bot's token, also after a renewal.",
    "genesys_forbidden": "The bot's role in Genesys Cloud lacks a permission.",
    "genesys_not_found": "Genesys Cloud knows nothing of that id.",
    "genesys_rejected": "Genesys Cloud did not understand the request, or the bot did not understand the answer.",
    "genesys_server_error": "Genesys Cloud answered that it failed.",
    "genesys_login_failed": "The Genesys Cloud login host gave no token, so nothing was asked of Genesys Cloud.",
    "genesys_error": "Genesys Cloud could not do what was asked.",
    "database_unavailable": "The database cannot be reached; nothing was kept.",
    "stale_request": "That request is not open any more; nothing was changed.",
    "denied": "Refused: {reason}.",
    "delivery_failed": "Slack did not take the message ({slack_code}).",
    "internal_error": "Something went wrong.",
}


def error_text(error: BotError) -> str:
    """Return the sentence for an error."""
    return text_of(error.code, error.params)


def text_of(code: str, params: Mapping[str, Any]) -> str:
    """Return the sentence for an error code; the error's own explanation takes precedence over the general text."""
    if code == "slack_unavailable":
        return _slack_unavailable(**params)
    template = PROBLEMS.get(params.get("problem") or "") or LOGIN_CAUSES.get(params.get("cause") or "")
    if template:
        return template.format(**params)
    return params.get("detail") or _status_text(code, params.get("status")) or ERRORS[code].format(**params)


def _slack_unavailable(method: str, slack_code: str) -> str:
    refused = slack_code in TOKEN_REFUSED
    happened = f"does not accept the bot's token for {method}" if refused else f"did not answer {method}"
    return f"Slack {happened} ({slack_code}); nothing was changed."


def _status_text(code: str, status: int | None) -> str | None:
    if status is None:
        return None
    try:
        named = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        named = str(status)
    subject = "The Genesys Cloud login host" if code == "genesys_login_failed" else "Genesys Cloud"
    return f"{subject} answered {named}."
