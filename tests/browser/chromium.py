"""Find and launch an installed chromium that makes no requests of its own."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import Browser, async_playwright

from tests.browser.sandbox_page import SandboxPage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import ViewportSize

    from bot.sandbox.server import Sandbox

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

WINDOW: ViewportSize = {"width": 1440, "height": 900}
"""The size of the page unless a test needs another one, in pixels."""


def find_chromium() -> str | None:
    """Return the path of an installed chromium, or None."""
    return next((path for path in map(shutil.which, EXECUTABLES) if path), None)


@asynccontextmanager
async def launch(path: str) -> AsyncIterator[Browser]:
    """Launch a browser and close it on exit."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


async def open_sandbox_page(browser: Browser, sandbox: Sandbox, **options: object) -> SandboxPage:
    """Open the sandbox page in a browser context of its own; the options are those of the context.

    The option `fragment` is the part of the address after `#`.
    """
    fragment = str(options.pop("fragment", ""))
    options = {"reduced_motion": "reduce", "viewport": WINDOW} | options
    context = await browser.new_context(**options)  # type: ignore[arg-type] # playwright checks them
    page = SandboxPage(await context.new_page(), sandbox.session, sandbox.page_url)
    await page.open(fragment)
    return page
