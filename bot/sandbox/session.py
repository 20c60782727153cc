"""What is played on: two stand-ins, the bot, perhaps a second replica; begun anew as often as one likes."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import update

from bot.db.engine import DatabaseUnavailable
from bot.db.schema import requests
from bot.domain.requests import State
from bot.sandbox.faults import Mishaps
from bot.sandbox.replica import Replica

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.requests import RequestStore
    from bot.domain.audit import AuditEvent
    from bot.sandbox.genesys.server import FakeGenesys
    from bot.sandbox.slack.server import Delivery, FakeSlack


@dataclass
class Play:
    """One run from nothing: it ends with the stage, or when everything is begun anew."""

    slack: FakeSlack
    genesys: FakeGenesys
    store: RequestStore
    """The bot's own, to read the trail and to let time pass."""
    environ: dict[str, str]
    """The bot's settings; a second replica gets the same."""
    number: int = 1
    """Which play of the stage it is."""
    replica: Replica | None = None
    last: Delivery | None = None
    """What the bot answered last."""
    trail: list[tuple[AuditEvent, str]] = field(default_factory=list)
    """The audit trail as it was read last."""

    def __post_init__(self) -> None:
        self.mishaps = Mishaps(self.slack, self.genesys)
        self.own_url = self.slack.events_url


class Stage:
    """Keeps one play going; `changed` is rung when something said in Slack may have changed what is seen."""

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[Play]]) -> None:
        self._begin = begin
        self._open = AsyncExitStack()
        self._turn = asyncio.Lock()
        self._begun = 0
        self.play: Play | None = None
        self.bells: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Begin."""
        self.play = await self._open.enter_async_context(self._begin())
        self._begun += 1
        self.play.number = self._begun
        self.play.slack.on_change.append(self.ring)
        self.ring()

    async def stop(self) -> None:
        """End; fine when nothing was begun."""
        play, self.play = self.play, None
        if play is not None:
            play.mishaps.heal()  # nothing that is held back shall hold back the end
            if play.replica is not None:
                await play.replica.kill()
        await self._open.aclose()

    async def begin_anew(self) -> None:
        """Forget everything and begin again: another workspace, another organization, an empty database."""
        async with self._turn:
            await self.stop()
            await self.start()

    def ring(self) -> None:
        """Tell whoever shows the stage that it may look different."""
        for bell in list(self.bells):
            bell()

    async def add_replica(self) -> None:
        """Start a second replica; Slack speaks to it while it lives. Raises NotReady."""
        async with self._turn:
            play = self.play
            if play is None or play.replica is not None:
                return
            play.replica = await Replica.start(play.environ)
            play.slack.events_url = f"{play.replica.url}/slack/events"
            self.ring()

    async def kill_replica(self) -> None:
        """Kill it in the middle of whatever it does; Slack speaks to the first one again."""
        async with self._turn:
            play = self.play
            if play is None or play.replica is None:
                return
            replica, play.replica = play.replica, None
            await replica.kill()
            play.slack.events_url = play.own_url
            self.ring()

    async def miss_the_dead(self) -> None:
        """Where somebody else ended the second replica, let Slack speak to the first one again."""
        if self.play and self.play.replica and not self.play.replica.alive:
            await self.kill_replica()

    async def pass_time(self, seconds: float) -> None:
        """Bring every open request so much nearer to its end, as if the time had passed."""
        if self.play is None:
            return
        nearer = update(requests).where(requests.c.state == State.PENDING)
        sooner = nearer.values(expires_at=requests.c.expires_at - seconds)
        await self.play.store.database.write(lambda tx: tx.execute(sooner))

    async def read_trail(self) -> None:
        """Read the audit trail; where the database is busy or being closed, the last reading stands."""
        play = self.play
        if play is not None:
            with suppress(DatabaseUnavailable):
                play.trail = await play.store.audit_events()
