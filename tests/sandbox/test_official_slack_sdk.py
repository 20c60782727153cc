"""Every method of the fake's Web API, called through the official SDK with the SDK's own types."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, InputBlock, PlainTextInputElement, SectionBlock
from slack_sdk.models.blocks.basic_components import ConfirmObject
from slack_sdk.models.views import View
from slack_sdk.web import WebClient

from bot.sandbox.slack.methods import ALL_SCOPES
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.workspace import SlackWorkspace
from tests.sandbox.conftest import CLOSED_GROUP, GROUP, HELPER, INVOKER, OPS, OUTSIDER, QUIET, SECRET, card

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    Call = Callable[..., Awaitable[Any]]
    """A function of a method's name and arguments that returns the SDK's response."""

SURE = ConfirmObject(title="Sure?", text="It cannot be undone.", confirm="Revoke", deny="Keep")
BLOCKS = [
    SectionBlock(block_id="what", text="Shall it be *done*?", fields=["*Who*", "Tom"]),
    ActionsBlock(
        block_id="choice",
        elements=[ButtonElement(action_id="go", text="Go", value="r1", style="danger", confirm=SURE)],
    ),
]
MODAL = View(
    type="modal",
    title="Revoke many",
    submit="Ask",
    callback_id="bulk",
    private_metadata="r1",
    blocks=[InputBlock(block_id="why", label="Why?", element=PlainTextInputElement(action_id="text"))],
)
HOME = View(type="home", blocks=BLOCKS)
NO_MESSAGE = "1.000000"


@dataclass(frozen=True)
class MethodCase:
    """A method's valid arguments, a value in the response, and arguments that fail with `error`."""

    arguments: Callable[[FakeSlack], dict[str, Any]]
    read: Callable[[Any], object]
    expected: Callable[[FakeSlack], object]
    invalid: dict[str, Any] = field(default_factory=dict)
    error: str = ""


def posted(slack: FakeSlack) -> str:
    """Post a card and return its ts."""
    return slack.conversations.post(OPS, "A card", card("go")).ts


