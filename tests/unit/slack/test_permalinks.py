"""Links to messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.requests import MessageRef
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.permalinks import Permalinks
from tests.support.components import Components, open_components


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_link__is_read_once(components: Components) -> None:
    message = await components.messenger.post(personas.OPS, {"text": "a card"})
    links = Permalinks(components.api)

    first, second = await links.of(message), await links.of(message)

    assert first == second
    assert first
    assert message.channel in first
    assert [call for call in components.calls if call[0] == "chat.getPermalink"] == [("chat.getPermalink", "ok")]


@pytest.mark.parametrize("message", [None, MessageRef(personas.OPS), MessageRef(personas.OPS, "1.0")])
async def test_link__to_no_message_is_none(components: Components, message: MessageRef | None) -> None:
    assert await Permalinks(components.api).of(message) is None


async def test_link__that_slack_does_not_give_is_none_and_read_again(components: Components) -> None:
    message = await components.messenger.post(personas.OPS, {"text": "a card"})
    links = Permalinks(components.api)
    components.slack.fault("chat.getPermalink", SlackFault(error="fatal_error", times=2))

    assert await links.of(message) is None
    assert await links.of(message)
