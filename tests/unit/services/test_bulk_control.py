"""Only admins pause, resume and stop bulk requests; an outdated button changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.db.bulk_store import BulkStore
from bot.db.clicks import ClickStore
from bot.db.jobs import Job, JobKind
from bot.domain.bulk import BULK_PAUSE, BULK_RESUME, BULK_STOP, BulkEntry, BulkSource, EntryFinding, RunState, summarize
from bot.domain.denials import DenialCode
from bot.domain.people import Person
from bot.domain.requests import Event
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from tests.support import database
from tests.support.components import RULES, TOM_IN_GENESYS, Components, open_components
from tests.support.database import TTL, stored, tags
from tests.support.examples import request


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        await approved(opened)
        yield opened


async def approved(components: Components) -> None:
    entries = [BulkEntry(str(one), EntryFinding.FOUND, Person(f"id-{one}", "Agent")) for one in range(3)]
    summary = summarize(BulkSource.LIST, entries)
    bulk = request(
        id="first", reference="FIRST", target=None, target_slack_id=None, bulk=summary, requester=personas.RAVI,
        rules=RULES,
    )  # fmt: skip
    await components.store.create(bulk, ttl=TTL, key="first", command_url=None, entries=entries)
    job = await database.click(components.store, by=personas.OLIVIA)
    await ClickStore(components.store).apply(await stored(components.store), Event.APPROVE, job=job, by=personas.OLIVIA)


async def state(components: Components) -> RunState:
    progress = (await stored(components.store)).progress
    assert progress
    return progress.state


async def press(components: Components, action: str, by: str = personas.OLIVIA, **more: Any) -> list[Job]:
    job = await components.click(by=by, action=action, **more)
    result = await components.clicks().process(job)
    assert await components.store.jobs.is_done(job.id)
    return list(result.follow_up)


async def last_denial(components: Components) -> str:
    event = (await components.store.audit_events())[-1][0]
    assert event.tag == "click:refused"
    return str(event.detail["reason"])


async def test_process__does_what_an_admin_presses(components: Components) -> None:
    states = []
    for number, action in enumerate((BULK_PAUSE, BULK_RESUME, BULK_STOP)):
        assert await press(components, action, key=str(number)) == []
        states.append(await state(components))

    assert states == [RunState.PAUSED, RunState.RUNNING, RunState.STOPPED]
    assert (await tags(components.store))[-3:] == ["bulk:paused", "bulk:resumed", "bulk:stopped"]
    events = [event for event, _ in await components.store.audit_events()][-3:]
    assert {(event.actor, event.target) for event in events} == {(personas.OLIVIA, None)}
    assert events[0].detail == {"counts": {}, "open": 3}


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (personas.BEN, DenialCode.NOT_AN_ADMIN),  # although he is an approver
        (personas.RAVI, DenialCode.NOT_AN_ADMIN),
        (personas.GUS, DenialCode.GUEST),
        (personas.ONA, DenialCode.OUTSIDER),
    ],
)
async def test_process__others_change_nothing(components: Components, by: str, reason: DenialCode) -> None:
    (reply,) = await press(components, BULK_STOP, by)

    assert reply.kind is JobKind.REPLY
    assert await last_denial(components) == reason
    assert await state(components) is RunState.RUNNING


async def test_process__a_forged_click_changes_nothing(components: Components) -> None:
    job = await components.click(action=BULK_PAUSE)
    change = "UPDATE jobs SET payload = replace(payload, 'bulk_pause', 'bulk_stop') WHERE kind = 'click'"
    await components.database.run(change)
    components.database.clock.advance(60)
    (forged,) = [one for one in await components.store.jobs.claim(9) if one.id == job.id]
    await components.clicks().process(forged)

    assert await last_denial(components) == DenialCode.CLICK_ALTERED
    assert await state(components) is RunState.RUNNING


@pytest.mark.parametrize(("before", "action"), [(None, BULK_RESUME), (BULK_PAUSE, BULK_PAUSE), (BULK_STOP, BULK_PAUSE)])
async def test_process__a_button_that_does_nothing_any_more_is_answered(
    components: Components, before: str | None, action: str
) -> None:
    if before:
        await press(components, before, key="before")
    (reply,) = await press(components, action, key="again")

    assert reply.kind is JobKind.REPLY
    assert (await tags(components.store))[-1] == "click:stale"


async def test_process__on_a_request_about_one_person_is_answered(tmp_path: Path) -> None:
    async with open_components(tmp_path) as components:
        await components.request(target=TOM_IN_GENESYS)
        (reply,) = await press(components, BULK_STOP)

        assert reply.kind is JobKind.REPLY
        assert (await tags(components.store))[-1] == "click:stale"


async def test_process__while_slack_does_not_answer_keeps_the_click(components: Components) -> None:
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    job = await components.click(action=BULK_PAUSE)
    await components.clicks().process(job)

    assert not await components.store.jobs.is_done(job.id)
    assert await state(components) is RunState.RUNNING


async def test_control__by_another_replica_meanwhile_is_answered(components: Components) -> None:
    job = await components.click(action=BULK_PAUSE)
    assert job.snapshot  # as it was when the click arrived
    await BulkStore(components.store, lambda _request: ()).control("first", BULK_PAUSE, personas.OLIVIA)
    await components.clicks().process(job)

    assert (await tags(components.store))[-2:] == ["bulk:paused", "click:stale"]
