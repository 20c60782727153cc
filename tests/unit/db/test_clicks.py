"""Clicks that decide requests, on both databases."""

from __future__ import annotations

import json

import pytest

from bot.db.cards import CardStore
from bot.db.clicks import ClickStore
from bot.db.expiry import ExpiryStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import JobKind
from bot.db.requests import RequestStore
from bot.db.rows import ResponseUrls
from bot.domain.requests import EXECUTION_WINDOW, Event, MessageRef, Request, State
from bot.errors import StaleRequest
from tests.support.database import DatabaseHarness, approve, click, create_request, stored, tags
from tests.support.examples import BEN, OLIVIA, RAVI


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


async def urls(store: RequestStore) -> ResponseUrls:
    return (await store.snapshot("first")).urls


def no_recipients(_request: Request) -> tuple[str, ...]:
    return ()


async def test_apply__approval_leases_the_execution_and_renders_the_card(
    store: RequestStore, db: DatabaseHarness
) -> None:
    _, card = await create_request(store)
    assert await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2"))
    db.clock.advance(7)
    moved, work = await approve(store)
    assert moved == await stored(store)
    assert (moved.state, moved.decided_by, moved.approvals) == (State.APPROVED, OLIVIA, (OLIVIA,))
    assert (moved.approved_at, moved.revision) == (db.clock.now, 2)
    assert (work.kind, work.attempts, work.payload["place"]) == (JobKind.EXECUTE, 1, 0)
    assert await tags(store) == ["request:asked", "request:approved"]
    assert await store.jobs.depth() == {
        "click": 0,
        "target": 1,
        "announcement": 0,
        "command": 0,
        "card": 1,
        "copy": 0,
        "reply": 0,
        "thread": 0,
        "reminder": 0,
        "affected": 0,
        "file": 0,
        "notice": 0,
        "bulk": 0,
        "watch": 0,
    }


async def test_apply__second_decision_on_the_same_state_is_stale(store: RequestStore) -> None:
    pending, _ = await create_request(store)
    mine, yours = await click(store, by=OLIVIA), await click(store, by=BEN)
    await ClickStore(store).apply(pending, Event.APPROVE, job=mine, by=OLIVIA)
    with pytest.raises(StaleRequest):
        await ClickStore(store).apply(pending, Event.CANCEL, job=yours, by=BEN)
    assert (await stored(store)).state is State.APPROVED
    assert await tags(store) == ["request:asked", "request:approved"]
    assert await store.jobs.still_leased(yours)  # the click still needs its answer
    assert (await store.jobs.depth())["target"] == 1


async def test_apply__concurrent_approvals_are_applied_one_after_the_other(store: RequestStore) -> None:
    pending, _ = await create_request(store, approvals_required=2)
    mine, yours = await click(store, by=OLIVIA), await click(store, by=BEN)
    signed, work = await ClickStore(store).apply(pending, Event.ADD_APPROVAL, job=mine, by=OLIVIA)
    assert (signed.state, work) == (State.PENDING, [])
    with pytest.raises(StaleRequest):
        await ClickStore(store).apply(pending, Event.ADD_APPROVAL, job=yours, by=BEN)
    moved, work = await ClickStore(store).apply(signed, Event.APPROVE, job=yours, by=BEN)
    assert (moved.state, moved.approvals, len(work)) == (State.APPROVED, (OLIVIA, BEN), 1)


async def test_apply__changes_nothing_after_the_lease_was_lost(store: RequestStore, db: DatabaseHarness) -> None:
    pending, _ = await create_request(store)
    job = await click(store)
    db.clock.advance(LEASE_DURATION)
    other = db.store("two#1")
    await other.jobs.claim(10)
    with pytest.raises(StaleRequest, match="Another replica"):
        await ClickStore(store).apply(pending, Event.APPROVE, job=job, by=OLIVIA)
    assert await stored(store) == pending
    assert await tags(store) == ["request:asked"]
    assert await other.jobs.still_leased(job)


async def test_apply__failing_audit_event_rolls_back_everything(store: RequestStore, db: DatabaseHarness) -> None:
    pending, _ = await create_request(store)
    job = await click(store)
    await db.run("ALTER TABLE audit RENAME TO away")
    with pytest.raises(db.database.driver.error, match="audit"):
        await ClickStore(store).apply(pending, Event.APPROVE, job=job, by=OLIVIA)
    assert await stored(store) == pending
    assert await store.jobs.still_leased(job)
    assert (await store.jobs.depth())["target"] == 0
    await db.run("ALTER TABLE away RENAME TO audit")
    await ClickStore(store).apply(pending, Event.APPROVE, job=job, by=OLIVIA)


