"""Fixtures for all tests."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from importlib import import_module
from pathlib import Path
from shutil import disk_usage
from typing import Any
from zlib import crc32

import pytest
import structlog

from bot import logs
from bot.db.postgres import PostgresDriver
from bot.db.sqlite import SqliteDriver
from tests.support.app_harness import AppHarness, start_app
from tests.support.database import DatabaseHarness, open_database
from tests.support.postgres import Server, server
from tests.support.schema import put_database

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest creates a private directory there
"""Linux's file system in memory. SQLite waits for the disk at each commit; the tests kill processes, not machines."""

if SHARED_MEMORY.is_dir() and disk_usage(SHARED_MEMORY).free > 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(SHARED_MEMORY))

PLAIN_RENDERER = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
"""Renders logs without rich, which takes half a second for one traceback if a package has installed it."""

structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN_RENDERER])

StartApp = Callable[..., Awaitable[AppHarness]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow modules, so that no worker is left with one at the end.

    They are mixed, so that some tests wait for a process or a sleep while others compute.
    """
    slow = ("browser", "integration", "unit", "services", "domain")

    def place(item: pytest.Item) -> tuple[bool, bool, int]:
        folder = item.path.parent.name
        return folder != "browser", folder not in slow, crc32(item.path.name.encode())

    items.sort(key=place)


def import_share(config: pytest.Config) -> None:
    """Import a worker's share of all test modules, before pytest imports them in the order of their names.

    In a clean clone, the workers would all compile the same modules at the same time.
    """
    worker = getattr(config, "workerinput", None)
    if worker and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        share = slice(int(worker["workerid"].removeprefix("gw")), None, worker["workercount"])
        for path in sorted(config.rootpath.glob("tests/**/test_*.py"))[share]:
            with suppress(pytest.skip.Exception):
                import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[Any]:
    """Collect no garbage during the collection of tests, and less often later.

    The modules and the tests exist until the end. Looking at them again and again takes a tenth of the time.
    """
    gc.disable()
    try:
        import_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, on which each test gets a database of its own."""
    with server() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DatabaseHarness]:
    """A migrated database. The tests run on SQLite and on PostgreSQL, because both make the same promises."""
    if request.param == "sqlite":
        put_database(tmp_path / "bot.db")
        async with open_database(SqliteDriver(tmp_path / "bot.db")) as opened:
            yield opened
        return
    started: Server = request.getfixturevalue("postgres")
    async with started.emptied() as address, open_database(PostgresDriver(address)) as opened:
        yield opened


@pytest.fixture
def restore_logging() -> Iterator[None]:
    """Restore the logging configuration of the process after the test."""
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in logs.WARNINGS_ONLY}
    handlers, level, config = root.handlers, root.level, structlog.get_config()
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**config)


@pytest.fixture
def transport() -> str:
    """How Slack reaches the bot: `http`, or `socket` if a test is parametrized with it."""
    return "http"


@pytest.fixture
async def start_app_with(tmp_path: Path, transport: str) -> AsyncIterator[StartApp]:
    """Return a function that starts an app with overridden settings.

    Example: `app = await start_app_with(SELF_APPROVAL="false")`.
    """
    async with AsyncExitStack() as apps:

        async def start(**overrides: str) -> AppHarness:
            return await apps.enter_async_context(
                start_app(tmp_path, socket_mode=transport == "socket", overrides=overrides)
            )

        yield start


@pytest.fixture
async def app(start_app_with: StartApp) -> AppHarness:
    """An app with the settings of the sandbox."""
    return await start_app_with()
