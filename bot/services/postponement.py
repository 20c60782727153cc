"""When a click or a command is processed again whose lookup failed for a reason that may pass."""

from __future__ import annotations

from typing import Any

from bot.db.job_queue import MAX_BACKOFF_DOUBLINGS
from bot.db.jobs import Job
from bot.domain.failed_checks import CheckUnavailable
from bot.errors import BotError, SlackUnavailable

MAX_POSTPONEMENT = 30.0
"""Longest delay until the next attempt, in seconds, unless Slack or Genesys Cloud asks for a longer one."""

NOTICE_DELAY = 5.0
"""Seconds of delay from which the person is notified that a click or command waits."""


def postponement(job: Job, error: CheckUnavailable | SlackUnavailable) -> float:
    """Return the seconds until the next attempt. They double, and are never less than Slack asks for."""
    backoff = 2.0 ** min(max(job.attempts - 1, 0), MAX_BACKOFF_DOUBLINGS)
    return max(error.retry_after, min(backoff, MAX_POSTPONEMENT))


class Postponed(BotError):
    """A click or command that waits until a lookup succeeds; `delay` is in seconds."""

    def __init__(self, code: str, delay: float) -> None:
        super().__init__()
        self.code = code  # type: ignore[misc] # each instance has its own
        self.delay = str(round(delay))

    @property
    def params(self) -> dict[str, Any]:
        """The delay."""
        return {"delay": self.delay}
