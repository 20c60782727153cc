"""SQL on what the database has about a person, to find and to erase it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from bot.db import audit
from bot.db.driver import Row
from bot.db.engine import Database
from bot.db.rows import audit_event_from_row, audit_event_to_row
from bot.db.transaction import Transaction
from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import ERASED, AuditChain, erased_digest
from bot.domain.erasure import Erasure

BATCH = 500
"""Rows of one transaction, because the bot waits for it."""

FINISHED = "requests.state NOT IN ('pending', 'approved')"

JSON_COLUMNS = ("approvals", "dropped", "approval_seals", "followers", "copies", "rules", "outcome")

_TEXT_OF_REQUEST = " || ' ' || ".join(
    f"COALESCE(requests.{one}, '')" for one in ("requester", "decided_by", "reason", *JSON_COLUMNS)
)

ABOUT = """
requests.requester IN ({ids})
OR EXISTS (SELECT 1 FROM items WHERE items.request_id = requests.id
           AND (items.target_id IN ({ids}) OR items.member IN ({ids})))
"""
"""The requests that a person made, or that are about the person alone."""

IN_BULK = """
EXISTS (SELECT 1 FROM bulk_entries WHERE bulk_entries.request_id = requests.id AND ({entries}))
OR EXISTS (SELECT 1 FROM bulk_runs WHERE bulk_runs.request_id = requests.id AND bulk_runs.changed_by IN ({ids}))
"""

ENTRIES = "target_id IN ({ids}) OR member IN ({ids}) OR {mentions}"

REQUESTS = """
SELECT id, reference, CASE WHEN {finished} THEN 1 ELSE 0 END AS finished, CASE WHEN {about} THEN 1 ELSE 0 END AS about
FROM requests WHERE ({about}) OR ({in_bulk}) OR {mentions} ORDER BY id
"""

LINKED = "SELECT DISTINCT target_id, member FROM items WHERE target_id IN ({ids}) OR member IN ({ids})"

ROWS = """
SELECT id FROM audit WHERE id > :after AND tag NOT IN ('{lasting}') AND {mentions} ORDER BY id LIMIT :limit
"""

ROWS_BY_ID = "SELECT * FROM audit WHERE id IN ({ids}) ORDER BY id"

ROWS_OF_REQUEST = "SELECT id FROM audit WHERE request_id = :id"

PLACE = "SELECT COUNT(*) AS number FROM audit WHERE id <= :id"

ERASE_ROW = "UPDATE audit SET actor = :actor, target = :target, detail = :detail, salt = :salt WHERE id = :id"

FINISHED_REQUEST = f"SELECT * FROM requests WHERE id = :id AND {FINISHED}"  # noqa: S608 - made of constants

ERASE_REQUEST = "UPDATE requests SET {columns} WHERE id = :id"

ERASE_ITEM = """
UPDATE items SET target_id = :target_id, name = :name, email = NULL, division = NULL, state = NULL, member = NULL,
    member_name = NULL
WHERE request_id = :id AND (target_id IN ({ids}) OR member IN ({ids}))
"""

ERASE_ENTRIES = """
UPDATE bulk_entries SET text = :name, target_id = :name, name = :name, email = NULL, division = NULL, state = NULL,
    member = NULL
