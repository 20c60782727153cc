"""Every payload of the fake Slack reaches the Bolt listener for it, over HTTP and over Socket Mode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.server import FakeSlack
from tests.sandbox.conftest import HELPER, INVOKER, OPS, card, channels, modal, people


async def _authorize() -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T0HOME0001", bot_token="xoxb-unused", bot_user_id="U0REVOKER1")


def bolt_app(slack: FakeSlack, seen: list[str]) -> AsyncApp:
    """Return a Bolt app with a listener for every kind of payload; each records its own name."""
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    app = AsyncApp(
        signing_secret=slack.signing_secret, client=client, authorize=_authorize, process_before_response=True
    )

    @app.command("/purecloud")
    async def command(ack: Any) -> None:
        seen.append("command")
        await ack("Got it")

    @app.action("go")
    async def action(ack: Any) -> None:
        seen.append("action")
        await ack()

    @app.shortcut("revoke_tokens")
    async def shortcut(ack: Any, body: dict[str, Any]) -> None:
        seen.append("shortcut")
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(callback_id="form", notify_on_close=True))

    @app.message_shortcut("revoke_author")
    async def message_shortcut(ack: Any) -> None:
        seen.append("message_shortcut")
        await ack()

    @app.view("form")
    async def submission(ack: Any, view: dict[str, Any]) -> None:
        seen.append("view_submission")
        if view["state"]["values"]["reason"]["text"]["value"] == "short":
            await ack(response_action="errors", errors={"reason": "Say more."})
        else:
            await ack()

    @app.view_closed("form")
    async def closed(ack: Any) -> None:
        seen.append("view_closed")
        await ack()

    @app.event("app_home_opened")
    async def home(event: dict[str, Any]) -> None:
        seen.append(event["type"])
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": card("go")})

    return app


@asynccontextmanager
async def connected(slack: FakeSlack, app: AsyncApp) -> AsyncIterator[None]:
    """Connect the app to the fake Slack."""
    if slack.socket_mode:
        handler = AsyncSocketModeHandler(app, slack.sockets.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's own
        await slack.sockets.wait_until(lambda: bool(slack.sockets.connections))
        yield
        await handler.close_async()  # type: ignore[no-untyped-call] # Bolt's own
        return
    runner = web.AppRunner(app.web_app("/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.events_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield
    await runner.cleanup()


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_every_payload__reaches_its_listener(*, socket_mode: bool) -> None:
    slack = FakeSlack(members=people(), channels=channels(), socket_mode=socket_mode)
    await slack.start()
    seen: list[str] = []
    async with connected(slack, bolt_app(slack, seen)):
        message = slack.conversations.post(OPS, "A card", card("go"))
        deliveries = [
            await slack.command(INVOKER, "help", OPS),
            await slack.click(INVOKER, message, "go"),
            await slack.message_shortcut(INVOKER, slack.say(HELPER, "hello", OPS), "revoke_author"),
            await slack.open_home(INVOKER),
            await slack.click_in_view(slack.views.homes[INVOKER], "go"),
            await slack.shortcut(INVOKER, "revoke_tokens"),
            await slack.submit_view(INVOKER, {"reason": "short"}),
        ]
        view = slack.views.top_modal(INVOKER)
        assert view
        assert view.errors == {"reason": "Say more."}
        deliveries.append(await slack.submit_view(INVOKER, {"reason": "a stolen laptop"}))
        assert slack.views.top_modal(INVOKER) is None
        await slack.shortcut(INVOKER, "revoke_tokens")
        closed = await slack.close_view(INVOKER)
    await slack.stop()
    assert closed
    assert [delivery.error for delivery in (*deliveries, closed)] == [None] * 9
    assert seen == [
        "command",
        "action",
        "message_shortcut",
        "app_home_opened",
        "action",
        "shortcut",
        "view_submission",
        "view_submission",
        "shortcut",
        "view_closed",
    ]
