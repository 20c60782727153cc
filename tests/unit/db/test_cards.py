"""A request whose card cannot be posted is cancelled, unless it is decided; on both databases."""

from __future__ import annotations

import pytest

from bot.db.cards import CardStore
from bot.db.requests import RequestStore
from bot.domain.audit import EventType
from bot.domain.requests import State
from tests.support.database import DatabaseHarness, approve, create_request, stored, tags


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


async def test_withdraw__cancels_a_pending_request_without_rendering_a_card(
    store: RequestStore, db: DatabaseHarness
) -> None:
    _, card = await create_request(store)
    withdrawn = await CardStore(store).withdraw(card, problem="not_in_channel", notify=["C0AUDIT001"])
    assert withdrawn
    assert (withdrawn.state, withdrawn.decided_by) == (State.CANCELLED, None)
    event, _ = (await store.audit_events())[-1]
    assert (event.tag, event.actor, event.detail) == (EventType.CANCELLED, "bot", {"problem": "not_in_channel"})
    jobs = await db.store("two#1").jobs.claim(10)
    assert [job.payload["channel"] for job in jobs] == ["C0AUDIT001"]


async def test_withdraw__changes_nothing_for_a_decided_request_or_a_lost_lease(
    store: RequestStore, db: DatabaseHarness
) -> None:
    _, card = await create_request(store)
    assert await CardStore(db.store("two#1")).withdraw(card, problem="not_in_channel", notify=()) is None
    await approve(store)
    assert await CardStore(store).withdraw(card, problem="not_in_channel", notify=()) is None
    assert (await stored(store)).state is State.APPROVED
    assert await tags(store) == ["request:asked", "request:approved"]
