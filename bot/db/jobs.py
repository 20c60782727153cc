"""Jobs: work that is stored, so that any process can do it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from bot.db.rows import Snapshot
from bot.domain.live_state import LiveState


class JobKind(StrEnum):
    """The kinds of jobs, most urgent first."""

    CLICK = "click"
    """A button press to decide on."""
    EXECUTE = "target"
    """An approved target to send the DELETE for."""
    ANNOUNCEMENT = "announcement"
    """A channel to notify of a break-glass revocation before its DELETE."""
    COMMAND = "command"
    """A command or a modal submission that requests something."""
    CARD = "card"
    """A card that does not show its request's latest revision."""
    COPY = "copy"
    """Another card of a request that does not show its latest revision."""
    REPLY = "reply"
    """A private reply that has not been delivered."""
    THREAD = "thread"
    """A reply in the thread of a card."""
    REMINDER = "reminder"
    """A reminder of a request that still waits, due long after it was made."""
    AFFECTED = "affected"
    """A message to the person whose sessions were revoked."""
    FILE = "file"
    """A file to share in the thread of a bulk request's card."""
    NOTICE = "notice"
    """An outcome to post to a channel or a person."""
    BULK = "bulk"
    """A lane of an approved bulk request: people to send the DELETEs for, with a token of its own."""
    WATCH = "watch"
    """A person to look for after a revocation, due long after it."""


PRIORITY = {kind: position for position, kind in enumerate(JobKind)}

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A job leased by this process. `attempts` counts this lease; `created_at` is in epoch seconds."""

    id: int
    kind: JobKind
    request_id: str
    payload: Payload
    attempts: int
    created_at: float
    leased_at: float | None = None
    """When the lease was taken, in seconds of `bot.db.clock.boottime`."""
    snapshot: Snapshot | None = None
    """The request as the transaction that added the job saw it; None for a claimed job."""
    received_at: float | None = None
    """When this process received the click, in monotonic seconds; None for a claimed job."""
    reading: Awaitable[LiveState] | None = None
    """What the target is doing, which this process began to read at the click; None for a claimed job."""


class JobSpec(NamedTuple):
    """A job to enqueue. `key` identifies it among the jobs of its kind."""

    kind: JobKind
    key: str
    payload: Payload
