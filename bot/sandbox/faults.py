"""What can be made to go wrong at a click, until it is healed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.sandbox.genesys import responses
from bot.sandbox.genesys.faults import GenesysFault
from bot.sandbox.slack.faults import SlackFault

if TYPE_CHECKING:
    from bot.sandbox.genesys.server import FakeGenesys
    from bot.sandbox.slack.server import FakeSlack

SLOW: Final = 5.0
"""Seconds a slow answer takes; enough to kill a replica meanwhile."""

DELETES: Final = ("delete_token", "delete_tokens_me")
"""The operations that go wrong: without them nothing is revoked and nothing rotated."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong: its name, what it is called on the page, and how Genesys Cloud then answers."""

    name: str
    title: str
    fault: GenesysFault


_LACKING: Final = responses.missing_permission("oauth:token:delete", "4f1d3c52-6a0e-4f6b-8a55-2f1c9be7d403")

OF_GENESYS: Final = (
    Mishap("slow", f"answers after {SLOW:g} s", GenesysFault(delay=SLOW, times=None)),
    Mishap("401", "401: token not accepted", GenesysFault(status=401, times=None)),
    Mishap("403", "403: permission missing", GenesysFault(status=403, body=_LACKING, times=None)),
    Mishap("429", "429: too many requests", GenesysFault(status=429, headers={"Retry-After": "2"}, times=None)),
    Mishap("503", "503: unavailable", GenesysFault(status=503, times=None)),
    Mishap("reset", "connection cut, no answer", GenesysFault(drop="before", times=None)),
)
"""What can go wrong with the DELETE, one at a time."""


class Mishaps:
    """What goes wrong now, in both stand-ins."""

    def __init__(self, slack: FakeSlack, genesys: FakeGenesys) -> None:
        self._slack = slack
        self._genesys = genesys
        self.of_genesys: str | None = None
        self.slack_down = False

    def choose(self, name: str | None) -> None:
        """Let the DELETEs go wrong so from now on; None heals them. Raises KeyError for what is no mishap."""
        fault = {mishap.name: mishap.fault for mishap in OF_GENESYS}[name] if name else None
        for operation in DELETES:
            self._genesys.faults.clear(operation)
            if fault is not None:
                self._genesys.fault(operation, fault)
        self.of_genesys = name

    def heal(self) -> None:
        """Let everything work again."""
        self.choose(None)
        self.let_slack_be_down(down=False)

    def let_slack_be_down(self, *, down: bool) -> None:
        """Let Slack's Web API and every response_url cut the connection, or answer again."""
        self._slack.clear_faults()
        for method in (*self._slack.api.methods, "response_url") if down else ():
            self._slack.fault(method, SlackFault(drop=True, times=None))
        self.slack_down = down
