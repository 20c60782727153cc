"""Home tab and modals: put there by the official client, used by people, told to the app as Slack tells it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.delivery import NotPossibleInSlack
from tests.sandbox.conftest import HELPER, INVOKER, card
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.sandbox.slack.server import FakeSlack
    from bot.sandbox.slack.views import View
    from tests.support.event_receiver import Receiver


def text(words: str) -> dict[str, str]:
    return {"type": "plain_text", "text": words}


def field(name: str = "reason") -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "said"}
    return {"type": "input", "block_id": name, "label": text("Why?"), "element": element}


def modal(title: str = "Revoke many", **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": text(title), "submit": text("Ask"), "blocks": [field()], **more}


async def opened(slack: FakeSlack, client: AsyncWebClient, **more: Any) -> View:
    answer = await client.views_open(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal(**more))
    view = slack.views.find(answer["view"]["id"])
    assert view
    return view


def said(app: Receiver) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(app.received[-1].form["payload"])
    return payload


def answering(body: dict[str, Any]) -> web.Response:
    return web.json_response(body)


async def test_home__is_opened_and_published(slack: FakeSlack, client: AsyncWebClient, app: Receiver) -> None:
    await slack.surfaces.open_home(INVOKER)
    event = json.loads(app.received[0].raw)
    assert (event["type"], event["api_app_id"]) == ("event_callback", slack.app_id)
    assert (event["event"]["type"], event["event"]["user"]) == ("app_home_opened", INVOKER)
    assert app.received[0].headers["Content-Type"] == "application/json"
    await client.views_publish(user_id=INVOKER, view={"type": "home", "blocks": card("again")})
    assert slack.views.snapshot()[INVOKER]["home"]["blocks"][0]["text"]["text"] == "Shall it be *done*?"
    await slack.surfaces.open_home(INVOKER)
    assert json.loads(app.received[1].raw)["event"]["view"]["id"] == slack.views.homes[INVOKER].id


async def test_home__a_button_on_it_is_told_without_a_response_url(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    await client.views_publish(user_id=INVOKER, view={"type": "home", "blocks": card("again")})
    await slack.surfaces.press(slack.views.homes[INVOKER], {"action_id": "again", "type": "button"})
    payload = said(app)
    assert (payload["type"], payload["user"]["id"], payload["actions"][0]["action_id"]) == (
        "block_actions",
        INVOKER,
        "again",
    )
    assert payload["container"]["type"] == "view"
    assert "response_url" not in payload


async def test_publish__with_the_hash_of_an_older_view_is_refused(slack: FakeSlack, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": card()}
    old = (await client.views_publish(user_id=INVOKER, view=home))["view"]["hash"]
    await client.views_publish(user_id=INVOKER, view=home, hash=old)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id=INVOKER, view=home, hash=old)


async def test_modal__what_is_filled_in_reaches_the_app_and_the_modal_closes(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await opened(slack, client, callback_id="bulk", private_metadata="r1")
    await slack.surfaces.submit(view, {"reason": {"said": {"type": "plain_text_input", "value": "stolen"}}})
    payload = said(app)
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", INVOKER)
    assert payload["view"]["state"]["values"]["reason"]["said"]["value"] == "stolen"
    assert (payload["view"]["callback_id"], payload["view"]["private_metadata"]) == ("bulk", "r1")
    assert slack.views.snapshot()[INVOKER]["modals"] == []


async def test_modal__errors_of_the_app_stand_beside_the_field(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await opened(slack, client)
    app.answer = lambda: answering({"response_action": "errors", "errors": {"reason": "Say more."}})
    await slack.surfaces.submit(view, {})
    [shown] = slack.views.snapshot()[INVOKER]["modals"]
    assert shown["errors"] == {"reason": "Say more."}


@pytest.mark.parametrize(
    ("action", "titles"), [("update", ["Then"]), ("push", ["Revoke many", "Then"]), ("clear", []), (None, [])]
)
async def test_modal__the_app_may_answer_with_another_view(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, action: str | None, titles: list[str]
) -> None:
    view = await opened(slack, client)
    app.answer = lambda: answering({"response_action": action, "view": modal("Then")} if action else {})
    await slack.surfaces.submit(view, {})
    assert [one["title"]["text"] for one in slack.views.snapshot()[INVOKER]["modals"]] == titles


async def test_modal__an_app_that_is_down_keeps_it_open(slack: FakeSlack, client: AsyncWebClient) -> None:
    view = await opened(slack, client)
    slack.events_url = "http://127.0.0.1:1/slack/events"
    with pytest.raises(NotPossibleInSlack, match="dispatch_failed"):
        await slack.surfaces.submit(view, {})
    assert len(slack.views.modals[INVOKER]) == 1


async def test_modal__an_answer_that_is_no_view_is_told(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await opened(slack, client)
    app.answer = lambda: answering({"response_action": "update", "view": {"type": "home", "blocks": []}})
    with pytest.raises(NotPossibleInSlack, match="invalid_arguments"):
        await slack.surfaces.submit(view, {})


@pytest.mark.parametrize("asked", [True, False])
async def test_modal__closing_it_is_told_where_that_was_asked_for(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, *, asked: bool
) -> None:
    await slack.surfaces.close(await opened(slack, client, notify_on_close=asked))
    assert slack.views.modals[INVOKER] == []
    assert [said(app)["type"] for _ in app.received] == (["view_closed"] if asked else [])


async def test_update__finds_a_view_by_its_id_or_its_name(slack: FakeSlack, client: AsyncWebClient) -> None:
    view = await opened(slack, client, external_id="mine")
    await client.views_update(view_id=view.id, view=modal("Second"))
    assert view.body["title"]["text"] == "Second"
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(external_id="mine", view=modal("Third"))
    await client.views_update(view_id=view.id, view=modal("Third", external_id="mine"))
    await client.views_update(external_id="mine", view=modal("Fourth"))
    assert view.body["title"]["text"] == "Fourth"


async def test_open__a_trigger_serves_once_and_for_three_seconds(
    slack: FakeSlack, client: AsyncWebClient, clock: FakeClock
) -> None:
    trigger = slack.views.issue_trigger_id(INVOKER)
    await client.views_open(trigger_id=trigger, view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger, view=modal())
    late = slack.views.issue_trigger_id(INVOKER)
    clock.now += 3.1
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=modal())


async def test_push__three_modals_are_the_most(slack: FakeSlack, client: AsyncWebClient) -> None:
    await opened(slack, client)
    for title in ("Second", "Third"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal(title))
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal("Fourth"))


async def test_open__the_trigger_of_a_click_belongs_to_who_clicked(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    message = slack.conversations.post(slack.workspace.home_channel(HELPER).id, "A card", card("more"))
    delivery = await slack.click(HELPER, message, "more")
    await client.views_open(trigger_id=delivery.payload["trigger_id"], view=modal())
    assert list(slack.views.modals) == [HELPER]


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ("nothing", "view: a view of the type modal is needed."),
        (modal(blocks="none"), "view.blocks: must be a list of objects."),
        (modal("x" * 25), "view.title.text: 25 characters, at most 24 are allowed."),
        ({**modal(), "submit": None}, "view.submit: a text object is needed, plain_text or mrkdwn."),
        (
            {key: part for key, part in modal().items() if key != "submit"},
            "view.submit: it is needed where something can be filled in.",
        ),
        (
            modal(blocks=[{**field(), "element": 7}]),
            "view.blocks[0] (input).element: an element with a type is needed.",
        ),
        (modal(blocks=[{"type": "divider"}] * 101), "blocks: 101 blocks, at most 100 are allowed."),
        (modal(blocks=[{"type": "novelty"}]), "blocks[0]: 'novelty' is no block that messages may hold."),
    ],
)
def test_view_problems__tell_what_slack_would_refuse(view: object, problem: str) -> None:
    assert block_kit.view_problems(view, "modal") == [problem]


def test_view_problems__a_view_may_hold_what_a_message_may_not() -> None:
    assert block_kit.view_problems(modal(blocks=[field(), *card("again")]), "modal") == []
    assert block_kit.block_problems([field()]) == ["blocks[0]: 'input' is no block that messages may hold."]
