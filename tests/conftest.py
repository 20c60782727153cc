"""What every test may ask for."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from shutil import disk_usage

import pytest
import structlog

from bot import logs
from bot.db.postgres import postgres_engine
from bot.db.sqlite import sqlite_engine
from tests.support.app_harness import AppHarness, start_app
from tests.support.database import DatabaseHarness, open_database
from tests.support.postgres import Server, server
from tests.support.schema import put_database

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder there that nobody else may enter
"""Where Linux keeps files in memory; SQLite waits for the disk at each commit, and here only processes are killed."""

if MEMORY.is_dir() and disk_usage(MEMORY).free > 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
"""What is logged is written so; rich, where something brought it, takes half a second to paint one traceback."""

structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])

StartApp = Callable[..., Awaitable[AppHarness]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; databases on it are a test's own."""
    with server() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DatabaseHarness]:
    """A store's database; both kinds keep the same promises."""
    if request.param == "sqlite":
        put_database(tmp_path / "bot.db")
        async with open_database(sqlite_engine(tmp_path / "bot.db")) as opened:
            yield opened
        return
    started: Server = request.getfixturevalue("postgres")
    async with started.emptied() as address, open_database(postgres_engine(address)) as opened:
        yield opened


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Logging belongs to the whole process: give it back."""
    root, quiet = logging.getLogger(), {name: logging.getLogger(name).level for name in logs._QUIET}
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**config)


@pytest.fixture
def transport() -> str:
    """How Slack reaches the bot: `http`, or `socket` where a test says so by parameter."""
    return "http"


@pytest.fixture
async def start_app_with(tmp_path: Path, transport: str) -> AsyncIterator[StartApp]:
    """Return a function that starts an app with overridden settings.

    Example: `app = await start_app_with(SELF_APPROVAL="false")`.
    """
    async with AsyncExitStack() as apps:

        async def start(**overrides: str) -> AppHarness:
            return await apps.enter_async_context(start_app(tmp_path, socket_mode=transport == "socket", **overrides))

        yield start


@pytest.fixture
async def app(start_app_with: StartApp) -> AppHarness:
    """An app with the settings of the sandbox."""
    return await start_app_with()
