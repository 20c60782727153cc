"""The methods of the Web API, called by the official client."""

from __future__ import annotations

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.methods import ALL_SCOPES
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.workspace import Channel, SlackWorkspace
from tests.sandbox.conftest import (
    CLOSED_GROUP,
    GONE,
    GROUP,
    HELPER,
    INVOKER,
    OLD,
    OPS,
    OUTSIDER,
    QUIET,
    ROBOT,
    SECRET,
    SHARED,
    card,
)


def code(error: pytest.ExceptionInfo[SlackApiError]) -> str:
    return str(error.value.response["error"])


async def test_auth_test__returns_the_workspace_and_the_bot(slack: FakeSlack, client: AsyncWebClient) -> None:
    response = await client.auth_test()
    assert (response["team_id"], response["app_id"]) == (slack.team_id, slack.app_id)
    assert (response["user_id"], response["bot_id"]) == (slack.workspace.bot_user_id, slack.workspace.bot_id)
    assert "enterprise_id" not in response.data
    assert set(response.headers["x-oauth-scopes"].split(",")) == set(ALL_SCOPES)


async def test_auth_test__on_enterprise_grid_returns_the_organization(session: aiohttp.ClientSession) -> None:
    slack = FakeSlack(workspace=SlackWorkspace(enterprise_id="E0GRID0001"))
    client = AsyncWebClient(slack.bot_token, base_url=await slack.start(), session=session)
    assert (await client.auth_test())["enterprise_id"] == slack.enterprise_id == "E0GRID0001"
    await slack.stop()


@pytest.mark.parametrize(("token", "expected"), [("xoxb-wrong", "invalid_auth"), (None, "not_authed")])
async def test_any_method__needs_the_token(
    slack: FakeSlack, session: aiohttp.ClientSession, token: str | None, expected: str
) -> None:
    client = AsyncWebClient(token, base_url=slack.api_url, session=session)
    with pytest.raises(SlackApiError) as error:
        await client.chat_postMessage(channel=OPS, text="hello")
    assert code(error) == expected
    assert slack.messages == []


