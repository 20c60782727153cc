"""Take the pictures of README and docs: `make screenshots`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from bot import logs
from bot.sandbox.server import Sandbox, sandbox
from tests.browser.chromium import browser_at, chromium_here, desk_in

if TYPE_CHECKING:
    from playwright.async_api import Browser

DOCS = Path(__file__).parents[2] / "docs"


async def main() -> int:
    """Play the same story in both themes; returns the exit code."""
    logs.configure("error", "human")
    path = chromium_here()
    if path is None:
        print("There is no chromium here; on Debian: apt-get install chromium", file=sys.stderr)  # noqa: T201
        return 1
    async with sandbox() as whole, browser_at(path) as browser:
        await _story(whole, browser, "light", "sandbox.png")
        await _story(whole, browser, "dark", "sandbox-dark.png")
        await _card(whole, browser)
    return 0


async def _story(whole: Sandbox, browser: Browser, theme: str, name: str) -> None:
    """Olivia asked who she is, then ended Tom's login by her card."""
    await whole.stage.begin_anew()
    desk = await desk_in(browser, whole, color_scheme=theme)
    await desk.asks("whoami")
    await desk.asks("revoke @tom laptop stolen")
    await desk.goes_to("direct messages with PureCloud")
    await desk.confirms("Revoke access")
    await desk.sees("Revoked: every session of Tom Target.")
    await desk.sees_sessions("Tom Target", "logged out")
    await expect(desk.page.get_by_role("button", name="private channel audit 1 not read")).to_be_visible()
    await desk.page.mouse.move(700, 20)  # what the mouse hovers over is tinted
    await desk.page.screenshot(path=DOCS / name)
    await desk.page.context.close()


async def _card(whole: Sandbox, browser: Browser) -> None:
    """The card that two approvers must confirm, when one of them has."""
    await whole.stage.begin_anew()
    desk = await desk_in(browser, whole, device_scale_factor=2, viewport={"width": 1440, "height": 1100})
    await desk.plays("Ravi")
    await desk.asks("revoke @pia left her desk unlocked")
    await desk.plays("Ben")
    await desk.goes_to("channel approvals")
    await desk.confirms("Revoke access")
    await desk.sees("Approved so far: @ben (1 of 2)")
    await desk.page.mouse.move(700, 20)
    await desk.last.screenshot(path=DOCS / "card.png")
    await desk.page.context.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
