"""Histories of runs, and the promises that the history of each request must keep."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an observer outside the bot saw."""

    CLICK = "click"
    """`person` pressed Approve. `status` is the HTTP status; 0 if no response arrived."""
    ROLE = "role"
    """`person` got the role of an approver, or lost it; `status` is 1 or 0. It holds for every request."""
    REQUIRED = "required"
    """The request needs `status` approvals."""
    DELETE = "delete"
    """Genesys Cloud received a DELETE; `status` is its response, 0 if the response was lost."""
    DISRUPTION = "disruption"
    """A replica was killed or cut off. It can explain a repeated DELETE of any request."""
    CARD = "card"
    """The card shows the outcome `text`: `revoked`, another outcome, or `open` while it has buttons."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history. `at` is in epoch seconds; `request` is empty for what concerns all requests."""

    at: float
    kind: Kind
    request: str = ""
    person: str = ""
    status: int = 0
    text: str = ""


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
    return [f"{name}: {one}" for name, own in requests.items() for one in _Request(own, shared).violations()]


class _Request:
    """The history of one request, and what concerns every request."""

    def __init__(self, own: list[Entry], shared: list[Entry]) -> None:
        self.roles = [entry for entry in shared if entry.kind is Kind.ROLE]
        self.disruptions = [entry.at for entry in shared if entry.kind is Kind.DISRUPTION]
        self.clicks = [entry for entry in own if entry.kind is Kind.CLICK]
        self.deletes = [entry for entry in own if entry.kind is Kind.DELETE]
        self.cards = [entry for entry in own if entry.kind is Kind.CARD]
        self.required = max((entry.status for entry in own if entry.kind is Kind.REQUIRED), default=1)

    def violations(self) -> Iterator[str]:
        """Yield a sentence for each broken promise."""
        last = self.cards[-1].text if self.cards else "open"
        for delete in self.deletes:
            approvers = {click.person for click in self.clicks if self._may_count(click, delete.at)}
            if len(approvers) < self.required:
                yield f"a DELETE had {len(approvers)} of {self.required} approvals"
        for first, second in zip(self.deletes, self.deletes[1:], strict=False):
            if not self._explained(first, second):
                yield "a second DELETE has no explanation"
        if any(card.text == "revoked" and not self._succeeded(card.at) for card in self.cards):
            yield "the card says revoked without a DELETE answered 2xx"
        if last == "open":
            yield "an acknowledged approval led to no outcome" if self._approved() else "the request did not end"

    def _may_count(self, click: Entry, until: float) -> bool:
        """Return whether the person held the role at some moment between the click and the DELETE."""
        return click.at <= until and (
            self._holds(click.person, click.at)
            or any(one.person == click.person and one.status == 1 and click.at <= one.at <= until for one in self.roles)
        )

    def _holds(self, person: str, at: float) -> bool:
        changes = [one.status for one in self.roles if one.person == person and one.at <= at]
        return bool(changes) and changes[-1] == 1

    def _approved(self) -> bool:
        """Return whether enough people with the role from their click to the end got a 200."""
        lasting = {
            click.person
            for click in self.clicks
            if click.status == 200
            and self._holds(click.person, click.at)
            and not any(one.person == click.person and one.status == 0 and one.at >= click.at for one in self.roles)
        }
        return len(lasting) >= self.required

    def _explained(self, first: Entry, second: Entry) -> bool:
        """Return whether an attempt failed, or a replica was disrupted, before the next DELETE."""
        failed = first.status in (0, 429) or first.status >= 500
        return failed or any(first.at <= at <= second.at for at in self.disruptions)

    def _succeeded(self, until: float) -> bool:
        return any(200 <= delete.status < 300 and delete.at <= until for delete in self.deletes)
