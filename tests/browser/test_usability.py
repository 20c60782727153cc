"""Usability and accessibility: drill, links, keyboard, screen readers, themes, narrow screens."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from bot.domain.requests import State
from bot.sandbox import personas
from bot.sandbox.manifest import SHORTCUTS
from handlers.ui.renderer import MessageRenderer
from tests.browser.axe import axe_violations
from tests.browser.chromium import open_sandbox_page
from tests.browser.test_rendering import call_method, field, text
from tests.sandbox.page.conftest import TOM_ID
from tests.support.sample_outcomes import in_state
from tests.support.stub_services import ENGLISH

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from bot.sandbox.server import Sandbox
    from tests.browser.conftest import OpenPage
    from tests.browser.sandbox_page import SandboxPage


HOME_BLOCKS = [
    {"type": "header", "text": text("Your requests")},
    {
        "type": "section",
        "text": text("*Tom Target* waits for <@U0BENAPP01>", "mrkdwn"),
        "accessory": {"type": "button", "action_id": "open", "text": text("Open"), "style": "primary"},
    },
    {
        "type": "actions",
        "elements": [
            {"type": "users_select", "action_id": "who", "placeholder": text("Whose")},
            {"type": "overflow", "action_id": "more", "options": [{"text": text("All"), "value": "all"}]},
        ],
    },
]
"""Blocks of a Home tab."""

MAX_CARD_HEIGHT = 520
"""Pixels of a pending card on a phone, so that an approver sees all of it."""


async def test_drill__survives_a_fault_and_a_killed_replica(open_page: OpenPage) -> None:
    page = await open_page()
    drill = page.tab.get_by_role("region", name="Incident drill")
    done = drill.get_by_role("listitem").filter(has_text="(done)")
    await page.switch_to("Ona")  # the composer is disabled for her
    await drill.get_by_role("button", name="Type it for me").click()
    await expect(page.composer).to_be_focused()
    await page.composer.press("Enter")
    await expect(done).to_have_count(1)
    while page.run.replica is None:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.01)
    await drill.get_by_role("button", name="Open #approvals as Ben").click()
    await page.click_and_confirm("Revoke all sessions")
    await expect(done).to_have_count(3)
    assert page.deletes > 0
    await page.expect_sessions("Tom Target", "2 sessions")
    await drill.get_by_role("button", name="Kill replica 2").click()
    await expect(page.tab.get_by_role("heading", name="Drill done")).to_be_visible()
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await page.expect_sessions("Tom Target", "logged out")
    summary = page.tab.get_by_text(re.compile(r"The sessions ended \d+\.\d\d s after the click, although"))
    await expect(summary).to_be_visible()
    await expect(page.tab.get_by_role("timer")).to_have_text(
        re.compile(r"^\d+\.\d\d s first DELETE after \d+\.\d\d s$")
    )
    assert page.run.genesys.users[TOM_ID].sessions == 0


async def test_drill__is_not_done_by_a_request_without_its_fault(page: SandboxPage) -> None:
    await page.send_command("revoke @tom")
    await page.open_conversation("direct messages with PureCloud")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("Revoked: all sessions of Tom Target")
    drill = page.tab.get_by_role("region", name="Incident drill")
    await expect(drill.get_by_role("listitem").filter(has_text="(done)")).to_have_count(2)
    await expect(drill).to_contain_text("reset to start the drill")


async def test_drill__can_be_closed_and_opened(open_page: OpenPage) -> None:
    page = await open_page()
    await page.tab.get_by_role("button", name="Close the incident drill").click()
    await page.tab.reload()
    await page.wait_for_run()
    await expect(page.tab.get_by_role("button", name="Close the incident drill")).to_have_count(0)
    await page.tab.get_by_role("button", name="Incident drill").click()
    await expect(page.tab.get_by_role("heading", name="Incident drill")).to_be_visible()
    await expect(page.tab.get_by_role("timer")).to_have_text("0.0 s")


async def test_link__reproduces_a_moment(open_page: OpenPage, browser: Browser, sandbox: Sandbox) -> None:
    page = await open_page()
    await page.switch_to("Ben")
    await page.open_conversation("channel approvals")
    await page.inject_fault("503: unavailable")
    await page.composer.fill("/purecloud revoke @tom")
    link = f"{page.url}#as=ben&room=approvals&do=revoke+@tom&fault=503"
    await expect(page.tab).to_have_url(link)
    await page.tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.tab.get_by_role("button", name="Copy link").click()
    await expect(page.tab.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.tab.evaluate("navigator.clipboard.readText()") == link
    await sandbox.session.reset()
    other = await open_sandbox_page(browser, sandbox, fragment=link.partition("#")[2])
    await expect(other.tab.get_by_role("radio", name="Ben")).to_be_checked()
    await expect(other.tab.get_by_role("heading", name="approvals")).to_be_visible()
    await expect(other.composer).to_have_value("/purecloud revoke @tom")
    await expect(other.composer).to_be_enabled()
    await other.tab.get_by_role("button", name="Faults").click()
    await expect(other.tab.get_by_label("503: unavailable")).to_be_checked()
    await other.tab.evaluate("location.hash = '#as=olivia&room=home'")  # as a link on the same page
    await expect(other.tab.get_by_role("heading", name="What you can do with /purecloud")).to_be_visible()
    await other.tab.context.close()


async def test_link__is_followed_although_a_write_that_was_due_replaces_it(open_page: OpenPage) -> None:
    page = await open_page()
    await page.tab.evaluate("location.hash = '#as=ben&room=approvals'; history.replaceState(null, '', '#as=olivia')")
    await expect(page.tab.get_by_role("radio", name="Ben")).to_be_checked()
    await expect(page.tab.get_by_role("heading", name="approvals")).to_be_visible()


TYPE_FAST = """() => {
  window.changes = 0;
  const change = history.replaceState.bind(history);
  history.replaceState = (...all) => { window.changes += 1; change(...all); };
  const input = document.getElementById("message");
  const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  for (let length = 1; length <= 40; length += 1) {
    setValue.call(input, "x".repeat(length));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""
"""Count the changes of the address while 40 characters are typed before any timer fires."""


async def test_link__follows_fast_typing_with_few_changes_of_the_address(open_page: OpenPage) -> None:
    page = await open_page()
    await page.tab.evaluate(TYPE_FAST)
    await expect(page.tab).to_have_url(re.compile("say=x{40}$"))
    assert await page.tab.evaluate("window.changes") <= 2


async def test_link__ignores_what_the_sandbox_does_not_have(open_page: OpenPage) -> None:
    page = await open_page(fragment="as=mallory&room=vault&fault=fire&say=hello")
    await expect(page.tab.get_by_role("radio", name="Olivia")).to_be_checked()
    await expect(page.tab.get_by_role("heading", name="ops")).to_be_visible()
    await expect(page.composer).to_have_value("hello")
    assert page.run.faults.genesys is None


async def test_keyboard__is_sufficient_for_a_revocation(page: SandboxPage) -> None:
    keys = page.tab.keyboard
    await page.tab.get_by_role("radio", name="Olivia").focus()
    await keys.press("ArrowDown")
    await expect(page.tab.get_by_role("radio", name="Ben")).to_be_checked()
    await page.composer.focus()
    await keys.type("/")
    global_shortcuts = [shortcut for shortcut in SHORTCUTS if shortcut.type == "global"]
    await expect(page.tab.get_by_role("option")).to_have_count(len(personas.EXAMPLES) + len(global_shortcuts))
    await keys.press("ArrowDown")
    await keys.press("ArrowDown")
    await expect(page.tab.get_by_role("option", selected=True)).to_contain_text("/purecloud whoami")
    await keys.press("Enter")
    await expect(page.composer).to_have_value("/purecloud whoami")
    await keys.press("Enter")
    await page.expect_newest("Ben Baker")
    await keys.type("/purecloud revoke @to")
    chosen = page.tab.get_by_role("option", selected=True)
    await expect(chosen).to_contain_text("@tom Tom Target")
    await keys.press("ArrowDown")
    await expect(chosen).to_contain_text("@token-approvers")
    await keys.press("ArrowUp")
    await expect(chosen).to_contain_text("@tom Tom Target")
    await keys.press("Tab")
    await expect(page.composer).to_have_value("/purecloud revoke @tom ")
    await keys.press("Enter")
    await page.expect_newest("You can approve this yourself")
    await page.tab.get_by_role("button", name="direct messages with PureCloud").press("Enter")
    await page.newest.get_by_role("button", name="Revoke all sessions").press("Enter")
    dialog = page.tab.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await keys.press("Escape")
    await expect(dialog).to_have_count(0)
    assert page.deletes == 0
    again = page.newest.get_by_role("button", name="Revoke all sessions")
    await expect(again).to_be_focused()
    await again.press("Enter")
    await dialog.get_by_role("button", name="Revoke all sessions").press("Enter")
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await expect(page.tab.get_by_role("log")).to_be_focused()  # because the button is gone


async def test_composer__keeps_an_unknown_command_and_says_why(page: SandboxPage) -> None:
    await page.send("/deploy now")
    await expect(
        page.tab.get_by_role("alert").filter(has_text="/deploy is not a command of this workspace")
    ).to_be_visible()
    await expect(page.composer).to_have_value("/deploy now")
    assert page.run.slack.messages == []


async def test_composer__describes_each_example(page: SandboxPage) -> None:
    await page.tab.get_by_role("button", name="Commands").click()
    await expect(page.composer).to_be_focused()
    shown = await page.tab.get_by_role("option").all_inner_texts()
    assert [" ".join(one.split()) for one in shown] == [
        *(f"/purecloud {line} {about}" for line, about in personas.EXAMPLES.items()),
        *(f"{shortcut.name} shortcut" for shortcut in SHORTCUTS if shortcut.type == "global"),
    ]


async def test_composer__suggests_people_by_any_part_of_their_name(page: SandboxPage) -> None:
    await page.composer.fill("/purecloud revoke")
    await page.tab.get_by_role("button", name="Mention a person").click()
    await expect(page.composer).to_have_value("/purecloud revoke @")
    offered = page.tab.get_by_role("option")
    active = [member for member in page.run.slack.members.values() if not member.deleted]
    await expect(offered).to_have_count(len(active) + len(personas.groups()))
    await expect(offered.filter(has_text="@dan")).to_have_count(0)
    await page.composer.press("ArrowUp")  # selects the last one, which is below the visible part
    await expect(page.tab.get_by_role("option", selected=True)).to_contain_text("@token-approvers")
    await expect(page.tab.get_by_role("option", selected=True)).to_be_in_viewport()
    await page.composer.fill("/purecloud revoke @targ")
    await page.composer.press("Enter")
    await expect(page.composer).to_have_value("/purecloud revoke @tom ")


async def test_alarm__is_shown_when_the_bot_does_not_respond(page: SandboxPage) -> None:
    page.run.slack.events_url = "http://127.0.0.1:1/slack/events"
    await page.send("/purecloud")
    await expect(page.tab.get_by_role("alert").filter(has_text="The bot did not respond")).to_be_visible()
    page.run.slack.events_url = page.run.bot_url


async def test_faults__take_effect_at_once_and_are_shown_below_the_composer(page: SandboxPage) -> None:
    await page.tab.get_by_role("button", name="Faults").click()
    await page.tab.get_by_label("responds after 5 s").check()
    await page.tab.get_by_label("does not respond to the bot").check()
    await expect(page.tab.get_by_text("Slack does not respond to the bot, as chosen")).to_be_visible()
    await page.tab.get_by_label("does not respond to the bot").uncheck()
    await expect(page.tab.get_by_text("Slack does not respond to the bot, as chosen")).to_have_count(0)
    await expect(page.tab.get_by_label("responds after 5 s")).to_be_checked()


@pytest.mark.parametrize(("motion", "animation"), [("reduce", "none"), ("no-preference", "fresh")])
async def test_motion__follows_the_users_preference(open_page: OpenPage, motion: str, animation: str) -> None:
    page = await open_page(reduced_motion=motion)
    await page.send_command("whoami")
    await expect(page.newest).to_have_css("animation-name", animation)


async def test_laptop__shows_the_whole_card_below_the_drill(open_page: OpenPage) -> None:
    page = await open_page(viewport={"width": 1280, "height": 800})
    await page.send_command("revoke @tom laptop stolen")
    await page.open_conversation("direct messages with PureCloud")
    await expect(page.tab.get_by_role("region", name="Incident drill")).to_be_visible()
    for name in ("Revoke all sessions", "Decline", "Cancel request"):
        await expect(page.newest.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)


async def test_phone__shows_a_pending_card_without_scrolling(open_page: OpenPage) -> None:
    page = await open_page(viewport={"width": 390, "height": 844})
    card = MessageRenderer(ENGLISH).card(in_state(State.PENDING, reason="laptop stolen"))
    page.run.slack.conversations.post(personas.OPS, card["text"], card["blocks"])
    await expect(page.newest.get_by_role("button", name="Revoke all sessions")).to_be_visible()
    box = await page.newest.bounding_box()
    assert box
    assert box["height"] <= MAX_CARD_HEIGHT


async def test_phone__shows_the_composer_and_cuts_nothing_off(open_page: OpenPage) -> None:
    page = await open_page(viewport={"width": 390, "height": 844})
    await expect(page.composer).to_be_in_viewport(ratio=1)
    await page.send_command("whoami")
    await expect(page.composer).to_be_in_viewport(ratio=1)
    root = "document.documentElement"
    assert await page.tab.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert await page.tab.evaluate(f"{root}.scrollTop") == 0  # a reply scrolls the messages, not the page


async def test_phone__shows_the_conversation_in_most_of_the_screen(open_page: OpenPage) -> None:
    page = await open_page(viewport={"width": 390, "height": 844})
    box = await page.tab.get_by_role("log").bounding_box()
    assert box
    assert box["y"] < 844 * 0.38
    names = [" ".join(one.split()) for one in await page.tab.locator(".guide li").all_inner_texts()]
    assert names == ["1 Request", "2 Approve", "3 503", "4 Kill", "5 Outcome"]


async def test_theme__follows_the_system_until_the_user_chooses(open_page: OpenPage) -> None:
    page = await open_page(color_scheme="dark")
    root = page.tab.locator("html")
    await expect(root).to_have_attribute("data-theme", "dark")
    await expect(root).to_have_css("color-scheme", "dark")
    await page.tab.get_by_role("button", name="Dark theme").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await expect(root).to_have_css("color-scheme", "light")  # so that native controls are light as well
    await page.tab.reload()
    await expect(root).to_have_attribute("data-theme", "light")


async def test_axe__reports_low_contrast(open_page: OpenPage) -> None:
    page = await open_page()
    await page.tab.evaluate("document.querySelector('.banner p').style.color = '#3b1347'")
    assert [violation.partition(" ")[0] for violation in await axe_violations(page)] == ["color-contrast"]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe__finds_no_violation(open_page: OpenPage, theme: str) -> None:
    page = await open_page(color_scheme=theme)
    await page.send_command("whoami")
    await page.send_command("revoke @tom laptop stolen")
    assert await axe_violations(page) == []
    await page.open_conversation("direct messages with PureCloud")
    page.run.slack.conversations.post(page.run.slack.workspace.dm(personas.OLIVIA).id, "odd", [{"type": "hologram"}])
    await expect(page.messages).to_have_count(2)
    await page.inject_fault("403: permission missing")
    await page.messages.first.get_by_role("button", name="Revoke all sessions").click()
    assert await axe_violations(page) == []
    await page.tab.get_by_role("dialog").get_by_role("button", name="Revoke all sessions").click()
    await expect(page.messages.first).to_contain_text("Refused by Genesys Cloud")
    await page.open_conversation("channel ops")
    page.run.slack.conversations.post(
        personas.OPS, "reply", thread_ts=page.run.slack.say(personas.BEN, "hi", personas.OPS).ts
    )
    await page.tab.get_by_role("button", name="1 reply").click()
    await page.composer.fill("/")
    await expect(page.tab.get_by_role("listbox", name="Suggestions")).to_be_visible()
    await page.tab.get_by_role("button", name="Audit log").click()
    await page.tab.get_by_role("button", name="Verify").click()
    await expect(page.tab.get_by_text("ok: ")).to_be_visible()
    for width in (390, 1024, 1280):
        await page.tab.set_viewport_size({"width": width, "height": 800})
        assert await axe_violations(page) == []
        root = "document.documentElement"
        assert await page.tab.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    await page.tab.get_by_role("button", name="Phone").click()
    await expect(page.tab.get_by_role("list", name="Notifications, newest first")).to_be_visible()
    assert await axe_violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe__finds_no_violation_in_modals_and_the_home_tab(open_page: OpenPage, theme: str) -> None:
    page = await open_page(color_scheme=theme)
    options = [{"text": text(word), "value": word} for word in ("stolen", "phished")]
    blocks = [
        field("why", "Reason", {"type": "plain_text_input", "placeholder": text("what happened")}),
        field("who", "Whose", {"type": "multi_users_select"}),
        field("kind", "Kind", {"type": "radio_buttons", "options": options}),
        field("when", "When", {"type": "datepicker"}, optional=True),
    ]
    await page.open_conversation("direct messages with PureCloud")
    await page.tab.get_by_role("button", name="Home", exact=True).click()
    await expect(page.tab.get_by_role("heading", name="What you can do with /purecloud")).to_be_visible()
    assert await axe_violations(page) == []
    await call_method(page, "views.publish", user_id=personas.OLIVIA, view={"type": "home", "blocks": HOME_BLOCKS})
    await expect(page.tab.get_by_role("heading", name="Your requests")).to_be_visible()
    assert await axe_violations(page) == []
    view = {"type": "modal", "title": text("Revoke many"), "submit": text("Ask"), "blocks": blocks}
    await call_method(page, "views.open", trigger_id=page.run.slack.views.issue_trigger_id(personas.OLIVIA), view=view)
    await expect(page.tab.get_by_role("dialog", name="Revoke many")).to_be_visible()
    page.run.slack.views.show_errors(page.run.slack.views.modals[personas.OLIVIA][0], {"why": "Say more."})
    await expect(page.tab.get_by_text("Say more.")).to_be_visible()
    await expect(page.tab.get_by_role("radiogroup", name="Kind")).to_be_visible()
    assert await axe_violations(page) == []