async def test_apply__click_older_than_the_execution_window_is_stale(store: RequestStore, db: DatabaseHarness) -> None:
    """A machine that was suspended after the decision must not send an outdated DELETE."""
    pending, _ = await create_request(store)
    db.clock.now = pending.expires_at - 1
    job = await click(store)
    db.clock.advance(EXECUTION_WINDOW + 1)
    with pytest.raises(StaleRequest):
        await ClickStore(store).apply(pending, Event.APPROVE, job=job, by=OLIVIA)
    assert await stored(store) == pending
    assert (await store.jobs.depth())["target"] == 0


async def test_apply__click_before_the_expiry_counts_if_it_is_applied_later(
    store: RequestStore, db: DatabaseHarness
) -> None:
    pending, _ = await create_request(store)
    db.clock.now = pending.expires_at - 0.001
    job = await click(store)
    db.clock.now = pending.expires_at + 60
    await store.jobs.renew([job.id])
    assert await ExpiryStore(store).expire_due(no_recipients) == []
    moved, work = await ClickStore(store).apply(pending, Event.APPROVE, job=job, by=OLIVIA)
    assert (moved.state, len(work)) == (State.APPROVED, 1)


@pytest.mark.parametrize(("event", "needed"), [(Event.APPROVE, 1), (Event.ADD_APPROVAL, 2)])
async def test_apply__click_at_the_expiry_is_stale(
    store: RequestStore, db: DatabaseHarness, event: Event, needed: int
) -> None:
    pending, _ = await create_request(store, approvals_required=needed)
    db.clock.now = pending.expires_at
    job = await click(store)
    with pytest.raises(StaleRequest):
        await ClickStore(store).apply(pending, event, job=job, by=OLIVIA)
    assert await stored(store) == pending
    assert await store.jobs.still_leased(job)
    assert await tags(store) == ["request:asked"]


async def test_apply__cancellation_enqueues_notices_and_stores_the_click_url(
    store: RequestStore, db: DatabaseHarness
) -> None:
    pending, _ = await create_request(store)
    job = await click(store, by=RAVI)
    url = "https://hooks.example.com/card"
    moved, work = await ClickStore(store).apply(
        pending, Event.CANCEL, job=job, by=RAVI, notify=["C0AUDIT001"], click_url=url
    )
    assert (moved.state, moved.decided_by, moved.finished_at) == (State.CANCELLED, RAVI, db.clock.now)
    assert [job.kind for job in work] == [JobKind.NOTICE]  # the card's job is held since the request
    assert (await urls(store)).click == url
    notices = await db.rows("SELECT payload FROM jobs WHERE kind = 'notice'")
    assert [json.loads(row.payload)["channel"] for row in notices] == ["C0AUDIT001"]


async def test_apply__cancellation_leases_the_card_that_no_process_renders(
    store: RequestStore, db: DatabaseHarness
) -> None:
    pending, card = await create_request(store)
    assert await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2"))
    job = await click(store, by=RAVI)
    _, work = await ClickStore(store).apply(pending, Event.CANCEL, job=job, by=RAVI, notify=["C0AUDIT001"])
    assert [(one.kind, one.attempts) for one in work] == [(JobKind.CARD, 1), (JobKind.NOTICE, 1)]
    assert work[0].id == card.id
    assert await db.store("two#1").jobs.claim(10) == []
    assert await store.jobs.renew(one.id for one in work) == {one.id for one in work}


async def test_apply__latest_click_url_is_kept(store: RequestStore) -> None:
    """Each click has another response_url, and the one of the message that was clicked last edits it."""
    request, _ = await create_request(store, approvals_required=3)
    for by, url, expected in ((OLIVIA, "a", "a"), (BEN, "b", "b"), (RAVI, None, "b")):
        event = Event.APPROVE if by == RAVI else Event.ADD_APPROVAL
        request, _ = await ClickStore(store).apply(request, event, job=await click(store, by=by), by=by, click_url=url)
        assert (await urls(store)).click == expected
