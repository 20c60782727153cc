"""Single sign-on, which logs a person in again by itself after a revocation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.genesys.state import GenesysState, GenesysUser

LOG_IN_DELAY: Final = 5.0
"""Seconds from a revocation until single sign-on logs the person in again."""


class SingleSignOn:
    """A switch of the sandbox: off at first."""

    def __init__(self, genesys: GenesysState) -> None:
        self.on = False
        self.on_log_in: Callable[[], None] = lambda: None
        """Called after each log-in."""
        self._genesys = genesys
        self._waiting: set[asyncio.TimerHandle] = set()
        genesys.on_logged_out.append(self._logged_out)

    def stop(self) -> None:
        """Log no one in any more."""
        self.on = False
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()

    def _logged_out(self, user: GenesysUser) -> None:
        if self.on:
            self._waiting.add(asyncio.get_running_loop().call_later(LOG_IN_DELAY, self._log_in, user))

    def _log_in(self, user: GenesysUser) -> None:
        self._waiting = {timer for timer in self._waiting if timer.when() > asyncio.get_running_loop().time()}
        if self.on:
            self._genesys.log_in(user)
            self.on_log_in()
