"""A chromium that is on the machine, started so that it asks nobody else for anything."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import Browser, async_playwright

from tests.browser.sandbox_page import Desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.server import Sandbox

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIETLY = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_here() -> str | None:
    """Its path."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@asynccontextmanager
async def browser_at(path: str) -> AsyncIterator[Browser]:
    """Start it and end it."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=QUIETLY)
        yield started
        await started.close()


async def desk_in(browser: Browser, whole: Sandbox, **options: object) -> Desk:
    """Open the sandbox's page on a tab that shares nothing with others; the options are a browser context's."""
    options = {"reduced_motion": "reduce", "viewport": {"width": 1440, "height": 900}} | options
    context = await browser.new_context(**options)  # type: ignore[arg-type] # whatever playwright knows
    desk = Desk(await context.new_page(), whole.stage, whole.page_url)
    await desk.open()
    return desk
