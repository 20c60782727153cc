"""Worker: draining, lost leases, and an unavailable database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bot.db.driver import DatabaseReplaced, DatabaseUnavailable
from bot.db.executions import ExecutionStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind, JobSpec
from bot.domain.requests import Event, MessageRef, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.services.job_result import JobResult
from bot.worker import RENEWAL, Worker
from tests.support.clock import FakeClock
from tests.support.components import WAIT_TIMEOUT, Components, deletes, ended, open_components, running, until
from tests.support.database import approve, stored, tags
from tests.support.number_table import busy_thread


class NoSweep:
    """No periodic work."""

    async def run(self) -> None:
        return


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_run__retries_a_job_after_a_database_failure(components: Components) -> None:
    _, posted = await components.request()
    with capture_logs() as said:
        await through_an_outage(components, posted)
    assert "job.failed" in [line["event"] for line in said]
    assert len(deletes(components)) == 1


async def through_an_outage(components: Components, posted: Job) -> None:
    async with running(components.worker()) as worker:
        worker.submit(posted)
        await components.slack.wait_for_message(lambda one: bool(components.slack.buttons(one)), WAIT_TIMEOUT)
        job = await components.click(by=personas.OLIVIA)
        await components.database.run("ALTER TABLE audit RENAME TO away")
        worker.submit(job)

        async def released() -> bool:
            return not await components.store.jobs.still_leased(job)

        await until(released)
        assert deletes(components) == []
        await components.database.run("ALTER TABLE away RENAME TO audit")
        components.database.clock.advance(2)
        worker.wake()
        await ended(components, State.REVOKED)


async def test_drain__finishes_running_jobs_and_starts_none(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    await approve(components.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    components.genesys.fault("delete_token", GenesysFault(until=answer))
    again = components.database.store("one#2")
    await again.jobs.release_own_leases()
    worker = components.worker(again)
    working = asyncio.create_task(worker.run())
    await components.genesys.wait_for_request("delete_token")
    draining = asyncio.create_task(worker.drain(WAIT_TIMEOUT))
    await working
    answer.set()
    await draining
    assert (await stored(components.store)).state is State.REVOKED
    assert len(deletes(components)) == 1


async def test_drain__leaves_unfinished_jobs_to_their_leases(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(components.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    components.genesys.fault("delete_token", GenesysFault(until=answer))
    worker = components.worker()
    worker.submit(work)
    await components.genesys.wait_for_request("delete_token")
    await worker.drain(0)
    answer.set()
    assert (await stored(components.store)).state is State.APPROVED
    assert not await components.store.jobs.is_done(work.id)


async def test_drain__does_not_wait_for_an_unresponsive_database(components: Components) -> None:
    """SIGTERM must end the process in time even while another program keeps the file locked."""
    loop, begun, answer = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def hang(_tx: object) -> bool:
        loop.call_soon_threadsafe(begun.set)
        return answer.wait(WAIT_TIMEOUT)

    hanging = asyncio.create_task(components.database.database.write(hang))
    await begun.wait()
    await components.worker().drain(0.01)
    answer.set()
    assert await hanging, "the worker waited for the database"


async def test_lost_lease__cancels_the_job_and_leaves_it_to_the_other_replica(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(components.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    components.genesys.fault("delete_token", GenesysFault(until=answer))
    worker = components.worker()
    worker.submit(work)
    await components.genesys.wait_for_request("delete_token")
    components.database.clock.advance(LEASE_DURATION)
    other = components.database.store("two#1")
    assert work.id in {job.id for job in await other.jobs.claim(10)}
    with capture_logs() as said:
        await worker._renew_running()
    assert worker._running[work.id].cancelling()
    assert [line["event"] for line in said] == ["lease.lost"]
    assert components.metrics.registry.get_sample_value("purecloud_bot_leases_lost_total") == 1
    async with asyncio.timeout(WAIT_TIMEOUT):
        while worker._running:  # noqa: ASYNC110 - a task that was cancelled ends on its own
            await asyncio.sleep(0.01)
    answer.set()
    assert (await stored(components.store)).state is State.APPROVED
    assert await other.jobs.still_leased(work)


async def test_renew__does_not_cancel_a_job_that_is_done(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(components.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    components.genesys.fault("delete_token", GenesysFault(until=answer))
    async with running(components.worker()) as worker:
        worker.submit(work)
        worker.submit(work)  # runs once however often it is submitted
        await components.genesys.wait_for_request("delete_token")
        await ExecutionStore(components.store).finish(work, Event.SUCCEED, outcome={"attempts": 1}, notify=())
        await worker._renew_running()
        assert not worker._running[work.id].cancelling()
        answer.set()
    assert len(deletes(components)) == 1
    assert (await tags(components.store)).count("token:revoked") == 1


async def test_renew__keeps_the_lease_of_a_running_job(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(components.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    components.genesys.fault("delete_token", GenesysFault(until=answer))
    async with running(components.worker()) as worker:
        worker.submit(work)
        await components.genesys.wait_for_request("delete_token")
        for _ in range(3):
            components.database.clock.advance(LEASE_DURATION - 1)
            await worker._renew_running()
        assert await components.store.jobs.still_leased(work)
        theirs = await components.database.store("two#1").jobs.claim(10)
        answer.set()
        assert work.id not in {job.id for job in theirs}
        for job in theirs:
            await components.database.store("two#1").jobs.complete(job)
        await ended(components, State.REVOKED)


async def test_click__taken_over_by_another_replica_gets_no_second_reply(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    job = await components.click(by=personas.NADIA, response_url=components.response_url(personas.NADIA))
    components.database.clock.advance(LEASE_DURATION)
    other = components.database.store("two#1")
    assert job.id in {one.id for one in await other.jobs.claim(10)}
    worker = components.worker()
    worker.submit(job)
    await asyncio.gather(*worker._running.values())
    assert (await stored(components.store)).state is State.PENDING
    assert await tags(components.store) == ["request:asked"]
    assert await other.jobs.still_leased(job)
    assert components.slack.calls_of("response_url") == []


async def test_stale_click__taken_over_by_another_replica_gets_no_second_reply(components: Components) -> None:
    job = await components.click(request_id="forged", response_url=components.response_url(personas.OLIVIA))
    components.database.clock.advance(LEASE_DURATION)
    await components.database.store("two#1").jobs.claim(10)
    worker = components.worker()
    worker.submit(job)
    await asyncio.gather(*worker._running.values())
    assert await tags(components.store) == []
    assert components.slack.calls_of("response_url") == []


async def test_job__leased_again_in_the_commit_that_completes_it_runs_again_at_once(components: Components) -> None:
    """Otherwise this process would hold its lease without running it, until the lease ends."""
    _, posted = await components.request()
    other = await components.click()
    queue, rendered = components.store.jobs, []

    async def render(job: Job) -> JobResult:
        rendered.append(job)
        await queue.complete(job)
        return JobResult()

    async def decide(_job: Job) -> JobResult:
        card = JobSpec(JobKind.CARD, "first", {})
        return JobResult(tuple(await queue.database.write(lambda tx: queue.enqueue_leased(tx, "first", card))))

    worker = Worker(queue, NoSweep(), {JobKind.CARD: render, JobKind.CLICK: decide})
    async with busy_thread(queue.database):
        worker.submit(posted)
        worker.submit(other)
    while worker._running:
        await asyncio.wait(worker._running.values())
    assert [job.id for job in rendered] == [posted.id, posted.id]


async def test_poll__continues_when_the_database_is_back(components: Components) -> None:
    await components.request()
    await components.database.run("UPDATE jobs SET lease_owner = NULL")
    await components.database.run("ALTER TABLE requests RENAME TO away")
    with capture_logs() as said:
        async with running(components.worker()):

            async def logged() -> bool:
                return bool(said)

            await until(logged)
            await components.database.run("ALTER TABLE away RENAME TO requests")
            await components.slack.wait_for_message(lambda one: bool(components.slack.buttons(one)), WAIT_TIMEOUT)
    assert said[0]["event"] == "worker.failed"


class UnavailableQueue:
    """A queue whose database fails `failures` times, and is then replaced, which ends the worker."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.wake: Callable[[], None] = lambda: None

    async def claim(self, _limit: int, **_options: JobKind) -> list[Job]:
        self.failures -= 1
        self.wake()
        raise DatabaseUnavailable("no connection") if self.failures >= 0 else DatabaseReplaced


