"""A job belongs to one process at a time: until it is done, given back, or nobody renews its lease."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from bot.db.engine import Transaction
from bot.db.jobs import LEASE_DURATION, Job, JobKind, JobQueue, JobSpec
from bot.db.schema import jobs
from tests.support.database import DatabaseHarness


def queue(ledger: DatabaseHarness, owner: str = "one#1") -> JobQueue:
    return JobQueue(ledger.database, owner)


async def add(ledger: DatabaseHarness, key: str = "key", kind: JobKind = JobKind.CLICK, by: str = "one#1") -> Job:
    job = await add_again(ledger, key, kind, by)
    assert job
    return job


async def add_again(
    ledger: DatabaseHarness, key: str = "key", kind: JobKind = JobKind.CLICK, by: str = "two#1"
) -> Job | None:
    jobs_ = queue(ledger, by)
    return await ledger.database.write(lambda tx: jobs_.add_leased(tx, kind, "request", key, {"says": key}))


async def enqueue(ledger: DatabaseHarness, key: str = "key", kind: JobKind = JobKind.CARD) -> None:
    spec = JobSpec(kind, key, {"says": key})
    await ledger.database.write(lambda tx: queue(ledger).enqueue(tx, "request", spec))


async def claim(ledger: DatabaseHarness, by: str = "two#1", limit: int = 10) -> list[str]:
    """Return the keys of the jobs that a process claims."""
    return [job.payload["says"] for job in await queue(ledger, by).claim(limit)]


async def test_add__the_job_is_leased_to_who_added_it(ledger: DatabaseHarness) -> None:
    job = await add(ledger)
    assert (job.kind, job.request_id, job.payload, job.attempts) == (JobKind.CLICK, "request", {"says": "key"}, 1)
    assert job.created_at == ledger.clock.now
    assert await claim(ledger) == []


async def test_add__a_known_key_adds_nothing_even_when_it_is_done(ledger: DatabaseHarness) -> None:
    job = await add(ledger)
    assert await add_again(ledger) is None
    assert await queue(ledger).complete(job)
    assert await add_again(ledger) is None


async def test_add__the_same_key_of_another_kind_is_another_job(ledger: DatabaseHarness) -> None:
    assert (await add(ledger, kind=JobKind.CLICK)).id != (await add(ledger, kind=JobKind.EXECUTE)).id


async def test_claim__the_most_urgent_first_and_no_more_than_asked_for(ledger: DatabaseHarness) -> None:
    for kind in reversed(JobKind):
        await enqueue(ledger, kind, kind)
    assert await claim(ledger, limit=4) == ["click", "target", "command", "card"]
    assert await claim(ledger, limit=4) == ["reply", "notice"]


async def test_claim__most_urgent_leaves_more_urgent_kinds(ledger: DatabaseHarness) -> None:
    for kind in JobKind:
        await enqueue(ledger, kind, kind)
    claimed = await queue(ledger).claim(10, most_urgent=JobKind.CARD)
    assert [job.kind for job in claimed] == [JobKind.CARD, JobKind.REPLY, JobKind.NOTICE]


async def test_claim__job_of_unknown_kind_is_left_as_it_is(ledger: DatabaseHarness) -> None:
    """A newer version of the bot adds kinds while this version still runs."""
    await add_unknown_kind(ledger)
    unchanged = await ledger.run(select(jobs))
    await enqueue(ledger, "known")
    assert await claim(ledger) == ["known"]
    ledger.clock.advance(10 * LEASE_DURATION)
    assert await claim(ledger) == ["known"]
    await queue(ledger, "two#2").release_own_leases()
    await ledger.store().delete_expired_rows()
    assert await ledger.run(select(jobs).where(jobs.c.kind == "reminder")) == unchanged


async def test_depth__reports_unknown_kinds(ledger: DatabaseHarness) -> None:
    await add_unknown_kind(ledger)
    assert (await queue(ledger).depth())["reminder"] == 1


async def add_unknown_kind(ledger: DatabaseHarness) -> None:
    row = {"kind": "reminder", "key": "reminder:first", "request_id": "first", "payload": "{}", "prio": 0}
    times = {"created_at": ledger.clock.now, "due_at": ledger.clock.now, "attempts": 0, "lease_until": 0.0}
    await ledger.run(insert(jobs), row | times)


async def test_claim__two_processes_never_get_the_same(ledger: DatabaseHarness) -> None:
    for number in range(10):
        await enqueue(ledger, f"{number}")
    first, second = await claim(ledger, "one#1", limit=6), await claim(ledger, limit=6)
    assert sorted([*first, *second]) == [f"{number}" for number in range(10)]


async def test_claim__a_lease_is_kept_to_its_last_moment_and_taken_over_then(ledger: DatabaseHarness) -> None:
    job = await add(ledger)
    ledger.clock.now += LEASE_DURATION - 0.001
    assert await claim(ledger) == []
    ledger.clock.now += 0.001
    taken = await queue(ledger, "two#1").claim(10)
    assert [(one.id, one.attempts) for one in taken] == [(job.id, 2)]


async def test_finish__whoever_lost_the_lease_cannot(ledger: DatabaseHarness) -> None:
    job = await add(ledger)
    ledger.clock.now += LEASE_DURATION
    await claim(ledger)
    assert await queue(ledger).complete(job) is False
    assert await queue(ledger).release(job, delay=0) is False
    assert await queue(ledger).renew([job.id]) == set()
    assert await queue(ledger, "two#1").complete(job) is True


async def test_finish__a_done_job_is_nobodys_any_more(ledger: DatabaseHarness) -> None:
    job = await add(ledger)
    assert await queue(ledger).complete(job) is True
    assert await queue(ledger).complete(job) is False
    assert await queue(ledger).renew([job.id]) == set()
    ledger.clock.now += 10 * LEASE_DURATION
    assert await claim(ledger) == []


async def test_renew__a_renewed_lease_lasts_as_long_again(ledger: DatabaseHarness) -> None:
    mine, theirs = await add(ledger, "mine"), await add(ledger, "theirs", by="two#1")
    ledger.clock.now += LEASE_DURATION - 1
    assert await queue(ledger).renew([mine.id, theirs.id]) == {mine.id}
    ledger.clock.now += LEASE_DURATION - 1
    assert await claim(ledger, "three#1") == ["theirs"]


async def test_release__it_is_anybodys_after_the_wait_and_not_before(ledger: DatabaseHarness) -> None:
    job = await add(ledger)
    assert await queue(ledger).release(job, delay=30) is True
    ledger.clock.now += 29
    assert await claim(ledger) == []
    ledger.clock.now += 1
    assert await claim(ledger) == ["key"]


async def test_raise_flag__many_flags_are_one_job(ledger: DatabaseHarness) -> None:
    for _ in range(3):
        await enqueue(ledger)
    assert await claim(ledger) == ["key"]


async def test_raise_flag__a_done_job_is_due_again_and_begins_anew(ledger: DatabaseHarness) -> None:
    await enqueue(ledger)
    (job,) = await queue(ledger).claim(1)
    await queue(ledger).complete(job)
    await enqueue(ledger)
    (again,) = await queue(ledger, "two#1").claim(1)
    assert (again.id, again.attempts) == (job.id, 1)


async def test_raise_flag__who_is_at_it_keeps_it(ledger: DatabaseHarness) -> None:
    job = await add(ledger, kind=JobKind.CARD)
    await enqueue(ledger)
    assert await claim(ledger) == []
    assert await queue(ledger).complete(job) is True


async def test_raise_flag__ends_the_wait_of_a_job_that_was_put_off(ledger: DatabaseHarness) -> None:
    job = await add(ledger, kind=JobKind.CARD)
    await queue(ledger).release(job, delay=60)
    await enqueue(ledger)
    assert await claim(ledger) == ["key"]


@pytest.mark.parametrize(
    ("owner", "freed"),
    [
        ("one#2", True),  # the same process, started again
        ("two#2", False),
        ("on#2", False),
        ("one#1#2", False),  # another name that begins alike
        ("%#2", False),  # a name is no pattern
    ],
)
async def test_free_own__frees_what_the_same_name_left_and_nothing_else(
    ledger: DatabaseHarness, owner: str, *, freed: bool
) -> None:
    await add(ledger)
    assert await queue(ledger, owner).release_own_leases() == int(freed)
    assert await claim(ledger) == (["key"] if freed else [])


async def test_free_own__a_job_that_was_freed_counts_its_first_attempt(ledger: DatabaseHarness) -> None:
    """A DELETE may have left before the process died; the second attempt must know."""
    await add(ledger, kind=JobKind.EXECUTE)
    await queue(ledger, "one#2").release_own_leases()
    (job,) = await queue(ledger, "one#2").claim(1)
    assert job.attempts == 2


async def test_depth__counts_what_is_not_done(ledger: DatabaseHarness) -> None:
    await enqueue(ledger, "waits")
    await add(ledger, "runs", JobKind.EXECUTE)
    await queue(ledger).complete(await add(ledger, "done", JobKind.CLICK))
    assert await queue(ledger).depth() == {"click": 0, "target": 1, "command": 0, "card": 1, "reply": 0, "notice": 0}


async def test_a_lease__is_part_of_the_transaction_it_is_handed(ledger: DatabaseHarness) -> None:
    class Broken(Exception):
        """Something after the lease went wrong."""

    def finish_and_break(tx: Transaction, job: Job) -> None:
        assert queue(ledger).complete_in(tx, job)
        raise Broken

    job = await add(ledger)
    with pytest.raises(Broken):
        await ledger.database.write(lambda tx: finish_and_break(tx, job))
    rows = await ledger.run(select(jobs.c.done_at, jobs.c.lease_owner))
    assert [tuple(row) for row in rows] == [(None, "one#1")]


async def test_claim__the_longest_due_first_among_equals(ledger: DatabaseHarness) -> None:
    await enqueue(ledger, "later")
    await enqueue(ledger, "sooner")
    await ledger.run(update(jobs).where(jobs.c.key == "card:sooner").values(due_at=ledger.clock.now - 60))
    assert await claim(ledger, limit=1) == ["sooner"]
