"""Find the jobs that are due, most urgent first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

from bot.db import job_statements as sql
from bot.db import notices
from bot.db.driver import Row
from bot.db.jobs import PRIORITY, JobKind
from bot.db.transaction import Transaction
from bot.domain.requests import State

MAX_WATCHES = 4
"""Maximum number of watches that are claimed at once, because each may wait for Genesys Cloud."""


def due(
    tx: Transaction, limit: int, most_urgent: JobKind, *, actions: frozenset[str], skipped: Collection[int | str]
) -> list[Row]:
    """Return up to `limit` due jobs for known actions, none more urgent than `most_urgent`, and no lanes.

    Of the notices to a channel, only the newest is returned.
    """
    if limit <= 0:
        return []
    found = _fetch(tx, limit, most_urgent, actions, skipped)
    if len(found) < limit:
        known = {"actions": literals(actions), "states": literals(State)}
        found += notices.newest(tx, limit - len(found), skipped=skipped, **known)
    return found + _fetch(tx, min(limit - len(found), MAX_WATCHES), JobKind.WATCH, actions, skipped)


def due_lanes(tx: Transaction, limit: int, *, actions: frozenset[str], skipped: Collection[int | str]) -> list[Row]:
    """Return up to `limit` due lanes of bulk requests, which have waited longest."""
    return _fetch(tx, limit, JobKind.BULK, actions, skipped)


@cache
def due_query(actions: frozenset[str], most_urgent: JobKind) -> str:
    """Return the query of the due jobs that this version knows, without notices; lanes only alone.

    `most_urgent` is the first kind. WATCH, which comes after the notices, is a query of its own.
    """
    alone = most_urgent in (JobKind.BULK, JobKind.WATCH)
    known = [kind for kind in JobKind if PRIORITY[most_urgent] <= PRIORITY[kind] < PRIORITY[JobKind.NOTICE]]
    kinds = [most_urgent] if alone else known
    return sql.DUE.format(kinds=literals(kinds), actions=literals(actions), states=literals(State))


def literals(values: Iterable[str]) -> str:
    """Return names from the source code as a list for IN."""
    return ", ".join(f"'{value}'" for value in sorted(values))


def _fetch(
    tx: Transaction, limit: int, most_urgent: JobKind, actions: frozenset[str], skipped: Collection[int | str]
) -> list[Row]:
    if limit <= 0:
        return []
    rows = tx.fetch(due_query(actions, most_urgent), now=tx.now, limit=limit + len(skipped))
    return [row for row in rows if row.id not in skipped][:limit]
