"""views.publish, views.open, views.push and views.update, called by the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.conftest import HELPER, INVOKER, card, modal, modal_titles, open_modal

if TYPE_CHECKING:
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.sandbox.slack.server import FakeSlack
    from tests.support.clock import FakeClock
    from tests.support.event_receiver import Receiver


async def test_publish__shows_the_home_tab(slack: FakeSlack, client: AsyncWebClient) -> None:
    await client.views_publish(user_id=INVOKER, view={"type": "home", "blocks": card("again")})
    assert slack.views.snapshot()[INVOKER]["home"]["blocks"][0]["text"]["text"] == "Shall it be *done*?"


async def test_publish__rejects_the_hash_of_an_older_view(slack: FakeSlack, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": card()}
    old = (await client.views_publish(user_id=INVOKER, view=home))["view"]["hash"]
    await client.views_publish(user_id=INVOKER, view=home, hash=old)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id=INVOKER, view=home, hash=old)


async def test_update__finds_a_view_by_id_or_external_id(slack: FakeSlack, client: AsyncWebClient) -> None:
    view = await open_modal(slack, client, external_id="mine")
    await client.views_update(view_id=view.id, view=modal("Second"))
    assert modal_titles(slack) == ["Second"]
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(external_id="mine", view=modal("Third"))
    await client.views_update(view_id=view.id, view=modal("Third", external_id="mine"))
    await client.views_update(external_id="mine", view=modal("Fourth"))
    assert modal_titles(slack) == ["Fourth"]


async def test_update__rejects_an_old_hash_and_a_closed_view(slack: FakeSlack, client: AsyncWebClient) -> None:
    view = await open_modal(slack, client)
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
    await open_modal(slack, client, external_id="mine")
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        await open_modal(slack, client, external_id="mine")
    long = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 90
    with pytest.raises(SlackApiError, match="view_too_large"):
        await open_modal(slack, client, blocks=long)


async def test_push__needs_a_modal_below_and_allows_three(slack: FakeSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal())
    await open_modal(slack, client)
    for title in ("Second", "Third"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal(title))
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=slack.views.issue_trigger_id(INVOKER), view=modal("Fourth"))
    assert modal_titles(slack) == ["Revoke many", "Second", "Third"]


async def test_publish__rejects_an_unknown_user(slack: FakeSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_publish(user_id="U0UNKNOWN1", view={"type": "home", "blocks": card()})
    assert slack.views.homes == {}


async def test_publish__accepts_a_view_in_a_form(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    form = {"token": slack.bot_token, "user_id": INVOKER, "view": '{"type": "home", "blocks": []}'}
    async with session.post(f"{slack.api_url}views.publish", data=form) as response:
        assert (await response.json())["ok"] is True
    async with session.post(f"{slack.api_url}views.publish", data=form | {"view": "{bad"}) as response:
        assert (await response.json())["error"] == "invalid_arguments"
