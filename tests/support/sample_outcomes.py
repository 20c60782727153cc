"""Requests in every state, with the outcome that a service stores: samples for tests of texts."""

from __future__ import annotations

from itertools import product
from typing import Any

from bot.domain import actions
from bot.domain.requests import FINAL, Request, State
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, request, rotation

OUTCOMES: dict[State, dict[str, Any]] = {
    State.REVOKED: {"code": "executed", "attempts": 1, "uncertain": False, "status": 200, "correlation_id": "c0ffee-1"},
    State.REFUSED: {
        "code": "genesys_forbidden",
        "attempts": 1,
        "status": 403,
        "detail": "You lack a permission.",
        "correlation_id": "c0ffee-2",
        "permissions": ["oauth:token:delete"],
    },
    State.FAILED: {"code": "genesys_unreachable", "attempts": 2},
    State.UNKNOWN: {"code": "genesys_no_response", "attempts": 2, "uncertain": True},
}
"""The stored outcome of a request in each final state that has one."""

ACTIONS = tuple(name for name in actions.ACTIONS if name != actions.REVOKE_MANY.name)
"""The names of the actions about one person or none. `test_bulk.py` has the cards of the other one."""

HOSTILE = [
    "",
    " ",
    "<!channel> <!here> <!subteam^S0AGENTS01>",
    "<@U0BEN00001> <https://evil.example|Approve here>",
    "&lt;!channel&gt;",
    "*Approved* `by` _everyone_",
    "x" * 5000,
    "<" * 5000,
    "🚨" * 2000,
    "two\n\nlines\u202eand back",
    "{target} {0} {",
]
"""Names that a person, or Genesys Cloud, may send."""


def in_state(state: State, action: str = "revoke", **changes: Any) -> Request:
    """Return a request of an action, which reached a state in the usual way."""
    has_target = actions.ACTIONS[action].has_target
    make = request if has_target else rotation
    fields: dict[str, Any] = {"action": action, "state": state, "outcome": OUTCOMES.get(state, {})}
    if state in FINAL:
        fields["finished_at"] = NOON + 70
    if state is State.CANCELLED:
        fields["decided_by"] = RAVI
    if state is State.DECLINED:
        fields |= {"decided_by": BEN if has_target else OLIVIA, "outcome": {"reason": "he is on a call"}}
    if state in OUTCOMES or state is State.APPROVED:
        approver = BEN if has_target else OLIVIA
        fields |= {"approved_at": NOON + 60, "decided_by": approver, "approvals": (approver,)}
    return make(**fields | changes)


def variants(state: State, action: str) -> list[Request]:
    """Return requests in a state: protected or not, for one's own account or not, with a reason."""
    found = []
    for required, own, reason in product((1, 2), (False, True), ("", "laptop stolen")):
        asked = in_state(state, action, approvals_required=required, reason=reason)
        changes = {"target_slack_id": asked.requester} if own and asked.target else {}
        found.append(in_state(state, action, approvals_required=required, reason=reason, **changes))
    return found
