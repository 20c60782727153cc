"""Announcements of break glass: before the DELETE, and in time although Slack or a process fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.clicks import MAX_ANNOUNCEMENT_DELAY, ClickStore
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.domain.requests import Event, State
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.services.announcements import ANNOUNCEMENT_TIMEOUT, Announcer
from bot.services.job_result import JobResult
from bot.services.notifications import Delivery
from tests.support.components import RENDERER, Components, deletes, open_components
from tests.support.database import stored

CHANNELS = (personas.APPROVALS, personas.AUDIT)
ANNOUNCED = "Break glass: revocation of all sessions of Tom Target"


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        await opened.workspace.identify()
        yield opened


async def confirmed(components: Components) -> list[Job]:
    """Confirm a break-glass request; return the jobs of its announcements."""
    request, card = await components.request(action="break-glass", requester=personas.SAM)
    await components.store.jobs.complete(card)
    payload = {"action": "approve", "user_id": personas.SAM}
    click = await components.store.record_click(request.id, "click", payload)
    assert click
    _, held = await ClickStore(components.store).apply(
        request, Event.APPROVE, job=click, by=personas.SAM, announce=CHANNELS
    )
    return held


def announcer(components: Components, timeout: float = ANNOUNCEMENT_TIMEOUT) -> Announcer:
    store = components.store
    return Announcer(
        store, components.messenger, RENDERER, Delivery(store), audit_channel=personas.AUDIT, timeout=timeout
    )


async def run(components: Components, store: RequestStore, *jobs: Job) -> list[JobResult]:
    """Run jobs as the process of a store does."""
    services = components.services(store, components.options())
    return [await services[job.kind](job) for job in jobs]


def announcements(components: Components) -> list[str]:
    texts = components.slack.text_of
    return sorted(one.channel_id for one in components.slack.messages if ANNOUNCED in texts(one))


async def test_announcement__in_every_channel_starts_the_execution(components: Components) -> None:
    first, second = await confirmed(components)

    assert (await announcer(components).process(first)).follow_up == ()
    (execution,) = (await announcer(components).process(second)).follow_up
    assert execution.kind is JobKind.EXECUTE
    assert announcements(components) == sorted(CHANNELS)
    audit = next(one for one in components.slack.messages if one.channel_id == personas.AUDIT)
    assert f"audit {second.payload['checkpoint']}" in components.slack.text_of(audit)


@pytest.mark.parametrize("code", ["channel_not_found", "not_in_channel", "invalid_auth", "internal_error"])
async def test_announcement__that_slack_refuses_starts_the_execution_and_is_retried(
    components: Components, code: str
) -> None:
    held = await confirmed(components)
    components.slack.fault("chat.postMessage", SlackFault(error=code, times=2))
    results = [await announcer(components).process(job) for job in held]

    assert [one.kind for result in results for one in result.follow_up] == [JobKind.EXECUTE]
    assert announcements(components) == []
    components.database.clock.advance(60)
    again = [one for one in await components.store.jobs.claim(9) if one.kind is JobKind.ANNOUNCEMENT]
    for job in again:
        assert (await announcer(components).process(job)).follow_up == ()
    assert announcements(components) == sorted(CHANNELS)


async def test_announcement__that_takes_too_long_starts_the_execution(components: Components) -> None:
    held = await confirmed(components)
    components.slack.fault("chat.postMessage", SlackFault(delay=30, times=None))
    results = [await announcer(components, timeout=0.01).process(job) for job in held]

    assert [one.kind for result in results for one in result.follow_up] == [JobKind.EXECUTE]
    assert (await components.store.jobs.depth())["announcement"] == len(CHANNELS)
    components.release_slack()


async def test_announcement__of_an_unknown_request_is_done(components: Components) -> None:
    job = await components.database.database.write(
        lambda tx: components.store.jobs.add_leased(tx, JobKind.ANNOUNCEMENT, "none", "none", {"channel": "C0X"})
    )
    assert job

    assert (await announcer(components).process(job)).follow_up == ()
    assert components.slack.messages == []
    assert (await components.store.jobs.depth())["announcement"] == 0


async def test_execution__after_the_death_of_a_process_waits_for_the_announcement(components: Components) -> None:
    """The process dies with both announcements leased; another one claims them and the DELETE at once."""
    await confirmed(components)
    components.database.clock.advance(MAX_ANNOUNCEMENT_DELAY)
    other = components.database.store("two#1")
    claimed = await other.jobs.claim(9)
    execution = next(one for one in claimed if one.kind is JobKind.EXECUTE)
    announced = [one for one in claimed if one.kind is JobKind.ANNOUNCEMENT]
    assert len(announced) == len(CHANNELS)

    await run(components, other, execution)
    assert deletes(components) == []
    results = await run(components, other, *announced)
    assert announcements(components) == sorted(CHANNELS)
    (again,) = [one for result in results for one in result.follow_up]
    assert (again.kind, again.attempts) == (JobKind.EXECUTE, 1)
    await run(components, other, again)
    assert len(deletes(components)) == 1
    assert (await stored(other, execution.request_id)).state is State.REVOKED


async def test_execution__after_the_announcement_continues_on_another_replica(components: Components) -> None:
    """The process dies between the announcement and the DELETE."""
    for job in await confirmed(components):
        await components.store.jobs.complete(job)
    components.database.clock.advance(MAX_ANNOUNCEMENT_DELAY)
    other = components.database.store("two#1")
    (execution,) = [one for one in await other.jobs.claim(9) if one.kind is JobKind.EXECUTE]

    await run(components, other, execution)
    assert len(deletes(components)) == 1
    assert announcements(components) == []
