"""The gate: what no listener sees."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import BotError
from handlers.middleware import REPLAY_WINDOW
from tests.support.bolt import USER, BoltHarness, StubWorkspace, body
from tests.support.examples import WORKSPACE
from tests.support.stub_services import StubServices

CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": USER,
    "trigger_id": "1.2.click",
    "actions": [{"action_id": "approve", "value": "request-id"}],
}


async def test_starting__command_gets_a_text_and_is_not_stored() -> None:
    bolt = BoltHarness(workspace=StubWorkspace(is_known=False))
    response = await bolt.command("revoke <@U0TOM00001>")
    assert response.status == 200
    assert body(response)["response_type"] == "ephemeral"
    assert "Nothing was changed" in body(response)["text"]
    assert bolt.services.commands == []


async def test_starting__click_is_not_acknowledged() -> None:
    bolt = BoltHarness(workspace=StubWorkspace(is_known=False))
    assert (await bolt.send(CLICK)).status == 503
    assert bolt.services.clicks == []


async def test_stopping__refuses_everything() -> None:
    bolt = BoltHarness()
    bolt.gate.stop()
    assert "restarting" in body(await bolt.command("revoke <@U0TOM00001>"))["text"]
    assert (await bolt.send(CLICK)).status == 503
    assert (bolt.services.commands, bolt.services.clicks) == ([], [])


async def test_starting__url_verification_is_answered() -> None:
    bolt = BoltHarness(workspace=StubWorkspace(is_known=False))
    assert (await bolt.send({"type": "url_verification", "challenge": "x"})).status == 200


@pytest.mark.parametrize("value", ["", "0", "yes", None])
async def test_ssl_check__in_a_click_exempts_it_from_nothing(value: str | None) -> None:
    bolt = BoltHarness(workspace=StubWorkspace(is_known=False))
    assert (await bolt.send(CLICK | {"ssl_check": value})).status == 503
    assert bolt.services.clicks == []


@pytest.mark.parametrize(
    ("own", "sent", "status"), [("A1", "A1", 200), ("A1", "A2", 401), ("A1", None, 200), (None, "A2", 200)]
)
async def test_app_id__of_another_app_is_refused(own: str | None, sent: str | None, status: int) -> None:
    workspace = type(WORKSPACE)(WORKSPACE.team_id, WORKSPACE.name, WORKSPACE.bot_user_id, app_id=own)
    bolt = BoltHarness(workspace=StubWorkspace(workspace))
    assert (await bolt.send(CLICK | {"api_app_id": sent})).status == status
    assert len(bolt.services.clicks) == (status == 200)


async def test_replay__of_a_read_only_command_is_ignored_within_the_window() -> None:
    bolt = BoltHarness()
    responses = [await bolt.command("whoami") for _ in range(2)]
    assert [one.status for one in responses] == [200, 200]
    assert len(bolt.services.started) == 1
    bolt.clock.advance(REPLAY_WINDOW + 1)
    await bolt.command("whoami")
    assert len(bolt.services.started) == 2
    for work in bolt.services.started:
        work.close()


@pytest.mark.parametrize("error", [BotError("away"), RuntimeError("broken")])
async def test_replay__of_a_command_that_was_not_stored_is_stored(error: Exception) -> None:
    bolt = BoltHarness(StubServices(error=error))
    assert (await bolt.command("revoke <@U0TOM00001>")).status == 503
    bolt.services._error = None
    assert (await bolt.command("revoke <@U0TOM00001>")).status == 200
    assert len(bolt.services.commands) == 1
