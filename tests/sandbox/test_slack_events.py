"""Events: the payload of an event, and its retries."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web
from slack_sdk.signature import Clock, SignatureVerifier

from bot.sandbox.slack.server import FakeSlack
from tests.sandbox.conftest import INVOKER, card

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from tests.support.clock import FakeClock
    from tests.support.event_receiver import Receiver

NOT_LISTENING = "http://127.0.0.1:1/slack/events"


class FixedClock(Clock):
    """The clock of the official signature verifier, set to a time."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now


async def test_open_home__is_the_event_slack_sends(slack: FakeSlack, app: Receiver) -> None:
    await slack.open_home(INVOKER)
    [request] = app.received
    payload = request.payload
    assert (payload["type"], payload["team_id"], payload["api_app_id"]) == (
        "event_callback",
        slack.team_id,
        slack.app_id,
    )
    assert (payload["event"]["type"], payload["event"]["user"], payload["event"]["tab"]) == (
        "app_home_opened",
        INVOKER,
        "home",
    )
    assert payload["event"]["channel"] == slack.workspace.dm(INVOKER).id
    assert payload["authorizations"][0]["user_id"] == slack.workspace.bot_user_id
    assert request.headers["Content-Type"] == "application/json"
    assert "X-Slack-Retry-Num" not in request.headers
    verifier = SignatureVerifier(slack.signing_secret, FixedClock(slack.clock()))
    assert verifier.is_valid_request(request.raw, request.headers)


async def test_open_home__includes_the_published_view_on_the_home_tab_only(
    slack: FakeSlack, client: AsyncWebClient, app: Receiver
) -> None:
    await client.views_publish(user_id=INVOKER, view={"type": "home", "blocks": card("again")})
    await slack.open_home(INVOKER)
    assert app.last["event"]["view"]["id"] == slack.views.homes[INVOKER].id
    await slack.open_home(INVOKER, tab="messages")
    assert (app.last["event"]["tab"], "view" in app.last["event"]) == ("messages", False)


async def test_event__is_retried_three_times_with_its_reason(slack: FakeSlack, app: Receiver, clock: FakeClock) -> None:
    app.answer = lambda: web.Response(status=503)
    first = await slack.open_home(INVOKER)
    await slack.wait_for_retries()
    headers = [(one.headers.get("X-Slack-Retry-Num"), one.headers.get("X-Slack-Retry-Reason")) for one in app.received]
    assert headers == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert clock.slept == [60, 300]
    assert len({one.payload["event_id"] for one in app.received}) == 1
    assert slack.event_attempts[0] is first
    assert [attempt.status for attempt in slack.event_attempts] == [503] * 4
    assert (first.notice, slack.messages) == (None, [])


async def test_event__is_not_retried_once_acknowledged(slack: FakeSlack, app: Receiver) -> None:
    answers = iter([web.Response(status=404), web.Response(status=204)])
    app.answer = lambda: next(answers)
    await slack.open_home(INVOKER)
    await slack.wait_for_retries()
    assert [attempt.status for attempt in slack.event_attempts] == [404, 204]


async def test_event__is_not_retried_if_the_app_declines(slack: FakeSlack, app: Receiver) -> None:
    app.answer = lambda: web.Response(status=500, headers={"X-Slack-No-Retry": "1"})
    await slack.open_home(INVOKER)
    await slack.wait_for_retries()
    assert len(app.received) == 1


async def test_event__a_late_acknowledgement_is_retried_as_a_timeout(
    slack: FakeSlack, app: Receiver, clock: FakeClock
) -> None:
    def slowly() -> web.Response:
        clock.advance(0 if "X-Slack-Retry-Num" in app.received[-1].headers else 3.5)
        return web.Response()

    app.answer = slowly
    await slack.open_home(INVOKER)
    await slack.wait_for_retries()
    assert [one.headers.get("X-Slack-Retry-Reason") for one in app.received] == [None, "http_timeout"]


async def test_event__reaches_an_app_that_comes_back(app: Receiver, clock: FakeClock) -> None:
    async def come_back(seconds: float) -> None:
        slack.events_url = app.url
        await clock.sleep(seconds)

    slack = FakeSlack(clock=clock, sleep=come_back)
    await slack.start()
    slack.events_url = NOT_LISTENING
    await slack.send_event({"type": "app_uninstalled"})
    await slack.wait_for_retries()
    await slack.stop()
    [request] = app.received
    assert request.headers["X-Slack-Retry-Reason"] == "connection_failed"
    assert (request.headers["X-Slack-Retry-Num"], request.payload["event"]["type"]) == ("2", "app_uninstalled")


async def test_stop__cancels_pending_retries(clock: FakeClock) -> None:
    slack = FakeSlack(clock=clock, sleep=lambda _seconds: asyncio.Event().wait())
    await slack.start()
    slack.events_url = NOT_LISTENING
    await slack.send_event({"type": "app_uninstalled"})
    await slack.stop()
    assert len(slack.event_attempts) < 4
