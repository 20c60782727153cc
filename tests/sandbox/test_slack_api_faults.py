"""Faults that a test injects into the Web API, as the official client meets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.faults import SlackFault
from tests.sandbox.conftest import INVOKER, OPS

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.sandbox.slack.server import FakeSlack
    from tests.support.clock import FakeClock


def code(error: pytest.ExceptionInfo[SlackApiError]) -> str:
    return str(error.value.response["error"])


async def test_fault__applies_to_the_given_number_of_calls(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fault("users.info", SlackFault(error="fatal_error", times=2))
    for _ in range(2):
        with pytest.raises(SlackApiError) as error:
            await client.users_info(user=INVOKER)
        assert code(error) == "fatal_error"
    assert (await client.users_info(user=INVOKER))["ok"] is True


async def test_fault__a_rate_limit_has_retry_after(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fault("chat.postMessage", SlackFault(retry_after=30, times=None))
    for _ in range(3):
        with pytest.raises(SlackApiError) as error:
            await client.chat_postMessage(channel=OPS, text="hello")
        assert (error.value.response.status_code, code(error)) == (429, "ratelimited")
        assert error.value.response.headers["Retry-After"] == "30"
    assert slack.messages == []
    slack.clear_faults("chat.postMessage")
    await client.chat_postMessage(channel=OPS, text="hello")


async def test_fault__can_send_html(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    slack.fault("auth.test", SlackFault(html="<h1>Down</h1>"))
    async with session.post(f"{slack.api_url}auth.test") as response:
        assert (response.status, await response.text()) == (503, "<h1>Down</h1>")
    assert slack.calls[-1].answer is None


async def test_fault__can_drop_the_connection_before_or_after_executing(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    for after in (False, True):
        slack.fault("chat.postMessage", SlackFault(drop=True, after=after))
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel=OPS, text=f"executed: {after}")
    assert [message.text for message in slack.messages] == ["executed: True"]
    assert [call.answer for call in slack.calls] == [None, None]


async def test_fault__a_delay_keeps_the_response(slack: FakeSlack, client: AsyncWebClient, clock: FakeClock) -> None:
    slack.fault("auth.test", SlackFault(delay=20))
    assert (await client.auth_test())["ok"] is True
    assert clock.slept == [20]


async def test_clear_faults__without_a_method_clears_all(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.fault("auth.test", SlackFault(status=500))
    slack.fault("users.info", SlackFault(status=500))
    slack.clear_faults()
    await client.auth_test()
    await client.users_info(user=INVOKER)
