"""The erasure of a person on both databases: nothing about them is left, and the log is still valid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.audit_log.verify import verify
from bot.db import erasure as erasing
from bot.db.clicks import ClickStore
from bot.db.erasure import erase, find
from bot.db.executions import ExecutionStore
from bot.db.requests import RequestStore
from bot.domain.audit import EventType
from bot.domain.audit_chain import ERASED, AuditChain, earlier_hash, first_invalid
from bot.domain.erasure import Erasure
from bot.domain.requests import Event, State
from tests.support.database import DatabaseHarness, approve, click, create_request, stored
from tests.support.examples import BEN, OLIVIA, RAVI, SEALS, TOM, TOM_IN_GENESYS

NAME = "erased-1a2b3c4d"
TOM_IDS = frozenset({TOM_IN_GENESYS.id, TOM})
TABLES = ("requests", "items", "audit", "bulk_entries", "bulk_runs", "jobs", "pings", "metadata")
KEY = AuditChain("the key of these tests")


@pytest.fixture
def store(db: DatabaseHarness) -> RequestStore:
    return RequestStore(db.database, db.jobs(), SEALS, KEY)


async def fill(store: RequestStore) -> None:
    """Revoke Tom's sessions with two approvals, decline a request by Olivia, and leave one of them open."""
    await create_request(store, "first", reason="Tom left us", approvals_required=2, target_slack_id=TOM)
    added = await click(store, "first", BEN)
    await ClickStore(store).apply(await stored(store, "first"), Event.ADD_APPROVAL, job=added, by=BEN)
    _, work = await approve(store, "first", OLIVIA)
    await ExecutionStore(store).finish(
        work, Event.SUCCEED, outcome={"status": 200, "live": {"presence": "busy"}}, notify=[]
    )
    person = replace(TOM_IN_GENESYS, id="00000000-aaaa-4aaa-8aaa-000000000000", name="Una", email="una@example.com")
    await create_request(store, "declined", target=person, target_slack_id=None, requester=OLIVIA)
    declining = await click(store, "declined", RAVI)
    before = replace(await stored(store, "declined"), outcome={"reason": "as Tom said"})
    await ClickStore(store).apply(before, Event.DECLINE, job=declining, by=RAVI)


async def erase_person(db: DatabaseHarness, ids: frozenset[str], name: str = NAME) -> erasing.Findings:
    found = await find(db.database, ids)
    await erase(db.database, Erasure(ids, name), found, KEY)
    return found


async def everything(db: DatabaseHarness) -> str:
    rows = [row for table in TABLES for row in await db.rows(f"SELECT * FROM {table}")]  # noqa: S608
    return "\n".join(map(str, rows))


async def test_target__is_nowhere_and_the_log_is_valid(db: DatabaseHarness, store: RequestStore) -> None:
    await fill(store)
    await db.run("DELETE FROM jobs")  # the bot deletes them after half an hour
    head = await store.audit_checkpoint()
    assert head
    found = await erase_person(db, TOM_IDS)
    left = await everything(db)
    for text in (*TOM_IDS, TOM_IN_GENESYS.name, TOM_IN_GENESYS.email, "Tom left us", "busy"):
        assert text
        assert text not in left
    report = await verify(db.database, key=KEY, checkpoints=[head])
    assert report.line.startswith("ok: 7 rows")
    assert report.notes == [
        f"note: personal data was erased from {len(found.rows)} rows",
        "note: the last 1 rows are newer than every checkpoint at hand",
    ]
    request = await stored(store, "first")
    assert request.state is State.REVOKED
    assert request.target
    assert (request.target.id, request.target.name, request.reason) == (NAME, NAME, ERASED)
    assert request.approvals == (BEN, OLIVIA)
    assert (await stored(store, "declined")).outcome == {"reason": "as Tom said"}


async def test_row_about_the_erasure__lists_each_row_once(db: DatabaseHarness, store: RequestStore) -> None:
    await fill(store)
    await erase_person(db, TOM_IDS)
    event, _ = (await store.audit_events())[-1]
    assert (event.tag, event.actor, event.detail["person"]) == (EventType.ERASED, "operator", NAME)
    assert [number for number, _ in event.detail["rows"]] == [1, 2, 3, 4]
    assert (await erase_person(db, TOM_IDS, "erased-2")).rows == []
    assert len(await store.audit_events()) == 7


async def test_approvers__are_still_counted_after_their_erasure(db: DatabaseHarness, store: RequestStore) -> None:
    await fill(store)
    await db.run("DELETE FROM jobs")
    for number, one in enumerate((BEN, OLIVIA, RAVI)):
        await erase_person(db, frozenset({one}), f"erased-{number}")
    left = await everything(db)
    assert not any(one in left for one in (BEN, OLIVIA, RAVI, "as Tom said"))
    assert (await verify(db.database, key=KEY)).line.startswith("ok: 9 rows")
    assert (await stored(store, "first")).approvals == ("erased-0", "erased-1")


