"""The notices that wait for a channel, and which of them comes next.

The newest outcome comes first, one a second, and expirations come together, because Slack takes about one message a
second and channel. The key of a notice is `notice:<request id>:<channel>`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.db.driver import Row
from bot.db.transaction import Transaction

POST_INTERVAL = 1.0
"""Seconds between two notices to a channel (docs.slack.dev, Rate limits, "Posting messages")."""

_CHANNEL = "substr(jobs.key, length(jobs.request_id) + length('notice::') + 1)"

_WAITING = """
jobs.kind = 'notice' AND jobs.done_at IS NULL AND (jobs.lease_owner IS NULL OR jobs.lease_until <= :now)
"""

_COLUMNS = "jobs.id, jobs.kind, jobs.request_id, jobs.payload, jobs.attempts, jobs.created_at"

NEWEST = f"""
SELECT {_COLUMNS} FROM jobs
WHERE jobs.id IN (
    SELECT max(jobs.id) FROM jobs
    WHERE {_WAITING} AND jobs.due_at <= :now AND jobs.id NOT IN ({{skipped}}) AND NOT EXISTS (
        SELECT 1 FROM requests
        WHERE requests.id = jobs.request_id
            AND (requests.kind NOT IN ({{actions}}) OR requests.state NOT IN ({{states}}))
    )
    GROUP BY {_CHANNEL}
)
ORDER BY jobs.id DESC LIMIT :limit
"""  # noqa: S608 - made of constants

POSTPONE = f"""
UPDATE jobs SET due_at = :due_at WHERE {_WAITING} AND jobs.due_at < :due_at AND {_CHANNEL} = :channel
"""  # noqa: S608 - made of constants

EXPIRED = f"""
SELECT {_COLUMNS} FROM jobs
WHERE {_WAITING} AND {_CHANNEL} = :channel
    AND (SELECT state FROM requests WHERE requests.id = jobs.request_id AND requests.kind IN ({{actions}})) = 'expired'
ORDER BY jobs.id DESC LIMIT :limit
"""  # noqa: S608 - made of constants
"""A subquery instead of a join, because a plan must begin with the few open jobs, not with all that ever expired."""


def newest(tx: Transaction, limit: int, *, actions: str, states: str, skipped: Collection[int | str]) -> Sequence[Row]:
    """Return the newest due notice of each channel, newest first; `actions` and `states` are lists for IN."""
    ids = ", ".join(str(int(one)) for one in skipped) or "0"
    return tx.fetch(NEWEST.format(actions=actions, states=states, skipped=ids), now=tx.now, limit=limit)


def postpone_others(tx: Transaction, channel: str) -> None:
    """Make the notices that wait for a channel due in a second, because another one is posted now."""
    tx.send(POSTPONE, channel=channel, now=tx.now, due_at=tx.now + POST_INTERVAL)


def expired(tx: Transaction, channel: str, limit: int, *, actions: str) -> Sequence[Row]:
    """Return the notices of expired requests that wait for a channel, due or not, newest first."""
    return tx.fetch(EXPIRED.format(actions=actions), channel=channel, now=tx.now, limit=limit)
