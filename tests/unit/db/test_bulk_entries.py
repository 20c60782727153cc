from __future__ import annotations

from dataclasses import replace

from bot.db import bulk_entries
from bot.domain.bulk import BulkEntry, BulkSource, Finding, summarize
from bot.domain.people import Person
from bot.domain.seals import Seals
from tests.support.database import DatabaseHarness
from tests.support.examples import request

TOM = Person("11111111-1111-4111-8111-111111111111", "Tom", "tom@example.com", "Home", "inactive")
ENTRIES = [
    BulkEntry("tom@example.com", Finding.FOUND, TOM, "U1", protected=True),
    BulkEntry("tom@example.com", Finding.DUPLICATE),
    BulkEntry("eva", Finding.UNREADABLE),
]


async def test_create__stores_the_list_and_its_summary(db: DatabaseHarness) -> None:
    store = db.store()
    bulk = request(target=None, bulk=summarize(BulkSource.LIST, ENTRIES))
    assert await store.create(bulk, ttl=900, key="key", command_url=None, entries=ENTRIES)

    stored = await store.get(bulk.id)
    rows = await store.database.read(
        lambda tx: tx.fetch(bulk_entries.PAGE, request_id=bulk.id, after=-1, limit=10),
    )
    assert stored is not None
    assert stored.bulk == bulk.bulk
    assert store.seals.is_intact(stored)
    assert [bulk_entries.entry_from_row(row) for row in rows] == ENTRIES
    assert await store.database.read(lambda tx: bulk_entries.found(tx, bulk.id)) == {0: TOM.id}


def test_seal__covers_the_list() -> None:
    summary = summarize(BulkSource.LIST, ENTRIES)
    sealed = Seals(b"key").seal(request(target=None, bulk=summary))
    changed = replace(sealed, bulk=replace(summary, digest="other"))
    assert Seals(b"key").is_intact(sealed)
    assert not Seals(b"key").is_intact(changed)
    assert not Seals(b"key").is_intact(replace(sealed, bulk=None))
