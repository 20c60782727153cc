"""The messages that mention the approvers: one for each requester in five minutes."""

from __future__ import annotations

from bot.db.transaction import Transaction

PING_INTERVAL = 300.0
"""Seconds between two messages that mention the approvers because of one requester. More would be prompt bombing."""

TAKE = """
INSERT INTO pings (requester, message, at) VALUES (:requester, :message, :now)
ON CONFLICT (requester) DO UPDATE SET message = excluded.message, at = excluded.at
WHERE pings.at <= :limit OR pings.message = excluded.message
"""

FORGET = "DELETE FROM pings WHERE at <= :limit"


def take(tx: Transaction, requester: str, message: str) -> bool:
    """Return whether a message may mention the approvers; if it may, the next one must wait.

    `message` identifies it, so that a repeated attempt to send it has the same answer.
    """
    limit = tx.now - PING_INTERVAL
    return tx.execute(TAKE, requester=requester, message=message, now=tx.now, limit=limit) == 1


def forget_old(tx: Transaction) -> None:
    """Delete what no longer limits anyone."""
    tx.send(FORGET, limit=tx.now - PING_INTERVAL)
