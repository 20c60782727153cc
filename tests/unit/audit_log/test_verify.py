"""`audit verify` on both databases: what it accepts, and each manipulation that it finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.audit_log.verify import KEY_UNUSED, NO_CHECKPOINT, NO_ROWS, Report, verify
from bot.db import audit, audit_pages
from bot.db.clicks import ClickStore
from bot.db.executions import ExecutionStore
from bot.db.jobs import JobKind
from bot.db.requests import RequestStore
from bot.domain.audit_chain import AuditChain, Checkpoint
from bot.domain.requests import Event
from tests.support.database import DatabaseHarness, approve, click, create_request, stored
from tests.support.examples import BEN, OLIVIA, RAVI, SEALS

KEY = AuditChain("the key of these tests")
NO_KEY = AuditChain()


@pytest.fixture(params=[NO_KEY, KEY], ids=["no key", "key"])
def chain(request: pytest.FixtureRequest) -> AuditChain:
    found: AuditChain = request.param
    return found


@pytest.fixture
def store(db: DatabaseHarness, chain: AuditChain) -> RequestStore:
    return RequestStore(db.database, db.jobs(), SEALS, chain)


async def fill(store: RequestStore) -> Checkpoint:
    """Make requests that end in several ways; return the checkpoint after them."""
    await create_request(store, "pending", approvals_required=2)
    added = await click(store, "pending", BEN)
    await ClickStore(store).apply(await stored(store, "pending"), Event.ADD_APPROVAL, job=added, by=BEN)
    await create_request(store, "cancelled")
    cancelling = await click(store, "cancelled", RAVI)
    await ClickStore(store).apply(await stored(store, "cancelled"), Event.CANCEL, job=cancelling, by=RAVI)
    await create_request(store, "revoked")
    _, work = await approve(store, "revoked", OLIVIA)
    await ExecutionStore(store).finish(work, Event.SUCCEED, outcome={"status": 200}, notify=[])
    found = await store.audit_checkpoint()
    assert found
    return found


async def report(db: DatabaseHarness, chain: AuditChain, *checkpoints: Checkpoint) -> Report:
    return await verify(db.database, key=chain, checkpoints=checkpoints)


async def test_unchanged_log__is_ok(db: DatabaseHarness, store: RequestStore, chain: AuditChain) -> None:
    head = await fill(store)
    found = await report(db, chain, head)
    assert (found.line, found.notes) == (f"ok: 7 rows, head {head}", [])


async def test_ok__says_what_it_does_not_cover(db: DatabaseHarness, store: RequestStore, chain: AuditChain) -> None:
    assert (await report(db, chain)).problem == NO_ROWS
    head = await fill(store)
    await create_request(store, "later")
    assert (await report(db, chain)).notes == [NO_CHECKPOINT]
    assert (await report(db, chain, head)).notes == ["note: the last 1 rows are newer than every checkpoint at hand"]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit SET actor = 'U0SOMEBODY' WHERE number = 3", "row 3 does not fit"),
        ("UPDATE audit SET detail = '{' WHERE number = 3", "row 3 does not fit"),
        ("UPDATE audit SET number = 9 WHERE number = 3", "row 3 has another number"),
        ("DELETE FROM audit WHERE number = 3", "row 3 "),
        ("DELETE FROM audit WHERE number > 5", "checkpoint 7:"),
        ("DELETE FROM audit", "checkpoint 7:"),
        ("UPDATE requests SET state = 'pending' WHERE id = 'revoked'", "request REVOKED does not fit: its state"),
        ("UPDATE requests SET state = 'revoked' WHERE id = 'pending'", "request PENDING does not fit: its state"),
        ("UPDATE requests SET needed = 2 WHERE id = 'revoked'", "request REVOKED does not fit: it is approved without"),
    ],
)
async def test_manipulation__is_found(
    db: DatabaseHarness, store: RequestStore, chain: AuditChain, statement: str, problem: str
) -> None:
    head = await fill(store)
    await db.run(statement)
    found = await report(db, chain, head)
    assert found.line.startswith(problem)
    assert found.head is None or "request" in problem


async def test_checkpoints__with_one_number_and_two_hashes_cannot_both_fit(
    db: DatabaseHarness, store: RequestStore, chain: AuditChain
) -> None:
    head = await fill(store)
    other = Checkpoint(head.number, "0" * 16)
    for both in ((head, other), (other, head)):
        assert (await report(db, chain, *both)).line == f"checkpoint {other} is different: row 7 is now {head}"


async def test_request__that_only_the_log_knows_is_found(
    db: DatabaseHarness, store: RequestStore, chain: AuditChain
) -> None:
    await fill(store)
    await db.run("DELETE FROM items WHERE request_id = 'cancelled'")
    await db.run("DELETE FROM requests WHERE id = 'cancelled'")
    assert (await report(db, chain)).line.startswith("request cancelled does not fit: the log speaks of it")


async def test_execution__without_an_approval_is_found(
    db: DatabaseHarness, store: RequestStore, chain: AuditChain
) -> None:
    """Who can write to the database stores an approved state and its job; the seals prevent the DELETE."""
    await fill(store)
    await create_request(store, "forged")
    await db.run("UPDATE requests SET state = 'approved', approved_at = created_at WHERE id = 'forged'")
    work = await db.database.write(
        lambda tx: store.jobs.add_leased(
            tx, JobKind.EXECUTE, "forged", "forged:0", {"place": 0, "clicked_at": db.clock.now}
        )
    )
    assert work
    await ExecutionStore(store).finish(work, Event.SUCCEED, outcome={}, notify=[])
    assert (await report(db, chain)).line == "request FORGED does not fit: it was executed without an approval before"


async def test_rewritten_log__is_found_with_the_key_or_a_checkpoint(
    db: DatabaseHarness, store: RequestStore, chain: AuditChain
) -> None:
    head = await fill(store)
    events = [event for event, _ in await store.audit_events()]
    await db.run("DELETE FROM audit")
    forged = [replace(event, actor=BEN) if event.actor == OLIVIA else event for event in events]
    for event in forged:  # with the numbers and hashes of a version without a key
        await db.database.write(lambda tx, event=event: audit.append(tx, event, NO_KEY))  # type: ignore[misc]
    found = await report(db, chain, head)
    if chain.is_keyed:
        assert (await report(db, chain)).line == KEY_UNUSED
        assert found.problem
    else:
        assert (await report(db, chain)).problem is None
        assert found.line.startswith(f"checkpoint {head} is different: row 7 is now 7:")


async def test_key__that_is_unknown_or_missing_is_named(db: DatabaseHarness) -> None:
    await fill(RequestStore(db.database, db.jobs(), SEALS, KEY))
    other = AuditChain("another key")
    assert KEY.scheme in (await report(db, other)).line
    assert KEY.scheme in (await report(db, NO_KEY)).line
    assert (await verify(db.database, key=NO_KEY, earlier_keys=[KEY])).problem is None


async def test_key__can_be_changed_and_the_change_is_a_row(db: DatabaseHarness) -> None:
    new = AuditChain("the next key")
    await fill(RequestStore(db.database, db.jobs(), SEALS, NO_KEY))
    await create_request(RequestStore(db.database, db.jobs(), SEALS, KEY), "second")
    store = RequestStore(db.database, db.jobs(), SEALS, new)
    await create_request(store, "third")
    changes = [event.detail for event, _ in await store.audit_events() if event.tag == "log:key_changed"]
    assert changes == [{"from": "sha256", "to": KEY.scheme}, {"from": KEY.scheme, "to": new.scheme}]
    assert (await verify(db.database, key=new, earlier_keys=[KEY])).problem is None
    assert KEY.scheme in (await report(db, new)).line


async def test_verify__reads_in_pages_and_reports_progress(
    db: DatabaseHarness, store: RequestStore, chain: AuditChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store)
    whole = await report(db, chain)
    monkeypatch.setattr(audit_pages, "PAGE_SIZE", 2)
    assert (await report(db, chain)).line == whole.line
    await db.run("UPDATE requests SET state = 'pending' WHERE id = 'revoked'")
    assert (await report(db, chain)).line.startswith("request REVOKED")
