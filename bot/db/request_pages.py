"""Read pages of requests: the open ones, and those that ended."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from bot.db.driver import Row
from bot.db.due_jobs import literals
from bot.db.engine import Database
from bot.db.rows import read_request
from bot.db.statements import SELECT_REQUEST
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.pages import PAGE_SIZE, Direction, Page, Position, RequestFilter, cut
from bot.domain.requests import FINAL, Request

MAX_OPEN = 1000
"""Maximum number of open requests that are read, newest first."""

OPEN = f"""{SELECT_REQUEST}
WHERE requests.state IN ('pending', 'approved') AND requests.kind IN ({{actions}}) AND items.place = 0
ORDER BY requests.created_at DESC, requests.id DESC LIMIT :limit
"""

FINISHED = f"""{SELECT_REQUEST}
WHERE requests.finished_at IS NOT NULL AND requests.state IN ({{states}}) AND requests.kind IN ({{actions}})
  AND items.place = 0 AND ({{condition}})
  AND (requests.finished_at, requests.id) {{before}} (:at, :id)
ORDER BY requests.finished_at {{order}}, requests.id {{order}} LIMIT :limit
"""

LAST_EVENT = "SELECT id FROM audit ORDER BY id DESC LIMIT 1"

_ORDER = {Direction.OLDER: ("<", "DESC"), Direction.NEWER: (">", "ASC")}


class RequestPages:
    """Pages of the requests of one database. Requests that this version cannot read are left out."""

    def __init__(self, database: Database, actions: Collection[str]) -> None:
        self._database = database
        self._actions = literals(actions)

    async def open(self) -> list[Request]:
        """Return the requests that are pending or in progress, newest first."""
        return await self._database.read(self._open)

    async def revision(self) -> int:
        """Return a number that grows with each event of the audit log, and so with each change of a request."""
        return int(await self._database.read(lambda tx: getattr(tx.fetch_one(LAST_EVENT), "id", 0)))

    async def finished(self, wanted: RequestFilter, position: Position) -> Page:
        """Return a page of the requests that ended and match a filter."""
        return await self._database.read(lambda tx: self._finished(tx, wanted, position))

    def _open(self, tx: Transaction) -> list[Request]:
        return _read(tx.fetch(OPEN.format(actions=self._actions), limit=MAX_OPEN))

    def _finished(self, tx: Transaction, wanted: RequestFilter, position: Position) -> Page:
        before, order = _ORDER[position.direction]
        condition, values = _condition(wanted)
        query = FINISHED.format(
            states=literals(FINAL), actions=self._actions, condition=condition, before=before, order=order
        )
        rows = tx.fetch(query, at=position.at, id=position.id, limit=PAGE_SIZE + 1, **values)
        return cut(_read(rows), position, lambda request: request.finished_at or 0.0)


def _condition(wanted: RequestFilter) -> tuple[str, dict[str, Any]]:
    """Return a filter as a condition in SQL and its parameters.

    It selects what `RequestFilter.matches` selects.
    """
    if wanted.is_empty:
        return "1 = 1", {}
    if wanted.reference:
        return "requests.reference = :reference", {"reference": wanted.reference}
    conditions = ["items.target_id = :target", "LOWER(items.email) = :email"]
    values: dict[str, Any] = {"target": wanted.genesys_user_id, "email": wanted.email and wanted.email.casefold()}
    for number, slack_id in enumerate(sorted(wanted.slack_ids)):
        name = f"slack_id_{number}"
        conditions += [f"items.member = :{name}", f"requests.requester = :{name}", f"requests.decided_by = :{name}"]
        conditions.append(f"requests.approvals LIKE :{name}_quoted")
        conditions.append(f"requests.followers LIKE :{name}_follower")
        values |= {
            name: slack_id,
            f"{name}_quoted": f'%"{slack_id}"%',
            f"{name}_follower": f'%"user_id": "{slack_id}"%',
        }
    return " OR ".join(conditions), values


def _read(rows: Collection[Row]) -> list[Request]:
    found = []
    for row in rows:
        with suppress(UnreadableRow):
            found.append(read_request(row))
    return found
