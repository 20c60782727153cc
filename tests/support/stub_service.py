"""A service that answers with what it was handed and remembers what it was asked for."""

from __future__ import annotations

from typing import Any

from bot.services.requesting import Invoker, Permissions, Service, TargetRef, WhoAmI
from tests.support.examples import RAVI, WORKSPACE

INVOKER = Invoker(user_id=RAVI, team_id=WORKSPACE.team_id, channel="C0OPS00001", key="key")


class StubService(Service):
    """Stands in for the service, whose own dependencies no word needs."""

    def __init__(self, abilities: Permissions | None = None, who: WhoAmI | None = None) -> None:  # no super: see above
        self._can = abilities or Permissions()
        self._who = who
        self.asked: list[Any] = []

    async def abilities(self, asker: Invoker) -> Permissions:
        self.asked.append(("abilities", asker.user_id))
        return self._can

    async def whoami(self, asker: Invoker) -> WhoAmI:
        self.asked.append(("whoami", asker.user_id))
        assert self._who
        return self._who

    async def revoke(self, asker: Invoker, wanted: TargetRef, reason: str) -> None:
        self.asked.append(("revoke", asker.user_id, wanted, reason))

    async def rotate(self, asker: Invoker) -> None:
        self.asked.append(("rotate", asker.user_id))
