"""Home tabs and modals: shown by the official client, used by users, and the payloads for the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.delivery import CLICK_NOTICE, MODAL_NOTICE, InvalidAppResponse, NotPossibleInSlack
from tests.sandbox.conftest import HELPER, INVOKER, card

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.sandbox.slack.server import FakeSlack
    from bot.sandbox.slack.views import View
    from tests.support.clock import FakeClock
    from tests.support.event_receiver import Receiver

REASON = {"reason": "stolen"}


def text(words: str) -> dict[str, str]:
    return {"type": "plain_text", "text": words}


def field(name: str = "reason", **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "text"}
    return {"type": "input", "block_id": name, "label": text("Why?"), "element": element, **more}


def modal(title: str = "Revoke many", **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": text(title), "submit": text("Submit"), "blocks": [field()], **more}


async def opened(slack: FakeSlack, client: AsyncWebClient, **more: Any) -> View:
    answer = await client.views_open(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal(**more))
    view = slack.views.find(answer["view"]["id"])
    assert view
    return view


async def published(slack: FakeSlack, client: AsyncWebClient) -> View:
    await client.views_publish(user_id=INVOKER, view={"type": "home", "blocks": card("again")})
    return slack.views.homes[INVOKER]


def respond(app: Receiver, body: object) -> None:
    app.answer = lambda: web.json_response(body)


def titles(slack: FakeSlack) -> list[str]:
    return [view["title"]["text"] for view in slack.views.snapshot()[INVOKER]["modals"]]


async def test_publish__shows_the_home_tab(slack: FakeSlack, client: AsyncWebClient) -> None:
    await published(slack, client)
    assert slack.views.snapshot()[INVOKER]["home"]["blocks"][0]["text"]["text"] == "Shall it be *done*?"


async def test_publish__rejects_the_hash_of_an_older_view(slack: FakeSlack, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": card()}
    old = (await client.views_publish(user_id=INVOKER, view=home))["view"]["hash"]
    await client.views_publish(user_id=INVOKER, view=home, hash=old)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id=INVOKER, view=home, hash=old)


async def test_click_in_view__on_the_home_tab_has_no_response_url(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await published(slack, client)
    await slack.click_in_view(view, "again")
    payload = app.last
    [action] = payload["actions"]
    assert (payload["type"], payload["user"]["id"]) == ("block_actions", INVOKER)
    assert (action["action_id"], action["block_id"], action["value"]) == ("again", "choice", "value-again")
    assert (payload["container"], payload["view"]["id"]) == ({"type": "view", "view_id": view.id}, view.id)
    assert not {"response_url", "channel", "message"} & payload.keys()


async def test_click_in_view__in_a_modal_has_the_values_so_far(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await opened(slack, client, blocks=[field(), *card("check")])
    await slack.click_in_view(view, "check", REASON)
    assert app.last["view"]["state"]["values"]["reason"]["text"]["value"] == "stolen"
    assert titles(slack) == ["Revoke many"]


async def test_click_in_view__an_unknown_element_sends_nothing(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await published(slack, client)
    with pytest.raises(NotPossibleInSlack):
        await slack.click_in_view(view, "unknown")
    assert app.received == []


async def test_click_in_view__shows_a_warning_until_the_app_takes_a_click(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await published(slack, client)
    app.answer = lambda: web.Response(status=404)
    await slack.click_in_view(view, "again")
    assert view.notice == CLICK_NOTICE
    app.answer = web.Response
    await slack.click_in_view(view, "again")
    assert view.notice is None


async def test_submit__sends_the_values_and_closes_the_modal(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await opened(slack, client, callback_id="bulk", private_metadata="r1")
    await slack.submit_view(INVOKER, REASON)
    payload = app.last
    assert (payload["type"], payload["user"]["id"], payload["view"]["id"]) == ("view_submission", INVOKER, view.id)
    assert payload["view"]["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": "stolen"}}}
    assert (payload["view"]["callback_id"], payload["view"]["private_metadata"]) == ("bulk", "r1")
    assert payload["response_urls"] == []
    assert titles(slack) == []


async def test_submit__takes_plain_values_for_every_kind_of_input(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    options = [{"text": text(word), "value": word} for word in ("lost", "stolen")]
    elements: dict[str, dict[str, Any]] = {
        "who": {"type": "users_select"},
        "more": {"type": "multi_users_select"},
        "kind": {"type": "static_select", "options": options},
        "boxes": {"type": "checkboxes", "options": options},
        "group": {"type": "static_select", "option_groups": [{"label": text("All"), "options": options}]},
        "when": {"type": "datepicker", "initial_date": "2026-12-01"},
        "note": {"type": "plain_text_input"},
    }
    blocks = [field(name, element={**one, "action_id": "x"}, optional=True) for name, one in elements.items()]
    await opened(slack, client, blocks=blocks)
    entered = {"who": HELPER, "more": [HELPER], "kind": "stolen", "boxes": ["lost"], "group": "lost"}
    await slack.submit_view(INVOKER, entered)
    values = {block: state["x"] for block, state in app.last["view"]["state"]["values"].items()}
    assert values["who"] == {"type": "users_select", "selected_user": HELPER}
    assert values["more"]["selected_users"] == [HELPER]
    assert values["kind"]["selected_option"] == options[1]
    assert values["boxes"]["selected_options"] == [options[0]]
    assert values["group"]["selected_option"] == options[0]
    assert values["when"]["selected_date"] == "2026-12-01"
    assert values["note"] == {"type": "plain_text_input", "value": None}


@pytest.mark.parametrize("values", [{}, {"reason": ""}, {"reason": "x", "other": "y"}])
async def test_submit__of_what_the_form_does_not_accept_sends_nothing(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, values: dict[str, str]
) -> None:
    await opened(slack, client)
    with pytest.raises(NotPossibleInSlack):
        await slack.submit_view(INVOKER, values)
    assert app.received == []


async def test_submit__an_option_that_is_not_offered_sends_nothing(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    menu = {"type": "static_select", "action_id": "x", "options": [{"text": text("One"), "value": "1"}]}
    await opened(slack, client, blocks=[field(element=menu)])
    with pytest.raises(NotPossibleInSlack, match="no option '2'"):
        await slack.submit_view(INVOKER, {"reason": "2"})
    assert app.received == []


async def test_submit__forced_sends_an_incomplete_form(slack: FakeSlack, client: AsyncWebClient, app: Receiver) -> None:
    await opened(slack, client)
    await slack.submit_view(INVOKER, force=True, team_id="T0EVIL0001", omit=("user",))
    assert app.last["view"]["state"]["values"]["reason"]["text"]["value"] is None
    assert (app.last["team"]["id"], "user" in app.last) == ("T0EVIL0001", False)


async def test_submit__without_a_modal_sends_nothing(slack: FakeSlack, app: Receiver) -> None:
    with pytest.raises(NotPossibleInSlack, match="no modal"):
        await slack.submit_view(INVOKER)
    assert app.received == []


async def test_submit__errors_appear_beside_their_inputs(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    await opened(slack, client)
    respond(app, {"response_action": "errors", "errors": {"reason": "Say more."}})
    await slack.submit_view(INVOKER, REASON)
    [shown] = slack.views.snapshot()[INVOKER]["modals"]
    assert (shown["errors"], shown["notice"]) == ({"reason": "Say more."}, None)


@pytest.mark.parametrize(
    ("action", "shown"), [("update", ["Then"]), ("push", ["Revoke many", "Then"]), ("clear", []), (None, [])]
)
async def test_submit__the_response_action_changes_the_stack(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, action: str | None, shown: list[str]
) -> None:
    await opened(slack, client)
    respond(app, {"response_action": action, "view": modal("Then")} if action else {})
    await slack.submit_view(INVOKER, REASON)
    assert titles(slack) == shown


async def test_submit__clear_closes_the_whole_stack_and_no_action_only_the_top(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    await opened(slack, client)
    respond(app, {"response_action": "push", "view": modal("Then")})
    await slack.submit_view(INVOKER, REASON)
    app.answer = web.Response
    await slack.submit_view(INVOKER, REASON)
    assert titles(slack) == ["Revoke many"]
    respond(app, {"response_action": "push", "view": modal("Then")})
    await slack.submit_view(INVOKER, REASON)
    respond(app, {"response_action": "clear"})
    await slack.submit_view(INVOKER, REASON)
    assert titles(slack) == []


@pytest.mark.parametrize(("status", "error"), [(404, "http_client_error"), (503, "http_service_error")])
async def test_submit__that_the_app_does_not_take_keeps_the_modal_with_a_notice(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, status: int, error: str
) -> None:
    await opened(slack, client)
    app.answer = lambda: web.Response(status=status)
    delivery = await slack.submit_view(INVOKER, REASON)
    [shown] = slack.views.snapshot()[INVOKER]["modals"]
    assert (delivery.error, delivery.notice) == (error, MODAL_NOTICE)
    assert shown["notice"] == "We had some trouble connecting. Try again?"
    app.answer = web.Response
    await slack.submit_view(INVOKER, REASON)
    assert titles(slack) == []


async def test_submit__to_an_app_that_is_down_keeps_the_modal_with_a_notice(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    view = await opened(slack, client)
    slack.events_url = "http://127.0.0.1:1/slack/events"
    delivery = await slack.submit_view(INVOKER, REASON)
    assert (delivery.error, view.notice) == ("dispatch_failed", MODAL_NOTICE)
    assert titles(slack) == ["Revoke many"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"response_action": "update", "view": {"type": "home", "blocks": []}}, "invalid_arguments"),
        ({"response_action": "push", "view": modal("x" * 25)}, "limit of 24"),
        ({"response_action": "errors", "errors": {"unknown": "Say more."}}, "must name input blocks"),
        ({"response_action": "errors", "errors": {}}, "must name input blocks"),
        ({"response_action": "explode"}, "no response_action 'explode'"),
        ({"text": "Thank you"}, "no response_action None"),
        ([], "an empty body or a JSON object"),
    ],
)
async def test_submit__a_response_that_slack_cannot_use_keeps_the_modal_with_a_notice(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, body: object, problem: str
) -> None:
    view = await opened(slack, client)
    respond(app, body)
    with pytest.raises(InvalidAppResponse, match=problem):
        await slack.submit_view(INVOKER, REASON)
    assert view.notice == MODAL_NOTICE
    assert titles(slack) == ["Revoke many"]


async def test_submit__a_response_that_is_not_json_keeps_the_modal_with_a_notice(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await opened(slack, client)
    app.answer = lambda: web.Response(text="ok")
    with pytest.raises(InvalidAppResponse, match="not 'ok'"):
        await slack.submit_view(INVOKER, REASON)
    assert view.notice == MODAL_NOTICE


@pytest.mark.parametrize("wanted", [True, False])
async def test_close__sends_view_closed_only_with_notify_on_close(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, *, wanted: bool
) -> None:
    await opened(slack, client, notify_on_close=wanted, callback_id="bulk")
    delivery = await slack.close_view(INVOKER)
    assert titles(slack) == []
    assert (delivery is not None, len(app.received)) == (wanted, int(wanted))
    if wanted:
        payload = app.last
        assert (payload["type"], payload["view"]["callback_id"]) == ("view_closed", "bulk")
        assert payload["is_cleared"] is False
        assert "trigger_id" not in payload


async def test_close__with_clear_on_close_closes_the_whole_stack(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    below = await opened(slack, client)
    top = slack.views.push(INVOKER, modal("Second", clear_on_close=True, notify_on_close=True))
    await slack.close_view(INVOKER)
    assert titles(slack) == []
    view = app.last["view"]
    assert (app.last["is_cleared"], view["id"]) == (True, top.id)
    assert (view["root_view_id"], view["previous_view_id"]) == (below.id, below.id)


async def test_update__finds_a_view_by_id_or_external_id(slack: FakeSlack, client: AsyncWebClient) -> None:
    view = await opened(slack, client, external_id="mine")
    await client.views_update(view_id=view.id, view=modal("Second"))
    assert titles(slack) == ["Second"]
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(external_id="mine", view=modal("Third"))
    await client.views_update(view_id=view.id, view=modal("Third", external_id="mine"))
    await client.views_update(external_id="mine", view=modal("Fourth"))
    assert titles(slack) == ["Fourth"]


async def test_update__rejects_an_old_hash_and_a_closed_view(slack: FakeSlack, client: AsyncWebClient) -> None:
    view = await opened(slack, client)
    old = view.hash
    await client.views_update(view_id=view.id, view=modal("Second"), hash=old)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view.id, view=modal("Third"), hash=old)
    await slack.close_view(INVOKER)
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id=view.id, view=modal("Third"))


async def test_open__a_trigger_id_works_once_and_for_three_seconds(
    slack: FakeSlack, client: AsyncWebClient, clock: FakeClock
) -> None:
    trigger = slack.views.issue_trigger_id(INVOKER)
    await client.views_open(trigger_id=trigger, view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger, view=modal())
    late = slack.views.issue_trigger_id(INVOKER)
    clock.advance(3.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=modal())
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="1.2.made-up", view=modal())


@pytest.mark.parametrize("action", ["command", "click", "shortcut", "message_shortcut"])
async def test_open__accepts_the_trigger_id_of_every_interaction(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, action: str
) -> None:
    message = slack.conversations.post(slack.workspace.default_channel(HELPER).id, "A card", card("more"))
    delivery = await {
        "command": lambda: slack.command(HELPER, "help"),
        "click": lambda: slack.click(HELPER, message, "more"),
        "shortcut": lambda: slack.shortcut(HELPER, "revoke_tokens"),
        "message_shortcut": lambda: slack.message_shortcut(HELPER, message, "revoke_author"),
    }[action]()
    await client.views_open(trigger_id=delivery.payload["trigger_id"], view=modal())
    assert list(slack.views.modals) == [HELPER]


async def test_open__rejects_an_external_id_in_use_and_a_view_above_250_kb(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    await opened(slack, client, external_id="mine")
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        await opened(slack, client, external_id="mine")
    long = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 90
    with pytest.raises(SlackApiError, match="view_too_large"):
        await opened(slack, client, blocks=long)


async def test_push__needs_a_modal_below_and_allows_three(slack: FakeSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal())
    await opened(slack, client)
    for title in ("Second", "Third"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal(title))
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal("Fourth"))
    assert titles(slack) == ["Revoke many", "Second", "Third"]


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ("nothing", "view: must be a view of type 'modal'."),
        (modal(blocks="none"), "view.blocks: must be a list of objects."),
        (modal("x" * 25), "view.title.text: 25 characters exceed the limit of 24."),
        ({**modal(), "submit": None}, "view.submit: must be a text object, plain_text or mrkdwn."),
        (
            {key: part for key, part in modal().items() if key != "submit"},
            "view.submit: is required because the view has input blocks.",
        ),
        (
            modal(blocks=[{**field(), "element": 7}]),
            "view.blocks[0] (input).element: must be an element with a type.",
        ),
        (modal(blocks=[{"type": "divider"}] * 101), "blocks: 101 blocks exceed the limit of 100."),
        (modal(private_metadata="x" * 3001), "view.private_metadata: 3001 characters exceed the limit of 3000."),
        (modal(callback_id="x" * 256), "view.callback_id: 256 characters exceed the limit of 255."),
        (modal(blocks=[field(), field()]), "view.blocks: duplicate block_id 'reason'."),
        (modal(blocks=[{"type": "novelty"}]), "blocks[0]: 'novelty' is not a block for messages."),
    ],
)
def test_view_problems__names_what_slack_rejects(view: object, problem: str) -> None:
    assert block_kit.view_problems(view, "modal") == [problem]


def test_view_problems__accepts_inputs_that_messages_cannot_have() -> None:
    assert block_kit.view_problems(modal(blocks=[field(), *card("again")]), "modal") == []
    assert block_kit.block_problems([field()]) == ["blocks[0]: 'input' is not a block for messages."]
