"""The shortcuts and the modal."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.commands import TargetRef
from bot.sandbox.slack.block_kit import view_problems
from bot.slack.api import SlackCallError
from handlers.revoke import GLOBAL_SHORTCUT, MESSAGE_SHORTCUT, VIEW
from tests.support.bolt import USER, BoltHarness, body
from tests.support.stub_services import StubServices

SHORTCUT: dict[str, Any] = {
    "type": "shortcut",
    "callback_id": GLOBAL_SHORTCUT,
    "user": USER,
    "trigger_id": "1.2.shortcut",
}
MESSAGE_ACTION: dict[str, Any] = {
    "type": "message_action",
    "callback_id": MESSAGE_SHORTCUT,
    "user": USER,
    "trigger_id": "1.2.shortcut",
    "channel": {"id": "C0OPS00001"},
    "message": {"user": "U0TOM00001", "ts": "1.2", "text": "hello"},
}
TOM_UUID = "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09"


def submission(user: str | None = None, identifier: str | None = None, reason: str | None = None) -> dict[str, Any]:
    values = {
        "user": {"user": {"type": "users_select", "selected_user": user}},
        "identifier": {"identifier": {"type": "plain_text_input", "value": identifier}},
        "reason": {"reason": {"type": "plain_text_input", "value": reason}},
    }
    view = {
        "id": "V1",
        "type": "modal",
        "callback_id": VIEW,
        "private_metadata": "C0OPS00001",
        "state": {"values": values},
    }
    return {"type": "view_submission", "user": USER, "trigger_id": "1.2.submit", "view": view}


async def opened(payload: dict[str, Any], *, require_reason: bool = False) -> dict[str, Any]:
    """Send a shortcut and return the view that it opens."""
    services = StubServices(require_reason=require_reason)
    assert (await BoltHarness(services).send(payload)).status == 200
    ((method, arguments),) = services.api_calls
    assert (method, arguments["trigger_id"]) == ("views.open", "1.2.shortcut")
    view = arguments["view"]
    assert isinstance(view, dict)
    assert view_problems(view, "modal") == []
    return view


async def test_shortcut__opens_an_empty_modal() -> None:
    view = await opened(SHORTCUT)
    elements = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert {name: element["type"] for name, element in elements.items()} == {
        "user": "users_select", "identifier": "plain_text_input", "reason": "plain_text_input",
    }  # fmt: skip
    assert "initial_user" not in elements["user"]
    assert elements["reason"]["multiline"] is True
    assert view["private_metadata"] == ""


async def test_message_shortcut__fills_in_the_author_and_the_channel() -> None:
    view = await opened(MESSAGE_ACTION)
    element = next(block["element"] for block in view["blocks"] if block.get("block_id") == "user")
    assert element["initial_user"] == "U0TOM00001"
    assert view["private_metadata"] == "C0OPS00001"


@pytest.mark.parametrize(
    ("user", "identifier", "target"),
    [
        ("U0TOM00001", None, TargetRef(slack_user_id="U0TOM00001")),
        ("U0TOM00001", "  ", TargetRef(slack_user_id="U0TOM00001")),
        (None, " Tom.Target@example.com ", TargetRef(email="tom.target@example.com")),
        (None, TOM_UUID.upper(), TargetRef(genesys_user_id=TOM_UUID)),
        (None, "Victoria Morris <victim@example.com>", TargetRef(email="victim@example.com")),
        (None, "mailto:o\u2019dowd@example.com?subject=x", TargetRef(email="o'dowd@example.com")),
        (None, f"https://apps.mypurecloud.ie/directory/#/person/{TOM_UUID}", TargetRef(genesys_user_id=TOM_UUID)),
        (None, "me", TargetRef(slack_user_id=USER["id"])),
    ],
)
async def test_submit__is_stored_like_the_command(user: str | None, identifier: str | None, target: TargetRef) -> None:
    bolt = BoltHarness()
    response = await bolt.send(submission(user, identifier, "laptop\nstolen"))
    assert (response.status, response.body) == (200, "")
    (command,) = bolt.services.commands
    assert (command.action, command.target, command.reason) == ("revoke", target, "laptop\nstolen")
    assert (command.invoker.user_id, command.invoker.channel) == (USER["id"], "C0OPS00001")


@pytest.mark.parametrize(
    ("user", "identifier", "block"),
    [
        (None, None, "user"),
        ("U0TOM00001", "tom.target@example.com", "identifier"),
        (None, "tom", "identifier"),
        (None, "@tom", "identifier"),
        (None, "a@b@example.com", "identifier"),
        (None, "tom.target@example.com ann@example.com", "identifier"),
        (None, "tom.target@example.com laptop stolen", "identifier"),
    ],
)
async def test_submit__shows_wrong_input_in_the_modal(user: str | None, identifier: str | None, block: str) -> None:
    bolt = BoltHarness()
    response = await bolt.send(submission(user, identifier))
    assert response.status == 200
    answer = body(response)
    assert (answer["response_action"], list(answer["errors"])) == ("errors", [block])
    assert bolt.services.commands == []


async def test_submit__that_cannot_be_stored_is_not_acknowledged() -> None:
    bolt = BoltHarness(StubServices(error=RuntimeError("the disk is full")))
    assert (await bolt.send(submission("U0TOM00001"))).status == 503


async def test_shortcut__slack_outage_is_not_acknowledged() -> None:
    services = StubServices(api_error=SlackCallError("timeout", retryable=True))
    assert (await BoltHarness(services).send(SHORTCUT)).status == 503
    await services.run_started()
    assert len(services.replies_sent) == 1


@pytest.mark.parametrize("required", [False, True])
async def test_shortcut__marks_the_reason_as_required_where_it_is(required: bool) -> None:
    view = await opened(SHORTCUT, require_reason=required)
    optional = {block["block_id"]: block["optional"] for block in view["blocks"] if block["type"] == "input"}
    assert optional == {"user": True, "identifier": True, "reason": not required}


@pytest.mark.parametrize("reason", [None, "", "  \n"])
async def test_submit__without_a_required_reason_shows_the_error_at_the_reason(reason: str | None) -> None:
    bolt = BoltHarness(StubServices(require_reason=True))
    answer = body(await bolt.send(submission("U0TOM00001", reason=reason)))
    assert (answer["response_action"], list(answer["errors"])) == ("errors", ["reason"])
    assert bolt.services.commands == []
    answer = body(await bolt.send(submission(reason=reason)))
    assert sorted(answer["errors"]) == ["reason", "user"]
    await bolt.send(submission("U0TOM00001", reason="laptop stolen"))
    assert len(bolt.services.commands) == 1
