"""What every row is handed: how many rounds, the stand-ins, a folder for what is written; and how a row is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.fakes import World
from bench.slack_sends import Sends
from bench.table import Line


@dataclass(frozen=True)
class Plan:
    """How to measure."""

    world: World
    rounds: int
    folder: Path

    @property
    def few(self) -> int:
        """Rounds of what takes long."""
        return min(self.rounds, 3)

    @property
    def sends(self) -> Sends:
        """Slack, as it calls an app."""
        return Sends(self.world.slack.url)

    def environ(self, name: str = "bench", **more: str) -> dict[str, str]:
        """A bot's environment, with a SQLite file of that name."""
        return self.world.environ(0, f"sqlite:///{self.folder / name}.db") | more


Row = Callable[[Plan], Awaitable[list[Line]]]
