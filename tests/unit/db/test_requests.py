"""What a store promises, whichever database is under it: every step whole, once, and told in the trail."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from bot.db.jobs import LEASE_DURATION, JobKind
from bot.db.requests import RequestStore, ResponseUrls
from bot.db.schema import audit, jobs, requests
from bot.db.statements import COMPLETED_JOB_RETENTION
from bot.domain.audit import AuditEvent, EventType, first_invalid
from bot.domain.requests import EXECUTION_WINDOW, Event, MessageRef, Request, State
from bot.errors import StaleRequest
from tests.support import examples
from tests.support.database import TTL, DatabaseHarness, approve, ask, click, stored, tags
from tests.support.examples import BEN, OLIVIA, RAVI


@pytest.fixture
def store(ledger: DatabaseHarness) -> RequestStore:
    return ledger.store()


async def urls(store: RequestStore) -> ResponseUrls:
    sheet = await store.card_context("first")
    assert sheet
    return sheet[1]


def nobody(_request: Request) -> tuple[str, ...]:
    return ()


async def test_ask__keeps_everything_that_was_decided(store: RequestStore, ledger: DatabaseHarness) -> None:
    asked = examples.request(id="first", reference="FIRST", reason="laptop stolen", approvals_required=2)
    job = await store.create(asked, ttl=TTL, key="trigger", command_url="https://hooks.example.com/ask")
    assert job
    assert job.kind is JobKind.CARD
    assert await store.get("first") == examples.request(
        id="first",
        reference="FIRST",
        reason="laptop stolen",
        approvals_required=2,
        created_at=ledger.clock.now,
        expires_at=ledger.clock.now + TTL,
    )
    assert (await urls(store)).command == "https://hooks.example.com/ask"
    (row, _), *more = await store.audit_events("first")
    assert not more
    assert (row.tag, row.actor, row.target) == (EventType.ASKED, RAVI, examples.TOM_IN_GENESYS.id)
    assert row.detail == {"kind": "revoke", "reason": "laptop stolen", "needed": 2, "ttl": TTL}


async def test_ask__a_rotation_names_nobody(store: RequestStore) -> None:
    await store.create(examples.rotation(id="turn"), ttl=TTL, key="turn", command_url=None)
    assert (await stored(store, "turn")).target is None
    ((row, _),) = await store.audit_events("turn")
    assert row.target == "me"


async def test_ask__a_replayed_command_asks_nothing(store: RequestStore) -> None:
    await ask(store)
    again = examples.request(id="second", reference="SECOND")
    assert await store.create(again, ttl=TTL, key="first", command_url=None) is None
    assert await store.get("second") is None
    assert await tags(store) == ["request:asked"]


async def test_click__a_replay_is_known_while_it_waits_and_when_it_is_done(store: RequestStore) -> None:
    await ask(store)
    job = await click(store, key="press")
    assert await store.record_click("first", "press", {"action": "cancel", "user_id": BEN}) is None
    await store.jobs.complete(job)
    assert await store.record_click("first", "press", {"action": "cancel", "user_id": BEN}) is None


async def test_click__is_forgotten_only_when_slack_could_not_replay_it_any_more(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    await ask(store)
    await store.jobs.complete(await click(store, key="press"))
    ledger.clock.now += COMPLETED_JOB_RETENTION
    await store.delete_expired_rows()
    assert await store.record_click("first", "press", {}) is None
    ledger.clock.now += 1
    await store.delete_expired_rows()
    assert await store.record_click("first", "press", {}) is not None


async def test_approve__moves_tells_and_orders_the_delete(store: RequestStore, ledger: DatabaseHarness) -> None:
    _, card = await ask(store)
    assert await store.mark_rendered(card, 1, MessageRef("C0OPS00001", "1.2"))
    ledger.clock.now += 7
    moved, work = await approve(store)
    assert moved == await stored(store)
    assert (moved.state, moved.decided_by, moved.approvals) == (State.APPROVED, OLIVIA, (OLIVIA,))
    assert (moved.approved_at, moved.revision) == (ledger.clock.now, 2)
    assert (work.kind, work.attempts, work.payload["place"]) == (JobKind.EXECUTE, 1, 0)
    assert await tags(store) == ["request:asked", "request:approved"]
    assert await store.jobs.depth() == {"click": 0, "target": 1, "command": 0, "card": 1, "reply": 0, "notice": 0}


async def test_move__of_two_decisions_on_the_same_request_one_counts(store: RequestStore) -> None:
    asked, _ = await ask(store)
    mine, yours = await click(store, by=OLIVIA), await click(store, by=BEN)
    await store.apply_click(asked, Event.APPROVE, job=mine, by=OLIVIA)
    with pytest.raises(StaleRequest):
        await store.apply_click(asked, Event.CANCEL, job=yours, by=BEN)
    assert (await stored(store)).state is State.APPROVED
    assert await tags(store) == ["request:asked", "request:approved"]
    assert await store.jobs.still_leased(yours)  # the click is still to be answered
    assert (await store.jobs.depth())["target"] == 1


async def test_move__two_signatures_given_at_once_are_judged_one_after_the_other(store: RequestStore) -> None:
    asked, _ = await ask(store, approvals_required=2)
    mine, yours = await click(store, by=OLIVIA), await click(store, by=BEN)
    signed, work = await store.apply_click(asked, Event.ADD_APPROVAL, job=mine, by=OLIVIA)
    assert (signed.state, work) == (State.PENDING, [])
    with pytest.raises(StaleRequest):
        await store.apply_click(asked, Event.ADD_APPROVAL, job=yours, by=BEN)
    moved, work = await store.apply_click(signed, Event.APPROVE, job=yours, by=BEN)
    assert (moved.state, moved.approvals, len(work)) == (State.APPROVED, (OLIVIA, BEN), 1)


async def test_move__whoever_lost_the_click_changes_nothing(store: RequestStore, ledger: DatabaseHarness) -> None:
    asked, _ = await ask(store)
    job = await click(store)
    ledger.clock.now += LEASE_DURATION
    other = ledger.store("two#1")
    await other.jobs.claim(10)
    with pytest.raises(StaleRequest, match="Another replica"):
        await store.apply_click(asked, Event.APPROVE, job=job, by=OLIVIA)
    assert await stored(store) == asked
    assert await tags(store) == ["request:asked"]
    assert await other.jobs.still_leased(job)


async def test_move__a_step_whose_audit_row_cannot_be_written_is_not_taken(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    asked, _ = await ask(store)
    job = await click(store)
    await ledger.run(text("ALTER TABLE audit RENAME TO away"))
    with pytest.raises(SQLAlchemyError, match="audit"):
        await store.apply_click(asked, Event.APPROVE, job=job, by=OLIVIA)
    assert await stored(store) == asked
    assert await store.jobs.still_leased(job)
    assert (await store.jobs.depth())["target"] == 0
    await ledger.run(text("ALTER TABLE away RENAME TO audit"))
    await store.apply_click(asked, Event.APPROVE, job=job, by=OLIVIA)


async def test_move__a_click_that_was_judged_too_late_changes_nothing(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    """A machine that was suspended between the judgement and this must not send a DELETE nobody means any more."""
    asked, _ = await ask(store)
    job = await click(store)
    ledger.clock.now += EXECUTION_WINDOW + 1
    with pytest.raises(StaleRequest):
        await store.apply_click(asked, Event.APPROVE, job=job, by=OLIVIA)
    assert await stored(store) == asked
    assert (await store.jobs.depth())["target"] == 0


async def test_move__a_click_before_the_end_counts_however_late_it_is_judged(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    asked, _ = await ask(store)
    ledger.clock.now = asked.expires_at - 0.001
    job = await click(store)
    ledger.clock.now = asked.expires_at + 60
    await store.jobs.renew([job.id])
    assert await store.expire_due(nobody) == []
    moved, work = await store.apply_click(asked, Event.APPROVE, job=job, by=OLIVIA)
    assert (moved.state, len(work)) == (State.APPROVED, 1)


@pytest.mark.parametrize(("event", "needed"), [(Event.APPROVE, 1), (Event.ADD_APPROVAL, 2)])
async def test_move__a_click_after_the_end_does_not(
    store: RequestStore, ledger: DatabaseHarness, event: Event, needed: int
) -> None:
    asked, _ = await ask(store, approvals_required=needed)
    ledger.clock.now = asked.expires_at
    job = await click(store)
    with pytest.raises(StaleRequest):
        await store.apply_click(asked, event, job=job, by=OLIVIA)
    assert await stored(store) == asked
    assert await store.jobs.still_leased(job)
    assert await tags(store) == ["request:asked"]


async def test_move__a_cancelled_request_tells_who_is_named(store: RequestStore, ledger: DatabaseHarness) -> None:
    asked, _ = await ask(store)
    job = await click(store, by=RAVI)
    url = "https://hooks.example.com/card"
    moved, work = await store.apply_click(asked, Event.CANCEL, job=job, by=RAVI, notify=["C0AUDIT001"], click_url=url)
    assert (moved.state, moved.decided_by, moved.finished_at, work) == (State.CANCELLED, RAVI, ledger.clock.now, [])
    assert (await urls(store)).click == url
    told = await ledger.run(select(jobs.c.payload).where(jobs.c.kind == JobKind.NOTICE))
    assert [row.payload for row in told] == ['{"channel": "C0AUDIT001"}']


async def test_urls__stay_out_of_the_trail_and_the_request(store: RequestStore) -> None:
    asked, _ = await ask(store)
    job = await click(store)
    await store.apply_click(asked, Event.APPROVE, job=job, by=OLIVIA, click_url="https://hooks.example.com/card")
    assert "hooks.example.com" not in f"{await store.audit_events()} {await stored(store)}"


async def test_expire_due__ends_what_nobody_confirmed_and_only_that(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    await ask(store, "old")
    await ask(store, "decided")
    await approve(store, "decided")
    ledger.clock.now += TTL - 1
    await ask(store, "new")
    assert await store.expire_due(nobody) == []
    ledger.clock.now += 1
    (ended,) = await store.expire_due(lambda request: [request.requester])
    assert (ended.id, ended.state, ended.finished_at) == ("old", State.EXPIRED, ledger.clock.now)
    assert await store.expire_due(nobody) == []
    assert [(await stored(store, name)).state for name in ("decided", "new")] == [State.APPROVED, State.PENDING]
    assert await tags(store, "old") == ["request:asked", "request:expired"]
    assert (await store.jobs.depth())["notice"] == 1


async def test_expire_due__waits_for_an_open_click_and_not_for_a_judged_one(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    asked, _ = await ask(store)
    ledger.clock.now = asked.expires_at - 1
    job = await click(store)
    ledger.clock.now += EXECUTION_WINDOW - 1
    assert await store.expire_due(nobody) == []
    await store.jobs.complete(job)
    assert [one.state for one in await store.expire_due(nobody)] == [State.EXPIRED]


async def test_expire_due__waits_no_longer_for_a_click_than_one_counts(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    """Whatever keeps it from being judged, the card must not show a live button for ever."""
    asked, _ = await ask(store)
    ledger.clock.now = asked.expires_at - 1
    await click(store)
    ledger.clock.now += EXECUTION_WINDOW
    assert [one.state for one in await store.expire_due(nobody)] == [State.EXPIRED]


async def test_expire_due__a_few_at_a_time_the_oldest_first(store: RequestStore, ledger: DatabaseHarness) -> None:
    for name in ("first", "second", "third"):
        await ask(store, name)
        ledger.clock.now += 1
    ledger.clock.now += TTL
    assert [one.id for one in await store.expire_due(nobody, limit=2)] == ["first", "second"]
    assert [one.id for one in await store.expire_due(nobody, limit=2)] == ["third"]


async def test_withdraw__a_pending_request_ends_without_a_card_to_paint(store: RequestStore) -> None:
    _, card = await ask(store)
    ended = await store.withdraw(card, problem="not_in_channel", notify=())
    assert ended
    assert (ended.state, ended.decided_by) == (State.CANCELLED, None)
    row, _ = (await store.audit_events())[-1]
    assert (row.tag, row.actor, row.detail) == (EventType.CANCELLED, "bot", {"problem": "not_in_channel"})
    assert not any((await store.jobs.depth()).values())


async def test_withdraw__a_decided_request_or_a_lost_lease_stays_as_it_is(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    _, card = await ask(store)
    assert await ledger.store("two#1").withdraw(card, problem="not_in_channel", notify=()) is None
    await approve(store)
    assert await store.withdraw(card, problem="not_in_channel", notify=()) is None
    assert (await stored(store)).state is State.APPROVED
    assert await tags(store) == ["request:asked", "request:approved"]


async def test_record__what_changes_no_request_is_told_at_the_databases_time(
    store: RequestStore, ledger: DatabaseHarness
) -> None:
    await store.record_event(AuditEvent(0.0, EventType.ASK_REFUSED, RAVI, detail={"reason": "guest"}))
    ((row, _),) = await store.audit_events()
    assert (row.at, row.tag, row.actor, row.request_id) == (ledger.clock.now, EventType.ASK_REFUSED, RAVI, None)


async def test_record__who_lost_the_click_tells_nothing(store: RequestStore, ledger: DatabaseHarness) -> None:
    await ask(store)
    job = await click(store)
    row = AuditEvent(0.0, EventType.CLICK_REFUSED, BEN, request_id="first")
    assert await ledger.store("two#1").record_event(row, done=job) is False
    assert await tags(store) == ["request:asked"]
    assert await store.jobs.still_leased(job)
    assert await store.record_event(row, done=job) is True
    assert await store.record_event(row, done=job) is False
    assert await tags(store) == ["request:asked", "click:refused"]
    assert await store.jobs.is_done(job.id)


async def test_trail__follows_one_request_or_all(store: RequestStore) -> None:
    await ask(store, "first")
    await ask(store, "second")
    await approve(store, "first")
    assert await tags(store) == ["request:asked", "request:asked", "request:approved"]
    assert [row.tag for row, _ in await store.audit_events("first")] == [EventType.ASKED, EventType.APPROVED]


@pytest.mark.parametrize("column", ["at", "tag", "actor", "reference", "request_id", "target", "detail", "hash"])
async def test_trail__a_changed_row_breaks_the_chain_there(
    store: RequestStore, ledger: DatabaseHarness, column: str
) -> None:
    await ask(store)
    await approve(store)
    changes = {"at": 1.0, "tag": "request:cancelled", "detail": "{}"}
    await ledger.run(update(audit).where(audit.c.id == 2).values({column: changes.get(column, "another")}))
    if column == "detail":
        await ledger.run(update(audit).where(audit.c.id == 2).values(detail='{"reason": "none"}'))
    assert first_invalid(await store.audit_events()) == 1


async def test_trail__a_removed_row_breaks_the_chain_at_the_next(store: RequestStore, ledger: DatabaseHarness) -> None:
    await ask(store)
    await approve(store)
    await ask(store, "second")
    await ledger.run(delete(audit).where(audit.c.id == 2))
    assert first_invalid(await store.audit_events()) == 1


async def test_now__shows_that_the_database_can_be_written_to(store: RequestStore, ledger: DatabaseHarness) -> None:
    assert await store.jobs.check_writable() == ledger.clock.now
    await ledger.run(text("ALTER TABLE jobs RENAME TO away"))
    with pytest.raises(SQLAlchemyError):
        await store.jobs.check_writable()


async def test_find__an_unknown_request_is_none(store: RequestStore, ledger: DatabaseHarness) -> None:
    assert await store.get("nobody") is None
    assert await store.jobs.is_done(4711) is False
    assert await ledger.run(select(requests.c.id)) == []
