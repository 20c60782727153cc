"""Erase what identifies a person from the audit log and finished requests, and keep what happened.

The chain of the audit log stays valid, because an erased row keeps its hash (`bot.domain.audit_chain`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import ERASED
from bot.domain.denials import DenialCode

CODES = frozenset({
    "action", "attempts", "code", "continues_at", "correlation_id", "dry_run", "expires_at", "kind", "limit", "needed",
    "permission", "possible_at", "state", "status", "ttl", "uncertain", "unchanged", "waits",
})  # fmt: skip
"""The parameters that an erased row keeps. Any other may be text that a person wrote, or say what a person did."""

LASTING = frozenset({EventType.ERASED, EventType.KEY_CHANGED})
"""Rows about the log itself, which name no person."""

_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_KNOWN_REASONS = frozenset(str(code) for code in DenialCode)


def parse_person_id(text: str) -> str:
    """Read a Slack user id or a Genesys Cloud user id. Raises ValueError."""
    found = text.strip()
    if not _ID.fullmatch(found):
        raise ValueError(f"{text!r} is neither a Slack user id nor a Genesys Cloud user id")
    return found


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of one person: their ids, and the pseudonym that replaces each of them.

    One pseudonym for a person lets a verification still count different approvers.
    """

    ids: frozenset[str]
    pseudonym: str

    def names(self, text: str | None) -> bool:
        """Return whether a text contains an id of the person."""
        return any(one in (text or "") for one in self.ids)

    def event(self, event: AuditEvent, *, about: bool = False) -> AuditEvent:
        """Return a row without what identifies the person; `about` says whether its request is about them."""
        if event.tag in LASTING:
            return event
        about = about or self.names(event.actor) or self.names(event.target)
        erased = replace(
            event,
            actor=self.text(event.actor),
            target=event.target and self.text(event.target),
            detail=self.parameters(event.detail) if about else self.value(dict(event.detail)),
        )
        return event if erased == event else replace(erased, salt=ERASED)

    def parameters(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters about the person: codes and numbers stay, any other value is replaced."""
        return {name: self.value(value) if _is_code(name, value) else ERASED for name, value in detail.items()}

    def text(self, text: str) -> str:
        """Return a text with the pseudonym in place of the ids."""
        for one in self.ids:
            text = text.replace(one, self.pseudonym)
        return text

    def value(self, value: Any) -> Any:
        """Return a value of JSON with the pseudonym in place of the ids."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(name): self.value(one) for name, one in value.items()}
        if isinstance(value, Sequence):
            return [self.value(one) for one in value]
        return value


def _is_code(name: str, value: Any) -> bool:
    if name in CODES or value is None:
        return True
    return isinstance(value, str) and (value in ("", ERASED) or (name == "reason" and value in _KNOWN_REASONS))
