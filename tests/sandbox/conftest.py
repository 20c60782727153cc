"""A small workspace in a fake Slack, an app that receives its payloads, and the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.workspace import Channel, SlackUser, UserGroup
from tests.support.clock import FakeClock
from tests.support.event_receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.views import View

INVOKER, HELPER, GUEST, OUTSIDER = "U0ASKER001", "U0HELPER01", "U0GUEST001", "U0OUTSIDE1"
GONE, ROBOT = "U0GONE0001", "U0ROBOT001"
OPS, SHARED, QUIET, OLD, SECRET = "C0OPS00001", "C0SHARED01", "C0QUIET001", "C0OLD00001", "C0SECRET01"
GROUP, CLOSED_GROUP = "S0HELPERS1", "S0CLOSED01"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_800_000_000.0)


def people() -> list[SlackUser]:
    return [
        SlackUser(id=INVOKER, name="ann", real_name="Ann Invoker", email="ann@example.com"),
        SlackUser(id=HELPER, name="hal", real_name="Hal Helper", email="Hal@example.com"),
        SlackUser(id=GUEST, name="gil", real_name="Gil Guest", email="gil@example.com", is_restricted=True),
        SlackUser(id=OUTSIDER, name="ona", real_name="Ona Outside", email="ann@example.com", team_id="T0AWAY0001"),
        SlackUser(id=GONE, name="dan", real_name="Dan Gone", email="dan@example.com", deleted=True),
        SlackUser(id=ROBOT, name="bea", real_name="Bea Bot", is_bot=True, is_email_confirmed=None),
    ]


def channels() -> list[Channel]:
    return [
        Channel(id=OPS, name="ops", members=[INVOKER, HELPER, GUEST]),
        Channel(id=SHARED, name="shared", members=[INVOKER, OUTSIDER], is_ext_shared=True),
        Channel(id=QUIET, name="quiet", members=[INVOKER], is_member=False),
        Channel(id=OLD, name="old", members=[INVOKER], is_archived=True),
        Channel(id=SECRET, name="secret", members=[INVOKER], is_member=False, is_private=True),
    ]


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    groups = [
        UserGroup(id=GROUP, handle="helpers", members=[HELPER]),
        UserGroup(id=CLOSED_GROUP, handle="closed", members=[HELPER], disabled=True),
    ]
    fake = FakeSlack(members=people(), groups=groups, channels=channels(), clock=clock, sleep=clock.sleep)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def app(slack: FakeSlack) -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        slack.events_url = receiver.url
        yield receiver


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(slack: FakeSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


def card(*buttons: str) -> list[dict[str, Any]]:
    """Return blocks with a text and a button for each word."""
    elements = [
        {"type": "button", "action_id": word, "value": f"value-{word}", "text": {"type": "plain_text", "text": word}}
        for word in buttons
    ]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Shall it be *done*?"}}
    return [section, {"type": "actions", "block_id": "choice", "elements": elements}] if elements else [section]


def text(words: str) -> dict[str, str]:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": words}


def field(name: str = "reason", **more: Any) -> dict[str, Any]:
    """Return a required input block for a text."""
    element = {"type": "plain_text_input", "action_id": "text"}
    return {"type": "input", "block_id": name, "label": text("Why?"), "element": element, **more}


def modal(title: str = "Revoke many", **more: Any) -> dict[str, Any]:
    """Return a modal with one input block."""
    return {"type": "modal", "title": text(title), "submit": text("Submit"), "blocks": [field()], **more}


async def open_modal(slack: FakeSlack, client: AsyncWebClient, **more: Any) -> View:
    """Open a modal for the invoker through the Web API."""
    answer = await client.views_open(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal(**more))
    view = slack.views.find(answer["view"]["id"])
    assert view
    return view


def modal_titles(slack: FakeSlack) -> list[str]:
    """Return the titles of the invoker's modals, the top one last."""
    return [view["title"]["text"] for view in slack.views.snapshot()[INVOKER]["modals"]]
