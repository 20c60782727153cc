"""One chromium and one sandbox for all of these tests; each test begins anew on a tab of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.sandbox.server import Sandbox, sandbox
from tests.browser.chromium import browser_at, chromium_here, desk_in
from tests.browser.sandbox_page import Desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Sit = Callable[..., Awaitable[Desk]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them on one worker and in one loop, for they share a browser."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a chromium; without one the tests are skipped, or fail where one is required."""
    found = chromium_here()
    if found is None:
        missing = "there is no chromium here; on Debian: apt-get install chromium"
        if os.environ.get("REQUIRE_CHROMIUM"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with browser_at(chromium) as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole() -> AsyncIterator[Sandbox]:
    async with sandbox() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def sit(browser: Browser, whole: Sandbox) -> AsyncIterator[Sit]:
    """Sit down at a tab of its own: `desk = await sit(color_scheme="dark")`."""
    await whole.stage.begin_anew()
    desks: list[Desk] = []

    async def down(**options: object) -> Desk:
        desks.append(await desk_in(browser, whole, **options))
        return desks[-1]

    yield down
    for desk in desks:
        await desk.page.context.close()
    assert [complaint for desk in desks for complaint in desk.complaints] == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(browser: Browser, whole: Sandbox) -> AsyncIterator[Desk]:
    """One tab for all who need nothing special."""
    desk = await desk_in(browser, whole)
    yield desk
    await desk.page.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(shared: Desk) -> AsyncIterator[Desk]:
    """That tab, when everything has begun anew; afterwards the browser may have complained of nothing."""
    shared.complaints.clear()
    await shared.stage.begin_anew()
    await shared.is_shown()
    yield shared
    assert shared.complaints == []