async def test_open_request__is_left_out_and_named(db: DatabaseHarness, store: RequestStore) -> None:
    await create_request(store, "open", target_slack_id=TOM)
    before = await stored(store, "open")
    found = await erase_person(db, TOM_IDS)
    assert (found.open, found.rows) == (["OPEN"], [])
    assert await stored(store, "open") == before
    await approve(store, "open", OLIVIA)
    assert store.seals.is_intact(await stored(store, "open"))


async def test_further_ids__of_the_person_are_named(db: DatabaseHarness, store: RequestStore) -> None:
    await fill(store)
    assert (await find(db.database, [TOM_IN_GENESYS.id])).linked == [TOM]
    assert (await find(db.database, [BEN])).linked == []


async def test_settings__keep_the_rules_without_the_person(db: DatabaseHarness, store: RequestStore) -> None:
    await store.record_settings({"rules": {"approvers": [BEN, OLIVIA]}, "request_ttl": 900})
    await erase_person(db, frozenset({BEN}))
    event, _ = (await store.audit_events())[0]
    assert event.detail == {"rules": {"approvers": [NAME, OLIVIA]}, "request_ttl": 900}


async def test_bulk_entry__is_erased(db: DatabaseHarness, store: RequestStore) -> None:
    await fill(store)
    await db.run(
        "INSERT INTO bulk_entries (request_id, place, text, finding, target_id, name, email, member, protected) "
        "VALUES ('declined', 0, 'tom@example.com', 'found', :target, 'Tom', 'tom@example.com', :member, 0)",
        target=TOM_IN_GENESYS.id, member=TOM,
    )  # fmt: skip
    await erase_person(db, TOM_IDS)
    (row,) = await db.rows("SELECT * FROM bulk_entries")
    assert (row.text, row.target_id, row.name, row.email, row.member) == (NAME, NAME, NAME, None, None)


async def test_rows_of_earlier_versions__are_erased_too(db: DatabaseHarness, store: RequestStore) -> None:
    """Neither a number nor a salt, and a hash of another form."""
    await fill(store)
    last = "0" * 64
    for number, (event, _) in enumerate(await store.audit_events(), start=1):
        last = earlier_hash(replace(event, salt=None), last)
        await db.run("UPDATE audit SET hash = :hash, salt = NULL, number = NULL WHERE number = :n", hash=last, n=number)
    assert first_invalid(await store.audit_events(), KEY) is None
    await erase_person(db, TOM_IDS)
    assert first_invalid(await store.audit_events(), KEY) is None
    assert (await verify(db.database, key=KEY)).line.startswith("ok: ")


async def test_erasure__in_several_transactions_is_valid(
    db: DatabaseHarness, store: RequestStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store)
    monkeypatch.setattr(erasing, "BATCH", 1)
    found = await erase_person(db, TOM_IDS)
    tags = [event.tag for event, _ in await store.audit_events()]
    assert tags.count(EventType.ERASED) == len(found.rows) == 4
    assert (await verify(db.database, key=KEY)).line.startswith("ok: 10 rows")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'U0SOMEBODY' WHERE number = 2",
        "UPDATE audit SET detail = '{}' WHERE number = 1",
        "UPDATE audit SET tag = 'request:cancelled' WHERE number = 2",
        "UPDATE audit SET at = at + 1 WHERE number = 2",
        "UPDATE audit SET salt = NULL WHERE number = 2",
        "UPDATE audit SET salt = 'erased' WHERE number = 5",
        "UPDATE audit SET salt = 'erased', actor = 'U0SOMEBODY' WHERE number = 5",
        "UPDATE audit SET salt = 'erased', detail = '{}' WHERE number = 7",
        "UPDATE audit SET salt = NULL WHERE number = 6",
        "DELETE FROM audit WHERE number = 7",
        "DELETE FROM audit WHERE number = 2",
    ],
)
async def test_change__that_looks_like_an_erasure_is_found(
    db: DatabaseHarness, store: RequestStore, statement: str
) -> None:
    await fill(store)
    await erase_person(db, TOM_IDS)
    head = await store.audit_checkpoint()
    assert head
    await db.run(statement)
    assert (await verify(db.database, key=KEY, checkpoints=[head])).problem
    assert first_invalid(await store.audit_events(), KEY) is not None


async def test_hash__of_an_erased_row_does_not_help_to_guess(db: DatabaseHarness, store: RequestStore) -> None:
    """Two rows that say the same have different hashes because of their salts, which an erasure removes."""
    await fill(store)
    salts = [row.salt for row in await db.rows("SELECT salt FROM audit ORDER BY number")]
    assert len(set(salts)) == len(salts)
    assert all(len(salt) == 32 for salt in salts)
    await erase_person(db, TOM_IDS)
    left = await everything(db)
    assert not any(salt in left for salt in salts[:3])
