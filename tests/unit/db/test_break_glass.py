"""Break glass in the store: once in ten minutes for each person, and announced before the DELETE."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.db.break_glass import BREAK_GLASS_INTERVAL
from bot.db.clicks import MAX_ANNOUNCEMENT_DELAY, ClickStore
from bot.db.executions import ExecutionStore
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.domain.denials import DenialCode, Denied
from bot.domain.requests import Event, Request, State
from bot.errors import StaleRequest
from tests.support.database import DatabaseHarness, approve, click, create_request, stored, tags
from tests.support.examples import OLIVIA, RAVI

CHANNELS = ("C0APPROVE1", "C0AUDIT001")


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


async def confirm(
    store: RequestStore, name: str = "first", *, by: str = RAVI, announce: tuple[str, ...] = CHANNELS
) -> tuple[Request, list[Job]]:
    """Create a break-glass request and confirm it; return it and the jobs that the process holds."""
    request, card = await create_request(store, name, action="break-glass", requester=by)
    await store.jobs.complete(card)
    pressed = await click(store, name, by)
    return await ClickStore(store).apply(request, Event.APPROVE, job=pressed, by=by, announce=announce)


async def finish(store: RequestStore, name: str = "first", event: Event = Event.SUCCEED) -> None:
    job = await ExecutionStore(store).start_announced(name)
    assert job
    assert await ExecutionStore(store).finish(job, event, outcome={}, notify=())


async def test_confirmation__leases_the_announcements_and_delays_the_execution(
    store: RequestStore, db: DatabaseHarness
) -> None:
    moved, held = await confirm(store)

    assert (moved.state, moved.decided_by, moved.approvals) == (State.APPROVED, RAVI, (RAVI,))
    assert [(one.kind, one.payload["channel"]) for one in held] == [(JobKind.ANNOUNCEMENT, one) for one in CHANNELS]
    assert all(one.snapshot and one.snapshot.request == moved for one in held)
    assert all(str(one.payload["checkpoint"]).startswith("2:") for one in held)
    assert await tags(store) == ["request:break_glass_requested", "request:break_glass_approved"]
    assert [one.kind for one in await store.jobs.claim(9) if one.kind is JobKind.EXECUTE] == []
    db.clock.advance(MAX_ANNOUNCEMENT_DELAY)
    assert JobKind.EXECUTE in [one.kind for one in await db.jobs("two#1").claim(9)]


async def test_confirmation__without_channels_leases_the_execution(store: RequestStore) -> None:
    _, held = await confirm(store, announce=())

    assert [one.kind for one in held] == [JobKind.EXECUTE]


async def test_confirmation__in_one_channel_announces_once(store: RequestStore) -> None:
    _, held = await confirm(store, announce=(CHANNELS[0], CHANNELS[0]))

    assert [one.payload["channel"] for one in held] == [CHANNELS[0]]


async def test_approval__of_any_other_request_is_not_announced(store: RequestStore) -> None:
    request, _ = await create_request(store)
    pressed = await click(store)
    _, held = await ClickStore(store).apply(request, Event.APPROVE, job=pressed, by=OLIVIA, announce=CHANNELS)

    assert [one.kind for one in held] == [JobKind.EXECUTE]


async def test_start_announced__waits_for_the_first_attempt_in_every_channel(store: RequestStore) -> None:
    _, held = await confirm(store)

    assert await ExecutionStore(store).is_announcing("first")
    assert await ExecutionStore(store).start_announced("first") is None
    await store.jobs.complete(held[0])
    assert await ExecutionStore(store).start_announced("first") is None
    await store.jobs.release(held[1], delay=60)
    assert not await ExecutionStore(store).is_announcing("first")
    execution = await ExecutionStore(store).start_announced("first")
    assert execution
    assert (execution.kind, execution.attempts) == (JobKind.EXECUTE, 1)


async def test_start_announced__starts_the_execution_once(store: RequestStore, db: DatabaseHarness) -> None:
    _, held = await confirm(store)
    for job in held:
        await store.jobs.complete(job)
    execution = await ExecutionStore(store).start_announced("first")
    assert execution

    assert await ExecutionStore(store).start_announced("first") is None
    assert await ExecutionStore(db.store("two#1")).start_announced("first") is None
    await store.jobs.release(execution, delay=60)  # a rate limit is waited out
    assert await ExecutionStore(store).start_announced("first") is None


async def test_confirmation__twice_in_ten_minutes_is_denied_with_the_time(
    store: RequestStore, db: DatabaseHarness
) -> None:
    moved, held = await confirm(store)
    for job in held:
        await store.jobs.complete(job)
    await finish(store)
    db.clock.advance(BREAK_GLASS_INTERVAL - 1)

    with pytest.raises(Denied) as denied:
        await confirm(db.store("two#1"), "second")
    assert denied.value.reason is DenialCode.BREAK_GLASS_TOO_SOON
    assert moved.approved_at
    assert float(denied.value.params["possible_at"]) == moved.approved_at + BREAK_GLASS_INTERVAL
    assert (await stored(store, "second")).state is State.PENDING
    assert await store.break_glass_possible_at(RAVI) == moved.approved_at + BREAK_GLASS_INTERVAL

    db.clock.advance(1)
    assert await store.break_glass_possible_at(RAVI) is None
    again, _ = await confirm(store, "third")
    assert again.state is State.APPROVED


async def test_confirmation__clicked_twice_at_once_comes_too_late_the_second_time(store: RequestStore) -> None:
    """The person reads that the request is approved, not that they must wait for ten minutes."""
    request, _ = await create_request(store, action="break-glass", requester=RAVI)
    first, second = (
        await click(store, request.id, RAVI, key="first"),
        await click(store, request.id, RAVI, key="second"),
    )
    await ClickStore(store).apply(request, Event.APPROVE, job=first, by=RAVI)

    with pytest.raises(StaleRequest):
        await ClickStore(store).apply(request, Event.APPROVE, job=second, by=RAVI)


async def test_confirmation__counts_for_one_person_and_for_break_glass_alone(store: RequestStore) -> None:
    await create_request(store, "ordinary")
    await approve(store, "ordinary", OLIVIA)
    assert await store.break_glass_possible_at(RAVI) is None
    await confirm(store)

    assert await store.break_glass_possible_at(OLIVIA) is None
    other, _ = await confirm(store, "of another", by=OLIVIA)
    assert other.state is State.APPROVED


@pytest.mark.parametrize(
    ("event", "counts"),
    [(Event.SUCCEED, True), (Event.LOSE_TRACK, True), (Event.REFUSE, False), (Event.FAIL, False)],
)
async def test_confirmation__counts_unless_nothing_was_revoked(store: RequestStore, event: Event, counts: bool) -> None:
    _, held = await confirm(store)
    assert await store.break_glass_possible_at(RAVI) is not None
    for job in held:
        await store.jobs.complete(job)
    await finish(store, event=event)

    assert (await store.break_glass_possible_at(RAVI) is not None) == counts


async def test_cancellation__is_always_possible(store: RequestStore) -> None:
    await confirm(store)
    request, _ = await create_request(store, "second", action="break-glass", requester=RAVI)
    pressed = replace(await click(store, "second", RAVI))

    moved, _ = await ClickStore(store).apply(request, Event.CANCEL, job=pressed, by=RAVI, announce=CHANNELS)
    assert moved.state is State.CANCELLED
