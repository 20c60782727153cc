"""The fakes enforce the rate limits of Slack and Genesys Cloud, if a test asks for it."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.genesys.server import RATE_LIMIT
from bot.sandbox.rate_limits import Bursts, RequestWindow
from bot.sandbox.slack.api import POST_BURST, RATE_LIMITS
from bot.sandbox.slack.server import FakeSlack
from tests.sandbox.conftest import INVOKER, OPS, SHARED
from tests.support.clock import FakeClock
from tests.support.genesys_client import NOON, start_fake

TOKENS_ME = "/api/v2/tokens/me"


def test_window__is_full_at_its_limit_until_its_oldest_request_leaves_it() -> None:
    clock = FakeClock(1000.0)
    window = RequestWindow(2, clock)
    window.add()
    clock.advance(20)
    window.add()
    assert (window.count, window.full, window.retry_after) == (2, True, 40)

    clock.advance(39.5)
    assert (window.full, window.retry_after) == (True, 1)
    clock.advance(0.5)
    assert (window.count, window.full) == (1, False)


def test_window__without_requests_is_empty() -> None:
    window = RequestWindow(2, FakeClock(1000.0))
    assert (window.count, window.full, window.retry_after) == (0, False, 60)


def test_bursts__allow_some_requests_at_once_then_one_a_second() -> None:
    clock = FakeClock(1000.0)
    bursts = Bursts(2, clock)
    bursts.add()
    bursts.add()
    assert (bursts.full, bursts.retry_after) == (True, 1)
    clock.advance(1)
    assert not bursts.full
    bursts.add()
    assert bursts.full

    clock.advance(60)
    bursts.add()
    bursts.add()
    assert bursts.full


async def test_slack__above_the_limit_of_a_method_answers_429_until_a_call_leaves_the_minute(
    slack: FakeSlack, client: AsyncWebClient, clock: FakeClock
) -> None:
    slack.api.enforces_rate_limits = True
    for _ in range(RATE_LIMITS["users.info"]):
        await client.users_info(user=INVOKER)

    with pytest.raises(SlackApiError) as limited:
        await client.users_info(user=INVOKER)
    response = limited.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "60"
    await client.auth_test()  # another method has a limit of its own

    clock.advance(60)
    await client.users_info(user=INVOKER)


async def test_slack__takes_a_short_burst_of_messages_then_one_a_second_and_channel(
    slack: FakeSlack, client: AsyncWebClient, clock: FakeClock
) -> None:
    slack.api.enforces_rate_limits = True
    for _ in range(POST_BURST):
        await client.chat_postMessage(channel=OPS, text="hello")

    with pytest.raises(SlackApiError, match="ratelimited") as limited:
        await client.chat_postMessage(channel=OPS, text="one more")
    assert limited.value.response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel=SHARED, text="hello")

    for _ in range(5):
        clock.advance(1)
        await client.chat_postMessage(channel=OPS, text="hello")
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel=OPS, text="one more")
    assert [message.channel_id for message in slack.messages].count(OPS) == POST_BURST + 5


async def test_slack__limits_nothing_unless_asked(slack: FakeSlack, client: AsyncWebClient) -> None:
    for _ in range(RATE_LIMITS["users.info"] + 1):
        await client.users_info(user=INVOKER)
    assert {call.status for call in slack.api.calls} == {200}


async def test_genesys__above_its_limit_answers_429_until_a_call_leaves_the_minute() -> None:
    clock = FakeClock(NOON)
    async with start_fake(clock=clock, enforces_rate_limit=True) as client:
        await client.login()
        for number in range(1, RATE_LIMIT + 1):
            status, _, headers = await client.request("GET", TOKENS_ME)
            assert (status, headers["inin-ratelimit-count"]) == (200, str(number))

        status, _, headers = await client.request("GET", TOKENS_ME)
        assert (status, headers["inin-ratelimit-allowed"]) == (429, str(RATE_LIMIT))
        assert headers["Retry-After"] == headers["inin-ratelimit-reset"] == "60"

        clock.advance(60)
        status, _, headers = await client.request("GET", TOKENS_ME)
        assert (status, headers["inin-ratelimit-count"]) == (200, "1")


async def test_genesys__counts_from_the_change_of_its_limit() -> None:
    async with start_fake(clock=FakeClock(NOON), enforces_rate_limit=True) as client:
        await client.login()
        client.genesys.limit_rate(3)
        for _ in range(2):
            for status in (200, 200, 200, 429):
                assert (await client.request("GET", TOKENS_ME))[0] == status
            client.genesys.limit_rate(3)


async def test_genesys__counts_each_token_alone_and_limits_nothing_unless_asked() -> None:
    async with start_fake(clock=FakeClock(NOON)) as client:
        await client.login()
        for _ in range(RATE_LIMIT):
            assert (await client.request("GET", TOKENS_ME))[0] == 200
        status, _, headers = await client.request("GET", TOKENS_ME)
        assert status == 200
        assert headers["inin-ratelimit-count"] == str(RATE_LIMIT + 1)

        await client.login()
        _, _, headers = await client.request("GET", TOKENS_ME)
        assert headers["inin-ratelimit-count"] == "1"
