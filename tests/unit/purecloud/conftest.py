"""A client with a fake clock, and the fake Genesys Cloud that it calls."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.purecloud import HttpAttempt, PureCloud, region
from bot.sandbox.genesys.server import CLIENT, FakeGenesys, GenesysUser
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

JANE = "0f1e2d3c-4b5a-4697-8877-665544332211"
OMAR = "1a2b3c4d-5e6f-4a0b-9c8d-7e6f5a4b3c2d"


class ClientHarness:
    """A fake Genesys Cloud, a client of it, their clock, and the client's HTTP attempts."""

    def __init__(self, genesys: FakeGenesys, clock: FakeClock, session: aiohttp.ClientSession, url: str) -> None:
        self.genesys = genesys
        self.clock = clock
        self.session = session
        self.url = url
        self.attempts: list[HttpAttempt] = []
        self.purecloud = self.client()

    def client(self, **kwargs: Any) -> PureCloud:
        """Return another client of the same organization; arguments replace the defaults."""
        here = region("mypurecloud.ie", api_url=kwargs.pop("api_url", self.url), login_url=self.url)
        defaults: dict[str, Any] = {
            "client_id": CLIENT.id,
            "client_secret": CLIENT.secret,
            "clock": self.clock,
            "sleep": self.clock.sleep,
            "jitter": lambda: 1.0,
            "observe": self.attempts.append,
        }
        return PureCloud(self.session, here, **(defaults | kwargs))

    def sessions(self, user_id: str) -> int:
        return self.genesys.state.users[user_id].sessions

    def statuses(self, operation: str) -> list[int | None]:
        """Return the statuses of an operation's responses, None for each dropped connection."""
        return [entry.status for entry in self.genesys.received(operation)]


@pytest.fixture
async def harness() -> AsyncIterator[ClientHarness]:
    clock = FakeClock(1000.0)
    users = [
        GenesysUser(JANE, "Jane Doe", "Jane.Doe@acme.example"),
        GenesysUser(OMAR, "Omar Haddad", "omar@acme.example", state="inactive"),
    ]
    async with AsyncExitStack() as stack:
        genesys = FakeGenesys(users=users, clock=clock)
        url = await genesys.start()
        stack.push_async_callback(genesys.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield ClientHarness(genesys, clock, session, url)
