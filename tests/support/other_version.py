"""Rows as other versions of the bot write them: with unknown kinds and states, or without rules."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bot.db.engine import Database
from bot.db.rows import item_to_row, request_to_row
from bot.db.statements import INSERT_ITEM
from bot.db.transaction import Transaction
from bot.domain.requests import Request
from bot.domain.seals import Seals

REQUEST = """
INSERT INTO requests (id, reference, ask_key, kind, state, requester, asked_in, reason, needed, rules, approvals,
                      followers, copies, created_at, expires_at, outcome, revision, channel, ts)
VALUES (:id, :id, :id, :action, :state, 'U0RAVI0001', 'C0OPS00001', '', 1, :rules, :approvals, :followers, :copies,
        :created_at, :expires_at, :outcome, 1, 'C0OPS00001', '1.2')
"""

ITEM = """
INSERT INTO items (request_id, place, target_id, name) VALUES (:id, 0, '6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09', 'Tom')
"""

JOB = """
INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until)
VALUES (:kind, :key, :request_id, :payload, 0, :now, :now, 0, 0)
"""

AUDIT = """
INSERT INTO audit (number, at, tag, actor, reference, request_id, target, detail, hash)
VALUES (2, :now, 'request:snoozed', 'U0RAVI0001', 'LATER', 'later', 'me', '{"until": 1, "why": {"new": true}}', :hash)
"""

UNKNOWN_REQUESTS: dict[str, dict[str, str]] = {
    "unknown state": {"state": "snoozed"},
    "unknown final state": {"state": "superseded"},
    "unknown action": {"action": "bulk"},
    "unknown action, approved": {"action": "bulk", "state": "approved"},
    "unknown rule": {"rules": '{"approvers":["U0OLIVIA01"],"vetoers":["U0BEN00001"]}'},
    "unknown principal": {"rules": '{"approvers":["division:sales"]}'},
    "damaged rules": {"rules": '{"approvers":['},
    "rules of another type": {"rules": '["U0OLIVIA01"]'},
    "other approvals": {"approvals": '[{"by": "U0OLIVIA01"}]'},
    "damaged approvals": {"approvals": '["U0OLIVIA01"'},
    "damaged followers": {"followers": '[{"reason": "x"}]'},
    "damaged copies": {"copies": '["C0OPS00001"]'},
    "damaged outcome": {"outcome": "{'code'}"},
    "outcome of another type": {"outcome": "[1]"},
    "empty outcome of another type": {"outcome": "[]"},
}
"""Requests that only another version can read, or none, with the columns that make them so."""

UNKNOWN_JOBS: dict[str, tuple[str, str, Any]] = {
    "unknown kind": ("escalation", "first", {}),
    "unknown kind, payload of another type": ("snooze", "first", [1]),
    "unknown button": ("click", "first", {"action": "snooze", "user_id": "U0OLIVIA01"}),
    "unknown action": ("command", "none", {"action": "bulk", "invoker": {"user_id": "U0RAVI0001", "key": "k"}}),
    "unknown problem": (
        "command",
        "none",
        {"action": "revoke", "invoker": {"user_id": "U0RAVI0001", "key": "k"}, "problem": {"code": "x", "params": {}}},
    ),
    "unknown place": ("target", "first", {"place": 17, "clicked_at": 1.0}),
    "execution of an unknown action": ("target", "unknown action, approved", {"place": 0, "clicked_at": 1.0}),
    "card of an unknown state": ("card", "unknown state", {}),
    "reminder of an unknown state": ("reminder", "unknown state", {}),
    "message about an unknown state": ("affected", "unknown state", {}),
    "notice of an unknown state": ("notice", "unknown final state", {"channel": "C0AUDIT001"}),
    "unknown file": ("file", "first", {"file": "photo"}),
    "click on an unknown action": ("click", "unknown action", {"action": "approve", "user_id": "U0OLIVIA01"}),
}
"""Jobs that only another version can run: kind, request id and payload."""

DAMAGED_JOBS: dict[str, tuple[str, str]] = {
    "not JSON": ("click", "{"),
    "no object": ("card", "[]"),
    "no action": ("click", '{"user_id": "U0OLIVIA01"}'),
    "no invoker": ("command", '{"action": "revoke"}'),
    "no place": ("target", "{}"),
    "no code": ("reply", '{"user_id": "U0RAVI0001"}'),
    "no channel": ("notice", "{}"),
    "channel of another type": ("notice", '{"channel": {"id": "C0AUDIT001"}}'),
    "person of another type": ("click", '{"action": "approve", "user_id": ["U0OLIVIA01"]}'),
    "url of another type": ("click", '{"action": "approve", "user_id": "U0OLIVIA01", "response_url": 7}'),
    "invoker of another type": ("command", '{"action": "revoke", "invoker": {"user_id": {}, "key": "k"}}'),
    "target of another type": (
        "command",
        '{"action": "revoke", "invoker": {"user_id": "U0RAVI0001", "key": "k"}, "target": {"email": 7}}',
    ),
    "recipient of another type": ("reply", '{"user_id": 7, "code": "guest", "params": {}}'),
    "no code of a thread": ("thread", "{}"),
    "no channel to announce in": ("announcement", "{}"),
    "no place of a copy": ("copy", "{}"),
    "no time of a watch": ("watch", "{}"),
    "no lane": ("bulk", "{}"),
    "lane of another type": ("bulk", '{"lane": "0", "clicked_at": 1.0}'),
    "deep": ("notice", "[" * 100_000),
}
"""Jobs that no version can run: kind and payload."""


def write_requests(tx: Transaction, *, created_at: float, expires_at: float) -> None:
    """Store `UNKNOWN_REQUESTS`."""
    known = {"action": "revoke", "state": "pending", "rules": None, "outcome": "{}"}
    known |= dict.fromkeys(("approvals", "followers", "copies"), "[]")
    for name, columns in UNKNOWN_REQUESTS.items():
        tx.execute(REQUEST, id=name, created_at=created_at, expires_at=expires_at, **(known | columns))
        tx.execute(ITEM, id=name)


def write_jobs(tx: Transaction, now: float) -> None:
    """Store `UNKNOWN_JOBS`, more urgent than any other and due."""
    for name, (kind, request_id, payload) in UNKNOWN_JOBS.items():
        values = {"key": name, "request_id": request_id, "payload": json.dumps(payload)}
        tx.execute(JOB, kind=kind, now=now, **values)


def write_damaged_jobs(tx: Transaction, now: float) -> None:
    """Store `DAMAGED_JOBS`, more urgent than any other and due."""
    for name, (kind, payload) in DAMAGED_JOBS.items():
        tx.execute(JOB, kind=kind, key=f"damaged: {name}", request_id="none", payload=payload, now=now)


async def unknown_rows(database: Database) -> list[tuple[Any, ...]]:
    """Return the rows that `write_requests` and `write_jobs` have stored, as they are now."""

    def read(tx: Transaction) -> list[tuple[Any, ...]]:
        requests = [tuple(row) for row in tx.fetch("SELECT * FROM requests ORDER BY id") if row.id in UNKNOWN_REQUESTS]
        jobs = [tuple(row) for row in tx.fetch("SELECT * FROM jobs ORDER BY id") if row.key in UNKNOWN_JOBS]
        return requests + jobs

    return await database.read(read)


async def write_request_without_rules(database: Database, request: Request, seals: Seals) -> None:
    """Store a pending request as a version before schema 0006 does, which knows no rules."""
    row = request_to_row(seals.seal(replace(request, rules=None))) | {"ask_key": request.id}
    columns = [name for name in row if name not in ("rules", "protected", "followers", "copies", "bulk")]
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)

    def write(tx: Transaction) -> None:
        tx.execute(f"INSERT INTO requests ({names}) VALUES ({places})", **{name: row[name] for name in columns})  # noqa: S608
        tx.execute(INSERT_ITEM, **item_to_row(request))

    await database.write(write)
