"""Fixtures that share one chromium and one sandbox; each test starts with a reset."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.sandbox.server import Sandbox, start_sandbox
from tests.browser.chromium import WINDOW, find_chromium, launch, open_sandbox_page
from tests.browser.sandbox_page import SandboxPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from playwright.async_api import ViewportSize

    OpenPage = Callable[..., Awaitable[SandboxPage]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests in one event loop, because those of a worker share a browser."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of chromium; without one, tests are skipped, or fail if REQUIRE_CHROMIUM is set."""
    found = find_chromium()
    if found is None:
        missing = "chromium is not installed; on Debian: apt-get install chromium"
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with launch(chromium) as launched:
        yield launched


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with start_sandbox() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def emptied_page(browser: Browser, sandbox: Sandbox) -> AsyncIterator[SandboxPage]:
    """A page that is loaded again, because a new context takes Chromium a second of processor time."""
    page = await open_sandbox_page(browser, sandbox)
    yield page
    await page.tab.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(emptied_page: SandboxPage, sandbox: Sandbox) -> AsyncIterator[OpenPage]:
    """Return a function that loads the page with empty storage.

    Example: `page = await open_page(color_scheme="dark")`.
    """
    await sandbox.session.reset()
    emptied_page.problems.clear()

    async def open_with(
        fragment: str = "",
        viewport: ViewportSize = WINDOW,
        color_scheme: Literal["light", "dark"] = "light",
        reduced_motion: Literal["reduce", "no-preference"] = "reduce",
    ) -> SandboxPage:
        await emptied_page.tab.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        await emptied_page.tab.set_viewport_size(viewport)
        await emptied_page.load_first(fragment)
        return emptied_page

    yield open_with
    assert emptied_page.problems == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_page(browser: Browser, sandbox: Sandbox) -> AsyncIterator[SandboxPage]:
    """One page for all tests that need no special context."""
    page = await open_sandbox_page(browser, sandbox)
    yield page
    await page.tab.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(shared_page: SandboxPage) -> AsyncIterator[SandboxPage]:
    """The shared page after a reset; fails the test if the browser reported problems."""
    shared_page.problems.clear()
    await shared_page.session.reset()
    await shared_page.wait_for_run()
    yield shared_page
    assert shared_page.problems == []
