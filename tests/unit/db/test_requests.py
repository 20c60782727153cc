"""The request store on both databases: each method commits all or nothing, with an audit event."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from typing import TypeVar

import pytest

from bot.db.cards import CardStore
from bot.db.clicks import ClickStore
from bot.db.engine import Database
from bot.db.executions import ExecutionStore
from bot.db.expiry import ExpiryStore
from bot.db.job_queue import JobQueue
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.db.rows import ResponseUrls
from bot.db.statements import COMPLETED_JOB_RETENTION, RESPONSE_URL_LIFETIME
from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import first_invalid
from bot.domain.requests import Event, MessageRef, Request
from tests.support import examples
from tests.support.database import TTL, DatabaseHarness, approve, click, create_request, stored, tags
from tests.support.examples import BEN, OLIVIA, RAVI, SEALS
from tests.support.recording_driver import RecordingDriver

Result = TypeVar("Result")


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


@pytest.fixture
async def recorded(db: DatabaseHarness) -> AsyncIterator[tuple[RequestStore, RecordingDriver]]:
    """A store and the driver that records its commits."""
    driver = RecordingDriver(db.database.driver)
    database = Database(driver, clock=db.clock)
    yield RequestStore(database, JobQueue(database, "one#1"), SEALS), driver
    await database.close()


async def committed(driver: RecordingDriver, call: Awaitable[Result | None], *, durable: bool) -> Result:
    """Return the result of a call, after a check whether its only commit waited for the disk."""
    driver.commits.clear()
    result = await call
    assert driver.commits == [durable]
    assert result
    return result


async def urls(store: RequestStore) -> ResponseUrls:
    return (await store.snapshot("first")).urls


def no_recipients(_request: Request) -> tuple[str, ...]:
    return ()


async def test_create__stores_every_field_and_an_audit_event(store: RequestStore, db: DatabaseHarness) -> None:
    request = examples.request(
        id="first", reference="FIRST", reason="laptop stolen", approvals_required=2, target_slack_name="Tom\u202e T."
    )
    job = await store.create(request, ttl=TTL, key="trigger", command_url="https://hooks.example.com/ask")
    assert job
    assert job.kind is JobKind.CARD
    created = replace(request, created_at=db.clock.now, expires_at=db.clock.now + TTL)
    assert await store.get("first") == examples.SEALS.seal(created)
    assert (await urls(store)).command == "https://hooks.example.com/ask"
    ((event, _),) = await store.audit_events("first")
    assert (event.tag, event.actor, event.target) == (EventType.REQUESTED, RAVI, examples.TOM_IN_GENESYS.id)
    assert event.detail == {"kind": "revoke", "reason": "laptop stolen", "needed": 2, "ttl": TTL}


async def test_create__rotation_has_no_target(store: RequestStore) -> None:
    await store.create(examples.rotation(id="rotation"), ttl=TTL, key="rotation", command_url=None)
    assert (await stored(store, "rotation")).target is None
    ((event, _),) = await store.audit_events("rotation")
    assert event.target == "me"


async def test_create__replayed_command_creates_nothing(store: RequestStore) -> None:
    await create_request(store)
    again = examples.request(id="second", reference="SECOND")
    assert await store.create(again, ttl=TTL, key="first", command_url=None) is None
    assert await store.get("second") is None
    assert await tags(store) == ["request:asked"]


async def test_record_click__replay_adds_nothing_before_and_after_completion(store: RequestStore) -> None:
    await create_request(store)
    job = await click(store, key="press")
    assert await store.record_click("first", "press", {"action": "cancel", "user_id": BEN}) is None
    await store.jobs.complete(job)
    assert await store.record_click("first", "press", {"action": "cancel", "user_id": BEN}) is None


async def test_delete_expired_rows__keeps_completed_clicks_for_the_retention_time(
    store: RequestStore, db: DatabaseHarness
) -> None:
    await create_request(store)
    await store.jobs.complete(await click(store, key="press"))
    db.clock.advance(COMPLETED_JOB_RETENTION)
    await store.delete_expired_rows()
    assert await store.record_click("first", "press", {}) is None
    db.clock.advance(1)
    await store.delete_expired_rows()
    assert await store.record_click("first", "press", {}) is not None


async def test_delete_expired_rows__forgets_urls_after_their_life_unless_a_card_waits_for_them(
    store: RequestStore, db: DatabaseHarness
) -> None:
    pending, card = await create_request(store, command_url="command")
    job = await click(store, by=RAVI)
    await ClickStore(store).apply(pending, Event.CANCEL, job=job, by=RAVI, click_url="click")
    db.clock.advance(RESPONSE_URL_LIFETIME)
    await store.delete_expired_rows()
    assert await urls(store) == ResponseUrls("command", "click")
    db.clock.advance(1)
    await store.delete_expired_rows()
    assert await urls(store) == ResponseUrls("command", "click")  # its card is not updated yet

    await store.jobs.complete(next(one for one in await store.jobs.claim(10) if one.id == card.id))
    await store.delete_expired_rows()
    assert await urls(store) == ResponseUrls()


async def test_response_urls__are_in_no_request_and_no_audit_event(store: RequestStore) -> None:
    pending, _ = await create_request(store)
    job = await click(store)
    await ClickStore(store).apply(
        pending, Event.APPROVE, job=job, by=OLIVIA, click_url="https://hooks.example.com/card"
    )
    assert "hooks.example.com" not in f"{await store.audit_events()} {await stored(store)}"


async def test_record_denial__stores_the_time_of_the_database(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store)
    job = await click(store)
    db.clock.advance(1)
    await store.record_denial(AuditEvent(0.0, EventType.CLICK_DENIED, RAVI, request_id="first"), job=job, reply={})
    event, _ = (await store.audit_events())[-1]
    assert (event.at, event.tag, event.actor) == (db.clock.now, EventType.CLICK_DENIED, RAVI)


async def test_record_denial__writes_nothing_after_the_lease_was_lost(store: RequestStore) -> None:
    await create_request(store)
    job = await click(store)
    event = AuditEvent(0.0, EventType.CLICK_DENIED, BEN, request_id="first")
    other = RequestStore(store.database, JobQueue(store.database, "two#1"), SEALS)
    assert await other.record_denial(event, job=job, reply={}) is None
    assert await tags(store) == ["request:asked"]
    assert await store.jobs.still_leased(job)
    assert await store.record_denial(event, job=job, reply={}) is not None
    assert await store.record_denial(event, job=job, reply={}) is None
    assert await tags(store) == ["request:asked", "click:refused"]
    assert await store.jobs.is_done(job.id)


async def test_audit_events__returns_one_request_or_all(store: RequestStore) -> None:
    await create_request(store, "first")
    await create_request(store, "second")
    await approve(store, "first")
    assert await tags(store) == ["request:asked", "request:asked", "request:approved"]
    assert [event.tag for event, _ in await store.audit_events("first")] == [EventType.REQUESTED, EventType.APPROVED]


@pytest.mark.parametrize("column", ["at", "tag", "actor", "reference", "request_id", "target", "detail", "hash"])
async def test_audit_events__changed_row_is_the_first_invalid_one(
    store: RequestStore, db: DatabaseHarness, column: str
) -> None:
    await create_request(store)
    await approve(store)
    changes = {"at": 1.0, "tag": "request:cancelled", "detail": '{"reason": "none"}'}
    value = changes.get(column, "another")
    await db.run(f"UPDATE audit SET {column} = :value WHERE id = 2", value=value)  # noqa: S608 - a name of the test
    assert first_invalid(await store.audit_events()) == 1


async def test_audit_events__row_after_a_removed_one_is_invalid(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store)
    await approve(store)
    await create_request(store, "second")
    await db.run("DELETE FROM audit WHERE id = 2")
    assert first_invalid(await store.audit_events()) == 1


async def test_check_writable__stores_a_row_that_is_no_work(store: RequestStore, db: DatabaseHarness) -> None:
    for _ in range(2):
        db.clock.advance(1)
        await store.jobs.check_writable()
    assert await db.rows("SELECT kind, done_at FROM jobs") == [("probe", db.clock.now)]
    assert not any((await store.jobs.depth()).values())
    assert await store.jobs.claim(10) == []


async def test_check_writable__commits_a_row_to_the_disk(recorded: tuple[RequestStore, RecordingDriver]) -> None:
    """A click is stored in the same way."""
    store, driver = recorded
    await store.jobs.check_writable()
    assert driver.commits == [True]


async def test_check_writable__raises_if_no_row_can_be_stored(store: RequestStore, db: DatabaseHarness) -> None:
    await db.run("ALTER TABLE jobs RENAME TO away")
    with pytest.raises(db.database.driver.error):
        await store.jobs.check_writable()


async def test_check_writable__stores_its_row_again_after_it_was_deleted(
    store: RequestStore, db: DatabaseHarness
) -> None:
    await store.jobs.check_writable()
    db.clock.advance(COMPLETED_JOB_RETENTION + 1)
    await store.delete_expired_rows()
    assert await db.rows("SELECT kind FROM jobs") == []
    await store.jobs.check_writable()
    assert await db.rows("SELECT kind, done_at FROM jobs") == [("probe", db.clock.now)]


async def test_now__is_the_time_of_the_database(store: RequestStore, db: DatabaseHarness) -> None:
    assert await store.jobs.now() == db.clock.now


async def test_get__unknown_request_is_none(store: RequestStore, db: DatabaseHarness) -> None:
    assert await store.get("unknown") is None
    assert await store.jobs.is_done(4711) is False
    assert await db.rows("SELECT id FROM requests") == []


async def test_commit__waits_for_the_disk_where_a_power_cut_must_lose_nothing(
    recorded: tuple[RequestStore, RecordingDriver], db: DatabaseHarness
) -> None:
    store, driver = recorded
    denial = AuditEvent(0.0, EventType.REQUEST_DENIED, RAVI)

    async def durable(call: Awaitable[Result | None]) -> Result:
        return await committed(driver, call, durable=True)

    async def create(name: str) -> Job:
        request = examples.request(id=name, reference=name.upper())
        return await durable(store.create(request, ttl=TTL, key=name, command_url=None))

    await durable(store.record_denial(denial, job=await durable(store.record_command("a", "a", {})), reply={}))
    await durable(store.jobs.complete_with_reply(await durable(store.record_command("b", "b", {})), {}))
    await durable(CardStore(store).withdraw(await create("unseen"), problem="not_in_channel", notify=()))
    await durable(CardStore(store).mark_posted(await create("first"), MessageRef("C0OPS00001", "1.2")))
    press = await durable(store.record_click("first", "press", {}))
    _, work = await durable(ClickStore(store).apply(await stored(store), Event.APPROVE, job=press, by=OLIVIA))
    await durable(ExecutionStore(store).retry(work[0], delay=0, outcome={}))
    (work[0],) = [job for job in await store.jobs.claim(10) if job.kind is JobKind.EXECUTE]
    await durable(ExecutionStore(store).finish(work[0], Event.SUCCEED, outcome={}, notify=()))
    await create("ignored")
    db.clock.advance(TTL)
    await durable(ExpiryStore(store).expire_due(no_recipients))


async def test_commit__of_what_may_be_repeated_does_not_wait_for_the_disk(
    recorded: tuple[RequestStore, RecordingDriver], db: DatabaseHarness
) -> None:
    store, driver = recorded
    _, card = await create_request(store)
    assert await store.jobs.release(card, delay=0)

    async def quick(call: Awaitable[Result | None]) -> Result:
        return await committed(driver, call, durable=False)

    (card,) = await quick(store.jobs.claim(10))
    await quick(store.jobs.renew([card.id]))
    await quick(store.jobs.release(card, delay=0))
    (card,) = await quick(store.jobs.claim(10))
    await quick(CardStore(store).mark_rendered(card))
    reply = await store.jobs.complete_with_reply(await click(store), {})
    assert reply
    await quick(store.jobs.complete(reply))


async def test_commit__reads_and_idle_polls_commit_nothing(
    recorded: tuple[RequestStore, RecordingDriver], db: DatabaseHarness
) -> None:
    store, driver = recorded
    await create_request(store)
    driver.commits.clear()
    assert await store.snapshot("first")
    assert await store.audit_events()
    assert await store.jobs.depth()
    assert await store.jobs.now() == db.clock.now
    assert await store.jobs.claim(10) == []
    assert await ExpiryStore(store).expire_due(no_recipients) == []
    assert driver.commits == []
