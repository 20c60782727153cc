"""A page object of the sandbox page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Locator, Page, Request

    from bot.sandbox.session import SandboxRun, SandboxSession

EXPECT_TIMEOUT = 20_000
"""Maximum time to wait for an expected element, in milliseconds. It is long because test machines may be slow."""

EMPTY = "<link rel=icon href=data:,><script>localStorage.clear(); sessionStorage.clear()</script>"
"""A page with the storage of the sandbox page, and no script that writes to it later. It requests no icon."""

expect.set_options(timeout=EXPECT_TIMEOUT)


@dataclass
class SandboxPage:
    """A browser tab that shows the sandbox page, and the session behind it."""

    tab: Page
    session: SandboxSession
    url: str
    problems: list[str] = field(default_factory=list)
    """Errors and warnings in the browser's console, and requests to other addresses than the page's."""

    async def open(self, fragment: str = "") -> None:
        """Load the page and wait until it shows the current run."""
        self.tab.set_default_timeout(EXPECT_TIMEOUT)
        self.tab.on("console", self._on_console)
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", self._on_request)
        await self._load(fragment)

    async def load_first(self, fragment: str = "") -> None:
        """Load the page as in a new browser context, which takes three times as long."""
        await self.tab.route(f"{self.url}empty", lambda route: route.fulfill(content_type="text/html", body=EMPTY))
        await self.tab.goto(f"{self.url}empty")
        await self.tab.unroute(f"{self.url}empty")  # because Playwright turns the cache off while there is a route
        await self.tab.context.clear_permissions()
        await self.tab.mouse.move(0, 0)
        await self._load(fragment)

    async def _load(self, fragment: str) -> None:
        await self.tab.goto(f"{self.url}#{fragment}")
        await self.wait_for_run()

    async def wait_for_run(self) -> None:
        """Wait until the page shows the current run."""
        await expect(self.tab.locator(f"[data-run='{self.run.id}']")).to_be_visible()

    @property
    def run(self) -> SandboxRun:
        """The current run."""
        assert self.session.run
        return self.session.run

    @property
    def messages(self) -> Locator:
        """The messages of the open conversation, oldest first."""
        return self.tab.get_by_role("log").get_by_role("article")

    @property
    def newest(self) -> Locator:
        """The newest message of the open conversation."""
        return self.messages.last

    @property
    def composer(self) -> Locator:
        """The input of the composer."""
        return self.tab.get_by_role("combobox", name=re.compile("^Message to "))

    async def switch_to(self, name: str) -> None:
        """Act as the person with this first name."""
        await self.tab.get_by_role("radio", name=re.compile(f"^{name}")).check()

    async def open_conversation(self, name: str) -> None:
        """Open a channel, or the direct messages with PureCloud."""
        conversations = self.tab.get_by_role("navigation", name="Conversations")
        await conversations.get_by_role("button", name=name).click()

    async def send(self, line: str) -> None:
        """Type a line and press Enter."""
        await self.composer.fill(line)
        await self.composer.press("Enter")

    async def send_command(self, text: str) -> None:
        """Send `/purecloud <text>` and wait for the bot's reply in this conversation."""
        before = await self.messages.count()
        await self.send(f"/purecloud {text}")
        await expect(self.messages).to_have_count(before + 1)

    async def click_button(self, name: str) -> None:
        """Click a button of the newest message, and leave its confirmation dialog open."""
        await self.newest.get_by_role("button", name=name).click()

    async def click_and_confirm(self, name: str, confirm: str | None = None) -> None:
        """Click a button of the newest message and confirm; by default, both buttons have the same name."""
        await self.click_button(name)
        await self.tab.get_by_role("dialog").get_by_role("button", name=confirm or name).click()

    async def expect_newest(self, *texts: str) -> None:
        """Wait until the newest message contains all texts."""
        for text in texts:
            await expect(self.newest).to_contain_text(text)

    async def expect_no_buttons(self) -> None:
        """Wait until the newest message has no buttons."""
        await expect(self.newest.get_by_role("button")).to_have_count(0)

    async def inject_fault(self, label: str) -> None:
        """Click a control of the Faults tab."""
        await self.tab.get_by_role("button", name="Faults").click()
        await self.tab.get_by_label(label).click()

    async def expect_sessions(self, name: str, text: str) -> None:
        """Wait until a user's row in the list of sessions contains the text."""
        rows = self.tab.get_by_role("region", name="Genesys Cloud fake").get_by_role("listitem")
        await expect(rows.filter(has_text=name)).to_contain_text(text)

    @property
    def deletes(self) -> int:
        """Number of DELETE requests for a user's tokens that Genesys Cloud received."""
        return len(self.run.genesys.received("delete_token"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(message.text)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.problems.append(f"request to {request.url}")
