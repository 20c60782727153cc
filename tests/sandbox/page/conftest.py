"""A page server with two fakes and no bot."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.db.requests import RequestStore
from bot.db.sqlite import SqliteDriver
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, GenesysUser
from bot.sandbox.page.server import PageServer
from bot.sandbox.session import SandboxRun, SandboxSession
from bot.sandbox.slack.server import FakeSlack
from tests.support import database
from tests.support.schema import put_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.clock import FakeClock

TOM_ID = "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09"


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(
        members=personas.members(),
        groups=personas.groups(),
        channels=personas.channels(),
        clock=clock,
        sleep=clock.sleep,
    )
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def genesys() -> FakeGenesys:
    tom = GenesysUser(id=TOM_ID, name="Tom Target", email="tom@example.com", sessions=2)
    return FakeGenesys(users=[tom])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RequestStore]:
    put_database(tmp_path / "bot.db")
    async with database.open_database(SqliteDriver(tmp_path / "bot.db")) as opened:
        yield opened.store()


@pytest.fixture
async def sandbox(slack: FakeSlack, genesys: FakeGenesys, store: RequestStore) -> AsyncIterator[SandboxSession]:
    """A session without a bot; every run has the same fakes and the same store."""

    @asynccontextmanager
    async def start_run() -> AsyncIterator[SandboxRun]:
        yield SandboxRun(slack, genesys, store, {})

    started = SandboxSession(start_run)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def url(sandbox: SandboxSession) -> AsyncIterator[str]:
    page = PageServer(sandbox)
    yield await page.start()
    await page.stop()


async def read_snapshot(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    """Read the next server-sent event."""
    line = await stream.content.readline()
    assert line.startswith(b"data: ")
    assert await stream.content.readline() == b"\n"
    data: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return data


async def post(session: aiohttp.ClientSession, url: str, body: object) -> tuple[int, str | None]:
    """Post an action; return the status and the problem."""
    async with session.post(url, json=body) as response:
        if response.status != 200:
            return response.status, None
        return response.status, (await response.json())["problem"]
