"""SQLite reads only the rows that a frequent query is about, however many jobs are open."""

from __future__ import annotations

import re

import pytest

from bot.db import job_statements, notices, open_requests, statements, watches
from bot.db.due_jobs import due_query
from bot.db.jobs import JobKind
from tests.support.database import DatabaseHarness

KNOWN = {"actions": "'revoke'", "states": "'pending'"}

PLANS = {
    "due": (due_query(frozenset({"revoke"}), JobKind.CLICK), "jobs_open (kind=? AND due_at<?)"),
    "due watches": (due_query(frozenset({"revoke"}), JobKind.WATCH), "jobs_open (kind=? AND due_at<?)"),
    "notices": (notices.NEWEST.format(skipped="0", **KNOWN), "jobs_open (kind=? AND due_at<?)"),
    "other notices": (notices.POSTPONE, "jobs_open (kind=? AND due_at<?)"),
    "reminders": (job_statements.END_REMINDERS, "jobs_by_request (request_id=? AND kind=?)"),
    "the first lease": (job_statements.LEASE_FIRST, "jobs_by_request (request_id=? AND kind=?)"),
    "clicks": (statements.CLICKS, "jobs_by_request (request_id=? AND kind=?)"),
    "clicks of overdue requests": (statements.OVERDUE.format(**KNOWN), "jobs_by_request (request_id=? AND kind=?)"),
    "old jobs": (statements.DELETE_JOBS, "jobs_done (done_at<?)"),
    "watches of a person": (watches.EARLIER, "items_by_target (target_id=?)"),
    "open requests of a target": (
        open_requests.OF_TARGET.format(is_target="= :target"),
        "items_by_target (target_id=?)",
    ),
    "open requests of a requester": (open_requests.COUNT, "requests_open (requester=?)"),
}


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
async def test_query__reads_a_range_of_an_index(db: DatabaseHarness, name: str) -> None:
    query, index = PLANS[name]
    values = dict.fromkeys(re.findall(r":(\w+)", query), 1)

    plan = [row.detail for row in await db.rows(f"EXPLAIN QUERY PLAN {query}", **values)]

    assert f"USING INDEX {index}" in "\n".join(plan)
    assert [step for step in plan if step.startswith("SCAN")] == []
    assert not any("jobs_done (done_at=?)" in step or step.endswith("jobs_open (kind=?)") for step in plan)
