"""Three processes of the bot on one PostgreSQL, between stand-ins, each on wires of its own that can break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession

from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.server import FakeSlack
from tests.support.process import Running, free_port, run
from tests.support.proxy import Wire, wire_to

REPLICAS = 3
PATIENCE = 120.0

LATE = 0.5
"""Seconds after a wire was mended until everything it held has arrived."""

WIRES = {
    "database": ("DATABASE_URL",),
    "slack": ("SLACK_API_URL",),
    "genesys": ("PURECLOUD_API_URL", "PURECLOUD_LOGIN_URL"),
}
"""What a replica reaches over a wire of its own, and the settings that say where it is."""


@dataclass
class Replica:
    """One of the processes, which is started again under the same port whenever it was killed."""

    port: int
    environ: dict[str, str]
    wires: dict[str, Wire]
    process: Running | None = None
    """None while it is being started."""

    @property
    def door(self) -> str:
        """Where Slack reaches it."""
        return f"http://127.0.0.1:{self.port}/slack/events"

    @property
    def whole(self) -> bool:
        """Whether it lives and reaches everything."""
        return self.process is not None and not any(wire.broken for wire in self.wires.values())


@dataclass(frozen=True)
class Mishap:
    """What befell a replica, from when to when, in epoch seconds."""

    replica: Replica
    began: float
    ended: float

    def explains(self, first: float, second: float) -> bool:
        """Whether it may be why a DELETE was sent at one time and again at another."""
        return self.began <= second and first <= self.ended + LATE


@dataclass
class Fleet:
    """The stand-ins, the replicas between them, and what befell these."""

    slack: FakeSlack
    genesys: FakeGenesys
    session: ClientSession
    replicas: list[Replica]
    mishaps: list[Mishap] = field(default_factory=list)
    kills: list[Mishap] = field(default_factory=list)
    _mending: list[asyncio.Task[None]] = field(default_factory=list)

    async def kill(self, replica: Replica) -> None:
        """Take a replica's life, and start it again."""
        process, replica.process = replica.process, None
        if process is None:
            return
        now = time.time()
        killed = Mishap(replica, now, now)
        self.kills.append(killed)
        self.mishaps.append(killed)
        await process.kill()
        self._mending.append(asyncio.create_task(self.start(replica)))

    def cut_off(self, replica: Replica, wire: str, *, silently: bool, seconds: float) -> None:
        """Break a wire for a while: end its connections, or swallow everything."""
        began = time.time()
        self.mishaps.append(Mishap(replica, began, began + seconds))
        broken = replica.wires[wire]
        (broken.hold if silently else broken.cut)()
        self._mending.append(asyncio.create_task(self._mend(broken, seconds)))

    async def _mend(self, broken: Wire, seconds: float) -> None:
        await asyncio.sleep(seconds)
        broken.mend()

    async def start(self, replica: Replica) -> None:
        """Start a process and wait until it is ready."""
        process = await run(["serve"], replica.environ)
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self._ready(replica.port):  # noqa: ASYNC110 - another process rings no bell
                    await asyncio.sleep(0.05)
        except BaseException:
            await process.kill()
            raise
        replica.process = process

    async def _ready(self, port: int) -> bool:
        with suppress(ClientError):
            async with self.session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return answer.status == 200
        return False

    async def mended(self) -> None:
        """Wait until everything that befell the replicas is over."""
        await asyncio.gather(*self._mending)

    async def stop(self) -> None:
        """End what still runs."""
        for task in self._mending:
            task.cancel()
        await asyncio.gather(*self._mending, return_exceptions=True)
        for replica in self.replicas:
            if replica.process:
                await replica.process.kill()


@asynccontextmanager
async def fleet(address: str, folder: Path, *, socket_mode: bool = False) -> AsyncIterator[Fleet]:
    """Start everything on the database at an address; kill what still runs at the end."""
    slack = FakeSlack(
        members=personas.members(), groups=personas.groups(), channels=personas.channels(), socket_mode=socket_mode
    )
    genesys = FakeGenesys(users=genesys_users())
    await slack.start()
    environ = environment(slack, await genesys.start(), folder)
    environ |= {"DATABASE_URL": address, "LOG_LEVEL": "error", "REQUEST_TTL": "1h"}
    async with AsyncExitStack() as opened:
        session = await opened.enter_async_context(ClientSession())
        replicas = [await _wired(opened, environ) for _ in range(REPLICAS)]
        all_of_them = Fleet(slack, genesys, session, replicas)
        try:
            await asyncio.gather(*map(all_of_them.start, replicas))
            yield all_of_them
        finally:
            await all_of_them.stop()
            await genesys.stop()
            await slack.stop()


async def _wired(opened: AsyncExitStack, environ: dict[str, str]) -> Replica:
    wires: dict[str, Wire] = {}
    own = {"PORT": str(free_port())}
    for name, settings in WIRES.items():
        wires[name] = await opened.enter_async_context(wire_to(environ[settings[0]]))
        own |= {setting: wires[name].instead_of(environ[setting]) for setting in settings}
    return Replica(int(own["PORT"]), environ | own, wires)
