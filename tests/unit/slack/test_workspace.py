"""The workspace and app of the bot's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import SlackUnavailable
from bot.sandbox.slack.faults import SlackFault
from bot.slack.workspace import WorkspaceIdentity
from tests.support.components import Components, open_components


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_identify__reads_the_workspace_and_the_app(components: Components) -> None:
    assert components.workspace.known.is_set()
    found = components.workspace.current
    assert (found.team_id, found.app_id) == (components.slack.team_id, components.slack.app_id)


async def test_identify__succeeds_without_the_app_id(components: Components) -> None:
    components.slack.workspace.app_id = ""
    components.slack.fault("bots.info", SlackFault(error="missing_scope"))
    assert (await components.workspace.identify()).app_id is None


async def test_identify__token_without_a_bot_has_no_app_id(components: Components) -> None:
    components.slack.workspace.app_id = components.slack.workspace.bot_id = ""
    assert (await components.workspace.identify()).app_id is None
    assert components.slack.calls_of("bots.info") == []


async def test_current__is_an_error_until_slack_has_answered(components: Components) -> None:
    unknown = WorkspaceIdentity(components.api)
    assert not unknown.is_known
    with pytest.raises(SlackUnavailable, match=r"auth\.test"):
        _ = unknown.current
