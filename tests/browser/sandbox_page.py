"""A person in front of the page: what they pick, type, press and see; and the stage behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Locator, Page, Request

    from bot.sandbox.session import Play, Stage

PATIENCE = 20_000
"""Milliseconds after which what does not appear is missed: long, because machines are slow at times."""

expect.set_options(timeout=PATIENCE)


@dataclass
class Desk:
    """One browser tab on the sandbox's page."""

    page: Page
    stage: Stage
    url: str
    complaints: list[str] = field(default_factory=list)
    """What the browser's console said, and every address that is not the page's own."""

    async def open(self) -> None:
        """Go to the page and wait until it shows something."""
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        await self.page.goto(self.url)
        await self.is_shown()

    async def is_shown(self) -> None:
        """Wait until the page shows what is being played now."""
        await expect(self.page.locator(f"[data-play='{self.play.number}']")).to_be_visible()

    @property
    def play(self) -> Play:
        """What is being played."""
        assert self.stage.play
        return self.stage.play

    @property
    def messages(self) -> Locator:
        """The messages of the conversation that is open, oldest first."""
        return self.page.get_by_role("log").get_by_role("article")

    @property
    def last(self) -> Locator:
        """The newest of them."""
        return self.messages.last

    @property
    def line(self) -> Locator:
        """Where one types."""
        return self.page.get_by_role("main").get_by_role("combobox")

    async def plays(self, name: str) -> None:
        """Become somebody, by their first name."""
        await self.page.get_by_role("radio", name=re.compile(f"^{name}")).check()

    async def goes_to(self, room: str) -> None:
        """Open a channel, or the direct messages with PureCloud."""
        rooms = self.page.get_by_role("navigation", name="Conversations")
        await rooms.get_by_role("button", name=room).click()

    async def types(self, line: str) -> None:
        """Type a line and send it."""
        await self.line.fill(line)
        await self.line.press("Enter")

    async def asks(self, line: str) -> None:
        """Ask the bot something and wait for its private answer."""
        before = await self.messages.count()
        await self.types(f"/purecloud {line}")
        await expect(self.messages).to_have_count(before + 1)

    async def presses(self, name: str) -> None:
        """Press a button of the newest message; no native dialog is answered."""
        await self.last.get_by_role("button", name=name).click()

    async def confirms(self, name: str, yes: str | None = None) -> None:
        """Press a button of the newest message, and in the dialog that asks the one of the same name unless said."""
        await self.presses(name)
        await self.page.get_by_role("dialog").get_by_role("button", name=yes or name).click()

    async def sees(self, *words: str) -> None:
        """Wait until the newest message says all of this."""
        for part in words:
            await expect(self.last).to_contain_text(part)

    async def sees_no_button(self) -> None:
        """Nothing on the newest message can be pressed any more."""
        await expect(self.last.get_by_role("button")).to_have_count(0)

    async def lets(self, trouble: str) -> None:
        """Choose what goes wrong."""
        await self.page.get_by_role("button", name="Go wrong").click()
        await self.page.get_by_label(trouble).click()

    async def sees_sessions(self, name: str, words: str) -> None:
        """Wait until the list of who is logged in says so of somebody."""
        rows = self.page.get_by_role("region", name="Genesys Cloud stand-in").get_by_role("listitem")
        row = rows.filter(has_text=name)
        await expect(row).to_contain_text(words)

    @property
    def deletes(self) -> int:
        """How many DELETEs of a person's tokens reached Genesys Cloud."""
        return len(self.play.genesys.received("delete_token"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"asked for {request.url}")
