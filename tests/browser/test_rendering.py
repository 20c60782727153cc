"""What the app sends, on the screen: every card of the bot's, views made for the test, and what nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.requests import Kind, State
from bot.sandbox import personas
from handlers.ui import cards
from tests.support.sample_outcomes import in_state

if TYPE_CHECKING:
    from tests.browser.sandbox_page import Desk


def text(words: str, kind: str = "plain_text") -> dict[str, str]:
    return {"type": kind, "text": words}


def say(desk: Desk, *blocks: dict[str, Any]) -> None:
    """The app posts this in #ops, whatever Slack would think of it."""
    desk.play.slack.conversations.post(personas.OPS, "made for the test", list(blocks))


async def call(desk: Desk, method: str, **arguments: Any) -> None:
    """The app calls a method of the Web API."""
    slack = desk.play.slack
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        await client.api_call(method, json=arguments)


async def test_cards__every_one_of_the_bots_is_drawn_whole(desk: Desk) -> None:
    requests = [in_state(state, kind) for kind in Kind for state in State]
    for request in requests:
        message = cards.card(request)
        desk.play.slack.conversations.post(personas.OPS, message["text"], message["blocks"])
    await expect(desk.messages).to_have_count(len(requests))
    await expect(desk.page.get_by_text("Unknown here")).to_have_count(0)
    for place, request in enumerate(requests):
        shown = " ".join(await desk.messages.nth(place).all_inner_texts())
        for block in cards.card(request)["blocks"]:
            if block["type"] == "header":
                assert block["text"]["text"] in shown
        assert request.reference in shown


async def test_plain_text__is_never_read_as_markup(desk: Desk) -> None:
    forged = "*Ben* <@U0BENAPP01> <!channel> `x` :warning: <b>bold</b> &amp; 2 * 3 * 4"
    say(desk, {"type": "header", "text": text(forged)}, {"type": "section", "fields": [text(forged)]})
    await desk.sees(forged)
    await expect(desk.last.get_by_text(forged)).to_have_count(2)
    await expect(desk.last.locator(".mention")).to_have_count(0)


async def test_mrkdwn__is_read_as_slack_reads_it(desk: Desk) -> None:
    said = "*bold* <https://x.example/a?b=1&amp;c=2|the page> <@U0BENAPP01> <!subteam^S0TOKENAPP> 2 * 3 &gt; 5 :lock:"
    say(desk, {"type": "section", "text": text(said, "mrkdwn")})
    await desk.sees("bold the page @ben @token-approvers 2 * 3 > 5 🔒")
    link = desk.last.get_by_role("link", name="the page")
    await expect(link).to_have_attribute("href", "https://x.example/a?b=1&c=2")


async def test_small_talk__mentions_people_and_is_else_what_was_typed(desk: Desk) -> None:
    await desk.types("good morning @ben & <b>all</b>, *urgent*")
    await desk.sees("good morning @ben & <b>all</b>, urgent")
    await expect(desk.last.locator(".mention")).to_have_text("@ben")


async def test_library__draws_what_the_bot_does_not_send_yet(desk: Desk) -> None:
    mention = {"type": "user", "user_id": personas.TOM}
    words = {"type": "text", "text": "styled", "style": {"bold": True}}
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "Name"}], [{"type": "raw_text", "text": "*Tom*"}]]}
    say(
        desk,
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [mention, words]}]},
        {"type": "markdown", "text": "# Heading\n\n1. first"},
        table,
    )
    await desk.sees("@tom", "styled", "Heading", "first", "*Tom*")
    await expect(desk.page.get_by_text("Unknown here")).to_have_count(0)


async def test_unknown__is_shown_as_what_it_is(desk: Desk) -> None:
    say(
        desk,
        {"type": "hologram", "text": text("from the future")},
        {"type": "actions", "elements": [{"type": "lever", "action_id": "pull"}]},
        {"type": "context", "elements": None},
    )
    await desk.sees("Unknown here: hologram", "from the future", "Unknown here: lever", "Unknown here: context")


