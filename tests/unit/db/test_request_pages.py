"""Pages of requests, on both databases."""

from __future__ import annotations

import pytest

from bot.db.clicks import ClickStore
from bot.db.executions import ExecutionStore
from bot.db.request_pages import RequestPages
from bot.db.requests import RequestStore
from bot.domain.actions import ACTIONS
from bot.domain.pages import NEWEST, PAGE_SIZE, RequestFilter
from bot.domain.requests import Event, Request
from tests.support.database import DatabaseHarness, approve, click, create_request, stored
from tests.support.examples import BEN, OLIVIA, RAVI, TOM, TOM_IN_GENESYS

FILTERS = [
    RequestFilter(),
    RequestFilter(reference="SECOND"),
    RequestFilter(reference="NO-SUCH"),
    *(RequestFilter(slack_ids=frozenset({one})) for one in (RAVI, TOM, BEN, OLIVIA, "U0NADIA001")),
    RequestFilter(slack_ids=frozenset({TOM, BEN}), email="nadia@example.com"),
    RequestFilter(email="TOM.target@example.com"),
    RequestFilter(genesys_user_id=TOM_IN_GENESYS.id),
    RequestFilter(genesys_user_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e01"),
]


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return db.store()


@pytest.fixture
def pages(db: DatabaseHarness) -> RequestPages:
    return RequestPages(db.database, ACTIONS)


async def cancel(store: RequestStore, name: str, by: str = RAVI) -> Request:
    job = await click(store, name, by)
    moved, _ = await ClickStore(store).apply(await stored(store, name), Event.CANCEL, job=job, by=by)
    return moved


async def execute(store: RequestStore, name: str) -> None:
    _, work = await approve(store, name, OLIVIA)
    await ExecutionStore(store).finish(work, Event.SUCCEED, outcome={}, notify=[])


async def test_open__returns_pending_and_approved_requests_newest_first(
    store: RequestStore, pages: RequestPages, db: DatabaseHarness
) -> None:
    for name in ("first", "second", "third"):
        await create_request(store, name)
        db.clock.advance(1)
    await approve(store, "first")
    await cancel(store, "second")
    assert [one.id for one in await pages.open()] == ["third", "first"]


@pytest.mark.parametrize("wanted", FILTERS)
async def test_finished__applies_the_filter_as_the_domain_does(
    store: RequestStore, pages: RequestPages, db: DatabaseHarness, wanted: RequestFilter
) -> None:
    await create_request(store, "first")
    await create_request(store, "second", target=None, target_slack_id=None, action="rotate", requester=BEN)
    await create_request(store, "third", target_slack_id=None, requester=OLIVIA)
    await create_request(store, "open")
    await cancel(store, "first", BEN)
    db.clock.advance(1)
    await execute(store, "second")
    db.clock.advance(1)
    await cancel(store, "third", OLIVIA)

    ended = [await stored(store, name) for name in ("third", "second", "first")]
    found = await pages.finished(wanted, NEWEST)
    assert list(found.requests) == [one for one in ended if wanted.matches(one)]


async def test_finished__pages_by_time_and_id(store: RequestStore, pages: RequestPages) -> None:
    names = [f"r{number:02}" for number in range(PAGE_SIZE + 3)]
    for name in names:  # all at the same time
        await create_request(store, name)
        await cancel(store, name)

    first = await pages.finished(RequestFilter(), NEWEST)
    assert [one.id for one in first.requests] == names[: -PAGE_SIZE - 1 : -1]
    assert first.newer is None
    assert first.older
    second = await pages.finished(RequestFilter(), first.older)
    assert [one.id for one in second.requests] == names[2::-1]
    assert second.older is None
    assert second.newer
    assert await pages.finished(RequestFilter(), second.newer) == first


async def test_pages__leave_out_what_another_version_wrote(
    store: RequestStore, pages: RequestPages, db: DatabaseHarness
) -> None:
    for name in ("first", "second", "third", "open"):
        await create_request(store, name)
    for name in ("first", "second", "third"):
        await cancel(store, name)
    await db.run("UPDATE requests SET state = 'paused' WHERE id = 'first'")
    await db.run("UPDATE requests SET kind = 'freeze' WHERE id IN ('second', 'open')")
    assert [one.id for one in (await pages.finished(RequestFilter(), NEWEST)).requests] == ["third"]
    assert await pages.open() == []
