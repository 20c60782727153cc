"""The page renders the bot's cards, views of an app, and unknown Block Kit parts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.requests import State
from bot.sandbox import personas
from bot.sandbox.manifest import Shortcut
from handlers.ui.renderer import MessageRenderer
from tests.support.sample_outcomes import ACTIONS, in_state
from tests.support.stub_services import ENGLISH

if TYPE_CHECKING:
    from tests.browser.sandbox_page import SandboxPage


def text(words: str, kind: str = "plain_text") -> dict[str, str]:
    return {"type": kind, "text": words}


def post_blocks(page: SandboxPage, *blocks: dict[str, Any]) -> None:
    """Post blocks in #ops as the app, without the Web API's checks."""
    page.run.slack.conversations.post(personas.OPS, "made for the test", list(blocks))


async def call_method(page: SandboxPage, method: str, **arguments: Any) -> None:
    """Call a method of the Web API as the app."""
    slack = page.run.slack
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        await client.api_call(method, json=arguments)


async def test_cards__of_every_state_are_rendered(page: SandboxPage) -> None:
    cards = MessageRenderer(ENGLISH)
    requests = [in_state(state, action) for action in ACTIONS for state in State]
    for request in requests:
        message = cards.card(request)
        page.run.slack.conversations.post(personas.OPS, message["text"], message["blocks"])
    await expect(page.messages).to_have_count(len(requests))
    await expect(page.tab.get_by_text("Not supported by this page")).to_have_count(0)
    for place, request in enumerate(requests):
        shown = " ".join(await page.messages.nth(place).all_inner_texts())
        for block in cards.card(request)["blocks"]:
            if block["type"] == "header":
                assert block["text"]["text"] in shown
        assert request.reference in shown


async def test_plain_text__shows_markup_as_typed(page: SandboxPage) -> None:
    forged = "*Ben* <@U0BENAPP01> <!channel> `x` :warning: <b>bold</b> &amp; 2 * 3 * 4"
    post_blocks(page, {"type": "header", "text": text(forged)}, {"type": "section", "fields": [text(forged)]})
    await page.expect_newest(forged)
    await expect(page.newest.get_by_text(forged)).to_have_count(2)
    await expect(page.newest.locator(".mention")).to_have_count(0)


async def test_mrkdwn__is_rendered_as_in_slack(page: SandboxPage) -> None:
    said = "*bold* <https://x.example/a?b=1&amp;c=2|the page> <@U0BENAPP01> <!subteam^S0TOKENAPP> 2 * 3 &gt; 5 :lock:"
    post_blocks(page, {"type": "section", "text": text(said, "mrkdwn")})
    await page.expect_newest("bold the page @ben @token-approvers 2 * 3 > 5 🔒")
    link = page.newest.get_by_role("link", name="the page")
    await expect(link).to_have_attribute("href", "https://x.example/a?b=1&c=2")


async def test_verbatim_mrkdwn__renders_explicit_markup(page: SandboxPage) -> None:
    said = (
        "<@U0BENAPP01> <#C0OPS00001> <!subteam^S0TOKENAPP> <https://x.example|the page> <!date^1700000000^{date_num}|x>"
    )
    verbatim = {**text(said, "mrkdwn"), "verbatim": True}
    post_blocks(page, {"type": "section", "text": verbatim}, {"type": "context", "elements": [verbatim]})
    shown = "@ben #ops @token-approvers the page 2023-11-14"
    await page.expect_newest(shown)
    await expect(page.newest.get_by_text(shown)).to_have_count(2)


async def test_message__of_a_person_keeps_html_and_renders_mentions(page: SandboxPage) -> None:
    await page.send("good morning @ben & <b>all</b>, *urgent*")
    await page.expect_newest("good morning @ben & <b>all</b>, urgent")
    await expect(page.newest.locator(".mention")).to_have_text("@ben")


async def test_blocks__that_the_bot_does_not_use_are_rendered(page: SandboxPage) -> None:
    mention = {"type": "user", "user_id": personas.TOM}
    words = {"type": "text", "text": "styled", "style": {"bold": True}}
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "Name"}], [{"type": "raw_text", "text": "*Tom*"}]]}
    post_blocks(
        page,
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [mention, words]}]},
        {"type": "markdown", "text": "# Heading\n\n1. first"},
        table,
    )
    await page.expect_newest("@tom", "styled", "Heading", "first", "*Tom*")
    await expect(page.tab.get_by_text("Not supported by this page")).to_have_count(0)