async def test_home__shows_the_view_that_the_app_publishes(desk: Desk) -> None:
    await desk.goes_to("direct messages with PureCloud")
    await desk.page.get_by_role("button", name="Home", exact=True).click()
    await expect(desk.page.get_by_text("The app shows nothing on its Home tab.")).to_be_visible()
    button = {"type": "button", "action_id": "again", "text": text("Ask again"), "value": "7"}
    blocks = [{"type": "header", "text": text("Your requests")}, {"type": "actions", "elements": [button]}]
    await call(desk, "views.publish", user_id=personas.OLIVIA, view={"type": "home", "blocks": blocks})
    await expect(desk.page.get_by_role("heading", name="Your requests")).to_be_visible()
    again = desk.page.get_by_role("button", name="Ask again")
    await again.click()
    await expect(again).not_to_have_attribute("aria-disabled", "true")
    assert desk.play.last
    assert desk.play.last.payload["actions"][0]["value"] == "7"
    assert desk.play.last.payload["user"]["id"] == personas.OLIVIA


def field(name: str, label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": name,
        "label": text(label),
        "element": {"action_id": "said", **element},
        **more,
    }


async def test_modal__is_filled_in_with_the_keyboard_and_submitted(desk: Desk) -> None:
    options = [{"text": text(word), "value": word} for word in ("stolen", "phished")]
    blocks = [
        field("why", "DenialCode", {"type": "plain_text_input", "multiline": True}),
        field("kind", "Kind", {"type": "static_select", "options": options, "initial_option": options[1]}),
        field("who", "Whose", {"type": "multi_users_select"}),
        {"type": "actions", "elements": [{"type": "button", "action_id": "check", "text": text("Check")}]},
        field("sure", "Sure?", {"type": "checkboxes", "options": options[:1]}, optional=True),
    ]
    view = {"type": "modal", "title": text("Revoke many"), "submit": text("Ask"), "blocks": blocks}
    await call(desk, "views.open", trigger_id=desk.play.slack.views.issue_trigger_id(personas.OLIVIA), view=view)
    modal = desk.page.get_by_role("dialog", name="Revoke many")
    await modal.get_by_label("DenialCode").fill("left the company")
    await modal.get_by_label("Whose").select_option([personas.TOM, personas.PIA])
    await modal.get_by_label("stolen").check()
    await modal.get_by_role("button", name="Check").click()
    await expect(modal.get_by_role("button", name="Check")).not_to_have_attribute("aria-disabled", "true")
    assert desk.play.last
    assert desk.play.last.payload["type"] == "block_actions"
    assert desk.play.last.payload["view"]["state"]["values"]["why"]["said"]["value"] == "left the company"
    await modal.get_by_role("button", name="Ask").press("Enter")
    await expect(modal).to_have_count(0)
    values = desk.play.last.payload["view"]["state"]["values"]
    assert values["why"]["said"]["value"] == "left the company"
    assert values["kind"]["said"]["selected_option"]["value"] == "phished"
    assert values["who"]["said"]["selected_users"] == [personas.TOM, personas.PIA]
    assert [one["value"] for one in values["sure"]["said"]["selected_options"]] == ["stolen"]


async def test_modal__errors_are_shown_and_escape_closes_it(desk: Desk) -> None:
    blocks = [field("why", "DenialCode", {"type": "plain_text_input"})]
    view = {"type": "modal", "title": text("Revoke many"), "submit": text("Ask"), "blocks": blocks}
    views = desk.play.slack.views
    await call(desk, "views.open", trigger_id=views.issue_trigger_id(personas.OLIVIA), view=view)
    modal = desk.page.get_by_role("dialog", name="Revoke many")
    await modal.get_by_label("DenialCode").fill("x")
    views.show_errors(views.modals[personas.OLIVIA][0], {"why": "Say more."})
    await expect(modal.get_by_role("alert").filter(has_text="Say more.")).to_be_visible()
    await expect(modal.get_by_label("DenialCode")).to_have_value("x")
    await desk.page.keyboard.press("Escape")
    await expect(modal).to_have_count(0)
    assert views.modals[personas.OLIVIA] == []
