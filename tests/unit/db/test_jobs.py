"""The job queue: one process holds a job until it completes it, releases it, or lets the lease end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.db import job_statements as sql
from bot.db.due_jobs import MAX_WATCHES
from bot.db.engine import Database
from bot.db.job_queue import LEASE_DURATION, JobQueue
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.transaction import Transaction
from tests.support.database import DatabaseHarness
from tests.support.recording_driver import RecordingDriver

PAYLOADS: dict[JobKind, dict[str, Any]] = {
    JobKind.CLICK: {"action": "approve", "user_id": "U0OLIVIA01"},
    JobKind.EXECUTE: {"place": 0, "clicked_at": 0.0},
    JobKind.COMMAND: {"action": "revoke", "invoker": {"user_id": "U0RAVI0001", "key": "key"}},
    JobKind.REPLY: {"user_id": "U0RAVI0001", "code": "stale_request", "params": {}},
    JobKind.THREAD: {"code": "approved", "params": {}},
    JobKind.FILE: {"file": "preview"},
    JobKind.COPY: {"to": "C0OPS00001"},
    JobKind.NOTICE: {"channel": "C0OPS00001"},
    JobKind.BULK: {"lane": 0, "clicked_at": 0.0},
    JobKind.WATCH: {"sent_at": 1.0, "answered_at": 2.0, "duration": 600.0},
}
"""What this version must find in the payload of each kind of job."""


def payload(kind: JobKind, key: str = "key") -> dict[str, Any]:
    return {"key": key} | PAYLOADS.get(kind, {})


async def try_add(
    db: DatabaseHarness, key: str = "key", kind: JobKind = JobKind.CLICK, owner: str = "two#1"
) -> Job | None:
    queue = db.jobs(owner)
    return await db.database.write(lambda tx: queue.add_leased(tx, kind, "request", key, payload(kind, key)))


async def add(db: DatabaseHarness, key: str = "key", kind: JobKind = JobKind.CLICK, owner: str = "one#1") -> Job:
    job = await try_add(db, key, kind, owner)
    assert job
    return job


async def enqueue(db: DatabaseHarness, key: str = "key", kind: JobKind = JobKind.CARD) -> None:
    spec = JobSpec(kind, key, payload(kind, key))
    await db.database.write(lambda tx: db.jobs().enqueue(tx, "request", spec))


async def claim(db: DatabaseHarness, owner: str = "two#1", limit: int = 10) -> list[str]:
    """Return the keys of the jobs that a process claims."""
    return [job.payload["key"] for job in await db.jobs(owner).claim(limit)]


async def add_unknown_kind(db: DatabaseHarness) -> None:
    """Add a job as a newer version of the bot does."""
    await db.run(
        "INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until) "
        "VALUES ('escalation', 'escalation:first', 'first', '{}', 0, :now, :now, 0, 0)",
        now=db.clock.now,
    )


async def test_add_leased__leases_the_job_to_this_process(db: DatabaseHarness) -> None:
    job = await add(db)
    assert (job.kind, job.request_id, job.payload, job.attempts) == (
        JobKind.CLICK,
        "request",
        payload(JobKind.CLICK),
        1,
    )
    assert job.created_at == db.clock.now
    assert await claim(db) == []


async def test_add_leased__known_key_adds_nothing_before_and_after_completion(db: DatabaseHarness) -> None:
    job = await add(db)
    assert await try_add(db) is None
    assert await db.jobs().complete(job)
    assert await try_add(db) is None


async def test_add_leased__same_key_of_another_kind_is_another_job(db: DatabaseHarness) -> None:
    assert (await add(db, kind=JobKind.CLICK)).id != (await add(db, kind=JobKind.EXECUTE)).id


async def test_claim__returns_most_urgent_first_up_to_the_limit(db: DatabaseHarness) -> None:
    for kind in reversed(JobKind):
        await enqueue(db, kind, kind)
    assert await claim(db, limit=4) == ["click", "target", "command", "card"]
    assert await claim(db, limit=5) == ["copy", "reply", "thread", "reminder", "affected"]
    assert await claim(db, limit=2) == ["file", "notice"]
    assert await claim(db, limit=5) == ["watch"]


async def test_claim__returns_few_watches_at_once_and_notices_first(db: DatabaseHarness) -> None:
    for number in range(2 * MAX_WATCHES):
        await enqueue(db, f"watch {number}", JobKind.WATCH)
    await enqueue(db, "notice", JobKind.NOTICE)
    first, *watches = await claim(db)  # those that are due at the same time come in any order
    assert first == "notice"
    assert len({one for one in watches if one.startswith("watch")}) == len(watches) == MAX_WATCHES


async def test_continue_later__stores_the_payload_if_the_lease_is_held(db: DatabaseHarness) -> None:
    await enqueue(db, kind=JobKind.WATCH)
    (job,) = await db.jobs().claim(1)
    assert await db.jobs().continue_later(job, {**job.payload, "seen_at": 5.0}, delay=7.0)
    assert not await db.jobs("two#1").continue_later(job, {}, delay=0.0)
    assert await db.jobs().claim(1) == []
    db.clock.advance(7.0)
    (again,) = await db.jobs().claim(1)
    assert (again.payload["seen_at"], again.attempts) == (5.0, 2)


async def test_claim__most_urgent_excludes_more_urgent_kinds(db: DatabaseHarness) -> None:
    for kind in JobKind:
        await enqueue(db, kind, kind)
    claimed = await db.jobs().claim(20, most_urgent=JobKind.CARD)
    later = list(JobKind)[list(JobKind).index(JobKind.CARD) :]
    assert [job.kind for job in claimed] == [kind for kind in later if kind is not JobKind.BULK]


async def test_claim__takes_lanes_besides_the_other_jobs(db: DatabaseHarness) -> None:
    for name in ("first", "second", "third"):
        await enqueue(db, name, JobKind.BULK)
    await enqueue(db, "card", JobKind.CARD)

    assert [job.kind for job in await db.jobs().claim(9)] == [JobKind.CARD]
    first = await db.jobs().claim(0, lanes=1)
    assert [job.kind for job in first] == [JobKind.BULK]
    await enqueue(db, "click", JobKind.CLICK)
    assert [job.kind for job in await db.jobs("two#1").claim(9, lanes=1)] == [JobKind.CLICK, JobKind.BULK]
    assert len(await db.jobs().claim(9, lanes=1)) == 1
    assert not await db.jobs().claim(9, lanes=1)


async def test_claim__returns_longest_due_first_within_a_kind(db: DatabaseHarness) -> None:
    await enqueue(db, "later")
    await enqueue(db, "sooner")
    await db.run("UPDATE jobs SET due_at = :due_at WHERE key = 'card:sooner'", due_at=db.clock.now - 60)
    assert await claim(db, limit=1) == ["sooner"]


async def test_claim__leaves_jobs_of_unknown_kinds_unchanged(db: DatabaseHarness) -> None:
    """A newer version of the bot adds kinds while this version is still running."""
    await add_unknown_kind(db)
    unchanged = await db.rows("SELECT * FROM jobs")
    await enqueue(db, "known")
    assert await claim(db) == ["known"]
    db.clock.advance(10 * LEASE_DURATION)
    assert await claim(db) == ["known"]
    await db.jobs("two#2").release_own_leases()
    await db.store().delete_expired_rows()
    assert await db.rows("SELECT * FROM jobs WHERE kind = 'escalation'") == unchanged


async def test_claim__two_processes_never_get_the_same_job(db: DatabaseHarness) -> None:
    for number in range(10):
        await enqueue(db, f"{number}")
    first, second = await claim(db, "one#1", limit=6), await claim(db, "two#1", limit=6)
    assert sorted([*first, *second]) == [f"{number}" for number in range(10)]


async def test_claim__takes_a_job_when_its_lease_ends_and_not_before(db: DatabaseHarness) -> None:
    job = await add(db)
    db.clock.advance(LEASE_DURATION - 0.001)
    assert await claim(db) == []
    db.clock.advance(0.001)
    claimed = await db.jobs("two#1").claim(10)
    assert [(one.id, one.attempts) for one in claimed] == [(job.id, 2)]


async def test_complete__fails_after_the_lease_was_lost(db: DatabaseHarness) -> None:
    job = await add(db)
    db.clock.advance(LEASE_DURATION)
    await claim(db)
    assert await db.jobs().complete(job) is False
    assert await db.jobs().release(job, delay=0) is False
    assert await db.jobs().renew([job.id]) == set()
    assert await db.jobs("two#1").complete(job) is True


async def test_complete__done_job_cannot_be_completed_renewed_or_claimed(db: DatabaseHarness) -> None:
    job = await add(db)
    assert await db.jobs().complete(job) is True
    assert await db.jobs().complete(job) is False
    assert await db.jobs().renew([job.id]) == set()
    db.clock.advance(10 * LEASE_DURATION)
    assert await claim(db) == []


async def test_complete_in__is_rolled_back_with_its_transaction(db: DatabaseHarness) -> None:
    class LaterStepFailedError(Exception):
        """A failure of a later statement of the transaction."""

    def complete_and_fail(tx: Transaction) -> None:
        assert db.jobs().complete_in(tx, job)
        raise LaterStepFailedError

    job = await add(db)
    with pytest.raises(LaterStepFailedError):
        await db.database.write(complete_and_fail)
    rows = await db.rows("SELECT done_at, lease_owner FROM jobs")
    assert [tuple(row) for row in rows] == [(None, "one#1")]


async def test_renew__extends_own_leases_only(db: DatabaseHarness) -> None:
    mine, theirs = await add(db, "mine"), await add(db, "theirs", owner="two#1")
    db.clock.advance(LEASE_DURATION - 1)
    assert await db.jobs().renew([mine.id, theirs.id]) == {mine.id}
    db.clock.advance(LEASE_DURATION - 1)
    assert await claim(db, "three#1") == ["theirs"]


async def test_release__job_is_due_for_any_process_after_the_delay(db: DatabaseHarness) -> None:
    job = await add(db)
    assert await db.jobs().release(job, delay=30) is True
    db.clock.advance(29)
    assert await claim(db) == []
    db.clock.advance(1)
    assert await claim(db) == ["key"]


async def test_enqueue__same_key_several_times_is_one_job(db: DatabaseHarness) -> None:
    for _ in range(3):
        await enqueue(db)
    assert await claim(db) == ["key"]


async def test_enqueue__done_job_is_due_again_with_its_attempts_reset(db: DatabaseHarness) -> None:
    await enqueue(db)
    (job,) = await db.jobs().claim(1)
    await db.jobs().complete(job)
    await enqueue(db)
    (again,) = await db.jobs("two#1").claim(1)
    assert (again.id, again.attempts) == (job.id, 1)


async def test_enqueue__leased_job_keeps_its_lease(db: DatabaseHarness) -> None:
    job = await add(db, kind=JobKind.CARD)
    await enqueue(db)
    assert await claim(db) == []
    assert await db.jobs().complete(job) is True


async def test_enqueue__ends_the_delay_of_a_released_job(db: DatabaseHarness) -> None:
    job = await add(db, kind=JobKind.CARD)
    await db.jobs().release(job, delay=60)
    await enqueue(db)
    assert await claim(db) == ["key"]


async def enqueue_leased(db: DatabaseHarness, *keys: str, owner: str = "one#1") -> list[Job]:
    specs = [JobSpec(JobKind.CARD, key, {"key": key}) for key in keys]
    return await db.database.write(lambda tx: db.jobs(owner).enqueue_leased(tx, "request", *specs))


async def complete_unless_enqueued(db: DatabaseHarness, job: Job, owner: str = "one#1") -> bool:
    return await db.database.write(lambda tx: db.jobs(owner).complete_unless_enqueued_in(tx, job))


async def test_enqueue_leased__new_jobs_are_held_by_this_process(db: DatabaseHarness) -> None:
    found = await enqueue_leased(db, "first", "second")
    assert [(job.payload["key"], job.attempts) for job in found] == [("first", 1), ("second", 1)]
    assert await claim(db) == []
    for job in found:
        assert await complete_unless_enqueued(db, job)


async def test_enqueue_leased__crash_leaves_the_job_to_another_process_when_the_lease_ends(
    db: DatabaseHarness,
) -> None:
    (job,) = await enqueue_leased(db, "key")
    db.clock.advance(LEASE_DURATION - 0.001)
    assert await claim(db) == []
    db.clock.advance(0.001)
    assert [(one.id, one.attempts) for one in await db.jobs("two#1").claim(10)] == [(job.id, 2)]


async def test_enqueue_leased__done_job_is_held_again_with_its_attempts_reset(db: DatabaseHarness) -> None:
    await enqueue(db)
    (job,) = await db.jobs("two#1").claim(1)
    await db.jobs("two#1").complete(job)
    assert [(one.id, one.attempts) for one in await enqueue_leased(db, "key")] == [(job.id, 1)]
    assert await db.jobs("two#1").complete(job) is False


async def test_enqueue_leased__released_job_is_due_at_once(db: DatabaseHarness) -> None:
    await enqueue(db)
    (job,) = await db.jobs().claim(1)
    await db.jobs().release(job, delay=60)
    assert [one.id for one in await enqueue_leased(db, "key")] == [job.id]
    db.clock.advance(LEASE_DURATION)  # its process has died
    assert await claim(db) == ["key"]


async def test_enqueue_leased__job_whose_lease_has_ended_is_taken_over(db: DatabaseHarness) -> None:
    (lost,) = await enqueue_leased(db, "key", owner="two#1")
    db.clock.advance(LEASE_DURATION)
    (job,) = await enqueue_leased(db, "key")
    assert (job.id, job.attempts) == (lost.id, 1)
    assert await db.jobs("two#1").complete(lost) is False
    assert await db.jobs("two#1").release(lost, delay=0) is False
    assert await claim(db) == []
    assert await complete_unless_enqueued(db, job)


@pytest.mark.parametrize("owner", ["one#1", "two#1"])
async def test_enqueue_leased__job_that_runs_keeps_its_lease_and_runs_again(db: DatabaseHarness, owner: str) -> None:
    (running,) = await enqueue_leased(db, "key", owner=owner)

    assert await enqueue_leased(db, "key") == []

    assert await complete_unless_enqueued(db, running, owner) is False
    assert await db.jobs(owner).release(running, delay=0)
    (again,) = await db.jobs("three#1").claim(10)
    assert (again.id, again.attempts) == (running.id, 1)
    assert await complete_unless_enqueued(db, again, "three#1")


@pytest.mark.parametrize("enqueue_again", [enqueue, enqueue_leased])
async def test_enqueued__job_that_runs_after_its_lease_runs_again(
    db: DatabaseHarness, enqueue_again: Callable[..., Awaitable[object]]
) -> None:
    """A renewal that was late may follow, and no other process has claimed the job meanwhile."""
    (running,) = await enqueue_leased(db, "key")
    db.clock.advance(LEASE_DURATION)

    assert not await enqueue_again(db, "key")
    assert await db.jobs().claim(10, running={running.id}) == []

    assert await complete_unless_enqueued(db, running) is False
    assert await db.jobs().release(running, delay=0)
    assert await claim(db) == ["key"]


async def test_claim__by_another_process_takes_a_job_whose_lease_has_ended(db: DatabaseHarness) -> None:
    (running,) = await enqueue_leased(db, "key")
    db.clock.advance(LEASE_DURATION)
    assert await db.jobs().claim(10, running={running.id}) == []
    assert [one.id for one in await db.jobs("two#1").claim(10)] == [running.id]


async def test_enqueue_leased__job_that_runs_keeps_the_end_of_its_lease(db: DatabaseHarness) -> None:
    """Its holder may have died, and would otherwise keep the job for longer than its own lease."""
    await enqueue_leased(db, "key", owner="two#1")
    db.clock.advance(LEASE_DURATION - 1)
    assert await enqueue_leased(db, "key") == []
    db.clock.advance(1)
    assert await claim(db, "three#1") == ["key"]


async def test_enqueue_leased__returns_only_the_jobs_that_no_other_process_holds(db: DatabaseHarness) -> None:
    await enqueue_leased(db, "theirs", owner="two#1")
    found = await enqueue_leased(db, "first", "theirs", "last")
    assert [job.payload["key"] for job in found] == ["first", "last"]
    ids = [row.id for row in await db.rows("SELECT id FROM jobs")]
    assert len(ids) == 3
    assert await db.jobs().renew(ids) == {job.id for job in found}


async def test_enqueue_leased__is_rolled_back_with_its_transaction(db: DatabaseHarness) -> None:
    class LaterStepFailedError(Exception):
        """A failure of a later statement of the transaction."""

    def enqueue_and_fail(tx: Transaction) -> None:
        assert db.jobs().enqueue_leased(tx, "request", JobSpec(JobKind.CARD, "key", {}))
        raise LaterStepFailedError

    with pytest.raises(LaterStepFailedError):
        await db.database.write(enqueue_and_fail)
    assert await db.rows("SELECT * FROM jobs") == []


async def test_claim__without_due_jobs_writes_nothing(db: DatabaseHarness) -> None:
    await add(db)
    await add_unknown_kind(db)
    await db.jobs().complete(await add(db, "done"))
    await db.jobs().check_writable()
    recorded = RecordingDriver(db.database.driver)
    database = Database(recorded, clock=db.clock)
    assert await JobQueue(database, "two#1").claim(10) == []
    db.clock.advance(LEASE_DURATION)
    assert len(await JobQueue(database, "two#1").claim(10)) == 1
    await database.close()
    assert recorded.commits == [False]


@pytest.mark.parametrize(
    ("owner", "released"),
    [
        ("one#2", True),  # the same process after a restart
        ("one#1", False),  # the same start, which may have leased a click before the database was prepared
        ("two#2", False),
        ("on#2", False),
        ("one#1#2", False),  # another name with the same prefix
        ("%#2", False),  # not a LIKE pattern
    ],
)
async def test_release_own_leases__releases_only_leases_of_the_same_name(
    db: DatabaseHarness, owner: str, *, released: bool
) -> None:
    await add(db)
    assert await db.jobs(owner).release_own_leases() == int(released)
    assert await claim(db) == (["key"] if released else [])


async def test_release_own_leases__keeps_the_number_of_attempts(db: DatabaseHarness) -> None:
    """The dead process may have sent a DELETE, which the second attempt must know."""
    await add(db, kind=JobKind.EXECUTE)
    await db.jobs("one#2").release_own_leases()
    (job,) = await db.jobs("one#2").claim(1)
    assert job.attempts == 2


async def test_depth__counts_open_jobs_of_every_kind(db: DatabaseHarness) -> None:
    await enqueue(db, "due")
    await add(db, "leased", JobKind.EXECUTE)
    await db.jobs().complete(await add(db, "done", JobKind.CLICK))
    assert await db.jobs().depth() == {
        "click": 0,
        "target": 1,
        "command": 0,
        "card": 1,
        "copy": 0,
        "reply": 0,
        "announcement": 0,
        "thread": 0,
        "reminder": 0,
        "affected": 0,
        "file": 0,
        "notice": 0,
        "bulk": 0,
        "watch": 0,
    }


@pytest.mark.parametrize("kind", [JobKind.REMINDER, JobKind.WATCH])
async def test_depth__counts_what_is_due_long_after_only_once_it_is_due(db: DatabaseHarness, kind: JobKind) -> None:
    spec = JobSpec(kind, "first", {})
    await db.database.write(lambda tx: db.jobs().enqueue(tx, "first", spec, delay=300.0))
    assert (await db.jobs().depth())[kind] == 0
    db.clock.advance(300.0)
    assert (await db.jobs().depth())[kind] == 1


async def test_depth__reports_unknown_kinds(db: DatabaseHarness) -> None:
    await add_unknown_kind(db)
    assert (await db.jobs().depth())["escalation"] == 1


async def test_work__counts_jobs_and_pending_requests_and_measures_the_oldest_due_job(db: DatabaseHarness) -> None:
    queue = db.jobs("one#1")
    nothing = await queue.work()
    await add(db, "first")
    db.clock.advance(30)
    await add(db, "second")
    late = await add(db, "third", JobKind.CARD)
    await queue.put_back(late, delay=900.0)
    depth, oldest, pending = await queue.work()

    assert (set(nothing[0].values()), nothing[1:]) == ({0}, (0.0, 0))
    assert (depth[JobKind.CLICK], depth[JobKind.CARD], pending) == (2, 1, 0)
    assert oldest == pytest.approx(30, abs=1)


async def test_work__has_no_age_while_every_job_is_due_later(db: DatabaseHarness) -> None:
    job = await add(db)
    await db.jobs("one#1").put_back(job, delay=60.0)

    assert (await db.jobs("one#1").work())[1] == 0


@pytest.mark.parametrize("query", [sql.DEPTH, sql.OLDEST_DUE, sql.PENDING])
@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
async def test_work__is_read_from_an_index_because_every_scrape_reads_it(db: DatabaseHarness, query: str) -> None:
    plan = [row.detail for row in await db.rows(f"EXPLAIN QUERY PLAN {query}", now=0)]

    assert [step for step in plan if "SCAN" in step and "INDEX" not in step] == []