async def test_unknown_blocks__are_shown_as_json(page: SandboxPage) -> None:
    post_blocks(
        page,
        {"type": "hologram", "text": text("from the future")},
        {"type": "actions", "elements": [{"type": "lever", "action_id": "pull"}]},
        {"type": "context", "elements": None},
    )
    await page.expect_newest(
        "Not supported by this page: hologram",
        "from the future",
        "Not supported by this page: lever",
        "Not supported by this page: context",
    )


async def test_home__shows_the_published_view(page: SandboxPage) -> None:
    await page.open_conversation("direct messages with PureCloud")
    await page.tab.get_by_role("button", name="Home", exact=True).click()
    await expect(page.tab.get_by_role("heading", name="What you can do with /purecloud")).to_be_visible()
    button = {"type": "button", "action_id": "again", "text": text("Request it again"), "value": "7"}
    blocks = [{"type": "header", "text": text("Your requests")}, {"type": "actions", "elements": [button]}]
    await call_method(page, "views.publish", user_id=personas.OLIVIA, view={"type": "home", "blocks": blocks})
    await expect(page.tab.get_by_role("heading", name="Your requests")).to_be_visible()
    again = page.tab.get_by_role("button", name="Request it again")
    await again.click()
    await expect(again).not_to_have_attribute("aria-disabled", "true")
    assert page.run.last_delivery
    assert page.run.last_delivery.payload["actions"][0]["value"] == "7"
    assert page.run.last_delivery.payload["user"]["id"] == personas.OLIVIA


def field(name: str, label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": name,
        "label": text(label),
        "element": {"action_id": "said", **element},
        **more,
    }


async def test_modal__submits_its_values(page: SandboxPage) -> None:
    options = [{"text": text(word), "value": word} for word in ("stolen", "phished")]
    blocks = [
        field("why", "Reason", {"type": "plain_text_input", "multiline": True}),
        field("kind", "Kind", {"type": "static_select", "options": options, "initial_option": options[1]}),
        field("who", "Whose", {"type": "multi_users_select"}),
        {"type": "actions", "elements": [{"type": "button", "action_id": "check", "text": text("Check")}]},
        field("sure", "Sure?", {"type": "checkboxes", "options": options[:1]}, optional=True),
    ]
    view = {
        "type": "modal",
        "callback_id": "unknown",
        "title": text("Revoke many"),
        "submit": text("Ask"),
        "blocks": blocks,
    }
    await call_method(page, "views.open", trigger_id=page.run.slack.views.issue_trigger_id(personas.OLIVIA), view=view)
    modal = page.tab.get_by_role("dialog", name="Revoke many")
    await modal.get_by_label("Reason").fill("left the company")
    await modal.get_by_label("Whose").select_option([personas.TOM, personas.PIA])
    await modal.get_by_label("stolen").check()
    await modal.get_by_role("button", name="Check").click()
    await expect(modal.get_by_role("button", name="Check")).not_to_have_attribute("aria-disabled", "true")
    assert page.run.last_delivery
    assert page.run.last_delivery.payload["type"] == "block_actions"
    assert page.run.last_delivery.payload["view"]["state"]["values"]["why"]["said"]["value"] == "left the company"
    await modal.get_by_role("button", name="Ask").press("Enter")
    await wait_for_payload(page, "view_submission")
    await expect(page.tab.get_by_role("alert").filter(has_text="The bot responded with 404")).to_be_visible()
    values = page.run.last_delivery.payload["view"]["state"]["values"]
    assert values["why"]["said"]["value"] == "left the company"
    assert values["kind"]["said"]["selected_option"]["value"] == "phished"
    assert values["who"]["said"]["selected_users"] == [personas.TOM, personas.PIA]
    assert [one["value"] for one in values["sure"]["said"]["selected_options"]] == ["stolen"]


