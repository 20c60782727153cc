"""Take the pictures of the gallery: each scene in both themes, on a phone and on a desktop."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import expect

from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from tests.browser import bulk_scenes, card_scenes, view_scenes
from tests.browser.chromium import open_sandbox_page
from tests.browser.pictures import save, sheet
from tests.support.examples import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from playwright.async_api import Browser, FilePayload, Locator

    from bot.sandbox.server import Sandbox
    from bot.sandbox.session import SandboxRun
    from tests.browser.sandbox_page import SandboxPage
    from tests.browser.scenes import Group, Scene

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "gallery"

PHONE, DESKTOP = 390, 1280
"""Widths of the window, in pixels."""

THEMES = ("light", "dark")

TALL = 3000
"""Height of the window, in pixels, so that nothing is scrolled away."""

PAGE = """# Gallery

Each card and view of the bot in each state, as the [sandbox](sandbox.md) shows it. Slack draws them slightly
differently. Each picture shows a phone (390 pixels) above a desktop (1280 pixels), in the light and in the dark theme.

`make screenshots` takes the pictures. `tests/browser/test_gallery.py` draws every scene at these widths and in both
themes, checks it with axe-core, and checks that nothing is cut off. `make test` shows each scene in one theme and
width, and `make replicas` in all of them.
"""


async def all_scenes() -> list[Group]:
    """Return all scenes, in the order of the gallery."""
    return [
        ("A request that waits for its approval", card_scenes.pending_cards()),
        ("A request that was approved", card_scenes.approved_cards()),
        ("After a revocation", card_scenes.watched_cards()),
        ("A request that ended without an approval", card_scenes.undecided_cards()),
        ("Messages about a request", card_scenes.messages()),
        ("Break glass", card_scenes.break_glass_cards()),
        ("Many people at once", bulk_scenes.bulk_cards()),
        ("Rotate", card_scenes.rotation_cards()),
        ("Modals", [*view_scenes.modals(), *bulk_scenes.bulk_modals()]),
        ("Home tab", view_scenes.homes()),
        ("Lists", view_scenes.request_lists()),
        ("Private answers", await view_scenes.private_answers()),
    ]


@dataclass
class Stage:
    """Several windows that show the same sandbox to Olivia, who sees what a scene sends to her."""

    run: SandboxRun
    pages: Sequence[SandboxPage]

    @asynccontextmanager
    async def showing(self, scene: Scene) -> AsyncIterator[list[Locator]]:
        """Show a scene, return its element in each window, and remove it."""
        show = {"message": self._message, "modal": self._modal, "home": self._home}[scene.kind]
        async with show(scene) as elements:
            for element in elements:
                await expect(element).to_be_visible()
            yield elements

    @asynccontextmanager
    async def _message(self, scene: Scene) -> AsyncIterator[list[Locator]]:
        message = self.run.slack.conversations.post(personas.OPS, scene.body["text"], list(scene.body["blocks"]))
        try:
            yield [page.tab.locator(f"[id='message-{message.ts}']") for page in self.pages]
        finally:
            self.run.slack.conversations.delete(message)

    @asynccontextmanager
    async def _modal(self, scene: Scene) -> AsyncIterator[list[Locator]]:
        views = self.run.slack.views
        view = views.push(personas.OLIVIA, dict(scene.body))
        views.show_errors(view, scene.errors)
        try:
            elements = [page.tab.get_by_role("dialog") for page in self.pages]
            for element in elements:
                await expect(element.locator(".field-error")).to_have_count(len(scene.errors))
                if scene.file:
                    chosen: FilePayload = {"name": scene.file, "mimeType": "text/csv", "buffer": b"email\n"}
                    await element.locator("input[type=file]").set_input_files(chosen)
            yield elements
        finally:
            views.close(view)
            for page in self.pages:
                await expect(page.tab.get_by_role("dialog")).to_have_count(0)

    @asynccontextmanager
    async def _home(self, scene: Scene) -> AsyncIterator[list[Locator]]:
        """Show a Home tab in place of the bot's own one, which the bot cannot publish again meanwhile."""
        published = len(self.run.slack.calls_of("views.publish"))
        for page in self.pages:
            await page.tab.evaluate("location.hash = '#as=olivia&room=home'")
            published += 1
            while len(self.run.slack.calls_of("views.publish")) < published:
                await page.tab.wait_for_timeout(20)
        views = self.run.slack.views
        self.run.slack.fault("views.publish", SlackFault(error="internal_error", times=None))
        views.show(views.homes[personas.OLIVIA], dict(scene.body))
        try:
            elements = [page.tab.locator(".home") for page in self.pages]
            first = scene.body["blocks"][0]["text"]["text"].replace("*", "")
            for element in elements:
                await expect(element).to_contain_text(first)
            yield elements
        finally:
            self.run.slack.clear_faults("views.publish")
            for page in self.pages:
                await page.tab.evaluate("location.hash = '#as=olivia&room=ops'")
                await expect(page.tab.get_by_role("heading", name="ops")).to_be_visible()


