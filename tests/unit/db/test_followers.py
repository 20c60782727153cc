"""Followers of open requests on both databases: one transaction decides, and replicas agree."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.db.cards import CardStore
from bot.db.clicks import ClickStore
from bot.db.executions import ExecutionStore
from bot.db.expiry import ExpiryStore
from bot.db.followers import Followed, FollowerStore
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.domain.audit import EventType
from bot.domain.denials import DenialCode, Denied
from bot.domain.people import Person
from bot.domain.requests import CardCopy, Event, Follower, MessageRef, Request, State
from bot.errors import StaleRequest
from tests.support import examples
from tests.support.database import TTL, DatabaseHarness, approve, click, create_request, stored, tags
from tests.support.examples import BEN, OLIVIA, RAVI, SEALS

OTHER = Person(id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e01", name="Olivia Ortega")
REPLY = {"user_id": OLIVIA, "response_url": None, "code": "request_followed", "params": {"own": False}}
FOLLOWER = Follower(OLIVIA, "phished", "C0OPS00001", "C0OTHER001")


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


def anything(_request: Request) -> bool:
    return True


async def command(store: RequestStore, key: str = "again") -> Job:
    job = await store.record_command(f"request of {key}", key, {"action": "revoke"})
    assert job
    return job


async def followed(store: RequestStore, follower: Follower = FOLLOWER, key: str = "again") -> Followed:
    job = await command(store, key)
    found = await FollowerStore(store).follow(await stored(store), follower, ttl=TTL, job=job, reply=REPLY)
    assert found
    return found


def create(store: RequestStore, name: str, **options: Any) -> Any:
    """Create a request about the same person as `first`."""
    request = examples.request(id=name, reference=name.upper(), requester=options.pop("requester", RAVI))
    usual: dict[str, Any] = {"ttl": TTL, "key": name, "command_url": None, "unless_open": anything}
    return store.create(request, **usual | options)


async def found_for(store: RequestStore, **changes: Any) -> Request | None:
    return await FollowerStore(store).find_open(examples.request(**changes), anything)


async def test_follow__extends_the_expiry_and_stores_follower_copy_reply_and_audit_event(
    store: RequestStore, db: DatabaseHarness
) -> None:
    before, card = await create_request(store)
    await CardStore(store).mark_posted(card, MessageRef("C0OPS00001", "1.2"))
    db.clock.advance(600)

    found = await followed(store)

    now = await stored(store)
    assert found.request == now
    assert (now.followers, now.revision) == ((FOLLOWER,), before.revision + 1)
    assert now.copies == (CardCopy("C0OTHER001", MessageRef("C0OTHER001")),)
    assert now.expires_at == db.clock.now + TTL
    assert SEALS.is_intact(now)
    expected = REPLY | {"params": {"own": False, "extended": True}}
    assert (found.reply.kind, found.reply.request_id, found.reply.payload) == (JobKind.REPLY, "first", expected)
    assert sorted(job.kind for job in await store.jobs.claim(9)) == [JobKind.CARD, JobKind.COPY]
    events = [event for event, _ in await store.audit_events("first") if event.tag is EventType.FOLLOWED]
    assert [(event.actor, event.detail["reason"]) for event in events] == [(OLIVIA, "phished")]


async def test_follow__makes_a_click_on_the_earlier_revision_stale(store: RequestStore) -> None:
    before, _ = await create_request(store)
    press = await click(store, by=BEN)
    await followed(store)

    with pytest.raises(StaleRequest):
        await ClickStore(store).apply(before, Event.APPROVE, job=press, by=BEN)

    await ClickStore(store).apply(await stored(store), Event.APPROVE, job=press, by=BEN)
    assert (await stored(store)).state is State.APPROVED


async def test_follow__of_an_ended_or_changed_request_is_stale_and_keeps_the_command(store: RequestStore) -> None:
    before, _ = await create_request(store)
    await ClickStore(store).apply(before, Event.CANCEL, job=await click(store), by=RAVI)
    job = await command(store)

    for request in (before, await stored(store)):
        with pytest.raises(StaleRequest):
            await FollowerStore(store).follow(request, FOLLOWER, ttl=TTL, job=job, reply=REPLY)

    assert await store.jobs.still_leased(job)
    assert (await stored(store)).followers == ()


async def test_follow__with_a_lost_lease_changes_nothing(store: RequestStore) -> None:
    await create_request(store)
    job = await command(store)
    await store.jobs.complete(job)

    assert await FollowerStore(store).follow(await stored(store), FOLLOWER, ttl=TTL, job=job, reply=REPLY) is None
    assert await tags(store) == ["request:asked"]


async def test_follow__of_an_approved_request_changes_no_expiry(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store)
    before, _ = await approve(store)
    db.clock.advance(5)

    found = await followed(store)

    now = await stored(store)
    assert (now.expires_at, now.seal, now.followers) == (before.expires_at, before.seal, (FOLLOWER,))
    assert found.reply.payload["params"] == {"own": False, "extended": False}


async def test_end__notifies_followers_who_see_no_card_whenever_they_followed(store: RequestStore) -> None:
    await create_request(store)
    await followed(store)
    _, execution = await approve(store)
    await followed(store, Follower(BEN, place=BEN, requested_in="D1"), "ben")

    finished = await ExecutionStore(store).finish(execution, Event.SUCCEED, outcome={}, notify=[OLIVIA])

    assert finished
    notices = [job.payload["channel"] for job in finished[1] if job.kind is JobKind.NOTICE]
    assert notices == [OLIVIA]


async def test_expire__notifies_followers(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store)
    await followed(store)
    db.clock.advance(TTL)

    await ExpiryStore(store).expire_due(lambda _request: ())

    assert [job.payload["channel"] for job in await store.jobs.claim(9) if job.kind is JobKind.NOTICE] == [OLIVIA]


async def test_withdraw__leaves_a_request_that_has_a_copy(store: RequestStore) -> None:
    _, card = await create_request(store)
    await followed(store)

    assert await CardStore(store).withdraw(card, problem="not_in_channel", notify=()) is None
    assert (await stored(store)).state is State.PENDING


async def test_mark_copy__stores_the_place_and_a_later_transition_keeps_it(store: RequestStore) -> None:
    before, _ = await create_request(store)
    await followed(store)
    before = await stored(store)
    (copy,) = [job for job in await store.jobs.claim(9) if job.kind is JobKind.COPY]
    posted = MessageRef("C0OTHER001", "7.8")

    assert await FollowerStore(store).mark_copy(copy, "C0OTHER001", posted)
    moved, work = await ClickStore(store).apply(before, Event.CANCEL, job=await click(store), by=BEN)

    assert moved.copies == (await stored(store)).copies == (CardCopy("C0OTHER001", posted),)
    assert [job.snapshot.request for job in work if job.kind is JobKind.COPY and job.snapshot] == [moved]


async def test_mark_copy__without_a_message_forgets_it_and_notifies_its_followers(store: RequestStore) -> None:
    await create_request(store)
    await followed(store, FOLLOWER._replace(requested_in="C0OTHER001"))
    (copy,) = [job for job in await store.jobs.claim(9) if job.kind is JobKind.COPY]
    assert (await stored(store)).followers[0].sees_card

    await FollowerStore(store).mark_copy(copy, "C0OTHER001", None)

    now = await stored(store)
    assert (now.copies, now.followers[0].place, now.followers[0].sees_card) == ((), "", False)


async def test_create__with_an_open_request_for_the_target_is_stale(store: RequestStore) -> None:
    await create_request(store)

    with pytest.raises(StaleRequest):
        await create(store, "second")
    assert await create(store, "second", unless_open=lambda _request: False)


async def test_find_open__only_the_same_target_and_action(store: RequestStore) -> None:
    await create_request(store)
    await create_request(store, "rotation", action="rotate", target=None, target_slack_id=None)

    for changes, name in (
        ({}, "first"), ({"target": OTHER}, None), ({"action": "other"}, None),
        ({"action": "rotate", "target": None}, "rotation"),
    ):  # fmt: skip
        found = await found_for(store, **changes)
        assert (found and found.id) == name


async def test_find_open__neither_ended_nor_overdue_ones(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store)
    db.clock.advance(TTL - 1)
    assert await found_for(store)
    db.clock.advance(1)
    assert await found_for(store) is None


async def test_find_open__approved_ones_whatever_their_expiry(store: RequestStore, db: DatabaseHarness) -> None:
    await create_request(store)
    _, execution = await approve(store)
    db.clock.advance(2 * TTL)
    assert await found_for(store)
    await ExecutionStore(store).finish(execution, Event.FAIL, outcome={}, notify=())
    assert await found_for(store) is None


@pytest.mark.parametrize(
    "change",
    ["state = 'snoozed'", "kind = 'bulk'", "rules = '{\"weather\":1}'", "followers = '[1]'", "reason = 'altered'"],
)
async def test_find_open__leaves_out_what_it_cannot_read_or_trust(
    store: RequestStore, db: DatabaseHarness, change: str
) -> None:
    await create_request(store)
    await db.run(f"UPDATE requests SET {change}")  # noqa: S608 - from the list above

    assert await found_for(store) is None
    assert await create(store, "second")


async def test_max_open__counts_what_the_requester_made_and_is_open(store: RequestStore, db: DatabaseHarness) -> None:
    for name in ("first", "second"):
        await create_request(store, name)
    options = {"unless_open": None, "max_open": 2}
    with pytest.raises(Denied) as raised:
        await create(store, "third", **options)
    assert (raised.value.reason, raised.value.params) == (DenialCode.TOO_MANY_OPEN_REQUESTS, {"limit": "2"})
    assert await create(store, "by ben", requester=BEN, **options)

    db.clock.advance(TTL)
    assert await create(store, "later", **options)


async def test_replicas__that_ask_at_once_make_one_request(db: DatabaseHarness) -> None:
    stores = [db.store(f"{number}#1") for number in range(3)]
    results = await asyncio.gather(
        *(create(store, str(number)) for number, store in enumerate(stores)), return_exceptions=True
    )

    assert sum(isinstance(one, Job) for one in results) == 1
    assert sum(isinstance(one, StaleRequest) for one in results) == 2
    assert await tags(stores[0]) == ["request:asked"]


async def test_replicas__that_follow_at_once_are_both_kept(db: DatabaseHarness) -> None:
    one, two = db.store("one#1"), db.store("two#1")
    before, _ = await create_request(one)
    jobs = [await command(one, "one"), await command(two, "two")]
    following = [
        FollowerStore(store).follow(before, Follower(user), ttl=TTL, job=job, reply=REPLY)
        for store, user, job in zip((one, two), (OLIVIA, BEN), jobs, strict=True)
    ]
    results = await asyncio.gather(*following, return_exceptions=True)

    assert sum(isinstance(one, StaleRequest) for one in results) == 1  # it reads again, and follows then
    assert len((await stored(one)).followers) == 1
