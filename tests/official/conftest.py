"""A fake Genesys Cloud, and the official SDK that calls it from its own virtual environment."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.genesys.server import CLIENT, EntityRef, FakeGenesys
from bot.sandbox.genesys.state import UserSet
from tests.support.genesys_client import JANE, users

INSTALLED = Path(__file__).parents[2] / ".venv-official"

NIGHT_SHIFT = UserSet("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4f02", "Night shift", (JANE,))
BILLING = UserSet("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4f01", "Billing EN", (JANE,))


class SdkProcess:
    """A process that runs `sdk.py`: one line of JSON per call and per result."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [INSTALLED / "bin" / "python", Path(__file__).with_name("sdk.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": str(home)},  # the SDK reads a configuration file there and watches the directory
        )

    def call(self, arguments: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        return result

    def close(self) -> None:
        self._process.communicate()


@dataclass
class OfficialSdk:
    """The SDK as a client of one fake. Methods return what the SDK read, or the error response."""

    process: SdkProcess
    host: str

    async def login(self, client_id: str = CLIENT.id, secret: str = CLIENT.secret) -> dict[str, Any]:
        login = {"host": self.host, "client_id": client_id, "secret": secret}
        return await asyncio.to_thread(self.process.call, {"login": login})

    async def call(self, api: str, method: str, **arguments: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.process.call, {"api": api, "method": method, **arguments})


@pytest.fixture(scope="session")
def sdk_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkProcess]:
    """Start the process once per session, because importing the SDK takes seconds."""
    process = SdkProcess(tmp_path_factory.mktemp("home"))
    yield process
    process.close()


@dataclass(frozen=True)
class RecordedRequest:
    """A request with its query and body, which the fake's own record does not keep."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]


@pytest.fixture
def recorded() -> list[RecordedRequest]:
    """Return the list of all requests to the fake, logins included."""
    return []


@pytest.fixture
async def genesys(recorded: list[RecordedRequest]) -> AsyncIterator[FakeGenesys]:
    fake = FakeGenesys(users=users())
    fake.state.roles = [EntityRef("r2", "Super user"), EntityRef("r3", "Team lead")]
    fake.state.groups, fake.state.queues = [NIGHT_SHIFT], [BILLING]
    fake.state.clients[CLIENT.id].permissions |= {"authorization:role:view"}

    @web.middleware
    async def record(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        is_json = request.method == "POST" and request.content_type == "application/json"
        body = await request.json() if is_json else dict(await request.post())
        recorded.append(RecordedRequest(request.method, request.path, dict(request.query), body))
        return await handler(request)

    fake.app.middlewares.append(record)
    yield fake
    await fake.stop()


@pytest.fixture
async def sdk(genesys: FakeGenesys, sdk_process: SdkProcess) -> OfficialSdk:
    """Return the SDK after a login."""
    official = OfficialSdk(sdk_process, await genesys.start())
    assert await official.login() == {"has_token": True}
    return official
