"""Requests in every state, with what Genesys Cloud has answered: what the words are tried on."""

from __future__ import annotations

from itertools import product
from typing import Any

from bot.domain.requests import FINAL, Kind, Request, State
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, request, rotation

OUTCOMES: dict[State, dict[str, Any]] = {
    State.REVOKED: {"attempts": 1, "uncertain": False, "status": 200, "correlation_id": "c0ffee-1"},
    State.REFUSED: {
        "attempts": 1,
        "error": "GenesysForbidden",
        "status": 403,
        "message": "You lack a permission.",
        "correlation_id": "c0ffee-2",
        "permissions": ["oauth:token:delete"],
    },
    State.FAILED: {"attempts": 2, "error": "GenesysUnreachable", "message": "No connection."},
    State.UNKNOWN: {"attempts": 2, "error": "GenesysNoResponse", "uncertain": True, "message": "No answer."},
}
"""What is written down of how a request ended."""

HOSTILE = [
    "",
    " ",
    "<!channel> <!here> <!subteam^S0AGENTS01>",
    "<@U0BEN00001> <https://evil.example|Approve here>",
    "&lt;!channel&gt;",
    "*Approved* `by` _everybody_",
    "x" * 5000,
    "<" * 5000,
    "🚨" * 2000,
    "two\n\nlines\u202eand back",
]
"""What a person, or Genesys Cloud, may be called."""


def in_state(state: State, kind: Kind = Kind.REVOKE, **changes: Any) -> Request:
    """A request that got to a state in the usual way."""
    make = rotation if kind is Kind.ROTATE else request
    said: dict[str, Any] = {"state": state, "outcome": OUTCOMES.get(state, {})}
    if state in FINAL:
        said["finished_at"] = NOON + 70
    if state is State.CANCELLED:
        said["decided_by"] = RAVI
    if state in OUTCOMES or state is State.APPROVED:
        approver = OLIVIA if kind is Kind.ROTATE else BEN
        said |= {"approved_at": NOON + 60, "decided_by": approver, "approvals": (approver,)}
    return make(**said | changes)


def every(state: State, kind: Kind) -> list[Request]:
    """A request in a state with and without protection, on one's own account or not, with and without a reason."""
    found = []
    for needed, own, reason in product((1, 2), (False, True), ("", "laptop stolen")):
        asked = in_state(state, kind, approvals_required=needed, reason=reason)
        changes = {"target_slack_id": asked.requester} if own and kind is Kind.REVOKE else {}
        found.append(in_state(state, kind, approvals_required=needed, reason=reason, **changes))
    return found
