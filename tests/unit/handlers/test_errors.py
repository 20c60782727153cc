"""Errors reach the person with a reason, whatever raises them and wherever they are raised."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

import bot
from bot.db.driver import CommitUnknown, ConnectionLost, DatabaseFull, DatabaseUnavailable
from bot.domain.denials import Denied
from bot.errors import BotError, SettingsError
from bot.slack.api import SlackCallError
from bot.slack.dispatch import InvalidSlackRequest
from handlers.errors import error_message, reply_with
from handlers.ui.blocks import Message, message
from tests.support.bolt import BoltHarness
from tests.support.stub_services import ENGLISH, INVOKER, StubServices

RESPONSE_URL = "https://hooks.slack.com/commands/T0/1/2"

NOT_SHOWN = {SettingsError, InvalidSlackRequest, Denied}
"""Errors that never reach a person: at start, and of payloads without a sender. `Denied` has reasons of its own, which
another test renders."""

SHORTCUT = {
    "type": "message_action", "callback_id": "revoke_author", "trigger_id": "1.2.shortcut",
    "user": {"id": "U0RAVI0001", "team_id": "T0WORKSP01"}, "message": {"user": "U0TOM00001"},
    "channel": {"id": "C0OPS00001"},
}  # fmt: skip

CLICK = {
    "type": "block_actions",
    "user": {"id": "U0RAVI0001", "team_id": "T0WORKSP01"},
    "trigger_id": "1.2.click",
    "actions": [{"action_id": "approve", "value": "first", "type": "button"}],
}


def subclasses(of: type[BotError]) -> Iterator[type[BotError]]:
    for one in of.__subclasses__():
        yield one
        yield from subclasses(one)


def every_error() -> list[type[BotError]]:
    """Return every error class of the bot."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = {one for one in subclasses(BotError) if one.__module__.startswith("bot.")}
    return sorted(found - NOT_SHOWN, key=lambda one: one.__qualname__)


@pytest.mark.parametrize("kind", every_error(), ids=lambda one: one.__name__)
def test_error_message__has_a_sentence_for_every_error(kind: type[BotError]) -> None:
    error = kind.__new__(kind)
    Exception.__init__(error)
    names = ("detail", "method", "slack_code", "incident", "status", "error_code", "correlation_id", "problem")
    for name in (*names, "delay"):
        if not hasattr(error, name):
            setattr(error, name, None)
    error.retry_after = 0  # type: ignore[attr-defined]
    error.unverified = ()  # type: ignore[attr-defined]

    message = error_message(ENGLISH, error, by="U0RAVI0001")

    assert ("Nothing was changed." in message["text"]) is (kind is not CommitUnknown)
    assert "incident" not in message["text"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DatabaseUnavailable(), "My database doesn't answer."),
        (ConnectionLost(), "My database doesn't answer."),
        (DatabaseFull(), "disk is full"),
        (CommitUnknown(), "I can't say whether I stored this. Wait a moment"),
    ],
)
@pytest.mark.parametrize("payload", [{"command": "/purecloud", "text": "revoke @tom", "user_id": "U0RAVI0001"}, CLICK])
async def test_payload__that_cannot_be_stored_is_answered_503_and_with_the_reason(
    payload: dict[str, object], error: Exception, reason: str
) -> None:
    services = StubServices(error=error)
    harness = BoltHarness(services)

    response = await harness.send(payload | {"response_url": RESPONSE_URL, "trigger_id": "1.2.3"})
    await services.run_started()

    assert response.status == 503
    (reply,) = services.replies_sent
    assert reason in reply["text"]
    assert ("Nothing was changed." in reply["text"]) is not isinstance(error, CommitUnknown)


async def test_shortcut__whose_modal_slack_does_not_open_gets_the_reason() -> None:
    services = StubServices(api_error=SlackCallError("expired_trigger_id", retryable=False))
    with capture_logs() as logs:
        response = await BoltHarness(services).send(SHORTCUT | {"response_url": RESPONSE_URL})
        await services.run_started()
    assert response.status == 503
    (reply,) = services.replies_sent
    assert "Slack didn't do what I asked for: it took too long." in reply["text"]
    assert [line["log_level"] for line in logs] == ["warning", "warning"]


async def test_command__that_has_no_listener_is_no_replay_the_second_time() -> None:
    harness = BoltHarness(StubServices())
    command = {"command": "/unknown", "user_id": "U0RAVI0001", "trigger_id": "1.2.3"}
    assert [(await harness.send(command)).status for _ in range(2)] == [404, 404]


async def test_payload__without_a_response_url_gets_the_status_only() -> None:
    services = StubServices(error=DatabaseUnavailable())
    assert (await BoltHarness(services).send(dict(CLICK))).status == 503
    assert services.started == []


async def test_unexpected_error__gets_the_status_only() -> None:
    """Its cause is unknown, so no sentence could say what to do next."""
    services = StubServices(error=RuntimeError("bug"))
    response = await BoltHarness(services).send(CLICK | {"response_url": RESPONSE_URL})
    assert response.status == 503
    assert services.started == []


async def test_reply__that_is_cancelled_before_it_starts_asks_for_nothing() -> None:
    """A coroutine that is created and never awaited would be reported as a defect."""
    asked: list[str] = []

    async def answer() -> Message:
        asked.append("answer")
        return message("answer")

    task = asyncio.create_task(reply_with(answer, INVOKER, StubServices(), ENGLISH))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert asked == []