WHERE request_id = :id AND ({entries})
"""

ERASE_RUN = "UPDATE bulk_runs SET changed_by = :name WHERE request_id = :id AND changed_by IN ({ids})"


class FoundRequest(NamedTuple):
    """A request that names a person; `about` says whether the person made it or is its target."""

    id: str
    reference: str
    finished: bool
    about: bool


class Findings(NamedTuple):
    """What the database has about a person: audit rows, requests, and further ids of the person."""

    rows: Sequence[int]
    requests: Sequence[FoundRequest]
    linked: Sequence[str]

    @property
    def open(self) -> list[str]:
        """The references of the open requests, which cannot be erased yet."""
        return [one.reference for one in self.requests if not one.finished]


async def find(database: Database, ids: Iterable[str]) -> Findings:
    """Find what the database has about a person; rows and requests that are open are left out of `rows`."""
    known = sorted(ids)
    requests = await database.read(lambda tx: _find_requests(tx, known))
    still_open = [one for one in requests if not one.finished]
    rows = await _find_rows(database, known)
    for one in requests:
        if one.about:
            rows |= await database.read(partial(_rows_of, request_id=one.id))
    for one in still_open:
        rows -= await database.read(partial(_rows_of, request_id=one.id))
    linked = await database.read(lambda tx: tx.fetch(LINKED.format(ids=_literals(known))))
    others = {str(one) for row in linked for one in (row.target_id, row.member) if one} - set(known)
    return Findings(sorted(rows), requests, sorted(others))


async def erase(database: Database, erasure: Erasure, found: Findings, chain: AuditChain) -> None:
    """Erase what was found, in several transactions.

    Each adds a row to the audit log that lists the erased rows.
    """
    about = {one.id for one in found.requests if one.about}
    finished = [one for one in found.requests if one.finished]
    for start in range(0, len(finished), BATCH):
        batch = finished[start : start + BATCH]
        await database.write(partial(_erase_requests, erasure=erasure, requests=batch), limited=False)
    for start in range(0, len(found.rows), BATCH):
        ids = found.rows[start : start + BATCH]
        erase_rows = partial(_erase_rows, erasure=erasure, ids=ids, about=about, chain=chain)
        await database.write(erase_rows, limited=False)


def _find_requests(tx: Transaction, ids: Sequence[str]) -> list[FoundRequest]:
    known = _literals(ids)
    query = REQUESTS.format(
        finished=FINISHED, about=ABOUT.format(ids=known), mentions=_mentions(_TEXT_OF_REQUEST, ids),
        in_bulk=IN_BULK.format(ids=known, entries=_entries(ids)),
    )  # fmt: skip
    return [FoundRequest(row.id, row.reference, bool(row.finished), bool(row.about)) for row in tx.fetch(query)]


async def _find_rows(database: Database, ids: Sequence[str]) -> set[int]:
    mentions = _mentions("actor || ' ' || COALESCE(target, '') || ' ' || detail", ids)
    query = ROWS.format(lasting=f"{EventType.ERASED}', '{EventType.KEY_CHANGED}", mentions=mentions)
    found: set[int] = set()
    after = 0
    while True:
        page = await database.read(partial(Transaction.fetch, statement=query, after=after, limit=BATCH))
        found |= {row.id for row in page}
        if len(page) < BATCH:
            return found
        after = page[-1].id


def _rows_of(tx: Transaction, request_id: str) -> set[int]:
    return {row.id for row in tx.fetch(ROWS_OF_REQUEST, id=request_id)}


def _erase_rows(
    tx: Transaction, erasure: Erasure, ids: Sequence[int], about: set[str], chain: AuditChain
) -> None:  # fmt: skip
    listed = []
    for row in tx.fetch(ROWS_BY_ID.format(ids=", ".join(map(str, ids)))):
        event = audit_event_from_row(row)
        erased = erasure.event(event, about=row.request_id in about)
        if erased == event:
            continue
        number = row.number or _place(tx, row.id)
        columns = audit_event_to_row(erased)
        tx.execute(ERASE_ROW, id=row.id, **{name: columns[name] for name in ("actor", "target", "detail", "salt")})
        listed.append([number, erased_digest(erased, number)])
    if listed:
        detail = {"person": erasure.pseudonym, "rows": listed}
        audit.append(tx, AuditEvent(tx.now, EventType.ERASED, "operator", detail=detail), chain)


def _place(tx: Transaction, row_id: int) -> int:
    """Return the number of a row that an earlier version of the bot has written."""
    found = tx.fetch_one(PLACE, id=row_id)
    return int(found.number) if found else 0


def _erase_requests(tx: Transaction, erasure: Erasure, requests: Sequence[FoundRequest]) -> None:
    ids = sorted(erasure.ids)
    known = _literals(ids)
    for one in requests:
        row = tx.fetch_one(FINISHED_REQUEST, id=one.id)
        if row is None:
            continue
        changed = _erased_columns(erasure, row, about=one.about)
        columns = ", ".join(f"{name} = :{name}" for name in changed)
        tx.execute(ERASE_REQUEST.format(columns=columns), id=one.id, **changed)
        named = {"id": one.id, "name": erasure.pseudonym}
        tx.execute(ERASE_ITEM.format(ids=known), target_id=erasure.pseudonym, **named)
        tx.execute(ERASE_ENTRIES.format(entries=_entries(ids)), **named)
        tx.execute(ERASE_RUN.format(ids=known), **named)


def _erased_columns(erasure: Erasure, row: Row, *, about: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: json.dumps(erasure.value(json.loads(getattr(row, name)))) for name in JSON_COLUMNS if getattr(row, name)
    }
    columns |= {"requester": erasure.text(row.requester), "reason": erasure.text(row.reason)}
    columns["decided_by"] = row.decided_by and erasure.text(row.decided_by)
    if about or erasure.names(row.decided_by):
        columns["outcome"] = json.dumps(erasure.parameters(json.loads(columns["outcome"])))
    if about:
        columns |= {"reason": ERASED if row.reason else "", "live": None}
    followers = [
        one | {"reason": ERASED} if one["reason"] and (about or one["user_id"] == erasure.pseudonym) else one
        for one in json.loads(columns["followers"])
    ]
    return columns | {"followers": json.dumps(followers)}


def _entries(ids: Sequence[str]) -> str:
    return ENTRIES.format(ids=_literals(ids), mentions=_mentions("text", ids))


def _mentions(text: str, ids: Sequence[str]) -> str:
    return "(" + " OR ".join(f"{text} LIKE '%{one}%'" for one in ids) + ")"


def _literals(ids: Sequence[str]) -> str:
    """Return ids for SQL; `parse_person_id` has made sure that they have only letters, digits and hyphens."""
    return ", ".join(f"'{one}'" for one in ids)
