"""Every method of the Web API that the stand-in offers, called by the official SDK in its own types."""

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
    """A method's name and its arguments in; what the SDK makes of the answer out."""

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
    blocks=[InputBlock(block_id="why", label="Why?", element=PlainTextInputElement(action_id="said"))],
)
HOME = View(type="home", blocks=BLOCKS)
NO_MESSAGE = "1.000000"


@dataclass(frozen=True)
class Try:
    """One method: what it is called with, what the SDK must then read, and what is refused with which word."""

    arguments: Callable[[FakeSlack], dict[str, Any]]
    reads: Callable[[Any], object]
    expected: Callable[[FakeSlack], object]
    refused: dict[str, Any] = field(default_factory=dict)
    error: str = ""


def posted(slack: FakeSlack) -> str:
    """A card that stands in the channel; its ts."""
    return slack.conversations.post(OPS, "A card", card("go")).ts


def standing(slack: FakeSlack) -> str:
    """A modal on somebody's screen; its id."""
    return slack.views.push(INVOKER, MODAL.to_dict()).id


def blocks_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Blocks as the SDK reads and writes them."""
    return [block.to_dict() for block in Block.parse_all(told["blocks"])]


def view_of(said: Any) -> dict[str, Any]:
    """A view as the SDK reads and writes it, without what Slack adds."""
    sent = {"type", "title", "submit", "callback_id", "private_metadata", "blocks"}
    written = View(**said["view"]).to_dict()
    return {name: part for name, part in written.items() if name in sent and part}


def as_sent(view: View) -> Callable[[FakeSlack], dict[str, Any]]:
    return lambda _slack: view.to_dict()


TRIES: dict[str, Try] = {
    "auth.test": Try(
        lambda _slack: {},
        lambda said: (said["team_id"], said["user_id"], said["bot_id"]),
        lambda slack: (slack.team_id, slack.workspace.bot_user_id, slack.workspace.bot_id),
        {"token": "xoxb-made-up"},
        "invalid_auth",
    ),
    "bots.info": Try(
        lambda slack: {"bot": slack.workspace.bot_id},
        lambda said: (said["bot"]["app_id"], said["bot"]["deleted"]),
        lambda slack: (slack.app_id, False),
        {"bot": "B0NOBODY01"},
        "bot_not_found",
    ),
    "users.info": Try(
        lambda _slack: {"user": INVOKER, "include_locale": True},
        lambda said: (said["user"]["profile"]["email"], said["user"]["is_restricted"]),
        lambda _slack: ("ann@example.com", False),
        {"user": "U0NOBODY01"},
        "user_not_found",
    ),
    "users.lookupByEmail": Try(
        lambda _slack: {"email": "hal@example.com"},
        lambda said: said["user"]["id"],
        lambda _slack: HELPER,
        {"email": "nobody@example.com"},
        "users_not_found",
    ),
    "usergroups.users.list": Try(
        lambda _slack: {"usergroup": CLOSED_GROUP, "include_disabled": True},
        lambda said: said["users"],
        lambda _slack: [HELPER],
        {"usergroup": CLOSED_GROUP, "include_disabled": False},
        "no_such_subteam",
    ),
    "usergroups.list": Try(
        lambda _slack: {"include_users": True, "include_count": True, "include_disabled": True},
        lambda said: [(one["id"], one["users"], one["user_count"]) for one in said["usergroups"]],
        lambda _slack: [(GROUP, [HELPER], 1), (CLOSED_GROUP, [HELPER], 1)],
        {"token": "xoxb-made-up"},
        "invalid_auth",
    ),
    "conversations.info": Try(
        lambda _slack: {"channel": QUIET, "include_num_members": True},
        lambda said: (said["channel"]["name"], said["channel"]["is_member"], said["channel"]["num_members"]),
        lambda _slack: ("quiet", False, 1),
        {"channel": SECRET},
        "channel_not_found",
    ),
    "conversations.open": Try(
        lambda _slack: {"users": [INVOKER], "return_im": True},
        lambda said: (said["channel"]["user"], said["channel"]["is_im"]),
        lambda _slack: (INVOKER, True),
        {"users": ["U0NOBODY01"]},
        "user_not_found",
    ),
    "chat.postMessage": Try(
        lambda slack: {"channel": OPS, "text": "A card", "blocks": BLOCKS, "thread_ts": posted(slack)},
        lambda said: (said["channel"], blocks_of(said["message"])),
        lambda _slack: (OPS, [block.to_dict() for block in BLOCKS]),
        {"channel": QUIET, "text": "A card", "blocks": BLOCKS},
        "not_in_channel",
    ),
    "chat.update": Try(
        lambda slack: {"channel": OPS, "ts": posted(slack), "text": "Done", "blocks": BLOCKS},
        lambda said: (said["text"], blocks_of(said["message"])),
        lambda _slack: ("Done", [block.to_dict() for block in BLOCKS]),
        {"channel": OPS, "ts": NO_MESSAGE, "text": "Done"},
        "message_not_found",
    ),
    "chat.postEphemeral": Try(
        lambda _slack: {"channel": OPS, "user": INVOKER, "text": "psst", "blocks": BLOCKS},
        lambda said: bool(said["message_ts"]),
        lambda _slack: True,
        {"channel": OPS, "user": OUTSIDER, "text": "psst"},
        "user_not_in_channel",
    ),
    "chat.getPermalink": Try(
        lambda slack: {"channel": OPS, "message_ts": posted(slack)},
        lambda said: said["permalink"].rpartition("/p")[0],
        lambda slack: f"https://{slack.workspace.domain}.slack.com/archives/{OPS}",
        {"channel": OPS, "message_ts": NO_MESSAGE},
        "message_not_found",
    ),
    "views.publish": Try(
        lambda _slack: {"user_id": INVOKER, "view": HOME},
        view_of,
        as_sent(HOME),
        {"user_id": INVOKER, "view": MODAL},
        "invalid_arguments",
    ),
    "views.open": Try(
        lambda slack: {"trigger_id": slack.views.issue_trigger_id(INVOKER), "view": MODAL},
        view_of,
        as_sent(MODAL),
        {"trigger_id": "1.2.made-up", "view": MODAL},
        "invalid_trigger_id",
    ),
    "views.push": Try(
        lambda slack: {"trigger_id": slack.views.issue_trigger_id(INVOKER), "view": MODAL} if standing(slack) else {},
        view_of,
        as_sent(MODAL),
        {"trigger_id": "1.2.made-up", "view": MODAL},
        "invalid_trigger_id",
    ),
    "views.update": Try(
        lambda slack: {"view_id": standing(slack), "view": MODAL},
        view_of,
        as_sent(MODAL),
        {"view_id": "V0NOWHERE1", "view": MODAL},
        "not_found",
    ),
    "apps.connections.open": Try(
        lambda slack: {"app_token": slack.sockets.app_token},
        lambda said: said["url"].partition("?")[0],
        lambda slack: slack.sockets.base_url.replace("http", "ws", 1) + "/link/",
        {"app_token": "xapp-1-made-up"},
        "invalid_auth",
    ),
}


@pytest.fixture(params=["AsyncWebClient", "WebClient"])
def call(request: pytest.FixtureRequest, slack: FakeSlack, client: AsyncWebClient) -> Call:
    """The SDK's own method for a method of the Web API: on one loop with us, or in a thread as urllib needs it."""
    blocking = WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])

    async def execute(method: str, **arguments: Any) -> Any:
        name = method.replace(".", "_")
        if request.param == "AsyncWebClient":
            return await getattr(client, name)(**arguments)
        return await asyncio.to_thread(getattr(blocking, name), **arguments)

    return execute