async def test_any_method__accepts_the_token_as_a_form_field(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    async with session.post(f"{slack.api_url}auth.test", data={"token": slack.bot_token}) as response:
        assert (await response.json())["ok"] is True
    assert "token" not in slack.calls[-1].args


async def test_unknown_method__is_an_error(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.api_call("chat.postTelegram")
    assert code(error) == "unknown_method"


async def test_missing_scope__returns_the_needed_and_provided_scopes(session: aiohttp.ClientSession) -> None:
    slack = FakeSlack(scopes=frozenset({"commands", "users:read"}))
    client = AsyncWebClient(slack.bot_token, base_url=await slack.start(), session=session)
    with pytest.raises(SlackApiError) as error:
        await client.users_lookupByEmail(email="a@example.com")
    assert code(error) == "missing_scope"
    assert (error.value.response["needed"], error.value.response["provided"]) == (
        "users:read.email",
        "commands,users:read",
    )
    await slack.stop()


async def test_bots_info__knows_only_the_bot(slack: FakeSlack, client: AsyncWebClient) -> None:
    assert (await client.bots_info(bot=slack.workspace.bot_id))["bot"]["app_id"] == slack.app_id
    with pytest.raises(SlackApiError) as error:
        await client.bots_info(bot="B0NOBODY01")
    assert code(error) == "bot_not_found"


async def test_users_info__returns_the_user(client: AsyncWebClient) -> None:
    user = (await client.users_info(user=INVOKER))["user"]
    assert user["profile"]["email"] == "ann@example.com"
    assert (user["is_email_confirmed"], user["is_restricted"], user["is_bot"]) == (True, False, False)
    assert "is_stranger" not in user
    assert "enterprise_user" not in user


async def test_users_info__marks_external_deactivated_and_bot_users(client: AsyncWebClient) -> None:
    assert (await client.users_info(user=OUTSIDER))["user"]["team_id"] == "T0AWAY0001"
    assert (await client.users_info(user=GONE))["user"]["deleted"] is True
    robot = (await client.users_info(user=ROBOT))["user"]
    assert robot["is_bot"] is True
    assert "email" not in robot["profile"]
    assert "is_email_confirmed" not in robot


async def test_users_info__without_the_email_scope_omits_the_address(session: aiohttp.ClientSession) -> None:
    slack = FakeSlack(scopes=ALL_SCOPES - {"users:read.email"})
    client = AsyncWebClient(slack.bot_token, base_url=await slack.start(), session=session)
    assert "email" not in (await client.users_info(user=slack.workspace.bot_user_id))["user"]["profile"]
    await slack.stop()


async def test_users_info__rejects_an_unknown_user(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.users_info(user="U0NOBODY01")
    assert code(error) == "user_not_found"


async def test_lookup_by_email__prefers_the_member_over_an_external_user_with_the_same_address(
    client: AsyncWebClient,
) -> None:
    assert (await client.users_lookupByEmail(email="ANN@example.com"))["user"]["id"] == INVOKER


async def test_lookup_by_email__does_not_find_deactivated_users(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.users_lookupByEmail(email="dan@example.com")
    assert code(error) == "users_not_found"


async def test_usergroups__return_their_members(client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup=GROUP))["users"] == [HELPER]
    shown = (await client.usergroups_list(include_users=True))["usergroups"]
    assert [(group["id"], group["users"]) for group in shown] == [(GROUP, [HELPER])]


async def test_usergroups__a_disabled_group_needs_include_disabled(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.usergroups_users_list(usergroup=CLOSED_GROUP)
    assert code(error) == "no_such_subteam"
    assert (await client.usergroups_users_list(usergroup=CLOSED_GROUP, include_disabled=True))["users"] == [HELPER]


async def test_conversations_info__returns_what_the_bot_can_know(client: AsyncWebClient) -> None:
    assert (await client.conversations_info(channel=SHARED))["channel"]["is_ext_shared"] is True
    assert (await client.conversations_info(channel=QUIET))["channel"]["is_member"] is False
    with pytest.raises(SlackApiError) as error:
        await client.conversations_info(channel=SECRET)
    assert code(error) == "channel_not_found"


async def test_conversations_info__of_a_private_channel_needs_groups_read(
    session: aiohttp.ClientSession,
) -> None:
    room = Channel(id=SECRET, name="secret", is_private=True)
    slack = FakeSlack(channels=[room], scopes=frozenset({"channels:read"}))
    client = AsyncWebClient(slack.bot_token, base_url=await slack.start(), session=session)
    with pytest.raises(SlackApiError) as error:
        await client.conversations_info(channel=SECRET)
    assert (code(error), error.value.response["needed"]) == ("missing_scope", "groups:read")
    await slack.stop()


@pytest.mark.parametrize(
    ("channel", "expected"),
    [(OPS, "message_not_found"), (QUIET, "message_not_found"), (SECRET, "channel_not_found")],
)
async def test_permalink__of_an_unknown_message_reveals_no_private_channel(
    client: AsyncWebClient, channel: str, expected: str
) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.chat_getPermalink(channel=channel, message_ts="1.000000")
    assert code(error) == expected


async def test_conversations_open__returns_the_same_direct_message(client: AsyncWebClient) -> None:
    first = (await client.conversations_open(users=INVOKER))["channel"]["id"]
    assert first.startswith("D")
    again = (await client.conversations_open(channel=first, return_im=True))["channel"]
    assert (again["id"], again["user"]) == (first, INVOKER)


@pytest.mark.parametrize(
    ("user", "expected"), [("U0NOBODY01", "user_not_found"), (GONE, "user_disabled"), (ROBOT, "cannot_dm_bot")]
)
async def test_conversations_open__rejects(client: AsyncWebClient, user: str, expected: str) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.conversations_open(users=user)
    assert code(error) == expected


async def test_conversations_open__rejects_an_unknown_channel(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.conversations_open(channel="D0NOWHERE1")
    assert code(error) == "channel_not_found"


async def test_post_message__appears_in_the_channel(slack: FakeSlack, client: AsyncWebClient) -> None:
    response = await client.chat_postMessage(channel=OPS, text="A card", blocks=card("go"))
    assert response["message"]["blocks"][1]["elements"][0]["value"] == "value-go"
    [message] = slack.seen_by(HELPER)
    assert (message.ts, message.text) == (response["ts"], "A card")
    assert slack.seen_by(OUTSIDER) == []
    assert slack.calls_of("chat.postMessage")[0].args["blocks"] == card("go")


async def test_post_message__in_a_thread_has_its_thread_ts(client: AsyncWebClient) -> None:
    first = await client.chat_postMessage(channel=OPS, text="first")
    answer = await client.chat_postMessage(channel=OPS, text="answer", thread_ts=first["ts"])
    assert "thread_ts" not in first["message"]
    assert answer["message"]["thread_ts"] == first["ts"]


async def test_post_message__to_a_user_is_a_direct_message(slack: FakeSlack, client: AsyncWebClient) -> None:
    response = await client.chat_postMessage(channel=INVOKER, text="for you")
    assert response["channel"].startswith("D")
    assert [message.text for message in slack.seen_by(INVOKER)] == ["for you"]
    assert slack.seen_by(HELPER) == []


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("C0NOWHERE1", "channel_not_found"),
        (SECRET, "channel_not_found"),
        (QUIET, "not_in_channel"),
        (OLD, "is_archived"),
        (GONE, "user_disabled"),
    ],
)
async def test_post_message__rejects_a_channel(
    slack: FakeSlack, client: AsyncWebClient, channel: str, expected: str
) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.chat_postMessage(channel=channel, text="hello")
    assert code(error) == expected
    assert slack.messages == []


async def test_post_message__rejects_invalid_blocks(slack: FakeSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.chat_postMessage(channel=OPS, text="x", blocks=card("twice", "twice"))
    assert code(error) == "invalid_blocks"
    assert "twice" in error.value.response["errors"][0]
    assert slack.messages == []


@pytest.mark.parametrize(("text", "expected"), [("", "no_text"), ("x" * 40_001, "msg_too_long")])
async def test_post_message__rejects_an_empty_or_too_long_text(
    client: AsyncWebClient, text: str, expected: str
) -> None:
    with pytest.raises(SlackApiError) as error:
        await client.api_call("chat.postMessage", json={"channel": OPS, "text": text})
    assert code(error) == expected


async def test_update__edits_the_message_and_keeps_its_history(slack: FakeSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="A card", blocks=card("go"))
    response = await client.chat_update(channel=OPS, ts=posted["ts"], text="Done", blocks=card())
    [message] = slack.messages
    assert slack.buttons(message) == []
    assert [version.text for version in message.history] == ["A card"]
    assert "edited" in response["message"]


async def test_update__with_a_text_alone_keeps_the_buttons(slack: FakeSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="A card", blocks=card("go"))
    await client.chat_update(channel=OPS, ts=posted["ts"], text="Done")
    assert [button["action_id"] for button in slack.buttons(slack.messages[0])] == ["go"]
    await client.chat_update(channel=OPS, ts=posted["ts"], text="Done", blocks=[])
    assert slack.buttons(slack.messages[0]) == []


async def test_update__rejects_ephemeral_messages_and_those_of_users(slack: FakeSlack, client: AsyncWebClient) -> None:
    ephemeral = await client.chat_postEphemeral(channel=OPS, user=INVOKER, text="psst")
    typed = slack.say(INVOKER, "hello", OPS)
    for ts, expected in ((ephemeral["message_ts"], "message_not_found"), (typed.ts, "cant_update_message")):
        with pytest.raises(SlackApiError) as error:
            await client.chat_update(channel=OPS, ts=ts, text="mine now")
        assert code(error) == expected
    assert all(not message.history for message in slack.messages)


async def test_post_ephemeral__is_visible_to_one_user(slack: FakeSlack, client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel=OPS, user=INVOKER, text="psst")
    assert [message.text for message in slack.seen_by(INVOKER)] == ["psst"]
    assert slack.seen_by(HELPER) == []
    with pytest.raises(SlackApiError) as error:
        await client.chat_postEphemeral(channel=OPS, user=OUTSIDER, text="psst")
    assert code(error) == "user_not_in_channel"


async def test_permalink__contains_the_channel_and_ts(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=OPS, text="here")
    link = (await client.chat_getPermalink(channel=OPS, message_ts=posted["ts"]))["permalink"]
    assert link.endswith(f"/archives/{OPS}/p{posted['ts'].replace('.', '')}")
    with pytest.raises(SlackApiError) as error:
        await client.chat_getPermalink(channel="C0NOWHERE1", message_ts=posted["ts"])
    assert code(error) == "channel_not_found"


async def test_arguments__a_form_can_contain_json_blocks(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    form = {"token": slack.bot_token, "channel": OPS, "text": "x", "blocks": '[{"type": "divider"}]'}
    async with session.post(f"{slack.api_url}chat.postMessage", data=form) as response:
        assert (await response.json())["ok"] is True
    form["blocks"] = "[{"
    async with session.post(f"{slack.api_url}chat.postMessage", data=form) as response:
        assert (await response.json())["error"] == "invalid_blocks"
    async with session.post(f"{slack.api_url}users.info", data={"token": slack.bot_token}) as response:
        assert (await response.json())["error"] == "invalid_arguments"
