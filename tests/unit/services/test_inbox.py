"""The inbox: stored before it is acknowledged, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.jobs import JobKind
from bot.domain.clicks import Click
from bot.domain.commands import Invoker, RequestCommand, TargetRef
from bot.domain.requests import APPROVE
from bot.sandbox import personas
from tests.support.components import Components, open_components
from tests.support.database import tags


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_record_click__is_stored_undecided_and_a_replay_is_ignored(components: Components) -> None:
    await components.request()
    click = Click("first", APPROVE, personas.OLIVIA, components.slack.team_id, "trigger")
    inbox = components.inbox()
    await inbox.record_click(click)
    await inbox.record_click(click)
    assert [job.kind for job in components.submitted] == [JobKind.CLICK]
    assert (await components.store.jobs.depth())["click"] == 1
    assert components.slack.calls_of("users.info") == []


async def test_record_command__is_stored_unprocessed_and_a_replay_is_ignored(components: Components) -> None:
    by = Invoker(personas.RAVI, components.slack.team_id, personas.OPS, "trigger")
    command = RequestCommand("revoke", by, TargetRef(slack_user_id=personas.TOM), "laptop stolen")
    inbox = components.inbox()
    await inbox.record_command(command)
    await inbox.record_command(command)
    assert [job.kind for job in components.submitted] == [JobKind.COMMAND]
    assert (await components.store.jobs.depth())["command"] == 1
    assert components.slack.calls_of("users.info") == []
    assert components.genesys.requests == []
    assert await tags(components.store) == []
