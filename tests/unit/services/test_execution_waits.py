"""A confirmed revocation waits out a rate limit of Genesys Cloud."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.domain.requests import EXECUTION_WINDOW, MessageRef, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, GenesysFault
from bot.services.attempts import RATE_LIMIT_DELAY
from bot.services.execution import OTHER_PROCESS_DELAY
from handlers.ui.blocks import local_time
from tests.support.components import RENDERER, Components, deletes, open_components
from tests.support.database import approve, stored, tags


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def limited(**headers: str) -> GenesysFault:
    """Return a 429 for the next call."""
    return GenesysFault(status=429, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def approved(components: Components, **changes: object) -> Job:
    """Return the job of a request that has just been approved."""
    await components.request(card=MessageRef(personas.OPS, "1.2"), **changes)
    _, job = await approve(components.store, by=personas.OLIVIA)
    return job


async def run(components: Components, job: Job, store: RequestStore | None = None) -> None:
    store = store or components.store
    await components.services(store, components.options())[JobKind.EXECUTE](job)


async def due(components: Components, owner: str = "one#1") -> list[Job]:
    return [job for job in await components.database.jobs(owner).claim(20) if job.kind is JobKind.EXECUTE]


async def card_text(components: Components) -> str:
    """Return what the card of the request shows now."""
    return str(RENDERER.card(await stored(components.store))["blocks"])


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "45"}, 45.0),
        ({"Retry_After": "45", "inin_ratelimit_reset": "20"}, 45.0),
        ({"inin_ratelimit_reset": "20"}, 20.0),
        ({}, RATE_LIMIT_DELAY),
    ],
)
async def test_rate_limit__is_waited_out_and_the_card_says_until_when(
    components: Components, headers: dict[str, str], wait: float
) -> None:
    for _ in range(3):  # the client asks again within seconds if Genesys Cloud names no time
        components.genesys.fault("delete_token", limited(**headers))
    began = components.database.clock.now

    await run(components, await approved(components))

    asked = len(deletes(components))
    text = await card_text(components)
    assert (await stored(components.store)).state is State.APPROVED
    assert f"Next attempt: {local_time(began + wait)}." in text
    assert "Genesys Cloud takes no more requests for now" in text
    assert "No session has ended so far" in text
    components.database.clock.advance(wait - 0.5)
    assert await due(components) == []
    assert len(deletes(components)) == asked

    components.genesys.faults.clear()
    components.database.clock.advance(0.5)
    (job,) = await due(components)
    await run(components, job)

    assert len(deletes(components)) == asked + 1
    assert (await stored(components.store)).state is State.REVOKED
    assert "continue at" not in await card_text(components)


async def test_rate_limit__again_and_again_is_waited_out_within_the_ten_minutes(components: Components) -> None:
    components.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "55"}, times=8))

    await run(components, await approved(components))
    for _ in range(8):
        components.database.clock.advance(55)
        (job,) = await due(components)
        await run(components, job)

    assert (await stored(components.store)).state is State.REVOKED
    assert len(deletes(components)) == 9


async def test_rate_limit__of_the_login_is_waited_out_without_a_delete(components: Components) -> None:
    components.genesys.fault("login", GenesysFault(status=429, headers={"Retry-After": "45"}))

    await run(components, await approved(components))

    assert deletes(components) == []
    assert "Next attempt:" in await card_text(components)
    components.database.clock.advance(45)
    (job,) = await due(components)
    await run(components, job)
    assert (await stored(components.store)).state is State.REVOKED
    assert len(deletes(components)) == 1


async def test_rate_limit__of_the_login_without_a_time_is_waited_out_a_minute(components: Components) -> None:
    for _ in range(4):
        components.genesys.fault("login", LOGIN_RATE_LIMITED)

    await run(components, await approved(components))

    components.database.clock.advance(RATE_LIMIT_DELAY)
    (job,) = await due(components)
    await run(components, job)
    assert (await stored(components.store)).state is State.REVOKED


async def test_unavailable__with_a_time_is_waited_out(components: Components) -> None:
    components.genesys.fault("delete_token", GenesysFault(status=503, headers={"Retry-After": "120"}))

    await run(components, await approved(components))

    assert "Next attempt:" in await card_text(components)
    components.database.clock.advance(120)
    (job,) = await due(components)
    await run(components, job)
    assert (await stored(components.store)).state is State.REVOKED


@pytest.mark.parametrize("seconds", [int(EXECUTION_WINDOW) + 1, 7200])
async def test_rate_limit__that_lasts_too_long_fails_and_names_the_time(components: Components, seconds: int) -> None:
    components.genesys.fault("delete_token", limited(Retry_After=str(seconds)))
    began = components.database.clock.now

    await run(components, await approved(components))

    found, text = await stored(components.store), await card_text(components)
    assert found.state is State.FAILED
    assert f"Genesys Cloud takes requests again from {local_time(began + seconds)}." in text
    assert "Nothing was changed" in text
    assert "Failed: sessions of Tom Target not ended" in text
    assert str(RENDERER.outcome(found)["blocks"]).count("takes requests again from") == 1
    components.database.clock.advance(2 * seconds)
    assert await due(components) == []
    assert len(deletes(components)) == 1


async def test_rate_limit__whose_wait_ends_too_late_sends_nothing_more(components: Components) -> None:
    """For example because no process ran at the time."""
    components.genesys.fault("delete_token", limited(Retry_After="45"))
    await run(components, await approved(components))

    components.database.clock.advance(EXECUTION_WINDOW + 1)
    (job,) = await due(components)
    await run(components, job)

    assert len(deletes(components)) == 1
    assert (await stored(components.store)).state is State.FAILED
    assert "More than 10 minutes have passed since the approval. I asked once." in await card_text(components)


@pytest.mark.parametrize("owner", ["two#1", "one#2"])
async def test_wait__of_a_process_that_was_killed_is_continued_at_its_time(components: Components, owner: str) -> None:
    """Another replica, or the next start of the same one, continues."""
    components.genesys.fault("delete_token", limited(Retry_After="45"))
    await run(components, await approved(components))

    other = components.database.store(owner)
    await other.jobs.release_own_leases()
    components.database.clock.advance(44)
    assert await due(components, owner) == []
    components.database.clock.advance(1)
    (job,) = await due(components, owner)
    await run(components, job, other)

    assert len(deletes(components)) == 2
    found = await stored(components.store)
    assert (found.state, found.outcome["uncertain"]) == (State.REVOKED, False)
    assert (await tags(components.store, "first"))[-2:] == ["token:attempt_failed", "token:revoked"]


async def rotation(components: Components) -> Job:
    """Return the job of an approved rotation that Genesys Cloud has limited."""
    await components.purecloud.auth.token()
    components.genesys.fault("delete_tokens_me", limited(Retry_After="45"))
    await components.request(action="rotate", target=None, target_slack_id=None, card=MessageRef(personas.OPS, "1.2"))
    _, job = await approve(components.store, by=personas.OLIVIA)
    return job


async def test_rotation__waits_out_a_rate_limit_in_the_process_that_holds_the_old_token(
    components: Components,
) -> None:
    await run(components, await rotation(components))
    assert "Next attempt:" in await card_text(components)
    components.database.clock.advance(45)

    other = components.database.store("two#1")
    (job,) = await due(components, "two#1")
    await run(components, job, other)
    assert len(components.genesys.received("delete_tokens_me")) == 1

    components.database.clock.advance(OTHER_PROCESS_DELAY)
    (job,) = await due(components)
    await run(components, job)
    found = await stored(components.store)
    assert (found.state, found.outcome["attempts"]) == (State.REVOKED, 2)
    assert [one.status for one in components.genesys.received("delete_tokens_me")][:2] == [429, 200]


async def test_rotation__whose_process_ended_is_not_done_by_another_and_fails(components: Components) -> None:
    await run(components, await rotation(components))
    components.database.clock.advance(EXECUTION_WINDOW + 1)

    other = components.database.store("two#1")
    (job,) = await due(components, "two#1")
    await run(components, job, other)

    assert len(components.genesys.received("delete_tokens_me")) == 1
    assert (await stored(components.store)).state is State.FAILED
    assert "Treat the old token as active." in await card_text(components)
