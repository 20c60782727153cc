"""Take the screenshots of README and docs: `make screenshots`."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from playwright.async_api import expect

from bot import logs
from bot.sandbox.server import Sandbox, start_sandbox
from tests.browser.chromium import find_chromium, launch, open_sandbox_page
from tests.browser.gallery import DOCS, take_gallery
from tests.browser.pictures import save, sheet

if TYPE_CHECKING:
    from playwright.async_api import Browser


async def main(prefixes: tuple[str, ...]) -> int:
    """Take all screenshots, or those of the gallery with one of these prefixes; return the exit code."""
    logs.configure("error", "human")
    path = find_chromium()
    if path is None:
        print("chromium is not installed; on Debian: apt-get install chromium", file=sys.stderr)  # noqa: T201
        return 1
    async with start_sandbox() as sandbox, launch(path) as browser:
        if prefixes:
            await take_gallery(sandbox, browser, prefixes)
            return 0
        await _overview(sandbox, browser, "light", "sandbox.png")
        await _overview(sandbox, browser, "dark", "sandbox-dark.png")
        await _card(sandbox, browser)
        await _story(sandbox, browser, "light", "request-to-outcome.png")
        await _story(sandbox, browser, "dark", "request-to-outcome-dark.png")
        await take_gallery(sandbox, browser)
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
    save(DOCS / name, await sheet(page.tab, [[await page.tab.screenshot()]]))
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
    save(DOCS / "card.png", await sheet(page.tab, [[await page.newest.screenshot()]]))
    await page.tab.context.close()


async def _story(sandbox: Sandbox, browser: Browser, theme: str, name: str) -> None:
    """Show on a phone what an approver sees: the card, the question after the click, and the outcome."""
    await sandbox.session.reset()
    phone = {"width": 390, "height": 1000}
    page = await open_sandbox_page(browser, sandbox, color_scheme=theme, viewport=phone, device_scale_factor=2)
    await page.switch_to("Ravi")
    await page.send_command("revoke @tom laptop stolen")
    await page.switch_to("Ben")
    await page.open_conversation("channel approvals")
    await page.tab.mouse.move(0, 0)
    pictures = [await page.newest.screenshot()]
    await page.click_button("Revoke all sessions")
    dialog = page.tab.get_by_role("dialog")
    pictures.append(await dialog.screenshot())
    await dialog.get_by_role("button", name="Revoke all sessions").click()
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await page.tab.mouse.move(0, 0)
    pictures.append(await page.newest.screenshot())
    save(DOCS / name, await sheet(page.tab, [pictures]))
    await page.tab.context.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(tuple(sys.argv[1:]))))
