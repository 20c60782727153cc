"""One message for each requester mentions the approvers in five minutes, on both databases."""

from __future__ import annotations

import asyncio

from bot.db import pings
from bot.db.pings import PING_INTERVAL
from bot.db.requests import RequestStore
from tests.support.database import DatabaseHarness, create_request
from tests.support.examples import BEN, RAVI


async def take(db: DatabaseHarness, message: str, requester: str = RAVI) -> bool:
    return await db.database.write(lambda tx: pings.take(tx, requester, message))


async def test_take__one_message_for_each_requester_in_five_minutes(db: DatabaseHarness) -> None:
    assert await take(db, "card:first")
    assert not await take(db, "card:second")
    assert await take(db, "card:third", BEN)
    db.clock.advance(PING_INTERVAL - 1)
    assert not await take(db, "card:fourth")
    db.clock.advance(1)
    assert await take(db, "reminder:first")
    assert not await take(db, "card:fifth")


async def test_take__a_repeated_attempt_has_the_same_answer(db: DatabaseHarness) -> None:
    for _ in range(3):
        assert await take(db, "card:first")
        assert not await take(db, "card:second")


async def test_take__of_several_replicas_is_granted_once(db: DatabaseHarness) -> None:
    assert sum(await asyncio.gather(*(take(db, f"card:{number}") for number in range(10)))) == 1


async def test_create__stores_whether_the_card_mentions_the_approvers(db: DatabaseHarness) -> None:
    store: RequestStore = db.store()
    jobs = [(await create_request(store, name, ping=name != "silent"))[1] for name in ("silent", "first", "second")]
    assert [job.payload for job in jobs] == [{}, {"ping": True}, {}]


async def test_delete_expired_rows__forgets_what_limits_no_one(db: DatabaseHarness) -> None:
    await take(db, "card:first")
    await db.store().delete_expired_rows()
    assert len(await db.rows("SELECT requester FROM pings")) == 1
    db.clock.advance(PING_INTERVAL)
    await db.store().delete_expired_rows()
    assert await db.rows("SELECT requester FROM pings") == []
