"""Read the audit log in pages, so that a log of any length needs the same memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from bot.db.audit import chained
from bot.db.driver import Row
from bot.db.engine import Database
from bot.domain.audit import AuditEvent
from bot.domain.audit_check import LoggedEvent

PAGE_SIZE = 5000
"""Rows of one read."""

PAGE = "SELECT * FROM audit WHERE id > :after AND {condition} ORDER BY id LIMIT :limit"

NEWEST = "SELECT MIN(id) AS first FROM (SELECT id FROM audit WHERE {condition} ORDER BY id DESC LIMIT :limit) AS newest"

REQUESTS = "SELECT id, reference, state, needed, bulk FROM requests WHERE id > :after ORDER BY id LIMIT :limit"

REQUEST = "SELECT id, reference, state, needed, bulk FROM requests WHERE id = :id"

ROWS_OF_REQUEST = """
SELECT request_id, tag, actor, target FROM audit WHERE request_id = :id AND tag NOT LIKE 'click:%' ORDER BY id
"""

ROWS_OF_REQUESTS = """
SELECT request_id, tag, actor, target FROM audit
WHERE request_id > :after AND (:last = '' OR request_id <= :last) AND tag NOT LIKE 'click:%'
ORDER BY request_id, id
"""
"""A click may name any request, so the rows about refused clicks say nothing about one."""


COUNT = "SELECT COUNT(*) AS found FROM audit WHERE {condition}"

COUNT_WORK = "SELECT (SELECT COUNT(*) FROM audit) + (SELECT COUNT(*) FROM requests) AS found"


class LogRow(NamedTuple):
    """A row of the log. `number` is None if an earlier version of the bot wrote it."""

    number: int | None
    event: AuditEvent
    hash: str


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which rows to read: since a time in epoch seconds, and of an actor, a target or a reference."""

    since: float | None = None
    actor: str | None = None
    target: str | None = None
    reference: str | None = None

    @property
    def condition(self) -> str:
        """The condition in SQL."""
        conditions = [
            sql
            for value, sql in (
                (self.since, "at >= :since"),
                (self.actor, "actor = :actor"),
                (self.target, "target = :target"),
                (self.reference, "reference = :reference"),
            )
            if value is not None
        ]
        return " AND ".join(conditions) or "1 = 1"

    @property
    def values(self) -> Mapping[str, Any]:
        """The parameters of the condition."""
        named = {"since": self.since, "actor": self.actor, "target": self.target, "reference": self.reference}
        return {name: value for name, value in named.items() if value is not None}


class LoggedRequest(NamedTuple):
    """A request and its rows in the log; `state` is None for a request that the database does not have."""

    id: str
    reference: str | None
    state: str | None
    approvals_required: int
    rows: Sequence[LoggedEvent]


async def read_log(database: Database, wanted: LogFilter, limit: int | None = None) -> AsyncIterator[LogRow]:
    """Yield the rows that match, oldest first; with `limit` the newest ones only."""
    after = await _before_newest(database, wanted, limit) if limit is not None else 0
    query = PAGE.format(condition=wanted.condition)
    while True:
        rows = await _fetch(database, query, after=after, limit=PAGE_SIZE, **wanted.values)
        for row in rows:
            event, found = chained(row)
            yield LogRow(row.number, event, found)
        if len(rows) < PAGE_SIZE:
            return
        after = rows[-1].id


async def count_rows(database: Database, wanted: LogFilter, limit: int | None = None) -> int:
    """Return the number of rows that `read_log` yields."""
    (row,) = await _fetch(database, COUNT.format(condition=wanted.condition), **wanted.values)
    return int(row.found) if limit is None else min(int(row.found), limit)


async def count_work(database: Database) -> int:
    """Return the number of rows and requests that a verification reads."""
    (row,) = await _fetch(database, COUNT_WORK)
    return int(row.found)


async def _before_newest(database: Database, wanted: LogFilter, limit: int) -> int:
    query = NEWEST.format(condition=wanted.condition)
    (found,) = await _fetch(database, query, limit=max(limit, 1), **wanted.values)
    return (found.first or 1) - 1


async def read_requests(database: Database) -> AsyncIterator[LoggedRequest]:
    """Yield every request with its rows, and the requests that only the log knows."""
    after = ""
    while True:
        requests = await _fetch(database, REQUESTS, after=after, limit=PAGE_SIZE)
        last = requests[-1].id if len(requests) == PAGE_SIZE else ""
        rows = await _fetch(database, ROWS_OF_REQUESTS, after=after, last=last)
        for request in _joined(requests, rows):
            yield request
        if not last:
            return
        after = last


async def read_request(database: Database, request_id: str) -> LoggedRequest:
    """Return one request with its rows; its `state` is None if the database does not have it."""
    requests = await _fetch(database, REQUEST, id=request_id)
    rows = await _fetch(database, ROWS_OF_REQUEST, id=request_id)
    return (_joined(requests, rows) or [LoggedRequest(request_id, None, None, 1, ())])[0]


def _joined(requests: Sequence[Row], rows: Sequence[Row]) -> list[LoggedRequest]:
    logged = {request_id: list(group) for request_id, group in groupby(rows, key=lambda row: str(row.request_id))}
    known = [
        LoggedRequest(one.id, one.reference, one.state, one.needed, _events(logged.pop(one.id, []), one.bulk))
        for one in requests
    ]
    return [*known, *(LoggedRequest(one, None, None, 1, _events(found)) for one, found in logged.items())]


def _events(rows: Sequence[Row], bulk: str | None = None) -> list[LoggedEvent]:
    """Return what rows say; those of a bulk request that have a target are about one of its people."""
    return [LoggedEvent(row.tag, row.actor, bulk is not None and row.target is not None) for row in rows]


async def _fetch(database: Database, query: str, **values: Any) -> Sequence[Row]:
    return await database.read(lambda tx: tx.fetch(query, **values))