STYLE = (
    ".head time, .message-shortcuts { display: none !important; }"
    ".message:hover { background: none !important; } .home { flex: none !important; }"
)
"""What the pictures leave out: the time of the screenshot, and what belongs to the page."""


async def set_up(page: SandboxPage) -> None:
    """Stop the clock of a page and hide what does not belong to the scenes."""
    await page.tab.clock.set_fixed_time(NOON + 900)
    await page.tab.add_style_tag(content=STYLE)


@asynccontextmanager
async def open_stage(
    sandbox: Sandbox, browser: Browser, windows: Sequence[tuple[str, int]], **options: Any
) -> AsyncIterator[Stage]:
    """Open a window of the sandbox for each theme and width; its clock shows a quarter past noon."""
    await sandbox.session.reset()
    async with AsyncExitStack() as stack:
        pages = []
        for theme, width in windows:
            viewport = {"width": width, "height": TALL}
            page = await open_sandbox_page(
                browser, sandbox, color_scheme=theme, viewport=viewport, timezone_id="UTC", bypass_csp=True, **options
            )
            stack.push_async_callback(page.tab.context.close)
            await set_up(page)
            pages.append(page)
        assert sandbox.session.run
        yield Stage(sandbox.session.run, pages)


async def take_gallery(sandbox: Sandbox, browser: Browser, prefixes: tuple[str, ...] = ("",)) -> None:
    """Write the page of all scenes, and the pictures of those whose names have one of these prefixes."""
    groups = await all_scenes()
    windows = [(theme, width) for width in (PHONE, DESKTOP) for theme in THEMES]
    PICTURES.mkdir(exist_ok=True)
    known = {f"{scene.name}.png" for _, scenes in groups for scene in scenes}
    for picture in PICTURES.glob("*.png"):
        if picture.name not in known:
            picture.unlink()
    async with open_stage(sandbox, browser, windows) as stage:
        for _, scenes in groups:
            for scene in [one for one in scenes if one.name.startswith(prefixes)]:
                async with stage.showing(scene) as elements:
                    light, dark, wide_light, wide_dark = [await element.screenshot() for element in elements]
                rows = [[light, dark], [wide_light], [wide_dark]]
                save(PICTURES / f"{scene.name}.png", await sheet(stage.pages[0].tab, rows))
    (DOCS / "gallery.md").write_text(gallery_page(groups))


def gallery_page(groups: Sequence[Group]) -> str:
    """Return the page that shows all scenes."""
    contents = [f"- [{title}](#{title.lower().replace(' ', '-')})" for title, _ in groups]
    sections = [
        "\n".join([f"\n## {title}\n", *(f"### {scene.name}\n\n{_figure(scene)}\n" for scene in scenes)])
        for title, scenes in groups
    ]
    return "\n".join([PAGE, *contents, *sections]).rstrip() + "\n"


def _figure(scene: Scene) -> str:
    alternative = scene.about.rstrip(".").replace("`", "")
    return f"{scene.about}\n\n![{alternative}](gallery/{scene.name}.png)"
