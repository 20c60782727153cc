"""Histories of runs, and the promises that the history of each request must keep.

An entry is what an observer outside the bot did or saw, except for the audit log, which the checker compares with it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import pairwise


class Kind(StrEnum):
    """What an entry is about."""

    ASK = "ask"
    """`person` has requested the revocation of `text`, a Slack user id. `at` is when the bot stored the request."""
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

DECISIONS = {
    "request:signed", "request:approved", "request:cancelled", "request:declined", "click:refused", "click:stale",
}  # fmt: skip
"""The audit events that a click leads to."""

RATE_LIMITED = 429
"""The status of a DELETE that was certainly not executed. The bot repeats it for ten minutes."""

MAX_DELETES = 12
"""Most DELETEs for a request that may have been executed: four attempts, for each of which the client sends three."""


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
    """The rules of a replica while it runs: approvers, protected Slack users, self-approval."""

    approvers: tuple[str, ...]
    protected: tuple[str, ...] = ()
    self_approval: bool = True
    begin: float = 0.0
    end: float = float("inf")

    def to_text(self) -> str:
        """Return the rules as the text of an entry."""
        return json.dumps({
            "approvers": self.approvers, "protected": self.protected, "self_approval": self.self_approval,
        })  # fmt: skip

    def required(self, target: str) -> int:
        """Return the number of approvals that these rules demand."""
        return 2 if target in self.protected else 1


def write_lines(entries: Iterable[Entry]) -> str:
    """Return a history as JSON lines."""
    return "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)


def read_lines(lines: str) -> list[Entry]:
    """Return the entries of JSON lines."""
    found = [json.loads(line) for line in lines.splitlines()]
    return [Entry(**one | {"kind": Kind(one["kind"])}) for one in found]


def violations(history: Iterable[Entry]) -> list[str]:
    """Return the broken promises, each with its request; every request is checked on its own."""
    requests: dict[str, list[Entry]] = defaultdict(list)
    shared = []
    for entry in sorted(history, key=lambda one: one.at):
        if entry.request:
            requests[entry.request].append(entry)
        else:
            shared.append(entry)
    world = _World(shared)
    return [f"{name}: {one}" for name, own in requests.items() for one in _Request(own, world).violations()]


class _World:
    """What concerns every request: who held what when, the rules in force, and the disruptions."""

    def __init__(self, shared: Sequence[Entry]) -> None:
        self._disruptions = [entry for entry in shared if entry.kind is Kind.DISRUPTION]
        self._roles = [entry for entry in shared if entry.kind is Kind.ROLE]
        self._rules: list[RulesInForce] = []
        running: dict[str, RulesInForce] = {}
        for entry in (one for one in shared if one.kind is Kind.RULES):
            if entry.status:
                running[entry.person] = RulesInForce(**json.loads(entry.text), begin=entry.at)
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

    def may_approve(self, person: str, rules: RulesInForce, begin: float, end: float) -> bool:
        """Return whether the rules named a person at some moment between two times."""
        changes = [one.at for one in self._roles if one.person == person and begin < one.at <= end]
        return person in rules.approvers or any(
            self._holds(person, principal, at) for at in (begin, *changes) for principal in rules.approvers
        )

    def _holds(self, person: str, principal: str, at: float) -> bool:
        changes = [one.status for one in self._roles if (one.person, one.text) == (person, principal) and one.at <= at]
        return bool(changes) and changes[-1] == 1


class _Request:
    """The history of one request, and what concerns every request."""

    def __init__(self, own: list[Entry], world: _World) -> None:
        by_kind: dict[Kind, list[Entry]] = defaultdict(list)
        for entry in own:
            by_kind[entry.kind].append(entry)
        self.asked = next(iter(by_kind[Kind.ASK]), None)
        self.commands, self.replies = by_kind[Kind.COMMAND], by_kind[Kind.REPLY]
        self.clicks, self.deletes = by_kind[Kind.CLICK], by_kind[Kind.DELETE]
        self.audit, self.cards, self.notices = by_kind[Kind.AUDIT], by_kind[Kind.CARD], by_kind[Kind.NOTICE]
        self.outcomes = [OUTCOMES[entry.text] for entry in self.audit if entry.text in OUTCOMES]
        self.world = world

    def violations(self) -> Iterator[str]:
        """Yield a sentence for each broken promise."""
        if self.asked is None and any(one.status == 200 for one in self.commands) and not self.replies:
            yield "an acknowledged command led to no request and no reply"
        if self.asked or self.deletes:
            yield from self._violations(self.asked or Entry(0, Kind.ASK))

    def _violations(self, asked: Entry) -> Iterator[str]:
        yield from self._approvals(asked)
        yield from self._repeats()
        yield from self._lost_clicks()
        if len(self.outcomes) != 1:
            yield f"the request has {len(self.outcomes)} outcomes"
            return
        yield from self._untrue_outcomes(self.outcomes[0])
        yield from self._unreported(self.outcomes[0])

    def _approvals(self, asked: Entry) -> Iterator[str]:
        """Check the decision before each DELETE."""
        for delete in self.deletes:
            decisions = [one for one in self.audit if one.text == "request:approved"]
            decision = next((one for one in decisions if one.at <= delete.at), None)
            if decision is None:
                yield "a DELETE was sent without a decision"
            elif not any(self._is_approved(asked, decision, *both) for both in self._rules(asked, decision)):
                yield f"a DELETE lacked approvals when {decision.person} decided"

    def _rules(self, asked: Entry, decision: Entry) -> Iterator[tuple[RulesInForce, RulesInForce]]:
        """Yield the rules under which the request may have been made, with those of the decision."""
        for now in self.world.rules_at(decision.at):
            for before in self.world.rules_at(asked.at) or [now]:
                yield before, now

    def _is_approved(self, asked: Entry, decision: Entry, before: RulesInForce, now: RulesInForce) -> bool:
        """Return whether the rules when the request was made, and those of the decision, both allowed it.

        Every approver must have been named by the rules at some moment between the click of the person who decided and
        the decision, because the bot reads the roles one after another in that time.
        """
        pressed = [one for one in self.clicks if one.text == "approve" and one.at <= decision.at]
        begin = min((one.at for one in pressed if one.person == decision.person), default=decision.at)
        required = max(before.required(asked.text), now.required(asked.text))
        alone = before.self_approval and now.self_approval and required == 1
        approvers = {
            one.person
            for one in pressed
            if one.person != asked.text
            and (one.person != asked.person or alone)
            and all(self.world.may_approve(one.person, rules, begin, decision.at) for rules in (before, now))
        }
        return decision.person in approvers and len(approvers) >= required

    def _repeats(self) -> Iterator[str]:
        """Check that an attempt failed, or a replica was killed, before each further DELETE."""
        for first, second in pairwise(self.deletes):
            failed = first.status in (0, RATE_LIMITED) or first.status >= 500
            if not failed and not self.world.is_disrupted(first.at, second.at):
                yield "a second DELETE has no explanation"
        executable = [one for one in self.deletes if one.status != RATE_LIMITED]
        if len(executable) > MAX_DELETES:
            yield f"{len(executable)} DELETEs were sent"

    def _lost_clicks(self) -> Iterator[str]:
        """Check that each acknowledged click was decided, and none twice."""
        sent = Counter(one.person for one in self.clicks)
        acknowledged = Counter(one.person for one in self.clicks if one.status == 200)
        decided = Counter(one.person for one in self.audit if one.text in DECISIONS and one.person != "bot")
        for person in sorted(sent | decided):
            if not acknowledged[person] <= decided[person] <= sent[person]:
                counts = f"{sent[person]} clicks, {acknowledged[person]} acknowledged, {decided[person]} decided"
                yield f"a click of {person} was lost or decided twice: {counts}"

    def _untrue_outcomes(self, outcome: str) -> Iterator[str]:
        """Compare the outcome with what Genesys Cloud received."""
        succeeded = any(200 <= one.status < 300 for one in self.deletes)
        if outcome == "revoked" and not succeeded:
            yield "the outcome is revoked without a DELETE answered 2xx"
        if succeeded and outcome not in ("revoked", "unknown"):
            yield f"a DELETE was answered 2xx, but the outcome is {outcome}"
        if self.deletes and outcome in ("cancelled", "declined", "expired"):
            yield f"a DELETE was sent, but the outcome is {outcome}"

    def _unreported(self, outcome: str) -> Iterator[str]:
        """Check that the card and the audit channel show the outcome, and no other."""
        last = self.cards[-1].text if self.cards else "nothing"
        if last != outcome:
            yield f"the card shows {last}, but the outcome is {outcome}"
        if {one.text for one in self.notices} != {outcome}:
            yield f"the audit channel does not show the outcome {outcome}"
        if any(card.text == "revoked" and not self._succeeded(card.at) for card in self.cards):
            yield "a card said revoked before a DELETE was answered 2xx"

    def _succeeded(self, until: float) -> bool:
        return any(200 <= delete.status < 300 and delete.at <= until for delete in self.deletes)
