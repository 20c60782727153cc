"""Clicks in views, submissions and closed modals: the payloads for the app and its responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bot.sandbox.slack.delivery import CLICK_NOTICE, MODAL_NOTICE, InvalidAppResponse, NotPossibleInSlack
from tests.sandbox.conftest import HELPER, INVOKER, card, field, modal, modal_titles, open_modal, text

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.sandbox.slack.server import FakeSlack
    from bot.sandbox.slack.views import View
    from tests.support.event_receiver import Receiver

REASON = {"reason": "stolen"}


async def published(slack: FakeSlack, client: AsyncWebClient) -> View:
    await client.views_publish(user_id=INVOKER, view={"type": "home", "blocks": card("again")})
    return slack.views.homes[INVOKER]


def respond(app: Receiver, body: object) -> None:
    app.answer = lambda: web.json_response(body)


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
    view = await open_modal(slack, client, blocks=[field(), *card("check")])
    await slack.click_in_view(view, "check", REASON)
    assert app.last["view"]["state"]["values"]["reason"]["text"]["value"] == "stolen"
    assert modal_titles(slack) == ["Revoke many"]


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
    view = await open_modal(slack, client, callback_id="bulk", private_metadata="r1")
    await slack.submit_view(INVOKER, REASON)
    payload = app.last
    assert (payload["type"], payload["user"]["id"], payload["view"]["id"]) == ("view_submission", INVOKER, view.id)
    assert payload["view"]["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": "stolen"}}}
    assert (payload["view"]["callback_id"], payload["view"]["private_metadata"]) == ("bulk", "r1")
    assert payload["response_urls"] == []
    assert modal_titles(slack) == []


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
    await open_modal(slack, client, blocks=blocks)
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
    await open_modal(slack, client)
    with pytest.raises(NotPossibleInSlack):
        await slack.submit_view(INVOKER, values)
    assert app.received == []


async def test_submit__an_option_that_is_not_offered_sends_nothing(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    menu = {"type": "static_select", "action_id": "x", "options": [{"text": text("One"), "value": "1"}]}
    await open_modal(slack, client, blocks=[field(element=menu)])
    with pytest.raises(NotPossibleInSlack, match="no option '2'"):
        await slack.submit_view(INVOKER, {"reason": "2"})
    assert app.received == []


async def test_submit__forced_sends_an_incomplete_form(slack: FakeSlack, client: AsyncWebClient, app: Receiver) -> None:
    await open_modal(slack, client)
    await slack.submit_view(INVOKER, force=True, team_id="T0EVIL0001", omit=("user",))
    assert app.last["view"]["state"]["values"]["reason"]["text"]["value"] is None
    assert (app.last["team"]["id"], "user" in app.last) == ("T0EVIL0001", False)


async def test_submit__without_a_modal_sends_nothing(slack: FakeSlack, app: Receiver) -> None:
    with pytest.raises(NotPossibleInSlack, match="no modal"):
        await slack.submit_view(INVOKER)
    assert app.received == []


async def test_submit__takes_the_state_of_an_input_as_it_is(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    await open_modal(slack, client)
    state = {"reason": {"text": {"type": "plain_text_input", "value": "stolen"}}}
    await slack.submit_view(INVOKER, state)
    assert app.last["view"]["state"]["values"] == state


async def test_submit__errors_appear_beside_their_inputs(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    await open_modal(slack, client)
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
    await open_modal(slack, client)
    respond(app, {"response_action": action, "view": modal("Then")} if action else {})
    await slack.submit_view(INVOKER, REASON)
    assert modal_titles(slack) == shown


async def test_submit__clear_closes_the_whole_stack_and_no_action_only_the_top(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    await open_modal(slack, client)
    respond(app, {"response_action": "push", "view": modal("Then")})
    await slack.submit_view(INVOKER, REASON)
    app.answer = web.Response
    await slack.submit_view(INVOKER, REASON)
    assert modal_titles(slack) == ["Revoke many"]
    respond(app, {"response_action": "push", "view": modal("Then")})
    await slack.submit_view(INVOKER, REASON)
    respond(app, {"response_action": "clear"})
    await slack.submit_view(INVOKER, REASON)
    assert modal_titles(slack) == []


@pytest.mark.parametrize(("status", "error"), [(404, "http_client_error"), (503, "http_service_error")])
async def test_submit__that_the_app_does_not_take_keeps_the_modal_with_a_notice(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, status: int, error: str
) -> None:
    await open_modal(slack, client)
    app.answer = lambda: web.Response(status=status)
    delivery = await slack.submit_view(INVOKER, REASON)
    [shown] = slack.views.snapshot()[INVOKER]["modals"]
    assert (delivery.error, delivery.notice) == (error, MODAL_NOTICE)
    assert shown["notice"] == "We had some trouble connecting. Try again?"
    app.answer = web.Response
    await slack.submit_view(INVOKER, REASON)
    assert modal_titles(slack) == []


async def test_submit__to_an_app_that_is_down_keeps_the_modal_with_a_notice(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    view = await open_modal(slack, client)
    slack.events_url = "http://127.0.0.1:1/slack/events"
    delivery = await slack.submit_view(INVOKER, REASON)
    assert (delivery.error, view.notice) == ("dispatch_failed", MODAL_NOTICE)
    assert modal_titles(slack) == ["Revoke many"]


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
    view = await open_modal(slack, client)
    respond(app, body)
    with pytest.raises(InvalidAppResponse, match=problem):
        await slack.submit_view(INVOKER, REASON)
    assert view.notice == MODAL_NOTICE
    assert modal_titles(slack) == ["Revoke many"]


async def test_submit__a_response_that_is_not_json_keeps_the_modal_with_a_notice(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    view = await open_modal(slack, client)
    app.answer = lambda: web.Response(text="ok")
    with pytest.raises(InvalidAppResponse, match="not 'ok'"):
        await slack.submit_view(INVOKER, REASON)
    assert view.notice == MODAL_NOTICE


@pytest.mark.parametrize("wanted", [True, False])
async def test_close__sends_view_closed_only_with_notify_on_close(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver, *, wanted: bool
) -> None:
    await open_modal(slack, client, notify_on_close=wanted, callback_id="bulk")
    delivery = await slack.close_view(INVOKER)
    assert modal_titles(slack) == []
    assert (delivery is not None, len(app.received)) == (wanted, int(wanted))
    if wanted:
        payload = app.last
        assert (payload["type"], payload["view"]["callback_id"]) == ("view_closed", "bulk")
        assert payload["is_cleared"] is False
        assert "trigger_id" not in payload


async def test_close__with_clear_on_close_closes_the_whole_stack(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    below = await open_modal(slack, client)
    top = slack.views.push(INVOKER, modal("Second", clear_on_close=True, notify_on_close=True))
    await slack.close_view(INVOKER)
    assert modal_titles(slack) == []
    view = app.last["view"]
    assert (app.last["is_cleared"], view["id"]) == (True, top.id)
    assert (view["root_view_id"], view["previous_view_id"]) == (below.id, below.id)
