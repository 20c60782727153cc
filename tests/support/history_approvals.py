"""Check the decisions of a request: who approved, declined or cancelled it, and under which rules.

The checker counts the clicks of people who were entitled, and compares them with the rules in force. It uses none of
the bot's own judgements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.support.history_entries import APPROVED, APPROVED_ALONE, SIGNED, Entry, Kind, RulesInForce

BUTTONS = {
    APPROVED: "approve", APPROVED_ALONE: "approve", "request:declined": "decline", "request:cancelled": "cancel",
}  # fmt: skip
"""The button that leads to a decision."""


class Circumstances:
    """What concerns every request: who held what when, the rules in force, and the disruptions."""

    def __init__(self, shared: Sequence[Entry]) -> None:
        self._disruptions = [entry for entry in shared if entry.kind is Kind.DISRUPTION]
        self._roles = [entry for entry in shared if entry.kind is Kind.ROLE]
        self._rules: list[RulesInForce] = []
        running: dict[str, RulesInForce] = {}
        for entry in (one for one in shared if one.kind is Kind.RULES):
            if entry.status:
                running[entry.person] = replace(read_rules(entry.text), begin=entry.at)
            else:
                self._rules.append(replace(running.pop(entry.person), end=entry.at))
        self._rules += running.values()

    def rules_at(self, at: float) -> list[RulesInForce]:
        """Return the rules of the replicas that ran at a time."""
        return [one for one in self._rules if one.begin <= at <= one.end]

    def is_disrupted(self, begin: float, end: float) -> bool:
        """Return whether a replica was disrupted at some moment between two times."""
        before = {one.person: one.status for one in self._disruptions if one.at <= begin}
        return any(before.values()) or any(begin <= one.at <= end for one in self._disruptions)

    def is_named(self, person: str, principals: Sequence[str], begin: float, end: float) -> bool:
        """Return whether principals named a person at some moment between two times."""
        changes = [one.at for one in self._roles if one.person == person and begin < one.at <= end]
        return person in principals or any(
            self._holds(person, principal, at) for at in (begin, *changes) for principal in principals
        )

    def _holds(self, person: str, principal: str, at: float) -> bool:
        changes = [one.status for one in self._roles if (one.person, one.text) == (person, principal) and one.at <= at]
        return bool(changes) and changes[-1] == 1


def read_rules(text: str) -> RulesInForce:
    """Return the rules of an entry."""
    return RulesInForce(**json.loads(text))


class Decisions:
    """The clicks on a request, and the decisions that the audit log has of them."""

    def __init__(
        self, asked: Entry, stored: Entry | None, clicks: Sequence[Entry], audit: Sequence[Entry], world: Circumstances
    ) -> None:
        self._asked, self._stored, self._clicks, self._audit, self._world = asked, stored, clicks, audit, world

    @property
    def _alone(self) -> bool:
        """Whether the request was made under break glass."""
        return self._asked.status == 1

    def violations(self, deletes: Sequence[Entry]) -> Iterator[str]:
        """Yield a sentence for each broken promise."""
        if self._stored and not self._rules_of_request():
            yield "the request stores rules that were not in force"
        for delete in deletes:
            tag = APPROVED_ALONE if self._alone else APPROVED
            decision = next((one for one in self._audit if one.text == tag and one.at <= delete.at), None)
            if decision is None:
                yield "a DELETE was sent without a decision"
            elif not any(self._is_approved(decision, *both) for both in self._rules(decision)):
                yield f"a DELETE lacked approvals when {decision.person} decided"
        for end in (one for one in self._audit if BUTTONS.get(one.text) in ("decline", "cancel")):
            if not any(self._may_end(end, *both) for both in self._rules(end)):
                yield f"{end.person} was not entitled to {BUTTONS[end.text]}"

    def _rules_of_request(self) -> list[RulesInForce]:
        """Return the rules under which the request was made, or all that were in force if it stores none."""
        in_force = self._world.rules_at(self._asked.at)
        return [one for one in in_force if self._stored is None or one.to_text() == self._stored.text]

    def _rules(self, decision: Entry) -> Iterator[tuple[RulesInForce, RulesInForce]]:
        """Yield the rules under which the request may have been made, with those of the decision."""
        for now in self._world.rules_at(decision.at):
            for before in self._rules_of_request() or [now]:
                yield before, now

    def _is_approved(self, decision: Entry, before: RulesInForce, now: RulesInForce) -> bool:
        """Return whether the rules when the request was made, and those of the decision, both allowed it."""
        pressed = {one.person for one in self._presses(decision)}
        entitled = {one for one in pressed if self._may_approve(one, decision, before, now)}
        if self._alone:
            return decision.person == self._asked.person and decision.person in entitled
        required, protected = self._required(decision, before, now)
        if self._stored and self._stored.status < required:
            return False
        if protected or required > 1 or not (before.self_approval and now.self_approval):
            entitled.discard(self._asked.person)
        return decision.person in entitled and len(entitled) >= required

    def _required(self, decision: Entry, before: RulesInForce, now: RulesInForce) -> tuple[int, bool]:
        """Return the number of approvals and whether the target is protected, by the strictest rules.

        The rules at each earlier approval count too. Of several replicas the one with the fewest approvals counts,
        because the history does not say which of them decided.
        """
        required = max(before.required(self._asked.text), now.required(self._asked.text))
        protected = self._asked.text in before.protected or self._asked.text in now.protected
        for earlier in (one for one in self._audit if one.text == SIGNED and one.at <= decision.at):
            then = self._world.rules_at(earlier.at)
            required = max(required, min((one.required(self._asked.text) for one in then), default=0))
            protected = protected or (bool(then) and all(self._asked.text in one.protected for one in then))
        return required, protected

    def _may_approve(self, person: str, decision: Entry, before: RulesInForce, now: RulesInForce) -> bool:
        principals = [one.break_glass if self._alone else one.approvers for one in (before, now)]
        return person != self._asked.text and self._are_named(person, principals, decision)

    def _are_named(self, person: str, principals: Sequence[Sequence[str]], decision: Entry) -> bool:
        """Return whether each of the principals named a person when a click was decided.

        That is at some moment between the click of the person who decided and the decision, because the bot reads the
        roles one after another in that time.
        """
        begin = min((one.at for one in self._presses(decision) if one.person == decision.person), default=decision.at)
        return all(self._world.is_named(person, one, begin, decision.at) for one in principals)

    def _presses(self, decision: Entry) -> list[Entry]:
        button = BUTTONS[decision.text]
        return [one for one in self._clicks if one.text == button and one.at <= decision.at]

    def _may_end(self, end: Entry, before: RulesInForce, now: RulesInForce) -> bool:
        """Return whether a person pressed a button and may decline as an approver, or cancel as the requester."""
        own = end.person == self._asked.person
        if end.person == self._asked.text or end.person not in {one.person for one in self._presses(end)}:
            return False
        if BUTTONS[end.text] == "cancel":
            return own
        return not own and not self._alone and self._are_named(end.person, [before.approvers, now.approvers], end)
