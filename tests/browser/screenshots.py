"""Take the screenshots of README and docs: `make screenshots`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from bot import logs
from bot.sandbox.server import Sandbox, start_sandbox
from tests.browser.chromium import find_chromium, launch, open_sandbox_page

if TYPE_CHECKING:
    from playwright.async_api import Browser

DOCS = Path(__file__).parents[2] / "docs"


async def main() -> int:
    """Take all screenshots; return the exit code."""
    logs.configure("error", "human")
    path = find_chromium()
    if path is None:
        print("chromium is not installed; on Debian: apt-get install chromium", file=sys.stderr)  # noqa: T201
        return 1
    async with start_sandbox() as sandbox, launch(path) as browser:
        await _overview(sandbox, browser, "light", "sandbox.png")
        await _overview(sandbox, browser, "dark", "sandbox-dark.png")
        await _card(sandbox, browser)
    return 0


async def _overview(sandbox: Sandbox, browser: Browser, theme: str, name: str) -> None:
    """Show Olivia's direct messages after whoami and a revocation."""
    await sandbox.session.reset()
    page = await open_sandbox_page(browser, sandbox, color_scheme=theme)
    await page.send_command("whoami")
    await page.send_command("revoke @tom laptop stolen")
    await page.open_conversation("direct messages with PureCloud")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await page.expect_sessions("Tom Target", "logged out")
    await expect(page.tab.get_by_role("button", name="private channel audit 1 unread")).to_be_visible()
    await page.tab.mouse.move(700, 20)  # so that no message has the hover background
    await page.tab.screenshot(path=DOCS / name)
    await page.tab.context.close()


async def _card(sandbox: Sandbox, browser: Browser) -> None:
    """Show a card that needs two approvals and has one."""
    await sandbox.session.reset()
    page = await open_sandbox_page(browser, sandbox, device_scale_factor=2, viewport={"width": 1440, "height": 1100})
    await page.switch_to("Ravi")
    await page.send_command("revoke @pia left her desk unlocked")
    await page.switch_to("Ben")
    await page.open_conversation("channel approvals")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("1 of 2 approvals (@ben)")
    await page.tab.mouse.move(700, 20)
    await page.newest.screenshot(path=DOCS / "card.png")
    await page.tab.context.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
