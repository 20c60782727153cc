"""SQL on open requests and their followers. Each function is part of the transaction that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from bot.db.rows import read_request, request_to_row
from bot.db.statements import SELECT_REQUEST
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.bulk import BulkSource
from bot.domain.denials import DenialCode, Denied
from bot.domain.requests import CardCopy, MessageRef, Request

Condition = Callable[[Request], bool]

MAX_READ = 100
"""Maximum number of open requests for one target that are read. Usually there is one at most."""

OF_TARGET = f"""{SELECT_REQUEST}
WHERE items.place = 0 AND items.target_id {{is_target}} AND requests.kind = :action
  AND (requests.state = 'approved' OR (requests.state = 'pending' AND requests.expires_at > :now))
ORDER BY requests.created_at, requests.id LIMIT {MAX_READ}
"""

COUNT = """
SELECT COUNT(*) AS number FROM requests
WHERE requester = :requester AND state IN ('pending', 'approved') AND (state = 'approved' OR expires_at > :now)
"""

FOLLOW = """
UPDATE requests
SET followers = :followers, copies = :copies, expires_at = :expires_at, seal = :seal, revision = revision + 1
WHERE id = :id
"""

SET_COPIES = "UPDATE requests SET followers = :followers, copies = :copies WHERE id = :id"


def find_open(tx: Transaction, wanted: Request, condition: Condition) -> Request | None:
    """Return the oldest open request for the same action and target that meets a condition.

    One that this version cannot read meets none.
    """
    target = wanted.target.id if wanted.target else None
    query = OF_TARGET.format(is_target="IS NULL" if target is None else "= :target")
    values = {} if target is None else {"target": target}
    return next((one for one in _read(tx, query, action=wanted.action, now=tx.now, **values) if condition(one)), None)


def _read(tx: Transaction, query: str, **values: object) -> Iterator[Request]:
    for row in tx.fetch(query, **values):
        with suppress(UnreadableRow):
            yield read_request(row)


def require_fewer_open(tx: Transaction, requester: str, limit: int) -> None:
    """Raise Denied if a person has as many open requests as they may have."""
    found = tx.fetch_one(COUNT, requester=requester, now=tx.now)
    if found and int(found.number) >= limit:
        raise Denied(DenialCode.TOO_MANY_OPEN_REQUESTS, limit=str(limit))


def require_no_other_retry(tx: Transaction, request: Request) -> None:
    """Raise Denied if an open request already asks again for what did not succeed in the same earlier one."""
    bulk = request.bulk
    if bulk is None or bulk.source is not BulkSource.RETRY:
        return

    def is_same(other: Request) -> bool:
        return other.bulk is not None and (other.bulk.source, other.bulk.name) == (bulk.source, bulk.name)

    other = find_open(tx, request, is_same)
    if other:
        raise Denied(DenialCode.REQUESTED_AGAIN_ALREADY, open=other.reference, earlier=bulk.name)


def save_follower(tx: Transaction, request: Request) -> None:
    """Store the followers, copies, expiry and seal of a request as a new revision.

    A click that was decided on the earlier revision is decided again.
    """
    row = request_to_row(request)
    names = ("id", "followers", "copies", "expires_at", "seal")
    tx.send(FOLLOW, **{name: row[name] for name in names})


def set_copy(tx: Transaction, request: Request, place: str, message: MessageRef | None) -> None:
    """Store where a copy is. Without a message, forget it, so that its followers get the outcome."""
    copies = [CardCopy(place, message) if message and one.place == place else one for one in request.copies]
    followers = request.followers
    if message is None:
        copies = [one for one in copies if one.place != place]
        followers = tuple(one._replace(place="") if one.place == place else one for one in followers)
    changed = request_to_row(replace(request, copies=tuple(copies), followers=followers))
    tx.send(SET_COPIES, id=request.id, followers=changed["followers"], copies=changed["copies"])
