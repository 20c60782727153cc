"""The inbox for commands: each is processed once, even if a process dies between two commits."""

from __future__ import annotations

import asyncio

import pytest

from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.db.rows import ResponseUrls
from bot.domain.audit import AuditEvent, EventType
from tests.support import examples
from tests.support.database import TTL, DatabaseHarness, click, create_request, tags
from tests.support.examples import BEN, RAVI

PAYLOAD = {"action": "revoke", "invoker": {"user_id": RAVI, "key": "trigger"}}
REPLY = {"user_id": RAVI, "code": "guest", "params": {}}
DENIAL = AuditEvent(0.0, EventType.REQUEST_DENIED, RAVI, detail={"reason": "guest"})


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


@pytest.fixture
def other(db: DatabaseHarness) -> RequestStore:
    """The store of another process."""
    return db.store("two#1")


async def record(store: RequestStore) -> Job:
    job = await store.record_command("first", "trigger", PAYLOAD)
    assert job
    return job


async def create(store: RequestStore, job: Job) -> Job | None:
    """Create the request of a command."""
    request = examples.request(id=job.request_id, reference="FIRST")
    return await store.create(request, ttl=TTL, key="trigger", command_url=None, job=job)


async def take_over(db: DatabaseHarness, store: RequestStore, job: Job) -> Job:
    """Claim a job after the process that held it has died."""
    db.clock.advance(LEASE_DURATION)
    (taken,) = [one for one in await store.jobs.claim(10) if one.id == job.id]
    return taken


