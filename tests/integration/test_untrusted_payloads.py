"""Whatever Slack signs or sends over a socket: the whole bot stays well, goes on, and revokes nothing of its own."""

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
from bot.sandbox.slack.messages import Message
from tests.support.app_harness import AppHarness, start_app
from tests.unit.test_untrusted_input import CLICK, COMMAND, cases, changes, spoiled

SOON = 0.2
"""Seconds for an acknowledgement over a socket; what is refused never gets one."""


@pytest.fixture(params=["sqlite", "postgresql", "socket"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AppHarness]:
    """Bots that differ in what may trip over a text: the database it is kept in, the way it came."""
    async with AsyncExitStack() as opened:
        overrides = {}
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            overrides["DATABASE_URL"] = await opened.enter_async_context(server.database())
        in_sockets = request.param == "socket"
        yield await opened.enter_async_context(start_app(tmp_path, socket_mode=in_sockets, **overrides))


async def noticed(world: AppHarness, payload: dict[str, Any], form: dict[str, str]) -> list[str]:
    """Hand something in and let the bot come to rest; returns what it logged as its own failure."""
    with structlog.testing.capture_logs() as entries:
        if world.slack.sockets.connections:
            await world.slack.sockets.deliver(payload, SOON)
        else:
            body = urlencode(form, errors="replace").encode()
            delivery = await world.slack.send_raw(body, world.slack.signed_headers(body))
            assert delivery.status in (200, 400, 401, 404)
        await world.idle()
    assert not world.deletes
    return [str(entry) for entry in entries if entry["log_level"] in ("error", "critical") or "exc_info" in entry]


async def card_of(world: AppHarness) -> Message:
    """A card that is open."""
    found = next((one for one in world.slack.messages if world.slack.buttons(one)), None)
    return found or await world.card(personas.RAVI, "revoke @tom")


def click_of(world: AppHarness, card: Message) -> dict[str, Any]:
    """Nadia, who may not, presses the card's button: what Slack sends."""
    value = next(button["value"] for button in world.slack.buttons(card) if button["action_id"] == "approve")
    actions = [{**CLICK["actions"][0], "value": value}]  # type: ignore[index]
    own = {"actions": actions, "api_app_id": world.slack.app_id, "team": {"id": world.slack.team_id}}
    return CLICK | own | nowhere(world)


def nowhere(world: AppHarness) -> dict[str, str]:
    """An address for answers that takes none, on this machine."""
    return {"response_url": f"{world.url}/nowhere"}


@cases(30)
@given(what=changes)
async def test_clicks__of_any_shape_break_nothing_and_revoke_nothing(world: AppHarness, what: list[Any]) -> None:
    whole = click_of(world, await card_of(world)) | {"trigger_id": str(len(world.slack.calls))}
    payload = spoiled(whole, what)

    assert await noticed(world, payload, {"payload": json.dumps(payload)}) == []


@cases(30)
@given(what=changes)
async def test_commands__of_any_shape_break_nothing_and_revoke_nothing(world: AppHarness, what: list[Any]) -> None:
    own = {"trigger_id": str(len(world.slack.calls)), "team_id": world.slack.team_id}
    fields = spoiled(COMMAND | own | nowhere(world), what)

    assert await noticed(world, fields, fields) == []


@pytest.mark.parametrize(
    "where",
    [
        {"actions": [{**CLICK["actions"][0], "value": "a\0b"}]},  # type: ignore[index]
        {"user": {"id": "U\0", "team_id": "T0HOME0001"}},
        {"user": {"id": "U\0", "team_id": "T0AWAY0001"}},
        {"response_url": "http://127.0.0.1/\0"},
    ],
)
async def test_a_nul__in_a_click_leaves_the_card_alive(world: AppHarness, where: dict[str, Any]) -> None:
    card = await card_of(world)
    payload = click_of(world, card) | {"trigger_id": "1.2.nul"} | where

    assert await noticed(world, payload, {"payload": json.dumps(payload)}) == []

    assert (await world.slack.click(personas.BEN, card, "approve")).status == 200
    await world.reads("Revoked: every session of Tom Target")


async def test_a_nul__in_a_name_of_genesys_cloud_does_not_stop_the_command(world: AppHarness) -> None:
    for person in world.genesys.people.values():
        person.name = f"{person.name}\0"

    card = await world.card(personas.OLIVIA, "revoke @tom")

    assert "Tom Target" in world.slack.text_of(card)
    assert "\0" not in world.slack.text_of(card)
