"""The promises that the history of each request must keep."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tests.support.history_approvals import Circumstances, Decisions
from tests.support.history_entries import APPROVED_ALONE, DECISIONS, OUTCOMES, Entry, Kind

RATE_LIMITED = 429
"""The status of a DELETE that was certainly not executed. The bot repeats it for ten minutes."""

BREAK_GLASS_INTERVAL = 600.0
"""Seconds in which a person may confirm one request under break glass."""

MAX_DELETES = 12
"""Most DELETEs for a request that may have been executed: four attempts, for each of which the client sends three."""


def violations(history: Iterable[Entry]) -> list[str]:
    """Return the broken promises, each with its request; every request is checked on its own."""
    requests: dict[str, list[Entry]] = defaultdict(list)
    shared = []
    for entry in sorted(history, key=lambda one: one.at):
        if entry.request:
            requests[entry.request].append(entry)
        else:
            shared.append(entry)
    checked = {name: _Request(own, Circumstances(shared)) for name, own in requests.items()}
    found = [f"{name}: {one}" for name, request in checked.items() for one in request.violations()]
    return found + list(_too_soon(checked.values()))


def _too_soon(requests: Iterable[_Request]) -> Iterator[str]:
    """Yield who broke glass too soon after another time that changed something, or may have."""
    confirmed: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for request in requests:
        confirmed_at = next((one.at for one in request.audit if one.text == APPROVED_ALONE), None)
        if confirmed_at is not None and request.asked:
            confirmed[request.asked.person].append((confirmed_at, request.ended_without_effect))
    for person, times in confirmed.items():
        for (first, ended), (second, _) in pairwise(sorted(times)):
            if second < min(first + BREAK_GLASS_INTERVAL, ended):
                yield f"{person} broke glass twice in {second - first:.0f} s"


class _Request:
    """The history of one request, and what concerns every request."""

    def __init__(self, own: list[Entry], world: Circumstances) -> None:
        by_kind: dict[Kind, list[Entry]] = defaultdict(list)
        for entry in own:
            by_kind[entry.kind].append(entry)
        self.asked = next(iter(by_kind[Kind.ASK]), None)
        self.commands, self.replies = by_kind[Kind.COMMAND], by_kind[Kind.REPLY]
        self.clicks, self.deletes = by_kind[Kind.CLICK], by_kind[Kind.DELETE]
        self.audit, self.cards, self.notices = by_kind[Kind.AUDIT], by_kind[Kind.CARD], by_kind[Kind.NOTICE]
        self.announcements, self.stored = by_kind[Kind.ANNOUNCEMENT], next(iter(by_kind[Kind.STORED]), None)
        self.outcomes = [OUTCOMES[entry.text] for entry in self.audit if entry.text in OUTCOMES]
        self.world = world

    @property
    def ended_without_effect(self) -> float:
        """When the request ended although Genesys Cloud executed nothing, infinity if it did not end so."""
        ends = [one.at for one in self.audit if OUTCOMES.get(one.text) in ("refused", "failed")]
        return min(ends, default=float("inf"))

    def violations(self) -> Iterator[str]:
        """Yield a sentence for each broken promise."""
        if self.asked is None and any(one.status == 200 for one in self.commands) and not self.replies:
            yield "an acknowledged command led to no request and no reply"
        if self.asked or self.deletes:
            yield from self._violations(self.asked or Entry(0, Kind.ASK))

    def _violations(self, asked: Entry) -> Iterator[str]:
        yield from Decisions(asked, self.stored, self.clicks, self.audit, self.world).violations(self.deletes)
        yield from self._announced(asked)
        yield from self._repeats()
        yield from self._lost_clicks()
        if len(self.outcomes) != 1:
            yield f"the request has {len(self.outcomes)} outcomes"
            return
        yield from self._untrue_outcomes(self.outcomes[0])
        yield from self._unreported(self.outcomes[0])

    def _announced(self, asked: Entry) -> Iterator[str]:
        """Check that a DELETE under break glass is announced."""
        if asked.status and self.deletes and not self.announcements:
            yield "a DELETE under break glass was not announced"

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