async def test_outage__of_the_database_is_logged_once_and_not_at_every_poll() -> None:
    queue = UnavailableQueue(failures=20)
    worker = Worker(cast("Any", queue), NoSweep(), {}, clock=FakeClock())
    queue.wake = worker.wake
    with capture_logs() as said, pytest.raises(DatabaseReplaced):
        await worker.run()
    await worker.drain(0)

    assert [line["event"] for line in said] == ["database.unavailable"]


async def test_job__is_released_even_after_a_thousand_failures(components: Components) -> None:
    await components.request()
    job = await components.click()
    worker = components.worker()
    worker.submit(replace(job, payload={}, attempts=2000))
    await asyncio.gather(*worker._running.values())
    assert not await components.store.jobs.still_leased(job)
    assert not await components.store.jobs.is_done(job.id)


async def test_execute__missing_request_sends_nothing(components: Components) -> None:
    worker = components.worker()
    worker.submit(Job(4711, JobKind.EXECUTE, "unknown", {"place": 0, "clicked_at": 0.0}, 1, 0.0))
    await asyncio.gather(*worker._running.values())
    assert components.genesys.requests == []


async def test_outcome__is_recorded_later_without_a_second_delete(
    components: Components,
) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(components.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    components.genesys.fault("delete_token", GenesysFault(until=answer, executes=True, status=200, body={}))
    async with running(components.worker()) as worker:
        worker.submit(work)
        await components.genesys.wait_for_request("delete_token")
        await components.database.run("ALTER TABLE items RENAME TO away")
        with capture_logs() as said:
            answer.set()

            async def tried() -> bool:
                return "request.outcome_not_recorded" in [line["event"] for line in said]

            await until(tried)
            await components.database.run("ALTER TABLE away RENAME TO items")
            components.database.clock.advance(4)  # when the card, which met the outage too, is due again)
            worker.wake()
            await ended(components, State.REVOKED)
    assert len(deletes(components)) == 1


def renewals() -> int:
    """Return how many tasks renew leases."""
    return sum(task.get_name() == RENEWAL and not task.cancelling() for task in asyncio.all_tasks())


async def test_drain__renews_leases_while_it_waits(components: Components) -> None:
    """Otherwise another process would send the DELETE again while this one waits for the response."""
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(components.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    components.genesys.fault("delete_token", GenesysFault(until=answer, executes=True, status=200, body={}))
    worker = components.worker()
    working = asyncio.create_task(worker.run())
    worker.submit(work)
    await components.genesys.wait_for_request("delete_token")
    draining = asyncio.create_task(worker.drain(WAIT_TIMEOUT))
    await working
    assert renewals() == 1
    answer.set()
    await draining
    assert renewals() == 0
    assert len(deletes(components)) == 1


async def test_submit__after_drain_leaves_the_job_to_its_lease(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(components.store, by=personas.OLIVIA)
    worker = components.worker()
    await worker.drain(0)
    worker.submit(work)
    assert not worker._running
    assert deletes(components) == []
    assert (await components.store.jobs.depth())["target"] == 1
