"""A clock of Genesys Cloud that runs faster, so that a bulk request takes seconds instead of minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bot.sandbox.genesys.server import FakeGenesys

FACTOR: Final = 20
"""How many times as fast the clock runs."""


class FastClock:
    """A switch of the sandbox: off at first.

    The rate limit counts requests a minute. With the switch on, Genesys Cloud takes the requests of twenty minutes in
    one. Each response says so, and the bot sends at that pace.
    """

    def __init__(self, genesys: FakeGenesys) -> None:
        self._genesys = genesys
        self._allowed = genesys.rate_limit

    @property
    def on(self) -> bool:
        """Whether the clock runs faster."""
        return self._genesys.rate_limit != self._allowed

    @on.setter
    def on(self, wanted: bool) -> None:
        self._genesys.limit_rate(self._allowed * FACTOR if wanted else self._allowed)
