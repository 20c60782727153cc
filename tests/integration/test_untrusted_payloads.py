"""Mutated payloads, signed or over a socket, neither break a running bot nor revoke anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from hypothesis import given

from bot.sandbox import personas
from bot.sandbox.slack.messages import PostedMessage
from tests.support.app_harness import AppHarness, start_app
from tests.unit.test_untrusted_input import CLICK, COMMAND, MUTATIONS, cases, mutate

ACK_TIMEOUT = 0.2
"""Maximum wait for an acknowledgement over a socket, in seconds. Short, because a refused payload gets none."""


@pytest.fixture(params=["sqlite", "postgresql", "socket"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AppHarness]:
    """Apps that differ in their database and in how Slack reaches them."""
    async with AsyncExitStack() as opened:
        overrides = {"APPROVERS": f"{personas.OLIVIA},{personas.BEN}"}  # a user group is read at Slack's pace
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            overrides["DATABASE_URL"] = await opened.enter_async_context(server.database())
        in_sockets = request.param == "socket"
        yield await opened.enter_async_context(start_app(tmp_path, socket_mode=in_sockets, overrides=overrides))


async def errors_after(app: AppHarness, payload: dict[str, Any], form: dict[str, str]) -> list[str]:
    """Send a payload, wait until the bot is idle, and return the errors that it logged."""
    with structlog.testing.capture_logs() as entries:
        if app.slack.sockets.connections:
            await app.slack.sockets.deliver(payload, ACK_TIMEOUT)
        else:
            body = urlencode(form, errors="replace").encode()
            delivery = await app.slack.send_raw(body, app.slack.signed_headers(body))
            assert delivery.status in (200, 400, 401, 404)
        await app.wait_until_idle()
    assert not app.deletes
    return [str(entry) for entry in entries if entry["log_level"] in ("error", "critical") or "exc_info" in entry]


async def card_of(app: AppHarness) -> PostedMessage:
    """Return the card of an open request, or create one."""
    found = next((one for one in app.slack.messages if app.slack.buttons(one)), None)
    return found or await app.request_card(personas.RAVI, "revoke @tom")


def click_of(app: AppHarness, card: PostedMessage) -> dict[str, Any]:
    """Return the payload of a click by Nadia, who is not an approver."""
    value = next(button["value"] for button in app.slack.buttons(card) if button["action_id"] == "approve")
    actions = [{**CLICK["actions"][0], "value": value}]  # type: ignore[index]
    own = {"actions": actions, "api_app_id": app.slack.app_id, "team": {"id": app.slack.team_id}}
    return CLICK | own | dead_response_url(app)


def dead_response_url(app: AppHarness) -> dict[str, str]:
    """Return a local `response_url` that accepts no reply."""
    return {"response_url": f"{app.url}/nowhere"}


@cases(30)
@given(mutations=MUTATIONS)
async def test_click__of_any_shape_breaks_nothing_and_revokes_nothing(app: AppHarness, mutations: list[Any]) -> None:
    whole = click_of(app, await card_of(app)) | {"trigger_id": str(len(app.slack.calls))}
    payload = mutate(whole, mutations)

    assert await errors_after(app, payload, {"payload": json.dumps(payload)}) == []


@cases(30)
@given(mutations=MUTATIONS)
async def test_command__of_any_shape_breaks_nothing_and_revokes_nothing(app: AppHarness, mutations: list[Any]) -> None:
    own = {"trigger_id": str(len(app.slack.calls)), "team_id": app.slack.team_id}
    fields = mutate(COMMAND | own | dead_response_url(app), mutations)

    assert await errors_after(app, fields, fields) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"actions": [{**CLICK["actions"][0], "value": "a\0b"}]},  # type: ignore[index]
        {"user": {"id": "U\0", "team_id": "T0HOME0001"}},
        {"user": {"id": "U\0", "team_id": "T0AWAY0001"}},
        {"response_url": "http://127.0.0.1/\0"},
    ],
)
async def test_click__with_a_nul_leaves_the_card_usable(app: AppHarness, changes: dict[str, Any]) -> None:
    card = await card_of(app)
    payload = click_of(app, card) | {"trigger_id": "1.2.nul"} | changes

    assert await errors_after(app, payload, {"payload": json.dumps(payload)}) == []

    assert (await app.slack.click(personas.BEN, card, "approve")).status == 200
    await app.wait_for_message("Revoked: all sessions of Tom Target")


async def test_revoke__removes_a_nul_from_a_name(app: AppHarness) -> None:
    for person in app.genesys.users.values():
        person.name = f"{person.name}\0"

    card = await app.request_card(personas.OLIVIA, "revoke @tom")

    assert "Tom Target" in app.slack.text_of(card)
    assert "\0" not in app.slack.text_of(card)
