"""Each scene of the gallery, on a phone and on a desktop, in both themes."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Literal

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.domain.actions import ACTIONS
from bot.domain.requests import State
from bot.sandbox import personas
from bot.sandbox.slack.block_kit import problems, view_problems
from tests.browser.axe import axe_violations
from tests.browser.card_scenes import RENDERER
from tests.browser.gallery import DESKTOP, PHONE, TALL, THEMES, Stage, all_scenes, open_stage, set_up
from tests.browser.pictures import GAP, sheet
from tests.support.sample_outcomes import in_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

    from bot.sandbox.server import Sandbox
    from tests.browser.sandbox_page import SandboxPage
    from tests.browser.scenes import Scene

MAX_CARD_HEIGHT = 520
"""Pixels of a pending card on a phone, so that an approver sees all of it."""

HIGH_ENOUGH = 40_000
"""Pixels of a window that shows all messages without scrolling, because axe-core leaves out what is hidden."""

EVERY_OTHER, THE_OTHERS, ALL = slice(0, None, 2), slice(1, None, 2), slice(None)

SHOWN = pytest.mark.parametrize(
    ("theme", "width", "part"),
    [
        ("light", PHONE, EVERY_OTHER),
        ("dark", DESKTOP, THE_OTHERS),
        *(
            pytest.param(theme, width, ALL, marks=pytest.mark.heavy)  # each takes ten to twenty seconds
            for theme in THEMES
            for width in (PHONE, DESKTOP)
        ),
    ],
    ids=str,
)

FIRST_PIXEL = """async (encoded) => {
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0))]));
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.drawImage(image, 0, 0);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}"""

CUT_OFF = """(element) => {
  const outer = element.getBoundingClientRect();
  const sticksOut = ({ left, right }) => right > outer.right + 1 || left < outer.left - 1;
  const parts = [...element.querySelectorAll(":not(option)")].filter((one) => one.getClientRects().length > 0);
  return parts.filter((one) => sticksOut(one.getBoundingClientRect())).map((one) => one.outerHTML.slice(0, 100));
}"""
"""Return the parts that are wider than their message, modal or tab."""


async def scenes_of_kind(*kinds: str) -> list[Scene]:
    return [scene for _, scenes in await all_scenes() for scene in scenes if scene.kind in kinds]


async def test_scenes__are_accepted_by_slack_and_have_names_of_their_own() -> None:
    messages, views = await scenes_of_kind("message"), await scenes_of_kind("modal", "home")
    assert {scene.name: found for scene in messages if (found := problems(dict(scene.body)))} == {}
    assert {scene.name: found for scene in views if (found := view_problems(dict(scene.body), scene.kind))} == {}
    names = [scene.name for scene in [*messages, *views]]
    assert len(names) == len(set(names))


def headline(message: object) -> str:
    assert isinstance(message, dict)
    return next((str(block["text"]["text"]) for block in message["blocks"] if block["type"] == "header"), "")


async def test_scenes__show_actions_about_one_person_or_token_in_every_state() -> None:
    shown = {headline(scene.body) for scene in await scenes_of_kind("message")}
    cards = [(action, state) for action in ("revoke", "break-glass", "rotate") for state in State]
    cards.remove(("break-glass", State.DECLINED))  # no one else can decline it
    assert {"revoke", "break-glass", "rotate", "revoke-many"} == set(ACTIONS)  # `bulk_scenes` shows the last one
    assert [one for one in cards if headline(RENDERER.card(in_state(one[1], one[0]))) not in shown] == []


async def test_sheet__has_the_pictures_below_each_other_in_their_colours(page: SandboxPage) -> None:
    screenshot = await page.tab.screenshot(clip={"x": 0, "y": 0, "width": 300, "height": 20})
    drawn = await sheet(page.tab, [[screenshot, screenshot], [screenshot]])
    assert struct.unpack(">IIBB", drawn[16:26]) == (600 + GAP, 40 + GAP, 8, 3)
    banner = await page.tab.evaluate("getComputedStyle(document.querySelector('.banner')).backgroundColor")
    pixel = await page.tab.evaluate(FIRST_PIXEL, base64.b64encode(drawn).decode())
    assert f"rgb({', '.join(map(str, pixel))})" == banner


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage_page(browser: Browser, sandbox: Sandbox) -> AsyncIterator[SandboxPage]:
    async with open_stage(sandbox, browser, [("light", PHONE)]) as stage:
        yield stage.pages[0]


async def stage_of(page: SandboxPage, theme: Literal["light", "dark"], width: int, height: int = TALL) -> Stage:
    """Load the page of the stage again, in another window.

    The height is set without Playwright, which resizes Chromium's own window too. Drawing a window of this height
    takes Chromium four seconds of processor time.
    """
    await page.session.reset()
    await page.tab.emulate_media(color_scheme=theme)
    devtools = await page.tab.context.new_cdp_session(page.tab)
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    await devtools.send("Emulation.setDeviceMetricsOverride", metrics)
    await page.load_first()
    await set_up(page)
    assert await page.tab.evaluate("[innerWidth, innerHeight]") == [width, height]
    return Stage(page.run, [page])


@SHOWN
async def test_messages__have_no_violation_and_are_not_cut_off(
    stage_page: SandboxPage, theme: Literal["light", "dark"], width: int, part: slice
) -> None:
    scenes = (await scenes_of_kind("message"))[part]
    stage = await stage_of(stage_page, theme, width, HIGH_ENOUGH)
    for scene in scenes:
        stage.run.slack.conversations.post(personas.OPS, scene.body["text"], list(scene.body["blocks"]))
    await expect(stage_page.messages).to_have_count(len(scenes))
    assert await axe_violations(stage_page, "[role=log]") == []
    assert await stage_page.messages.evaluate_all(f"(all) => all.flatMap({CUT_OFF})") == []
    await expect(stage_page.tab.get_by_text("Not supported by this page")).to_have_count(0)


@SHOWN
@pytest.mark.parametrize("kind", ["modal", "home"])
async def test_views__have_no_violation_and_are_not_cut_off(
    stage_page: SandboxPage, theme: Literal["light", "dark"], width: int, part: slice, kind: str
) -> None:
    stage = await stage_of(stage_page, theme, width)
    for scene in (await scenes_of_kind(kind))[part]:
        await check_view(stage, scene)


async def check_view(stage: Stage, scene: Scene) -> None:
    async with stage.showing(scene) as elements:
        for page, element in zip(stage.pages, elements, strict=True):
            assert await axe_violations(page, {"modal": "dialog", "home": ".home"}[scene.kind]) == [], scene.name
            assert await element.evaluate(CUT_OFF) == [], scene.name


async def test_phone__shows_a_pending_card_without_scrolling(stage_page: SandboxPage) -> None:
    names = {"pending", "pending-live", "pending-no-reason", "pending-protected"}
    scenes = [scene for scene in await scenes_of_kind("message") if scene.name in names]
    assert len(scenes) == len(names)
    stage = await stage_of(stage_page, "light", PHONE)
    for scene in scenes:
        async with stage.showing(scene) as elements:
            box = await elements[0].bounding_box()
        assert box
        assert box["height"] <= MAX_CARD_HEIGHT, scene.name