def open_modal(slack: FakeSlack) -> str:
    """Open a modal and return its id."""
    return slack.views.push(INVOKER, MODAL.to_dict()).id


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks after a round trip through the SDK."""
    return [block.to_dict() for block in Block.parse_all(message["blocks"])]


def view_of(response: Any) -> dict[str, Any]:
    """Return the view after a round trip through the SDK, without the fields that Slack adds."""
    sent = {"type", "title", "submit", "callback_id", "private_metadata", "blocks"}
    written = View(**response["view"]).to_dict()
    return {name: part for name, part in written.items() if name in sent and part}


def as_sent(view: View) -> Callable[[FakeSlack], dict[str, Any]]:
    return lambda _slack: view.to_dict()


CASES: dict[str, MethodCase] = {
    "auth.test": MethodCase(
        lambda _slack: {},
        lambda response: (response["team_id"], response["user_id"], response["bot_id"]),
        lambda slack: (slack.team_id, slack.workspace.bot_user_id, slack.workspace.bot_id),
        {"token": "xoxb-made-up"},
        "invalid_auth",
    ),
    "bots.info": MethodCase(
        lambda slack: {"bot": slack.workspace.bot_id},
        lambda response: (response["bot"]["app_id"], response["bot"]["deleted"]),
        lambda slack: (slack.app_id, False),
        {"bot": "B0NOBODY01"},
        "bot_not_found",
    ),
    "users.info": MethodCase(
        lambda _slack: {"user": INVOKER, "include_locale": True},
        lambda response: (response["user"]["profile"]["email"], response["user"]["is_restricted"]),
        lambda _slack: ("ann@example.com", False),
        {"user": "U0NOBODY01"},
        "user_not_found",
    ),
    "files.info": MethodCase(
        lambda slack: {"file": slack.files.add("list.csv", b"tom@example.com").id},
        lambda response: (response["file"]["name"], response["file"]["size"], response["file"]["is_external"]),
        lambda _slack: ("list.csv", 15, False),
        {"file": "F0NOFILE01"},
        "file_not_found",
    ),
    "files.getUploadURLExternal": MethodCase(
        lambda _slack: {"filename": "list.csv", "length": 15},
        lambda response: (response["upload_url"].rpartition("/")[2], response["file_id"][:2]),
        lambda slack: (next(iter(slack.files.stored)), "F0"),
        {"filename": "", "length": 15},
        "invalid_arguments",
    ),
    "files.completeUploadExternal": MethodCase(
        lambda slack: {"files": [{"id": slack.files.add("list.csv", b"x").id}], "channel_id": OPS},
        lambda response: [one["title"] for one in response["files"]],
        lambda _slack: ["list.csv"],
        {"files": [{"id": "F0NOFILE01"}]},
        "file_not_found",
    ),
    "users.lookupByEmail": MethodCase(
        lambda _slack: {"email": "hal@example.com"},
        lambda response: response["user"]["id"],
        lambda _slack: HELPER,
        {"email": "unknown@example.com"},
        "users_not_found",
    ),
    "usergroups.users.list": MethodCase(
        lambda _slack: {"usergroup": CLOSED_GROUP, "include_disabled": True},
        lambda response: response["users"],
        lambda _slack: [HELPER],
        {"usergroup": CLOSED_GROUP, "include_disabled": False},
        "no_such_subteam",
    ),
    "usergroups.list": MethodCase(
        lambda _slack: {"include_users": True, "include_count": True, "include_disabled": True},
        lambda response: [(one["id"], one["users"], one["user_count"]) for one in response["usergroups"]],
        lambda _slack: [(GROUP, [HELPER], 1), (CLOSED_GROUP, [HELPER], 1)],
        {"token": "xoxb-made-up"},
        "invalid_auth",
    ),
    "conversations.info": MethodCase(
        lambda _slack: {"channel": QUIET, "include_num_members": True},
        lambda response: (
            response["channel"]["name"],
            response["channel"]["is_member"],
            response["channel"]["num_members"],
        ),
        lambda _slack: ("quiet", False, 1),
        {"channel": SECRET},
        "channel_not_found",
    ),
    "conversations.open": MethodCase(
        lambda _slack: {"users": [INVOKER], "return_im": True},
        lambda response: (response["channel"]["user"], response["channel"]["is_im"]),
        lambda _slack: (INVOKER, True),
        {"users": ["U0NOBODY01"]},
        "user_not_found",
    ),
    "chat.postMessage": MethodCase(
        lambda slack: {"channel": OPS, "text": "A card", "blocks": BLOCKS, "thread_ts": posted(slack)},
        lambda response: (response["channel"], blocks_of(response["message"])),
        lambda _slack: (OPS, [block.to_dict() for block in BLOCKS]),
        {"channel": QUIET, "text": "A card", "blocks": BLOCKS},
        "not_in_channel",
    ),
    "chat.update": MethodCase(
        lambda slack: {"channel": OPS, "ts": posted(slack), "text": "Done", "blocks": BLOCKS},
        lambda response: (response["text"], blocks_of(response["message"])),
        lambda _slack: ("Done", [block.to_dict() for block in BLOCKS]),
        {"channel": OPS, "ts": NO_MESSAGE, "text": "Done"},
        "message_not_found",
    ),
    "chat.postEphemeral": MethodCase(
        lambda _slack: {"channel": OPS, "user": INVOKER, "text": "psst", "blocks": BLOCKS},
        lambda response: bool(response["message_ts"]),
        lambda _slack: True,
        {"channel": OPS, "user": OUTSIDER, "text": "psst"},
        "user_not_in_channel",
    ),
    "chat.getPermalink": MethodCase(
        lambda slack: {"channel": OPS, "message_ts": posted(slack)},
        lambda response: response["permalink"].rpartition("/p")[0],
        lambda slack: f"https://{slack.workspace.domain}.slack.com/archives/{OPS}",
        {"channel": OPS, "message_ts": NO_MESSAGE},
        "message_not_found",
    ),
    "views.publish": MethodCase(
        lambda _slack: {"user_id": INVOKER, "view": HOME},
        view_of,
        as_sent(HOME),
        {"user_id": INVOKER, "view": MODAL},
        "invalid_arguments",
    ),
    "views.open": MethodCase(
        lambda slack: {"trigger_id": slack.views.issue_trigger_id(INVOKER), "view": MODAL},
        view_of,
        as_sent(MODAL),
        {"trigger_id": "1.2.made-up", "view": MODAL},
        "invalid_trigger_id",
    ),
    "views.push": MethodCase(
        lambda slack: {"trigger_id": slack.views.issue_trigger_id(INVOKER), "view": MODAL} if open_modal(slack) else {},
        view_of,
        as_sent(MODAL),
        {"trigger_id": "1.2.made-up", "view": MODAL},
        "invalid_trigger_id",
    ),
    "views.update": MethodCase(
        lambda slack: {"view_id": open_modal(slack), "view": MODAL},
        view_of,
        as_sent(MODAL),
        {"view_id": "V0NOWHERE1", "view": MODAL},
        "not_found",
    ),
    "apps.connections.open": MethodCase(
        lambda slack: {"app_token": slack.sockets.app_token},
        lambda response: response["url"].partition("?")[0],
        lambda slack: slack.sockets.base_url.replace("http", "ws", 1) + "/link/",
        {"app_token": "xapp-1-made-up"},
        "invalid_auth",
    ),
}


@pytest.fixture(params=["AsyncWebClient", "WebClient"])
def call(request: pytest.FixtureRequest, slack: FakeSlack, client: AsyncWebClient) -> Call:
    """Return a function that calls a Web API method through the SDK's asynchronous or blocking client."""
    blocking = WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])

    async def execute(method: str, **arguments: Any) -> Any:
        name = method.replace(".", "_")
        if request.param == "AsyncWebClient":
            return await getattr(client, name)(**arguments)
        return await asyncio.to_thread(getattr(blocking, name), **arguments)

    return execute


