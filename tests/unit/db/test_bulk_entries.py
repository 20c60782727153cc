from __future__ import annotations

from dataclasses import replace

import pytest

from bot.db import bulk_entries
from bot.domain.bulk import BulkEntry, BulkSource, EntryFinding, summarize
from bot.domain.people import Person
from bot.domain.seals import Seals
from tests.support.database import DatabaseHarness
from tests.support.examples import request

TOM = Person("11111111-1111-4111-8111-111111111111", "Tom", "tom@example.com", "Home", "inactive")
ENTRIES = [
    BulkEntry("tom@example.com", EntryFinding.FOUND, TOM, "U1", protected=True),
    BulkEntry("tom@example.com", EntryFinding.DUPLICATE),
    BulkEntry("eva", EntryFinding.UNREADABLE),
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


@pytest.mark.parametrize(
    ("listed", "confirmed"),
    [
        ("Tom@Example.com", "tom@example.com"),
        ("\u00dcNAL@example.com", "\u00fcnal@example.com"),
        ("tom@b\u00fccher.example", "tom@xn--bcher-kva.example"),
    ],
    ids=["capitals", "capitals outside ASCII", "Punycode"],
)
async def test_names__compares_addresses_in_every_spelling(db: DatabaseHarness, listed: str, confirmed: str) -> None:
    store = db.store()
    entries = [BulkEntry(listed, EntryFinding.FOUND, replace(TOM, email=listed), "U1")]
    bulk = request(target=None, bulk=summarize(BulkSource.LIST, entries))
    assert await store.create(bulk, ttl=900, key="key", command_url=None, entries=entries)

    async def names(member: str, email: str | None) -> bool:
        return await store.database.read(lambda tx: bulk_entries.names(tx, bulk.id, [member], email))

    assert await names("U2", confirmed)
    assert await names("U1", None)
    assert not await names("U2", "other@example.com")
    assert not await names("U2", None)
