"""A client on a clock that only moves when it sleeps, and the organization it talks to."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.purecloud import Call, PureCloud, region
from bot.sandbox.genesys.server import CLIENT, FakeGenesys, GenesysUser
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

JANE = "0f1e2d3c-4b5a-4697-8877-665544332211"
OMAR = "1a2b3c4d-5e6f-4a0b-9c8d-7e6f5a4b3c2d"


class AppHarness:
    """The stand-in, a client of it, the clock of both, and every attempt the client made."""

    def __init__(self, genesys: FakeGenesys, clock: FakeClock, session: aiohttp.ClientSession, url: str) -> None:
        self.genesys = genesys
        self.clock = clock
        self.session = session
        self.url = url
        self.calls: list[Call] = []
        self.purecloud = self.client()

    def client(self, **kwargs: Any) -> PureCloud:
        """Another client of the same organization; what is handed in takes the place of the usual."""
        place = region("mypurecloud.ie", api_url=kwargs.pop("api_url", self.url), login_url=self.url)
        usual: dict[str, Any] = {
            "client_id": CLIENT.id,
            "client_secret": CLIENT.secret,
            "clock": self.clock,
            "sleep": self.clock.sleep,
            "jitter": lambda: 1.0,
            "observe": self.calls.append,
        }
        return PureCloud(self.session, place, **(usual | kwargs))

    def sessions(self, user_id: str) -> int:
        return self.genesys.state.users[user_id].sessions

    def asked(self, operation: str) -> list[int | None]:
        """The statuses the stand-in gave to an operation, None where it gave none."""
        return [entry.status for entry in self.genesys.received(operation)]


@pytest.fixture
async def world() -> AsyncIterator[AppHarness]:
    clock = FakeClock(1000.0)
    people = [
        GenesysUser(JANE, "Jane Doe", "Jane.Doe@acme.example"),
        GenesysUser(OMAR, "Omar Haddad", "omar@acme.example", state="inactive"),
    ]
    async with AsyncExitStack() as stack:
        genesys = FakeGenesys(users=people, clock=clock)
        url = await genesys.start()
        stack.push_async_callback(genesys.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield AppHarness(genesys, clock, session, url)
