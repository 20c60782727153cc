"""The page for everybody: the first minute, the keyboard, the screen reader, both themes, narrow screens."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from bot.sandbox import personas
from tests.browser.test_rendering import call, field, text

if TYPE_CHECKING:
    from tests.browser.conftest import Sit
    from tests.browser.sandbox_page import Desk


MENUS = [
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
"""What an app may put on its Home tab."""

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()


async def test_guide__leads_through_the_first_minute(sit: Sit) -> None:
    desk = await sit()
    guide = desk.page.get_by_role("region", name="Your first minute")
    steps = guide.get_by_role("listitem")
    await desk.plays("Ona")  # who cannot type
    for place in range(3):
        await steps.nth(place).get_by_role("button", name="Type it for me").click()
        await expect(desk.line).to_be_focused()
        await desk.line.press("Enter")
        if place == 1:
            await desk.sees("I sent you the card")
            await desk.goes_to("direct messages with PureCloud")
            await desk.confirms("Revoke access")
        done = desk.page.get_by_role("listitem").filter(has_text="(done)")
        await expect(done).to_have_count(place + 1)
    await expect(desk.page.get_by_role("heading", name="That was it")).to_be_visible()
    await desk.page.get_by_role("button", name="Dismiss the first steps").click()
    await desk.page.reload()
    await expect(desk.messages.first).to_be_visible()
    await expect(desk.page.get_by_role("button", name="Dismiss the first steps")).to_have_count(0)
    await desk.page.get_by_role("button", name="First steps").click()
    await expect(desk.page.get_by_role("heading", name="That was it")).to_be_visible()


async def test_keyboard__is_all_one_needs(desk: Desk) -> None:
    keys = desk.page.keyboard
    await desk.page.get_by_role("radio", name="Olivia").focus()
    await keys.press("ArrowDown")
    await expect(desk.page.get_by_role("radio", name="Ben")).to_be_checked()
    await desk.line.focus()
    await keys.type("/")
    await expect(desk.page.get_by_role("option")).to_have_count(7)
    await keys.press("ArrowDown")
    await keys.press("ArrowDown")
    await expect(desk.page.get_by_role("option", selected=True)).to_contain_text("/purecloud whoami")
    await keys.press("Enter")
    await expect(desk.line).to_have_value("/purecloud whoami")
    await keys.press("Enter")
    await desk.sees("Ben Baker")
    await keys.type("/purecloud revoke @to")
    chosen = desk.page.get_by_role("option", selected=True)
    await expect(chosen).to_contain_text("@tom Tom Target")
    await keys.press("ArrowDown")
    await expect(chosen).to_contain_text("@token-approvers")
    await keys.press("ArrowUp")
    await expect(chosen).to_contain_text("@tom Tom Target")
    await keys.press("Tab")
    await expect(desk.line).to_have_value("/purecloud revoke @tom ")
    await keys.press("Enter")
    await desk.sees("I sent you the card")
    await desk.page.get_by_role("button", name="direct messages with PureCloud").press("Enter")
    await desk.last.get_by_role("button", name="Revoke access").press("Enter")
    dialog = desk.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await keys.press("Escape")
    await expect(dialog).to_have_count(0)
    assert desk.deletes == 0
    await expect(desk.last.get_by_role("button", name="Revoke access")).to_be_focused()
    await keys.press("Enter")
    await dialog.get_by_role("button", name="Revoke access").press("Enter")
    await desk.sees("Revoked: every session of Tom Target.")
    await expect(desk.page.get_by_role("log")).to_be_focused()  # the button is gone; one goes on from there


async def test_composer__a_line_that_cannot_be_sent_is_explained_and_kept(desk: Desk) -> None:
    await desk.types("/deploy now")
    await expect(desk.page.get_by_role("alert").filter(has_text="/deploy is no command here")).to_be_visible()
    await expect(desk.line).to_have_value("/deploy now")
    assert desk.play.slack.messages == []


async def test_composer__tells_what_each_command_shows(desk: Desk) -> None:
    await desk.page.get_by_role("button", name="Commands").click()
    await expect(desk.line).to_be_focused()
    shown = await desk.page.get_by_role("option").all_inner_texts()
    assert [" ".join(one.split()) for one in shown] == [
        f"/purecloud {line} {about}" for line, about in personas.EXAMPLES.items()
    ]


async def test_composer__offers_everybody_and_finds_them_by_any_part_of_their_name(desk: Desk) -> None:
    await desk.line.fill("/purecloud revoke")
    await desk.page.get_by_role("button", name="Mention somebody").click()
    await expect(desk.line).to_have_value("/purecloud revoke @")
    offered = desk.page.get_by_role("option")
    await expect(offered).to_have_count(13)  # eleven people who are there, the bot, a group
    await expect(offered.filter(has_text="@dan")).to_have_count(0)
    await desk.line.press("ArrowUp")  # to the last, which has to be scrolled to
    await expect(desk.page.get_by_role("option", selected=True)).to_contain_text("@token-approvers")
    await expect(desk.page.get_by_role("option", selected=True)).to_be_in_viewport()
    await desk.line.fill("/purecloud revoke @targ")
    await desk.line.press("Enter")
    await expect(desk.line).to_have_value("/purecloud revoke @tom ")


async def test_alarm__a_bot_that_does_not_answer_is_told(desk: Desk) -> None:
    desk.play.slack.events_url = "http://127.0.0.1:1/slack/events"
    await desk.types("/purecloud")
    await expect(desk.page.get_by_role("alert").filter(has_text="The bot did not answer")).to_be_visible()
    desk.play.slack.events_url = desk.play.own_url


async def test_trouble__is_chosen_at_once_and_said_where_one_types(desk: Desk) -> None:
    await desk.page.get_by_role("button", name="Go wrong").click()
    await desk.page.get_by_label("answers after 5 s").check()
    await desk.page.get_by_label("does not answer the bot").check()
    await expect(desk.page.get_by_text("Slack does not answer the bot, as chosen")).to_be_visible()
    await desk.page.get_by_label("does not answer the bot").uncheck()
    await expect(desk.page.get_by_text("Slack does not answer the bot, as chosen")).to_have_count(0)
    await expect(desk.page.get_by_label("answers after 5 s")).to_be_checked()


@pytest.mark.parametrize(("motion", "animation"), [("reduce", "none"), ("no-preference", "fresh")])
async def test_motion__is_left_out_for_who_wants_none(sit: Sit, motion: str, animation: str) -> None:
    desk = await sit(reduced_motion=motion)
    await desk.asks("whoami")
    await expect(desk.last).to_have_css("animation-name", animation)


async def test_laptop__shows_the_card_with_its_buttons_beside_the_first_steps(sit: Sit) -> None:
    desk = await sit(viewport={"width": 1280, "height": 800})
    await desk.asks("revoke @tom laptop stolen")
    await desk.goes_to("direct messages with PureCloud")
    await expect(desk.page.get_by_role("region", name="Your first minute")).to_be_visible()
    for name in ("Revoke access", "Cancel"):
        await expect(desk.last.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)


async def test_phone__shows_where_one_types_and_nothing_is_cut_off(sit: Sit) -> None:
    desk = await sit(viewport={"width": 390, "height": 844})
    await expect(desk.line).to_be_in_viewport(ratio=1)
    await desk.asks("whoami")
    await expect(desk.line).to_be_in_viewport(ratio=1)
    root = "document.documentElement"
    assert await desk.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert await desk.page.evaluate(f"{root}.scrollTop") == 0  # an answer scrolls the messages, not the page


async def test_theme__follows_the_machine_until_somebody_chooses(sit: Sit) -> None:
    desk = await sit(color_scheme="dark")
    root = desk.page.locator("html")
    await expect(root).to_have_attribute("data-theme", "dark")
    await expect(root).to_have_css("color-scheme", "dark")
    await desk.page.get_by_role("button", name="Light").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await expect(root).to_have_css("color-scheme", "light")  # or the browser's own controls would stay dark
    await desk.page.reload()
    await expect(root).to_have_attribute("data-theme", "light")


async def faults_found(desk: Desk) -> list[str]:
    """What axe-core finds on the page as it stands: the rule, and where."""
    await desk.page.evaluate(AXE)
    found = await desk.page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']]}" for one in found["violations"]
    ]


async def test_axe__would_find_a_fault(sit: Sit) -> None:
    desk = await sit()
    await desk.page.evaluate("document.querySelector('.banner p').style.color = '#3b1347'")
    assert [fault.partition(" ")[0] for fault in await faults_found(desk)] == ["color-contrast"]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe__finds_no_fault(sit: Sit, theme: str) -> None:
    desk = await sit(color_scheme=theme)
    await desk.asks("whoami")
    await desk.asks("revoke @tom laptop stolen")
    assert await faults_found(desk) == []
    await desk.goes_to("direct messages with PureCloud")
    desk.play.slack.conversations.post(desk.play.slack.workspace.dm(personas.OLIVIA).id, "odd", [{"type": "hologram"}])
    await expect(desk.messages).to_have_count(2)
    await desk.lets("403: permission missing")
    await desk.messages.first.get_by_role("button", name="Revoke access").click()
    assert await faults_found(desk) == []
    await desk.page.get_by_role("dialog").get_by_role("button", name="Revoke access").click()
    await expect(desk.messages.first).to_contain_text("Refused by Genesys Cloud")
    await desk.page.get_by_role("button", name="Audit trail").click()
    await desk.line.fill("/")
    await expect(desk.page.get_by_role("option").first).to_be_visible()
    assert await faults_found(desk) == []
    await desk.page.set_viewport_size({"width": 420, "height": 900})
    assert await faults_found(desk) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe__finds_no_fault_in_a_modal_and_on_the_home_tab(sit: Sit, theme: str) -> None:
    desk = await sit(color_scheme=theme)
    options = [{"text": text(word), "value": word} for word in ("stolen", "phished")]
    blocks = [
        field("why", "DenialCode", {"type": "plain_text_input", "placeholder": text("what happened")}),
        field("who", "Whose", {"type": "multi_users_select"}),
        field("kind", "Kind", {"type": "radio_buttons", "options": options}),
        field("when", "When", {"type": "datepicker"}, optional=True),
    ]
    await call(desk, "views.publish", user_id=personas.OLIVIA, view={"type": "home", "blocks": MENUS})
    await desk.goes_to("direct messages with PureCloud")
    await desk.page.get_by_role("button", name="Home", exact=True).click()
    await expect(desk.page.get_by_role("heading", name="Your requests")).to_be_visible()
    assert await faults_found(desk) == []
    view = {"type": "modal", "title": text("Revoke many"), "submit": text("Ask"), "blocks": blocks}
    await call(desk, "views.open", trigger_id=desk.play.slack.views.issue_trigger_id(personas.OLIVIA), view=view)
    await expect(desk.page.get_by_role("dialog", name="Revoke many")).to_be_visible()
    desk.play.slack.views.show_errors(desk.play.slack.views.modals[personas.OLIVIA][0], {"why": "Say more."})
    await expect(desk.page.get_by_text("Say more.")).to_be_visible()
    await expect(desk.page.get_by_role("radiogroup", name="Kind")).to_be_visible()
    assert await faults_found(desk) == []
