"""The entries of histories, and the rules that were in force.

An entry is what an observer outside the bot did or saw, except for the audit log and the stored rules, which the
checker compares with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from bot.domain.rules import Rules


class Kind(StrEnum):
    """What an entry is about."""

    ASK = "ask"
    """`person` has requested the revocation of `text`, a Slack user id; `status` is 1 under break glass.

    `at` is when the bot stored the request.
    """
    STORED = "stored"
    """The request stores the rules `text`, and at its end it needed `status` approvals."""
    COMMAND = "command"
    """`person` typed a command. `status` is the HTTP status; 0 if no response arrived."""
    REPLY = "reply"
    """`person` got a private message that nothing was changed."""
    CLICK = "click"
    """`person` pressed the button `text`. `status` is the HTTP status; 0 if no response arrived."""
    ROLE = "role"
    """`person` got what the principal `text` demands, or lost it; `status` is 1 or 0."""
    RULES = "rules"
    """The replica `person` started with the rules `text`, or has stopped; `status` is 1 or 0."""
    DELETE = "delete"
    """Genesys Cloud received a DELETE; `status` is its response, 0 if the response was lost."""
    DISRUPTION = "disruption"
    """The replica `person` is being killed, or is dead; `status` is 1 or 0. That can explain a repeated DELETE."""
    AUDIT = "audit"
    """The audit log has the event `text`, caused by `person`."""
    CARD = "card"
    """The card shows the outcome `text`: `revoked`, another outcome, or `open` while it has buttons."""
    NOTICE = "notice"
    """The audit channel got a message with the outcome `text`."""
    ANNOUNCEMENT = "announcement"
    """The channel `text` got a message that a person revokes alone under break glass."""


OUTCOMES = {
    "token:revoked": "revoked",
    "token:refused": "refused",
    "token:failed": "failed",
    "token:unknown": "unknown",
    "request:cancelled": "cancelled",
    "request:declined": "declined",
    "request:expired": "expired",
}
"""The audit events that end a request."""

SIGNED, APPROVED, APPROVED_ALONE = "request:signed", "request:approved", "request:break_glass_approved"

DECISIONS = {
    SIGNED, APPROVED, APPROVED_ALONE, "request:cancelled", "request:declined", "click:refused", "click:stale",
}  # fmt: skip
"""The audit events that a click leads to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history. `at` is in epoch seconds; `request` is empty for what concerns all requests."""

    at: float
    kind: Kind
    request: str = ""
    person: str = ""
    status: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The rules of a replica while it runs. People and principals are written as in the settings."""

    approvers: tuple[str, ...]
    protected: tuple[str, ...] = ()
    self_approval: bool = True
    approvals_required: int = 1
    protected_approvals: int = 2
    break_glass: tuple[str, ...] = ()
    begin: float = 0.0
    end: float = float("inf")

    def to_text(self) -> str:
        """Return the rules as the text of an entry."""
        values = {name: value for name, value in asdict(self).items() if name not in ("begin", "end")}
        return json.dumps({
            name: sorted(value) if isinstance(value, tuple) else value for name, value in values.items()
        })  # fmt: skip

    def required(self, target: str) -> int:
        """Return the number of approvals that these rules demand."""
        return self.protected_approvals if target in self.protected else self.approvals_required


def in_force(rules: Rules) -> RulesInForce:
    """Return the part of the bot's rules that the checker knows."""
    approvers, protected, alone = (
        tuple(map(str, principals)) for principals in (rules.approvers, rules.protected, rules.break_glass)
    )
    return RulesInForce(
        approvers, protected, rules.self_approval, rules.approvals_required, rules.protected_approvals, alone
    )


def write_lines(entries: Iterable[Entry]) -> str:
    """Return a history as JSON lines."""
    return "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)


def read_lines(lines: str) -> list[Entry]:
    """Return the entries of JSON lines."""
    found = [json.loads(line) for line in lines.splitlines()]
    return [Entry(**one | {"kind": Kind(one["kind"])}) for one in found]
