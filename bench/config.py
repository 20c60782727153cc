"""The configuration that each benchmark receives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.fakes import FakeServices
from bench.slack_requests import SlackRequests


@dataclass(frozen=True)
class Config:
    """The fakes, the number of rounds, and a folder for files."""

    fakes: FakeServices
    rounds: int
    folder: Path

    @property
    def slow_rounds(self) -> int:
        """The number of rounds for measurements that take long, at most 3."""
        return min(self.rounds, 3)

    @property
    def slack_requests(self) -> SlackRequests:
        """The signed requests that Slack sends to an app."""
        return SlackRequests(self.fakes.slack.url)

    def environ(self, name: str = "bench", **overrides: str) -> dict[str, str]:
        """Return the environment of a bot with a SQLite file of this name."""
        return self.fakes.environ(0, f"sqlite:///{self.folder / name}.db") | overrides
