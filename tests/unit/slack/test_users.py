"""Lookups of Slack users by email address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.users import SlackUsers
from tests.support.components import PIA, Components, open_components


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_get_by_email__returns_the_user_or_none_or_raises(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    found = await users.get_by_email(PIA.email)
    assert found
    assert found.id == personas.PIA
    assert await users.get_by_email("unknown@example.com") is None
    components.slack.fault("users.lookupByEmail", SlackFault(error="missing_scope"))
    with pytest.raises(SlackUnavailable):
        await users.get_by_email(PIA.email)