def test_cases__cover_all_methods() -> None:
    slack = FakeSlack()

    assert set(CASES) == {*slack.api.methods, *slack.api.app_level}


@pytest.mark.parametrize("method", CASES)
async def test_method__has_a_response_that_the_sdk_can_read(
    slack: FakeSlack, call: Call, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    case = CASES[method]

    with caplog.at_level(logging.WARNING):
        response = await call(method, **case.arguments(slack))
        value = case.read(response)

    assert response["ok"] is True
    assert value == case.expected(slack)
    assert [record.getMessage() for record in caplog.records] == [], "the SDK's models know every field"


@pytest.mark.parametrize("method", CASES)
async def test_method__with_invalid_arguments_raises_the_sdk_error(call: Call, method: str) -> None:
    case = CASES[method]

    with pytest.raises(SlackApiError) as refused:
        await call(method, **case.invalid)

    assert (refused.value.response["error"], refused.value.response.status_code) == (case.error, 200)


@pytest.mark.parametrize("method", [name for name, method in FakeSlack().api.methods.items() if method.scope])
async def test_method__without_its_scope_returns_missing_scope(call: Call, slack: FakeSlack, method: str) -> None:
    needed = slack.api.methods[method].scope
    slack.api.scopes = ALL_SCOPES - {str(needed)}

    with pytest.raises(SlackApiError) as refused:
        await call(method, **CASES[method].arguments(slack))

    response = refused.value.response
    assert (response["error"], response["needed"]) == ("missing_scope", needed)
    assert (
        set(response["provided"].split(",")) == slack.api.scopes == set(response.headers["x-oauth-scopes"].split(","))
    )


async def test_auth_test__on_enterprise_grid_returns_the_organization() -> None:
    slack = FakeSlack(workspace=SlackWorkspace(enterprise_id="E0GRID0001"))
    client = WebClient(slack.bot_token, base_url=await slack.start())

    response = await asyncio.to_thread(client.auth_test)
    await slack.stop()

    assert response["enterprise_id"] == "E0GRID0001"
