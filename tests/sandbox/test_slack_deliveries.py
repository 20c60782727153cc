"""Commands and clicks: the payloads for the app, and what users see of its acknowledgement."""

from __future__ import annotations

import pytest
from aiohttp import web
from slack_sdk.signature import Clock, SignatureVerifier

from bot.sandbox.slack.delivery import CLICK_NOTICE
from bot.sandbox.slack.payloads import escape
from bot.sandbox.slack.server import FakeSlack, NotPossibleInSlack
from bot.sandbox.slack.workspace import SLACKBOT, SlackWorkspace
from tests.sandbox.conftest import GONE, GROUP, GUEST, HELPER, INVOKER, OPS, OUTSIDER, ROBOT, SHARED, card
from tests.support.clock import FakeClock
from tests.support.event_receiver import ReceivedRequest, Receiver


class FixedClock(Clock):
    """The clock of the official signature verifier, set to a time."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


def is_signed(request: ReceivedRequest, slack: FakeSlack) -> bool:
    verifier = SignatureVerifier(slack.signing_secret, FixedClock(slack.clock()))
    return verifier.is_valid_request(request.raw, request.headers)


async def test_command__is_the_form_slack_sends(slack: FakeSlack, app: Receiver) -> None:
    delivery = await slack.command(INVOKER, "revoke @hal lost laptop", OPS)
    [request] = app.received
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert is_signed(request, slack)
    assert request.form == delivery.payload
    form = request.form
    assert (form["command"], form["text"]) == ("/purecloud", f"revoke <@{HELPER}|hal> lost laptop")
    assert (form["user_id"], form["channel_id"], form["channel_name"]) == (INVOKER, OPS, "ops")
    assert (form["team_id"], form["api_app_id"], form["is_enterprise_install"]) == (
        slack.team_id,
        slack.app_id,
        "false",
    )
    assert "enterprise_id" not in form
    assert (delivery.status, delivery.body, delivery.error, delivery.notice) == (200, "", None, None)
    assert slack.messages == []


async def test_command__on_enterprise_grid_has_the_organization(app: Receiver, clock: FakeClock) -> None:
    home = SlackWorkspace(enterprise_id="E0GRID0001")
    slack = FakeSlack(workspace=home, clock=clock)
    slack.workspace.dm(home.bot_user_id)
    await slack.start()
    slack.events_url = app.url
    await slack.command(home.bot_user_id, "help", force=True)
    assert app.received[0].form["enterprise_id"] == "E0GRID0001"
    assert app.received[0].form["channel_name"] == "directmessage"
    await slack.stop()


async def test_command__a_changed_body_invalidates_the_signature(slack: FakeSlack, app: Receiver) -> None:
    await slack.command(INVOKER, "help")
    [request] = app.received
    request.raw += b"&text=more"
    assert not is_signed(request, slack)


async def test_command__each_has_its_own_trigger_id_and_response_url(slack: FakeSlack, app: Receiver) -> None:
    await slack.command(INVOKER, "help")
    await slack.command(INVOKER, "help")
    first, second = (request.form for request in app.received)
    assert first["trigger_id"] != second["trigger_id"]
    assert first["response_url"] != second["response_url"]


async def test_command__overrides_and_omissions_change_the_form(slack: FakeSlack, app: Receiver) -> None:
    await slack.command(INVOKER, "help", team_id="T0EVIL0001", api_app_id="A0OTHER001", omit=("response_url",))
    form = app.received[0].form
    assert (form["team_id"], form["api_app_id"]) == ("T0EVIL0001", "A0OTHER001")
    assert "response_url" not in form


@pytest.mark.parametrize("person", [OUTSIDER, GONE, ROBOT])
async def test_command__is_not_offered_to(slack: FakeSlack, app: Receiver, person: str) -> None:
    with pytest.raises(NotPossibleInSlack):
        await slack.command(person, "revoke @hal")
    assert app.received == []
    await slack.command(person, "revoke @hal", SHARED, force=True)
    assert app.received[0].form["user_id"] == person


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("revoke @ann now", f"revoke <@{INVOKER}|ann> now"),
        ("revoke @ann.", f"revoke <@{INVOKER}|ann>."),
        ("revoke @nobody", "revoke @nobody"),  # prose: allow
        ("revoke @dan", "revoke @dan"),
        (f"revoke <@{INVOKER}|ann>", f"revoke <@{INVOKER}|ann>"),
        (f"revoke <@{INVOKER}>", f"revoke <@{INVOKER}>"),
        ("revoke ann@example.com", "revoke <mailto:ann@example.com|ann@example.com>"),
        ("revoke a.b+c@sub.example.com.", "revoke <mailto:a.b+c@sub.example.com|a.b+c@sub.example.com>."),
        ("ask @helpers and @here", f"ask <!subteam^{GROUP}|@helpers> and <!here>"),
        ("revoke #ops now", f"revoke <#{OPS}|ops> now"),
        ("revoke #unknown", "revoke #unknown"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("see https://example.com/a?b=1", "see <https://example.com/a?b=1>"),
        ("", ""),
    ],
)
async def test_escape__writes_typed_text_as_slack_does(slack: FakeSlack, typed: str, sent: str) -> None:
    assert escape(typed, slack.workspace) == sent


async def test_ack__a_text_is_visible_to_the_user_alone(slack: FakeSlack, app: Receiver) -> None:
    app.answer = lambda: web.Response(text="Got it")
    delivery = await slack.command(INVOKER, "help", OPS)
    assert delivery.body == "Got it"
    assert [message.text for message in slack.seen_by(INVOKER)] == ["Got it"]
    assert slack.seen_by(HELPER) == []


async def test_ack__in_channel_publishes_the_typed_command_too(slack: FakeSlack, app: Receiver) -> None:
    app.answer = lambda: web.json_response({"response_type": "in_channel", "text": "Hello all"})
    delivery = await slack.command(INVOKER, "help", OPS)
    assert delivery.json["text"] == "Hello all"
    typed, posted = slack.seen_by(HELPER)
    assert (typed.author_id, typed.text) == (INVOKER, "/purecloud help")
    assert (posted.author_id, posted.text) == (slack.workspace.bot_user_id, "Hello all")


async def test_ack__an_empty_object_posts_nothing(slack: FakeSlack, app: Receiver) -> None:
    app.answer = lambda: web.json_response({})
    await slack.command(INVOKER, "help")
    assert slack.messages == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, "http_client_error"), (500, "http_service_error"), (503, "http_service_error"), (202, "dispatch_failed")],
)
async def test_ack__an_error_is_visible_to_the_user_alone(
    slack: FakeSlack, app: Receiver, status: int, error: str
) -> None:
    app.answer = lambda: web.Response(status=status, text="secret trace")
    delivery = await slack.command(INVOKER, "help", OPS)
    assert delivery.error == error
    [message] = slack.seen_by(INVOKER)
    assert (message.author_id, message.text) == (SLACKBOT, f'/purecloud failed with the error "{error}"')
    assert slack.seen_by(HELPER) == []


async def test_ack__after_three_seconds_is_a_timeout(slack: FakeSlack, app: Receiver, clock: FakeClock) -> None:
    def slowly() -> web.Response:
        clock.advance(3.5)
        return web.Response(text="too late")

    app.answer = slowly
    delivery = await slack.command(INVOKER, "help")
    assert (delivery.status, delivery.seconds) == (200, 3.5)
    assert ["operation_timeout" in message.text for message in slack.seen_by(INVOKER)] == [True]


async def test_ack__from_an_app_that_is_down_is_an_error(slack: FakeSlack) -> None:
    slack.events_url = "http://127.0.0.1:1/slack/events"
    delivery = await slack.command(INVOKER, "help")
    assert (delivery.status, delivery.error) == (None, "dispatch_failed")
    assert "ClientConnectorError" in delivery.body
    assert ["dispatch_failed" in message.text for message in slack.seen_by(INVOKER)] == [True]


async def test_click__is_the_payload_slack_sends(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(OPS, "A card", card("go", "stop"))
    delivery = await slack.click(HELPER, message, "go")
    [request] = app.received
    assert is_signed(request, slack)
    payload = request.payload
    assert payload == delivery.payload
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": HELPER, "username": "hal", "name": "hal", "team_id": slack.team_id}
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": OPS,
        "is_ephemeral": False,
    }
    assert payload["message"]["text"] == "A card"
    [action] = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("go", "choice", "value-go")
    assert action["text"] == {"type": "plain_text", "text": "go"}


async def test_click__on_an_ephemeral_message_has_no_message(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"), only_for=INVOKER)
    await slack.click(INVOKER, message, "go")
    assert app.last["container"]["is_ephemeral"] is True
    assert "message" not in app.last


async def test_click__by_an_external_user_in_a_shared_channel_arrives(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(SHARED, "A card", card("go"))
    await slack.click(OUTSIDER, message, "go")
    assert (app.last["team"]["id"], app.last["user"]["team_id"]) == (slack.team_id, "T0AWAY0001")


async def test_click__needs_a_visible_message_with_that_button(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"), only_for=INVOKER)
    with pytest.raises(NotPossibleInSlack):
        await slack.click(GUEST, message, "go")
    with pytest.raises(NotPossibleInSlack):
        await slack.click(INVOKER, message, "fly")
    assert app.received == []


async def test_click__forced_uses_the_button_of_an_earlier_version(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"))
    slack.conversations.edit(message, "Done", card())
    with pytest.raises(NotPossibleInSlack):
        await slack.click(INVOKER, message, "go")
    await slack.click(INVOKER, message, "go", force=True)
    assert len(app.received) == 1


async def test_click__overrides_and_omissions_change_the_payload(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"))
    await slack.click(
        INVOKER,
        message,
        "go",
        omit=("message", "channel"),
        value="forged",
        team_id="T0EVIL0001",
        user_team_id="T0EVIL0002",
        enterprise_id="E0EVIL0001",
        trigger_id="1.2.3",
    )
    payload = app.last
    assert payload["actions"][0]["value"] == "forged"
    assert (payload["team"]["id"], payload["user"]["team_id"]) == ("T0EVIL0001", "T0EVIL0002")
    assert (payload["enterprise"]["id"], payload["trigger_id"]) == ("E0EVIL0001", "1.2.3")
    assert not {"message", "channel", "enterprise_id"} & payload.keys()


async def test_click__the_block_id_selects_among_buttons_with_one_action_id(slack: FakeSlack, app: Receiver) -> None:
    [_, first] = card("go")
    second = {**first, "block_id": "other"}
    message = slack.conversations.post(OPS, "Two cards", [first, second])
    await slack.click(INVOKER, message, "go", block_id="other")
    assert app.last["actions"][0]["block_id"] == "other"
    assert "block_id" not in app.last


@pytest.mark.parametrize(("status", "error"), [(404, "http_client_error"), (503, "http_service_error")])
async def test_click__that_the_app_does_not_take_shows_a_warning_to_the_user_alone(
    slack: FakeSlack, app: Receiver, status: int, error: str
) -> None:
    app.answer = lambda: web.Response(status=status)
    message = slack.conversations.post(OPS, "A card", card("go"))
    delivery = await slack.click(HELPER, message, "go")
    assert (delivery.error, delivery.notice) == (error, CLICK_NOTICE)
    assert message.warnings == {HELPER: "go"}
    assert slack.messages == [message]


async def test_click__the_warning_goes_once_the_app_takes_a_click(slack: FakeSlack, app: Receiver) -> None:
    message = slack.conversations.post(OPS, "A card", card("go"))
    for status, warnings in ((503, {HELPER: "go"}), (200, {})):
        app.answer = lambda status=status: web.Response(status=status)  # type: ignore[misc]
        await slack.click(HELPER, message, "go")
        assert message.warnings == warnings


async def test_send_raw__repeats_a_request_byte_for_byte(slack: FakeSlack, app: Receiver) -> None:
    first = await slack.command(INVOKER, "help")
    again = await slack.send_raw(first.raw, first.headers)
    assert again.status == 200
    assert app.received[0].raw == app.received[1].raw
    signatures = {request.headers["X-Slack-Signature"] for request in app.received}
    assert signatures == {slack.sign(first.raw, first.headers["X-Slack-Request-Timestamp"])}


async def test_command__to_another_address_reaches_another_replica(slack: FakeSlack, app: Receiver) -> None:
    async with Receiver() as other:
        await slack.command(INVOKER, "help", to=other.url)
        assert len(other.received) == 1
    assert app.received == []


async def test_send_raw__before_the_start_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="Start"):
        await FakeSlack().send_raw(b"", {})
