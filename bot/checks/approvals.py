"""Check that enough people can approve what the settings let people request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.bootstrap.options import rules_of
from bot.checks.result import CheckResult, failed, ok, undetermined
from bot.domain.bulk import SMALL_BULK
from bot.domain.people import Member, same_person
from bot.domain.principals import Principal
from bot.domain.rules import Rules
from bot.settings import Settings

Members = Mapping[Principal, Sequence[Member]]
"""The full, active, human members whom each principal names; one that could not be read has no entry."""

MAX_NAMES = 5
"""People whom a message names."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """The approvals that a kind of request needs, and who may give them.

    `requesters` and `targets` are None if not everyone is known; `targets` are the people whom it can be about. Too few
    approvers of an `optional` kind are a warning.
    """

    check: str
    request: str
    needed: int
    setting: str
    approvers: Sequence[Member]
    requesters: Sequence[Member] | None
    targets: Sequence[Member] | None
    requester_counts: bool
    optional: bool = False

    def result(self) -> CheckResult:
        """Return whether everyone's request can be approved."""
        hint = f"Name more full, active members of this workspace in {self.setting}."
        count = f"{self.needed} approver{'' if self.needed == 1 else 's'}"
        names = _names(self.approvers)
        too_few = undetermined if self.optional else failed
        if len(self.approvers) < self.needed:
            return too_few(self.check, f"{self.request} needs {count}, and {names} can approve", hint)
        left = len(self.approvers) - self._lost_requesters()
        if left < self.needed and self.requesters is not None and all(map(self._approves, self.requesters)):
            message = f"{self.request} needs {count} besides the requester, and only {names} can request and approve"
            return too_few(self.check, message, hint)
        if left - self._lost_targets() < self.needed:
            message = (
                f"{names} can approve {self.request}, which needs {count}; too few remain for one by or about them"
            )
            return undetermined(self.check, message, hint)
        people = "1 person" if len(self.approvers) == 1 else f"{len(self.approvers)} people"
        return ok(self.check, f"{people} can approve {self.request}")

    def _lost_requesters(self) -> int:
        """Return how many approvers a requester takes away."""
        if self.requester_counts:
            return 0
        return int(self.requesters is None or any(map(self._approves, self.requesters)))

    def _lost_targets(self) -> int:
        """Return how many approvers a target takes away."""
        return int(self.targets is None or any(map(self._approves, self.targets)))

    def _approves(self, member: Member) -> bool:
        return any(same_person(member, one) for one in self.approvers)


def check_approvals(settings: Settings, members: Members) -> list[CheckResult]:
    """Return a result for each kind of request whose approvers are all known."""
    rules = rules_of(settings)
    approvers, admins = _people(rules.approvers, members), _people(rules.admins, members)
    requesters = _people(rules.effective_requesters, members)
    kinds: list[Approvals] = []
    if approvers is not None:
        needed = rules.required(protected=False)
        kinds.append(
            Approvals(
                "approvals", "a request", needed, "APPROVERS", approvers, requesters, approvers,
                requester_counts=rules.requester_counts(needed, protected=False),
            )
        )  # fmt: skip
        if rules.protected:
            protected, needed = _people(rules.protected, members) or (), rules.required(protected=True)
            kinds.append(
                Approvals(
                    "approvals PROTECTED", "a request about a protected person", needed, "APPROVERS", approvers,
                    requesters, protected, requester_counts=rules.requester_counts(needed, protected=True),
                )
            )  # fmt: skip
    if admins:
        alone = rules.requester_counts(1, protected=False)
        kinds.append(Approvals("approvals ADMINS", "a rotation", 1, "ADMINS", admins, admins, (), alone))
        kinds += _bulk_kinds(rules, admins)
    return [kind.result() for kind in kinds]


def _bulk_kinds(rules: Rules, admins: Sequence[Member]) -> list[Approvals]:
    """Return the kinds of bulk requests of many people; with protected ones only if that differs."""
    many = f"a revocation of more than {SMALL_BULK} people"
    usual = _bulk_kind(rules, admins, "approvals BULK", many, protected=False)
    kind = _bulk_kind(rules, admins, "approvals BULK PROTECTED", f"{many} with a protected one", protected=True)
    differs = (kind.needed, kind.requester_counts) != (usual.needed, usual.requester_counts)
    return [usual, kind] if rules.protected and differs else [usual]


def _bulk_kind(rules: Rules, admins: Sequence[Member], check: str, request: str, *, protected: bool) -> Approvals:
    needed = bulk_approvals(rules, protected=protected)
    alone = rules.requester_counts(needed, protected=protected)
    return Approvals(check, request, needed, "ADMINS", admins, admins, (), requester_counts=alone, optional=True)


def bulk_approvals(rules: Rules, *, protected: bool = False) -> int:
    """Return how many approvals a bulk request of many people needs, `protected` ones or not."""
    return rules.required_for_bulk(SMALL_BULK + 1, protected=protected)


def _people(principals: Sequence[Principal], members: Members) -> list[Member] | None:
    """Return the people whom principals name, each once; None if some are not known."""
    if any(one not in members for one in principals):
        return None
    people: list[Member] = []
    for member in (member for one in principals for member in members[one]):
        if not any(same_person(member, known) for known in people):
            people.append(member)
    return people


def _names(people: Sequence[Member]) -> str:
    named = ", ".join(one.name for one in people[:MAX_NAMES])
    return named or "no one"
