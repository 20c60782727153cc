"""What processing a job leads to."""

from __future__ import annotations

from dataclasses import dataclass

from bot.db.jobs import Job


@dataclass(frozen=True, slots=True)
class JobResult:
    """Follow-up jobs that this process has leased already, and whether more work is due at once."""

    follow_up: tuple[Job, ...] = ()
    wake: bool = False
