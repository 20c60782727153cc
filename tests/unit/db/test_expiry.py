"""Requests expire once, and never before their last click is decided; on both databases."""

from __future__ import annotations

import pytest

from bot.db.expiry import ExpiryStore
from bot.db.jobs import JobKind
from bot.db.requests import RequestStore
from bot.db.statements import LAST_ATTEMPT_TIME
from bot.domain.requests import EXECUTION_WINDOW, Request, State
from tests.support.database import TTL, DatabaseHarness, approve, click, create_request, stored, tags
from tests.support.examples import RAVI


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


def no_recipients(_request: Request) -> tuple[str, ...]:
    return ()


async def test_expire_due__expires_only_overdue_pending_requests(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store, "old")
    await create_request(store, "decided")
    await approve(store, "decided")
    db.clock.advance(TTL - 1)
    await create_request(store, "new")
    assert await ExpiryStore(store).expire_due(no_recipients) == []
    db.clock.advance(1)
    (expired,) = await ExpiryStore(store).expire_due(lambda request: [request.requester])
    assert (expired.id, expired.state, expired.finished_at) == ("old", State.EXPIRED, db.clock.now)
    assert await ExpiryStore(store).expire_due(no_recipients) == []
    assert [(await stored(store, name)).state for name in ("decided", "new")] == [State.APPROVED, State.PENDING]
    assert await tags(store, "old") == ["request:asked", "request:expired"]
    # The sweep runs no jobs, so it leases none.
    (notice,) = [job for job in await db.store("two#1").jobs.claim(10) if job.kind is JobKind.NOTICE]
    assert (notice.request_id, notice.payload["channel"]) == ("old", RAVI)


async def test_expire_due__waits_for_an_open_click_and_not_for_a_completed_one(
    store: RequestStore, db: DatabaseHarness
) -> None:
    pending, _ = await create_request(store)
    db.clock.now = pending.expires_at - 1
    job = await click(store)
    db.clock.advance(EXECUTION_WINDOW - 1)
    assert await ExpiryStore(store).expire_due(no_recipients) == []
    await store.jobs.complete(job)
    assert [one.state for one in await ExpiryStore(store).expire_due(no_recipients)] == [State.EXPIRED]


async def test_expire_due__waits_for_the_last_attempt_of_an_old_click(store: RequestStore, db: DatabaseHarness) -> None:
    pending, _ = await create_request(store)
    await click(store)
    db.clock.now = pending.expires_at + LAST_ATTEMPT_TIME - 1
    assert await ExpiryStore(store).expire_due(no_recipients) == []
    db.clock.advance(1)
    assert [one.state for one in await ExpiryStore(store).expire_due(no_recipients)] == [State.EXPIRED]


async def test_expire_due__ignores_a_click_after_the_expiry(store: RequestStore, db: DatabaseHarness) -> None:
    pending, _ = await create_request(store)
    db.clock.now = pending.expires_at
    await click(store)
    assert [one.state for one in await ExpiryStore(store).expire_due(no_recipients)] == [State.EXPIRED]


async def test_expire_due__ignores_a_click_older_than_the_execution_window(
    store: RequestStore, db: DatabaseHarness
) -> None:
    """A click that is never decided must not keep the card's buttons alive."""
    pending, _ = await create_request(store)
    db.clock.now = pending.expires_at - 1
    await click(store)
    db.clock.advance(EXECUTION_WINDOW)
    assert [one.state for one in await ExpiryStore(store).expire_due(no_recipients)] == [State.EXPIRED]


async def test_expire_due__expires_the_oldest_first_up_to_the_limit(store: RequestStore, db: DatabaseHarness) -> None:
    for number, name in enumerate(("third", "second", "first")):
        await create_request(store, name)
        await db.run("UPDATE requests SET expires_at = expires_at - :number WHERE id = :id", number=number, id=name)
    db.clock.advance(TTL + 60)
    assert [one.id for one in await ExpiryStore(store).expire_due(no_recipients, limit=2)] == ["first", "second"]
    assert [one.id for one in await ExpiryStore(store).expire_due(no_recipients, limit=2)] == ["third"]
