"""The inbox: stored before it is acknowledged, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.db.jobs import JobKind
from bot.domain.clicks import Click
from bot.domain.commands import Invoker, RequestCommand, TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.requests import APPROVE, DECLINE
from bot.redaction import REDACTED
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


OWN_SECRET = "s3cr3t-of-the-bot"
TYPED = f"password {OWN_SECRET}, token xoxb-1234567890-abcdef"


async def test_record__stores_what_people_type_without_secrets(components: Components) -> None:
    await components.request()
    inbox = components.inbox((OWN_SECRET,))
    by = Invoker(personas.RAVI, components.slack.team_id, personas.OPS, "first")
    await inbox.record_command(RequestCommand("revoke", by, TargetRef(slack_user_id=personas.TOM), TYPED))
    unreadable = Denied(DenialCode.TARGET_UNREADABLE, word=TYPED)
    await inbox.record_command(RequestCommand("revoke", replace(by, key="second"), problem=unreadable))
    await inbox.record_click(Click("first", DECLINE, personas.OLIVIA, components.slack.team_id, "third", reason=TYPED))
    command, problem, click = (job.payload for job in components.submitted)
    expected = f"password {REDACTED}, token {REDACTED}"
    assert [command["reason"], problem["problem"]["params"]["word"], click["reason"]] == [expected] * 3
    stored = await components.database.rows("SELECT payload FROM jobs")
    assert not any(secret in str(row) for row in stored for secret in (OWN_SECRET, "1234567890"))
