"""What a scene of the gallery is, and the requests that its cards are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.people import Person
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import Request, State
from bot.sandbox import personas
from tests.support.sample_outcomes import OUTCOMES, in_state

LINK = "https://acme-sandbox.slack.com/archives/C0APPROVE1/p1782043200000100"
APPROVERS = Principal(PrincipalKind.GROUP, personas.TOKEN_APPROVERS)

PIA = Person(
    "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e10", "Pia Protected", "pia.protected@example.com", "Management", "active"
)
OLIVIA = Person("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e01", "Olivia Ortega", "olivia.ortega@example.com", "Home", "active")
BEN = Person("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e02", "Ben Baker", "ben.baker@example.com", "Home", "active")


@dataclass(frozen=True, slots=True)
class Scene:
    """A card, message or view to take a picture of: `body` is what the bot sends to Slack.

    `errors` are shown in a modal, beside the inputs that they name. `file` is the name of a file that is chosen there.
    """

    name: str
    about: str
    body: Mapping[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    @property
    def kind(self) -> str:
        """Return `modal`, `home` or `message`."""
        return str(self.body.get("type", "message"))


Group = tuple[str, Sequence[Scene]]
"""A heading of the gallery and its scenes."""


def asked(state: State, action: str = "revoke", **changes: Any) -> Request:
    """Return a request in a state, made and decided by people of the sandbox."""
    usual: dict[str, Any] = {
        "requester": personas.OLIVIA if action == "rotate" else personas.RAVI,
        "target_slack_id": None if action == "rotate" else personas.TOM,
        "reason": "" if action == "rotate" else "laptop stolen",
    }
    if action == "break-glass":
        usual["requester"] = personas.SAM
    approver = {"rotate": personas.OLIVIA, "break-glass": personas.SAM}.get(action, personas.BEN)
    if state in OUTCOMES or state is State.APPROVED:
        usual |= {"approvals": (approver,), "decided_by": approver}
    if state in (State.CANCELLED, State.DECLINED):
        usual["decided_by"] = usual["requester"] if state is State.CANCELLED else personas.BEN
    return in_state(state, action, **usual | changes)


def about_pia(state: State = State.PENDING, **changes: Any) -> Request:
    """Return a request about a protected person."""
    usual: dict[str, Any] = {
        "target": PIA,
        "target_slack_id": personas.PIA,
        "approvals_required": 2,
        "target_protected": True,
    }
    return asked(state, **usual | {"reason": "left her desk unlocked"} | changes)
