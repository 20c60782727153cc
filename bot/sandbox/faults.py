"""Faults that a user of the sandbox page can switch on and off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.purecloud.requests import ApiRequest
from bot.sandbox.genesys import responses
from bot.sandbox.genesys.api import ROUTES
from bot.sandbox.genesys.faults import GenesysFault
from bot.sandbox.slack.faults import SlackFault

if TYPE_CHECKING:
    from bot.sandbox.genesys.server import FakeGenesys
    from bot.sandbox.slack.server import FakeSlack

RESPONSE_DELAY: Final = 5.0
"""Delay of a slow response, in seconds. Long enough to kill a replica while it waits."""

FAULTY_OPERATIONS: Final = tuple(
    operation.__name__ for method, path, operation in ROUTES if ApiRequest(operation.__name__, method, path).is_write
)
"""The operations that fail: all that change something. The actions depend on them."""

_MISSING_PERMISSION: Final = responses.missing_permission("oauth:token:delete", "4f1d3c52-6a0e-4f6b-8a55-2f1c9be7d403")


@dataclass(frozen=True, slots=True)
class FaultChoice:
    """A fault that the page offers: its name in requests, its label and its effect."""

    name: str
    title: str
    fault: GenesysFault


GENESYS_FAULTS: Final = (
    FaultChoice("slow", f"responds after {RESPONSE_DELAY:g} s", GenesysFault(delay=RESPONSE_DELAY, times=None)),
    FaultChoice("401", "401: token not accepted", GenesysFault(status=401, times=None)),
    FaultChoice("403", "403: permission missing", GenesysFault(status=403, body=_MISSING_PERMISSION, times=None)),
    FaultChoice("429", "429: too many requests", GenesysFault(status=429, headers={"Retry-After": "2"}, times=None)),
    FaultChoice("503", "503: unavailable", GenesysFault(status=503, times=None)),
    FaultChoice("reset", "connection cut, no response", GenesysFault(drop="before", times=None)),
)
"""Faults of the operations that change something in Genesys Cloud. At most one is active."""


class SandboxFaults:
    """The active faults of both fakes."""

    def __init__(self, slack: FakeSlack, genesys: FakeGenesys) -> None:
        self._slack = slack
        self._genesys = genesys
        self.genesys: str | None = None
        """The name of Genesys Cloud's active fault."""
        self.slack_down = False

    def set_genesys(self, name: str | None) -> None:
        """Replace Genesys Cloud's active fault; None clears it. Raises KeyError for an unknown name."""
        fault = {choice.name: choice.fault for choice in GENESYS_FAULTS}[name] if name else None
        for operation in FAULTY_OPERATIONS:
            self._genesys.faults.clear(operation)
            if fault is not None:
                self._genesys.fault(operation, fault)
        self.genesys = name

    def set_slack_down(self, *, down: bool) -> None:
        """Make Slack's Web API and every response_url drop connections, or respond again."""
        self._slack.clear_faults()
        for method in (*self._slack.api.methods, "response_url") if down else ():
            self._slack.fault(method, SlackFault(drop=True, times=None))
        self.slack_down = down

    def clear(self) -> None:
        """Clear every fault."""
        self.set_genesys(None)
        self.set_slack_down(down=False)