async def test_record_command__leases_the_job_to_this_process(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    job = await record(store)
    assert (job.kind, job.request_id, job.attempts) == (JobKind.COMMAND, "first", 1)
    assert PAYLOAD.items() <= job.payload.items()
    assert job.created_at == db.clock.now
    assert await other.jobs.claim(10) == []
    assert await tags(store) == []


async def test_record_command__replay_adds_nothing_before_and_after_completion(
    store: RequestStore, other: RequestStore
) -> None:
    job = await record(store)
    assert await other.record_command("second", "trigger", PAYLOAD) is None
    await create(store, job)
    assert await other.record_command("second", "trigger", PAYLOAD) is None
    assert (await store.jobs.depth())["command"] == 0


async def test_record_command__concurrent_replays_add_one_job(store: RequestStore, other: RequestStore) -> None:
    jobs = await asyncio.gather(
        *(one.record_command(f"id-{number}", "trigger", PAYLOAD) for number, one in enumerate((store, other) * 5))
    )
    assert len([job for job in jobs if job]) == 1
    assert (await store.jobs.depth())["command"] == 1


async def test_record_command__job_is_claimed_by_another_process_after_a_crash(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    job = await record(store)
    taken = await take_over(db, other, job)
    assert (taken.kind, taken.request_id, taken.payload) == (JobKind.COMMAND, "first", job.payload)
    assert other.is_genuine(taken)
    assert (taken.attempts, taken.created_at) == (2, job.created_at)


async def test_claim__orders_commands_after_executions_and_before_cards(store: RequestStore) -> None:
    await create_request(store, "earlier")
    await store.jobs.release(await record(store), delay=0)
    await store.jobs.release(await click(store, "earlier"), delay=0)
    assert [job.kind for job in await store.jobs.claim(10)] == [JobKind.CLICK, JobKind.COMMAND]
    assert await store.jobs.claim(10, most_urgent=JobKind.CARD) == []


async def test_create__completes_the_command_and_leases_the_card(store: RequestStore, other: RequestStore) -> None:
    job = await record(store)
    card = await create(store, job)
    assert card
    assert (card.kind, card.request_id) == (JobKind.CARD, "first")
    assert await store.jobs.is_done(job.id)
    assert await store.get("first")
    assert await other.jobs.claim(10) == []
    assert await tags(store) == ["request:asked"]


async def test_create__writes_nothing_after_the_lease_was_lost(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    job = await record(store)
    taken = await take_over(db, other, job)
    assert await create(store, job) is None
    assert await store.get("first") is None
    assert await tags(store) == []
    assert (await store.jobs.depth())["card"] == 0
    assert await other.jobs.still_leased(taken)
    assert await create(other, taken)
    assert await tags(store) == ["request:asked"]


async def test_create__writes_nothing_after_another_process_created_the_request(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    job = await record(store)
    taken = await take_over(db, other, job)
    assert await create(other, taken)
    assert await create(store, job) is None
    assert await tags(store) == ["request:asked"]
    assert (await store.jobs.depth())["card"] == 1


async def test_create__one_of_two_processes_with_the_same_command_succeeds(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    job = await record(store)
    taken = await take_over(db, other, job)
    cards = await asyncio.gather(create(store, job), create(other, taken))
    assert [bool(card) for card in cards] == [False, True]
    assert await tags(store) == ["request:asked"]


async def test_create__crash_after_the_commit_leaves_the_card_to_another_process(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    card = await create(store, await record(store))
    assert card
    db.clock.advance(LEASE_DURATION)
    (taken,) = await other.jobs.claim(10)
    assert (taken.id, taken.kind) == (card.id, JobKind.CARD)
    assert await tags(store) == ["request:asked"]


@pytest.mark.parametrize("key", ["same key", "another key"])
async def test_create__existing_request_completes_the_command_and_creates_nothing(
    store: RequestStore, key: str
) -> None:
    """A command whose job was deleted long ago may be replayed; its request must not be created twice."""
    request = examples.request(id="first", reference="FIRST", reason="laptop stolen")
    assert await store.create(request, ttl=TTL, key="same key", command_url=None)
    replayed = "second" if key == "same key" else "first"
    job = await store.record_command(replayed, key, PAYLOAD)
    assert job
    again = examples.request(id=replayed, reference="SECOND")
    assert await store.create(again, ttl=TTL, key=key, command_url=None, job=job) is None
    assert await store.jobs.is_done(job.id)
    assert await store.get("second") is None
    found = await store.get("first")
    assert found
    assert found.reason == "laptop stolen"
    assert await tags(store) == ["request:asked"]
    assert (await store.jobs.depth())["card"] == 1


async def test_create__failure_keeps_the_command(store: RequestStore, db: DatabaseHarness) -> None:
    job = await record(store)
    await db.run("ALTER TABLE audit RENAME TO away")
    with pytest.raises(db.database.driver.error, match="audit"):
        await create(store, job)
    await db.run("ALTER TABLE away RENAME TO audit")
    assert await store.get("first") is None
    assert await store.jobs.still_leased(job)
    assert await create(store, job)


async def test_create__reference_in_use_raises_and_keeps_the_command(store: RequestStore, db: DatabaseHarness) -> None:
    """The reference is random. The worker runs the command again, with another one."""
    await create_request(store, "earlier")
    job = await record(store)
    request = examples.request(id="first", reference="EARLIER")
    with pytest.raises(db.database.driver.error):
        await store.create(request, ttl=TTL, key="trigger", command_url=None, job=job)
    assert await store.get("first") is None
    assert await store.jobs.still_leased(job)


async def test_record_denial__completes_the_command_and_leases_the_reply(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    job = await record(store)
    reply = await store.record_denial(DENIAL, job=job, reply=REPLY)
    assert reply
    assert (reply.kind, reply.request_id, reply.payload, reply.attempts) == (JobKind.REPLY, "first", REPLY, 1)
    assert await store.jobs.is_done(job.id)
    assert await other.jobs.claim(10) == []
    ((event, _),) = await store.audit_events()
    assert (event.at, event.tag, event.detail) == (db.clock.now, EventType.REQUEST_DENIED, {"reason": "guest"})
    assert await store.get("first") is None


async def test_record_denial__writes_nothing_after_the_lease_was_lost(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    job = await record(store)
    taken = await take_over(db, other, job)
    assert await store.record_denial(DENIAL, job=job, reply=REPLY) is None
    assert await tags(store) == []
    assert (await store.jobs.depth())["reply"] == 0
    assert await other.record_denial(DENIAL, job=taken, reply=REPLY)
    assert await other.record_denial(DENIAL, job=taken, reply=REPLY) is None
    assert await tags(store) == ["request:ask_refused"]
    assert (await store.jobs.depth())["reply"] == 1


async def test_record_denial__crash_after_the_commit_leaves_the_reply_to_another_process(
    store: RequestStore, other: RequestStore, db: DatabaseHarness
) -> None:
    reply = await store.record_denial(DENIAL, job=await record(store), reply=REPLY)
    assert reply
    taken = await take_over(db, other, reply)
    assert (taken.kind, taken.payload, taken.attempts) == (JobKind.REPLY, REPLY, 2)
    assert await other.jobs.complete(taken)
    assert not any((await store.jobs.depth()).values())


async def test_record_denial__failure_keeps_the_command(store: RequestStore, db: DatabaseHarness) -> None:
    job = await record(store)
    await db.run("ALTER TABLE audit RENAME TO away")
    with pytest.raises(db.database.driver.error, match="audit"):
        await store.record_denial(DENIAL, job=job, reply=REPLY)
    await db.run("ALTER TABLE away RENAME TO audit")
    assert await store.jobs.still_leased(job)
    assert (await store.jobs.depth())["reply"] == 0
    assert await store.record_denial(DENIAL, job=job, reply=REPLY)


async def test_record_denial__click_renders_the_card_and_adds_a_reply(store: RequestStore, db: DatabaseHarness) -> None:
    _, card = await create_request(store)
    await store.jobs.complete(card)
    press = await click(store, by=BEN)
    url = "https://hooks.example.com/card"
    stale = AuditEvent(0.0, EventType.CLICK_STALE, BEN, "FIRST", "first")
    reply = await store.record_denial(stale, job=press, reply=REPLY, clicked=ResponseUrls(click=url))
    assert reply
    assert (reply.kind, reply.request_id) == (JobKind.REPLY, "first")
    assert (await store.snapshot("first")).urls.click == url
    assert await store.jobs.depth() == {
        "click": 0,
        "target": 0,
        "announcement": 0,
        "command": 0,
        "card": 1,
        "copy": 0,
        "reply": 1,
        "thread": 0,
        "reminder": 0,
        "affected": 0,
        "file": 0,
        "notice": 0,
        "bulk": 0,
        "watch": 0,
    }
    assert await tags(store) == ["request:asked", "click:stale"]
    assert await db.store("two#1").record_denial(stale, job=press, reply=REPLY) is None


async def test_complete_with_reply__adds_one_reply_and_no_audit_event(store: RequestStore, other: RequestStore) -> None:
    job = await record(store)
    assert await other.jobs.complete_with_reply(job, REPLY) is None
    reply = await store.jobs.complete_with_reply(job, REPLY)
    assert reply
    assert (reply.kind, reply.payload) == (JobKind.REPLY, REPLY)
    assert await store.jobs.complete_with_reply(job, REPLY) is None
    assert (await store.jobs.depth())["reply"] == 1
    assert await tags(store) == []
