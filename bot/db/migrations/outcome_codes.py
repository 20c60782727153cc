"""Revision 0002: store codes instead of sentences in the outcome of a request.

The audit log keeps its rows unchanged, because each row's hash covers the row before it.
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.db.transaction import Transaction

CODES = {
    "GenesysUnreachable": "genesys_unreachable",
    "GenesysNoAnswer": "genesys_no_response",
    "GenesysRateLimited": "genesys_rate_limited",
    "GenesysUnauthenticated": "genesys_unauthenticated",
    "GenesysForbidden": "genesys_forbidden",
    "GenesysNotFound": "genesys_not_found",
    "GenesysRejected": "genesys_rejected",
    "GenesysBroken": "genesys_server_error",
    "GenesysLoginFailed": "genesys_login_failed",
}
"""The code of each error class of version 0001."""

REASONS_NOT_SENT = {
    "more than 10 minutes have passed since the approval": "too_late",
    "it was tried 4 times": "too_many_attempts",
    "the process that held the token has ended": "process_ended",
    "The request names nobody; nothing was sent.": "no_target",  # prose: allow
}

OWN_SENTENCES = (
    "Genesys Cloud cannot be reached; the request did not leave.",
    "Genesys Cloud was asked and did not answer; whether it acted is not known.",
    "Genesys Cloud takes no more requests for now.",
    "Genesys Cloud does not accept the bot's token, also after a renewal.",
    "The bot's role in Genesys Cloud lacks a permission.",
    "Genesys Cloud knows nothing of that id.",
    "Genesys Cloud did not understand the request, or the bot did not understand the answer.",
    "Genesys Cloud answered that it failed.",
    "The Genesys Cloud login host gave no token, so nothing was asked of Genesys Cloud.",
)
"""Messages that version 0001 stored where Genesys Cloud sent no sentence; the code says the same."""


def upgrade(tx: Transaction) -> None:
    """Convert the stored outcomes and the renamed event of the items."""
    for row in tx.fetch("SELECT id, outcome FROM requests WHERE outcome <> '{}'"):
        outcome = json.dumps(converted(json.loads(row.outcome)))
        tx.execute("UPDATE requests SET outcome = :outcome WHERE id = :id", id=row.id, outcome=outcome)
    tx.execute("UPDATE items SET event = 'lose_track' WHERE event = 'lose'")


def converted(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return an outcome of version 0001 with codes instead of a class name and a message."""
    kept = {name: value for name, value in outcome.items() if name not in {"error", "code", "message"}}
    if outcome.get("cause") == "no_answer":
        kept["cause"] = "no_response"
    message = outcome.get("message")
    if message in REASONS_NOT_SENT:
        return kept | {"code": REASONS_NOT_SENT[message]}
    if "error" not in outcome:
        return kept | {"code": "executed"} if outcome else {}
    facts = {"error_code": outcome.get("code"), "detail": None if message in OWN_SENTENCES else message}
    return kept | {"code": CODES.get(outcome["error"], "genesys_error")} | facts