RICH_TEXT: list[dict[str, Any]] = [
    {
        "type": "rich_text_section",
        "elements": [
            {"type": "text", "text": "bold", "style": {"bold": True}},
            {"type": "text", "text": " *as typed* "},
            {"type": "user", "user_id": personas.TOM},
            {"type": "text", "text": " "},
            {"type": "usergroup", "usergroup_id": personas.TOKEN_APPROVERS},
            {"type": "text", "text": " "},
            {"type": "channel", "channel_id": personas.OPS},
            {"type": "text", "text": " "},
            {"type": "link", "url": "https://x.example/a", "text": "the page"},
            {"type": "text", "text": " "},
            {"type": "date", "timestamp": 1700000000, "format": "{date_num}"},
            {"type": "text", "text": " "},
            {"type": "emoji", "name": "lock"},
        ],
    },
    {
        "type": "rich_text_list",
        "style": "bullet",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "an item"}]}],
    },
    {"type": "rich_text_quote", "elements": [{"type": "text", "text": "a quote"}]},
    {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "as written"}]},
]
"""Every kind of rich text that cards may use."""


async def test_rich_text__is_rendered_as_in_slack(page: SandboxPage) -> None:
    post_blocks(page, {"type": "rich_text", "elements": RICH_TEXT})
    await page.expect_newest("bold *as typed* @tom @token-approvers #ops the page 2023-11-14 🔒")
    await expect(page.newest.get_by_role("link", name="the page")).to_have_attribute("href", "https://x.example/a")
    await expect(page.newest.get_by_role("listitem")).to_have_text("an item")
    await page.expect_newest("a quote", "as written")
    await expect(page.newest.locator(".mention")).to_have_text(["@tom", "@token-approvers", "#ops"])
    await expect(page.newest.locator("time", has_text="2023-11-14")).to_be_visible()  # as in mrkdwn
    await expect(page.tab.get_by_text("Not supported by this page")).to_have_count(0)


async def test_thread__is_below_its_message(page: SandboxPage) -> None:
    slack = page.run.slack
    card = slack.conversations.post(personas.OPS, "a card")
    slack.conversations.post(personas.OPS, "first reply", thread_ts=card.ts)
    await page.expect_newest("a card")
    await expect(page.messages).to_have_count(1)
    replies = page.tab.get_by_role("button", name="1 reply")
    await expect(replies).to_have_attribute("aria-expanded", "false")
    await replies.press("Enter")
    await page.expect_newest("first reply")
    slack.conversations.edit(card, "the card, later", [])
    slack.conversations.post(personas.OPS, "second reply", thread_ts=card.ts)
    await page.expect_newest("second reply")  # the thread stays open
    await expect(page.messages).to_have_count(3)
    await expect(page.tab.get_by_role("button", name="2 replies")).to_be_visible()


async def test_permalink__opens_the_conversation_and_marks_the_message(page: SandboxPage) -> None:
    slack = page.run.slack
    card = slack.conversations.post(personas.AUDIT, "a card")
    reply = slack.conversations.post(personas.AUDIT, "the reply", thread_ts=card.ts)
    link = f"https://{slack.workspace.domain}.slack.com/archives/{personas.AUDIT}/p{reply.ts.replace('.', '')}"
    post_blocks(page, {"type": "section", "text": text(f"<{link}|the reply>", "mrkdwn")})
    await page.newest.get_by_role("link", name="the reply").click()
    await expect(page.tab.get_by_role("heading", name="audit")).to_be_visible()
    await page.expect_newest("the reply")
    await expect(page.newest).to_be_focused()
    await page.switch_to("Ravi")
    await page.newest.get_by_role("link", name="the reply").click()
    await expect(page.tab.get_by_role("alert").filter(has_text="You can't see that message")).to_be_visible()
    await expect(page.tab.get_by_role("heading", name="ops")).to_be_visible()


async def test_button__with_an_address_is_a_link_that_sends_its_click(page: SandboxPage) -> None:
    card = page.run.slack.conversations.post(personas.OPS, "a card")
    link = f"https://{page.run.slack.workspace.domain}.slack.com/archives/{personas.OPS}/p{card.ts.replace('.', '')}"
    post_blocks(page, {"type": "actions", "elements": [
        {"type": "button", "action_id": "open", "text": text("Open card"), "url": link},
    ]})  # fmt: skip
    await page.newest.get_by_role("link", name="Open card").click()
    await expect(page.messages.first).to_be_focused()
    await wait_for_payload(page, "block_actions")


