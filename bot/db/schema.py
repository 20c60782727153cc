"""The tables at the newest revision. Times are in epoch seconds by the database's clock."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text

metadata = MetaData()

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("ask_key", Text, nullable=False, unique=True),  # identifies the command, so that a replay creates nothing
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("asked_in", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("approvals", Text, nullable=False),  # JSON: Slack user ids in the order of their approvals
    Column("decided_by", Text),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("approved_at", Float),
    Column("finished_at", Float),
    Column("outcome", Text, nullable=False),  # JSON: what Genesys Cloud has answered
    Column("revision", Integer, nullable=False),
    Column("channel", Text),
    Column("ts", Text),
    Column("ask_url", Text),  # the command's response_url
    Column("card_url", Text),  # a click's response_url, if chat.update cannot reach the clicked card
    Index("requests_by_expiry", "state", "expires_at"),
)

items = Table(
    "items",
    metadata,
    Column("request_id", Text, ForeignKey("requests.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("target_id", Text),  # a Genesys user id; NULL for the bot's own token
    Column("name", Text),
    Column("email", Text),
    Column("division", Text),
    Column("state", Text),
    Column("member", Text),  # the target's Slack user id, if known
    Column("event", Text),  # the outcome; NULL while the item is open
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("request_id", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON
    Column("prio", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Float, nullable=False),
    Column("done_at", Float),
    Index("jobs_open", "prio", "due_at"),  # partial in the migration, but naming a dialect here would import it
    Index("jobs_by_request", "request_id"),
    Index("jobs_done", "done_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("tag", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reference", Text),
    Column("request_id", Text),
    Column("target", Text),
    Column("detail", Text, nullable=False),  # JSON
    Column("hash", Text, nullable=False),  # covers the hash of the row before it
    Index("audit_by_request", "request_id"),
)
