"""The message to the person whose sessions were revoked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.db.executions import ExecutionStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import JobKind
from bot.domain.requests import Event
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from tests.support.components import Components, open_components
from tests.support.database import approve


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def end(components: Components, event: Event = Event.SUCCEED, *, wanted: bool = True, **changes: Any) -> None:
    """End a request, and run the message to its target."""
    await components.request(**changes)
    _, work = await approve(components.store, by=personas.OLIVIA)
    await ExecutionStore(components.store).finish(work, event, outcome={}, notify=(), notify_target=wanted)
    await deliver(components)


async def deliver(components: Components) -> None:
    for job in await components.store.jobs.claim(20):
        if job.kind is JobKind.AFFECTED:
            await components.run(job)


def messages(components: Components) -> list[str]:
    return components.texts_in(components.slack.workspace.dm(personas.TOM).id)


@pytest.mark.parametrize("slack_id", [personas.TOM, None], ids=["mention", "email"])
async def test_affected__gets_one_message_that_names_no_one(components: Components, slack_id: str | None) -> None:
    await end(components, target_slack_id=slack_id)
    await deliver(components)
    (said,) = messages(components)
    assert "An administrator ended all your Genesys Cloud sessions" in said
    assert "You can log in again." in said
    assert personas.RAVI not in said
    assert personas.OLIVIA not in said
    assert (await components.store.jobs.depth())["affected"] == 0


@pytest.mark.parametrize("event", [Event.REFUSE, Event.FAIL, Event.LOSE_TRACK])
async def test_affected__gets_nothing_unless_the_sessions_ended(components: Components, event: Event) -> None:
    await end(components, event)
    assert messages(components) == []


async def test_affected__gets_nothing_by_default_or_about_their_own_request(components: Components) -> None:
    await end(components, wanted=False)
    assert messages(components) == []


@pytest.mark.parametrize(
    "change", [{"deleted": True}, {"is_restricted": True}, {"team_id": "T0AWAY0001"}, {"is_bot": True}], ids=str
)
async def test_affected__who_is_no_full_member_gets_nothing(components: Components, change: dict[str, Any]) -> None:
    vars(components.slack.members[personas.TOM]).update(change)
    await end(components)
    assert messages(components) == []


async def test_affected__who_requested_it_gets_nothing_more(components: Components) -> None:
    await end(components, requester=personas.TOM)
    assert messages(components) == []


@pytest.mark.parametrize("method", ["users.info", "chat.postMessage"])
async def test_affected__is_notified_after_a_slack_outage(components: Components, method: str) -> None:
    components.slack.fault(method, SlackFault(error="internal_error", times=2))
    await end(components)
    for _ in range(3):
        components.database.clock.advance(LEASE_DURATION)
        await deliver(components)
    assert len(messages(components)) == 1