async def test_long_conversation__says_that_there_is_more_below(page: SandboxPage) -> None:
    post_blocks(page, *({"type": "section", "text": text(f"line {number}")} for number in range(40)))
    more = page.tab.get_by_role("button", name="More below")
    await more.click()
    await expect(page.newest.get_by_text("line 39")).to_be_in_viewport()
    await expect(more).to_have_count(0)


async def test_manifest__what_is_off_there_is_off_here(page: SandboxPage) -> None:
    page.run.home_tab, page.run.messages_tab_read_only, page.run.shortcuts = False, False, ()
    await page.open_conversation("direct messages with PureCloud")
    await expect(page.tab.get_by_role("button", name="Home", exact=True)).to_have_count(0)
    await expect(page.composer).to_be_enabled()
    await page.send("good morning")
    await page.expect_newest("good morning")
    await expect(page.tab.get_by_label("Message shortcuts")).to_have_count(0)
    await page.composer.fill("/rev")
    await expect(page.tab.get_by_role("option")).to_have_count(0)


async def test_message_shortcuts__do_not_widen_the_head(page: SandboxPage) -> None:
    await page.send("good morning")
    box = await page.tab.get_by_label("Message shortcuts").bounding_box()
    assert box
    assert box["width"] <= 44


async def test_modal__of_a_command_without_a_person_opens(page: SandboxPage) -> None:
    await page.send("/purecloud revoke")
    modal = page.tab.get_by_role("dialog", name="Revoke sessions")
    await expect(modal.get_by_label("Person")).to_be_visible()
    await page.tab.keyboard.press("Escape")
    await expect(modal).to_have_count(0)
    await expect(page.messages).to_have_count(0)


async def test_modal__of_the_shortcut_closes_once_the_bot_accepts_it(page: SandboxPage) -> None:
    await page.composer.fill("/Revoke sessions")
    await page.composer.press("Tab")
    modal = page.tab.get_by_role("dialog", name="Revoke sessions")
    await modal.get_by_label("Person").select_option(personas.TOM)
    await modal.get_by_label("Reason").fill("left the company")
    await modal.get_by_role("button", name="Request").press("Enter")
    await expect(modal).to_have_count(0)
    await page.open_conversation("direct messages with PureCloud")
    await page.expect_newest("Revoke all sessions of Tom Target?", "left the company")
    assert page.deletes == 0


async def test_modal__shows_errors_and_closes_on_escape(page: SandboxPage) -> None:
    blocks = [field("why", "Reason", {"type": "plain_text_input"})]
    view = {"type": "modal", "title": text("Revoke many"), "submit": text("Ask"), "blocks": blocks}
    views = page.run.slack.views
    await call_method(page, "views.open", trigger_id=views.issue_trigger_id(personas.OLIVIA), view=view)
    modal = page.tab.get_by_role("dialog", name="Revoke many")
    await modal.get_by_label("Reason").fill("x")
    views.show_errors(views.modals[personas.OLIVIA][0], {"why": "Say more."})
    await expect(modal.get_by_role("alert").filter(has_text="Say more.")).to_be_visible()
    await expect(modal.get_by_label("Reason")).to_have_value("x")
    await page.tab.keyboard.press("Escape")
    await expect(modal).to_have_count(0)
    assert views.modals[personas.OLIVIA] == []


async def test_shortcuts__are_offered_in_the_composer_and_on_messages(page: SandboxPage) -> None:
    page.run.shortcuts = (
        Shortcut("revoke", "Revoke sessions", "global"),
        Shortcut("other_author", "Revoke sessions of the author", "message"),
    )
    await page.send("good morning")
    await page.tab.get_by_label("Message shortcuts").select_option("other_author")
    await expect(page.messages).to_have_count(1)
    await wait_for_payload(page, "message_action")
    await page.composer.fill("/rev")
    await page.composer.press("Tab")
    await expect(page.composer).to_have_value("")
    await wait_for_payload(page, "shortcut")


async def wait_for_payload(page: SandboxPage, payload_type: str) -> None:
    """Wait until Slack has sent this type of payload to the bot."""
    async with asyncio.timeout(10):
        while page.run.last_delivery is None or page.run.last_delivery.payload["type"] != payload_type:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
