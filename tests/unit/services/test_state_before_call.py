"""What a person was doing just before the DELETE is recorded, and delays it by 0.3 seconds at most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.db.jobs import Job, JobKind
from bot.domain.audit import EventType
from bot.domain.requests import MessageRef, Request, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from tests.support.components import TOM, Components, open_components
from tests.support.database import approve, stored
from tests.support.examples import NOON
from tests.support.render_text import words

ON_A_CALL = {
    "at": NOON,
    "conversations": {"call": 1},
    "on_queue": True,
    "presence": "on_queue",
    "last_login": NOON - 60,
}


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        await opened.purecloud.auth.token()
        tom = opened.genesys.users[TOM.id]
        tom.conversations, tom.routing_status, tom.presence = {"call": 1}, "INTERACTING", "On Queue"
        tom.last_token_issued = NOON - 60
        yield opened


async def approved(components: Components, **changes: Any) -> Job:
    """Return the job of a request that has just been approved, whose card is in #approvals."""
    await components.request(**({"card": MessageRef(personas.APPROVALS)} | changes))
    _, job = await approve(components.store)
    return job


def operations(components: Components) -> list[str]:
    return [one.operation for one in components.genesys.requests if one.operation != "login"]


async def run(components: Components, job: Job) -> Request:
    await components.run(job)
    return await stored(components.store)


async def test_call__is_preceded_by_one_reading_that_the_outcome_and_the_audit_log_have(components: Components) -> None:
    ended = await run(components, await approved(components))
    assert ended.state is State.REVOKED
    assert ended.outcome["live"] == ON_A_CALL
    (event,) = [one for one, _ in await components.store.audit_events("first") if one.tag == EventType.REVOKED]
    assert event.detail["live"] == ON_A_CALL
    assert operations(components) == ["get_user", "delete_token"]


@pytest.mark.parametrize(("place", "shown"), [(personas.APPROVALS, True), (personas.OPS, False)])
async def test_outcome_card__shows_it_to_those_who_decide(components: Components, place: str, shown: bool) -> None:
    posted = components.slack.conversations.post(place, "card", [])
    job = await approved(components, card=MessageRef(place, posted.ts))
    with capture_logs() as logs:
        await run(components, job)
        await components.database.run("UPDATE jobs SET lease_owner = NULL, attempts = 0 WHERE done_at IS NULL")
        for one in await components.store.jobs.claim(9):
            if one.kind in (JobKind.CARD, JobKind.NOTICE):
                await components.run(one)
    said = words({"text": "", "blocks": posted.blocks})
    assert ("In Genesys Cloud just before: in 1 call  ·  on queue" in said) is shown
    others = [one for one in components.slack.messages if one is not posted]
    assert [one.channel_id for one in others if one.channel_id == personas.AUDIT]
    assert not any("1 call" in words({"text": one.text, "blocks": one.blocks}) for one in others)
    assert "on_queue" not in str(logs)


@pytest.mark.parametrize(
    "fault",
    [
        GenesysFault(until=asyncio.Event()),
        GenesysFault(status=401),
        GenesysFault(status=403),
        GenesysFault(status=404),
        GenesysFault(status=429, headers={"Retry-After": "40"}),
        GenesysFault(status=503),
        GenesysFault(drop="before"),
        GenesysFault(status=200, body="<html>proxy</html>"),
        GenesysFault(status=200, body={"id": TOM.id}),
    ],
    ids=["slow", "401", "403", "404", "429", "503", "cut", "page", "nothing"],
)
async def test_call__is_sent_whatever_comes_of_the_reading(components: Components, fault: GenesysFault) -> None:
    job = await approved(components)
    components.genesys.fault("get_user", fault)
    ended = await run(components, job)
    if fault.until:
        fault.until.set()
    assert ended.state is State.REVOKED
    assert "live" not in ended.outcome
    assert operations(components) == ["get_user", "delete_token"]


async def test_call__is_not_preceded_by_a_reading_if_the_budget_for_reads_is_used_up(components: Components) -> None:
    job = await approved(components)
    used = {"inin-ratelimit-count": "210", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "40"}
    components.purecloud.allowance.note(used)
    assert (await run(components, job)).state is State.REVOKED
    assert operations(components) == ["delete_token"]


async def test_repeated_call__keeps_what_was_read_before_the_first(components: Components) -> None:
    job = await approved(components)
    components.genesys.fault("delete_token", GenesysFault(status=503, times=3))
    await components.run(job)
    components.genesys.users[TOM.id].conversations = {}
    components.database.clock.advance(10)
    (again,) = [one for one in await components.store.jobs.claim(9) if one.kind is JobKind.EXECUTE]
    ended = await run(components, again)
    assert ended.state is State.REVOKED
    assert ended.outcome["live"] == ON_A_CALL
    assert operations(components) == ["get_user", *["delete_token"] * 4]


async def test_call__of_a_process_that_died_is_repeated_without_a_reading(components: Components) -> None:
    """It would show what the person did after a DELETE that may have been executed."""
    await approved(components)
    components.database.clock.advance(10)
    components.database.boottime.advance(10)
    (again,) = [one for one in await components.store.jobs.claim(9) if one.kind is JobKind.EXECUTE]
    assert again.attempts == 2
    assert "live" not in (await run(components, again)).outcome
    assert operations(components) == ["delete_token"]


async def test_rotation__reads_no_one(components: Components) -> None:
    job = await approved(components, action="rotate", target=None, target_slack_id=None, requester=personas.OLIVIA)
    assert (await run(components, job)).state is State.REVOKED
    assert "get_user" not in operations(components)
