"""Three processes of the bot on one PostgreSQL, each behind TCP proxies that can break."""

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
from tests.support.process import ProcessHandle, RunBot, free_port, run_bot
from tests.support.proxy import TcpProxy, proxy_to

REPLICAS = 3
WAIT_TIMEOUT = 120.0
"""Maximum time to wait for a replica or for the job queue, in seconds. Long, because a test machine can be slow."""

DELIVERY_DELAY = 0.5
"""Maximum time until stalled bytes arrive after a proxy is restored, in seconds."""

PROXIED = {
    "database": ("DATABASE_URL",),
    "slack": ("SLACK_API_URL",),
    "genesys": ("PURECLOUD_API_URL", "PURECLOUD_LOGIN_URL"),
}
"""The services that a replica reaches through its own proxy, and the settings that hold their URLs."""


@dataclass
class ReplicaProcess:
    """One replica, which is restarted on the same port after each kill."""

    port: int
    environ: dict[str, str]
    proxies: dict[str, TcpProxy]
    process: ProcessHandle | None = None
    """None until the process is ready."""

    @property
    def events_url(self) -> str:
        """The URL to which Slack sends requests for this replica."""
        return f"http://127.0.0.1:{self.port}/slack/events"

    @property
    def healthy(self) -> bool:
        """Whether the process runs and none of its proxies is broken."""
        return self.process is not None and not any(proxy.broken for proxy in self.proxies.values())


@dataclass(frozen=True)
class Disruption:
    """A kill or a network failure of a replica, with its start and end in epoch seconds."""

    replica: ReplicaProcess
    began: float
    ended: float

    def explains(self, first: float, second: float) -> bool:
        """Return whether it can explain a DELETE at one time and a repeated DELETE at another."""
        return self.began <= second and first <= self.ended + DELIVERY_DELAY


@dataclass
class Cluster:
    """The fakes, the replicas, and the disruptions so far."""

    slack: FakeSlack
    genesys: FakeGenesys
    session: ClientSession
    replicas: list[ReplicaProcess]
    disruptions: list[Disruption] = field(default_factory=list)
    kills: list[Disruption] = field(default_factory=list)
    run: RunBot = run_bot
    _recoveries: list[asyncio.Task[None]] = field(default_factory=list)

    async def kill(self, replica: ReplicaProcess) -> None:
        """Kill a replica and restart it in the background."""
        process, replica.process = replica.process, None
        if process is None:
            return
        now = time.time()
        killed = Disruption(replica, now, now)
        self.kills.append(killed)
        self.disruptions.append(killed)
        await process.kill()
        self._recoveries.append(asyncio.create_task(self.start(replica)))

    def disconnect(self, replica: ReplicaProcess, service: str, *, stall: bool, seconds: float) -> None:
        """Break a replica's connection to a service: stall it, or abort it and refuse new ones."""
        began = time.time()
        self.disruptions.append(Disruption(replica, began, began + seconds))
        proxy = replica.proxies[service]
        (proxy.stall if stall else proxy.cut)()
        self._recoveries.append(asyncio.create_task(self._restore(proxy, seconds)))

    async def _restore(self, proxy: TcpProxy, seconds: float) -> None:
        await asyncio.sleep(seconds)
        proxy.restore()

    async def start(self, replica: ReplicaProcess) -> None:
        """Start a replica and wait until it is ready."""
        process = await self.run(["serve"], replica.environ)
        try:
            async with asyncio.timeout(WAIT_TIMEOUT):
                while not await self._is_ready(replica.port):  # noqa: ASYNC110 - another process sends no event
                    await asyncio.sleep(0.05)
        except BaseException:
            await process.kill()
            raise
        replica.process = process

    async def _is_ready(self, port: int) -> bool:
        with suppress(ClientError):
            async with self.session.get(f"http://127.0.0.1:{port}/readyz") as response:
                return response.status == 200
        return False

    async def wait_until_recovered(self) -> None:
        """Wait until every killed replica is ready and every proxy is restored."""
        await asyncio.gather(*self._recoveries)

    async def stop(self) -> None:
        """Cancel pending recoveries and kill every running replica."""
        for task in self._recoveries:
            task.cancel()
        await asyncio.gather(*self._recoveries, return_exceptions=True)
        for replica in self.replicas:
            if replica.process:
                await replica.process.kill()


@asynccontextmanager
async def start_cluster(
    database_url: str, folder: Path, *, socket_mode: bool = False, run: RunBot = run_bot
) -> AsyncIterator[Cluster]:
    """Start the fakes and all replicas on one database; kill the replicas at the end."""
    slack = FakeSlack(
        members=personas.members(), groups=personas.groups(), channels=personas.channels(), socket_mode=socket_mode
    )
    genesys = FakeGenesys(users=genesys_users())
    await slack.start()
    environ = environment(slack, await genesys.start(), folder)
    environ |= {"DATABASE_URL": database_url, "LOG_LEVEL": "error", "REQUEST_TTL": "1h"}
    environ |= {"MAX_COMMANDS_PER_MINUTE": "100000", "MAX_CLICKS_PER_MINUTE": "100000", "MAX_OPEN_REQUESTS": "100"}
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())
        replicas = [await _proxied_replica(stack, environ) for _ in range(REPLICAS)]
        cluster = Cluster(slack, genesys, session, replicas, run=run)
        try:
            await asyncio.gather(*map(cluster.start, replicas))
            yield cluster
        finally:
            await cluster.stop()
            await genesys.stop()
            await slack.stop()


async def _proxied_replica(stack: AsyncExitStack, environ: dict[str, str]) -> ReplicaProcess:
    proxies: dict[str, TcpProxy] = {}
    own = {"PORT": str(free_port())}
    for service, settings in PROXIED.items():
        proxies[service] = await stack.enter_async_context(proxy_to(environ[settings[0]]))
        own |= {setting: proxies[service].route(environ[setting]) for setting in settings}
    return ReplicaProcess(int(own["PORT"]), environ | own, proxies)
