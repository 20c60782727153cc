"""A bulk request: what the bot found for each line of a list, and how each person's revocation ended."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from bot.domain.canonical_json import encode
from bot.domain.people import Person

SMALL_BULK = 10
"""People up to which a bulk request needs no more approvals than a request for one person."""


class EntryFinding(StrEnum):
    """What the bot found for one entry of a list."""

    FOUND = "found"
    """One person in Genesys Cloud, active or not, whose sessions the request is about."""
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    DUPLICATE = "duplicate"
    """A person whom an earlier entry names."""
    UNREADABLE = "unreadable"
    """Neither an email address, nor an id, nor a mention."""
    REQUESTER = "requester"
    """The requester's own account, which a bulk request skips."""


@dataclass(frozen=True, slots=True)
class BulkEntry:
    """One entry of a list, as it was written, and what was found for it.

    `person` is known for FOUND and REQUESTER. `conversations` is how many calls, chats and the like the person was in
    at the lookup, None if Genesys Cloud did not say.
    """

    text: str
    finding: EntryFinding
    person: Person | None = None
    slack_id: str | None = None
    protected: bool = False
    conversations: int | None = None

    @property
    def inactive(self) -> bool:
        """Whether the person is known not to be active in Genesys Cloud."""
        return self.person is not None and self.person.state not in (None, "active")


class BulkSource(StrEnum):
    """Where the people of a bulk request come from."""

    MENTIONS = "mentions"
    USER_GROUP = "user_group"
    DIVISION = "division"
    GROUP = "group"
    """A group of Genesys Cloud."""
    QUEUE = "queue"
    LIST = "list"
    FILE = "file"
    RETRY = "retry"
    """The people of an earlier bulk request whose revocation failed or is unknown."""


SETS = frozenset({BulkSource.DIVISION, BulkSource.GROUP, BulkSource.QUEUE})
"""The sources that Genesys Cloud keeps."""


@dataclass(frozen=True, slots=True)
class BulkSummary:
    """What the card of a bulk request shows and its approvals cover; the seal of the request includes it.

    `counts` has the number of entries of each finding, and `inactive` and `protected` among the found ones. `digest`
    covers the Genesys Cloud ids of the found people in order, so that the list cannot be changed after an approval.
    `name` is that of a user group, division, group, queue or file, or the reference of an earlier request.
    """

    source: BulkSource
    counts: Mapping[str, int]
    digest: str
    name: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Facts for the card that decide nothing, such as the number of people in a call."""

    @property
    def people(self) -> int:
        """The number of people to revoke."""
        return self.counts.get(EntryFinding.FOUND, 0)

    @property
    def protected(self) -> int:
        """The number of protected people among them."""
        return self.counts.get("protected", 0)


class RunState(StrEnum):
    """Whether the DELETEs of an approved bulk request are being sent."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far an approved bulk request is, for its card.

    `outcomes` has the number of people by outcome (`revoked`, `refused`, `failed`, `unknown`), and `open` is the number
    of the others. `changed_by` is the admin who paused, resumed or stopped it last. `per_minute` is the present rate,
    and `seconds_left` the time that it leaves; None if not known.
    """

    outcomes: Mapping[str, int]
    open: int
    state: RunState = RunState.RUNNING
    changed_by: str | None = None
    per_minute: float | None = None
    seconds_left: float | None = None

    @property
    def done(self) -> int:
        """The number of people with an outcome."""
        return sum(self.outcomes.values())


IN_CALL, CALLS_UNKNOWN = "in_call", "calls_unknown"
"""The details of a summary that say how many people are in a conversation, and of how many it is not known.

The first is missing if it is not known of anyone, the second if it is known of everyone. Only those who may decide see
them.
"""

BULK_PAUSE, BULK_RESUME, BULK_STOP = "bulk_pause", "bulk_resume", "bulk_stop"
"""The `action_id` of the buttons that control an approved bulk request."""


class Control(NamedTuple):
    """What a button does: in which states of a run it is possible, and to which one it leads."""

    possible_in: frozenset[RunState]
    leads_to: RunState


CONTROLS: Mapping[str, Control] = {
    BULK_PAUSE: Control(frozenset({RunState.RUNNING}), RunState.PAUSED),
    BULK_RESUME: Control(frozenset({RunState.PAUSED}), RunState.RUNNING),
    BULK_STOP: Control(frozenset({RunState.RUNNING, RunState.PAUSED}), RunState.STOPPED),
}
"""The buttons by `action_id`."""

BULK_AGAIN = "bulk_again"
"""The `action_id` of the button that requests again what failed or is unknown."""


def summarize(source: BulkSource, entries: Iterable[BulkEntry], *, name: str = "") -> BulkSummary:
    """Return the summary of a list."""
    listed = list(entries)
    found = [one for one in listed if one.finding is EntryFinding.FOUND]
    counts = Counter(str(one.finding) for one in listed)
    counts["inactive"] = sum(one.inactive for one in found)
    counts["protected"] = sum(one.protected for one in found)
    digest = digest_of(one.person.id for one in found if one.person)
    return BulkSummary(source, dict(counts), digest, name, _calls([one.conversations for one in found]))


def _calls(conversations: Sequence[int | None]) -> dict[str, int]:
    """Return how many people are in a conversation, and of how many it is not known."""
    known = [one for one in conversations if one is not None]
    in_call = {IN_CALL: sum(map(bool, known))} if known else {}
    unknown = len(conversations) - len(known)
    return in_call | ({CALLS_UNKNOWN: unknown} if unknown else {})


def digest_of(target_ids: Iterable[str]) -> str:
    """Return the digest of Genesys Cloud ids, in their order."""
    return hashlib.sha256("\n".join(target_ids).encode()).hexdigest()


def to_json(summary: BulkSummary) -> str:
    """Return the stored form of a summary."""
    stored = {
        "source": summary.source,
        "counts": dict(summary.counts),
        "digest": summary.digest,
        "name": summary.name,
        "details": dict(summary.details),
    }
    return encode(stored)


def read_summary(text: str) -> BulkSummary:
    """Return a summary from its stored form. Raises ValueError, TypeError or KeyError for a damaged one."""
    stored = json.loads(text)
    return BulkSummary(
        source=BulkSource(stored["source"]),
        counts={str(name): int(number) for name, number in stored["counts"].items()},
        digest=str(stored["digest"]),
        name=str(stored["name"]),
        details=dict(stored["details"]),
    )
