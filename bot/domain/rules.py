"""The rules: the settings that grant rights."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.principals import Principal


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that grant rights: who may request, approve and administer, and who is protected."""

    approvers: tuple[Principal, ...]
    requesters: tuple[Principal, ...] = ()
    admins: tuple[Principal, ...] = ()
    protected: tuple[Principal, ...] = ()
    self_approval: bool = True

    @property
    def effective_requesters(self) -> tuple[Principal, ...]:
        """REQUESTERS, or APPROVERS if REQUESTERS is empty."""
        return self.requesters or self.approvers