def test_table__tries_exactly_the_methods_there_are() -> None:
    slack = FakeSlack()

    assert set(TRIES) == {*slack.api.methods, *slack.api.app_level}


@pytest.mark.parametrize("method", TRIES)
async def test_method__is_read_by_the_official_client(
    slack: FakeSlack, call: Call, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    tried = TRIES[method]

    with caplog.at_level(logging.WARNING):
        said = await call(method, **tried.arguments(slack))
        read = tried.reads(said)

    assert said["ok"] is True
    assert read == tried.expected(slack)
    assert [record.getMessage() for record in caplog.records] == [], "the SDK's models know every field"


@pytest.mark.parametrize("method", TRIES)
async def test_method__that_is_refused_raises_the_official_clients_error(call: Call, method: str) -> None:
    tried = TRIES[method]

    with pytest.raises(SlackApiError) as refused:
        await call(method, **tried.refused)

    assert (refused.value.response["error"], refused.value.response.status_code) == (tried.error, 200)


@pytest.mark.parametrize("method", [name for name, method in FakeSlack().api.methods.items() if method.scope])
async def test_method__without_its_scope_names_it(call: Call, slack: FakeSlack, method: str) -> None:
    needed = slack.api.methods[method].scope
    slack.api.scopes = ALL_SCOPES - {str(needed)}

    with pytest.raises(SlackApiError) as refused:
        await call(method, **TRIES[method].arguments(slack))

    said = refused.value.response
    assert (said["error"], said["needed"]) == ("missing_scope", needed)
    assert set(said["provided"].split(",")) == slack.api.scopes == set(said.headers["x-oauth-scopes"].split(","))


async def test_auth_test__on_enterprise_grid_names_the_organization() -> None:
    slack = FakeSlack(workspace=SlackWorkspace(enterprise_id="E0GRID0001"))
    client = WebClient(slack.bot_token, base_url=await slack.start())

    said = await asyncio.to_thread(client.auth_test)
    await slack.stop()

    assert said["enterprise_id"] == "E0GRID0001"
