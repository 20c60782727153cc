"""Check a page with axe-core."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser.sandbox_page import SandboxPage

SCRIPT = files("axe_playwright_python").joinpath("axe.min.js").read_text()


async def axe_violations(page: SandboxPage, part: str = "html") -> list[str]:
    """Return axe-core's violations in a part of the page, a CSS selector: the rule, and where."""
    if not await page.tab.evaluate("'axe' in window"):
        await page.tab.evaluate(SCRIPT)
    found = await page.tab.evaluate("(part) => axe.run(part, {resultTypes: ['violations']})", part)
    return [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']]}" for one in found["violations"]
    ]
