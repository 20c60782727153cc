"""A stand-in for Genesys Cloud, and the official SDK that speaks to it from an environment of its own."""

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
from tests.support.genesys_client import people

INSTALLED = Path(__file__).parents[2] / ".venv-official"


class Interpreter:
    """`sdk.py` at the other end of two pipes: a line there, a line back."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [INSTALLED / "bin" / "python", Path(__file__).with_name("sdk.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": str(home)},  # it reads a configuration file there, and watches the folder
        )

    def ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def close(self) -> None:
        self._process.communicate()


@dataclass
class OfficialSdk:
    """The SDK, turned to one stand-in: gives what it read, or what it was refused."""

    interpreter: Interpreter
    host: str

    async def login(self, client_id: str = CLIENT.id, secret: str = CLIENT.secret) -> dict[str, Any]:
        login = {"host": self.host, "client_id": client_id, "secret": secret}
        return await asyncio.to_thread(self.interpreter.ask, {"login": login})

    async def call(self, api: str, method: str, **arguments: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.interpreter.ask, {"api": api, "method": method, **arguments})


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interpreter]:
    """Started once: importing the SDK takes seconds."""
    started = Interpreter(tmp_path_factory.mktemp("home"))
    yield started
    started.close()


@dataclass(frozen=True)
class Heard:
    """A request as it came: with its query and its body, which the stand-in's journal does not keep."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]


@pytest.fixture
def heard() -> list[Heard]:
    """Every request that came, log-ins included."""
    return []


@pytest.fixture
async def genesys(heard: list[Heard]) -> AsyncIterator[FakeGenesys]:
    stand_in = FakeGenesys(users=people())
    stand_in.state.roles = [EntityRef("r2", "Super user"), EntityRef("r3", "Team lead")]
    stand_in.state.clients[CLIENT.id].permissions |= {"authorization:role:view"}

    @web.middleware
    async def listen(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        is_json = request.method == "POST" and request.content_type == "application/json"
        body = await request.json() if is_json else dict(await request.post())
        heard.append(Heard(request.method, request.path, dict(request.query), body))
        return await handler(request)

    stand_in.app.middlewares.append(listen)
    yield stand_in
    await stand_in.stop()


@pytest.fixture
async def sdk(genesys: FakeGenesys, interpreter: Interpreter) -> OfficialSdk:
    """Logged in."""
    official = OfficialSdk(interpreter, await genesys.start())
    assert await official.login() == {"has_token": True}
    return official
