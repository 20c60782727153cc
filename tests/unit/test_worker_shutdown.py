"""How a worker stops, what it does about lost leases, and how it outlives a database that is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.db.jobs import LEASE_DURATION, Job, JobKind
from bot.domain.requests import Event, MessageRef, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.services.cards import CardUpdater
from bot.worker import Worker
from handlers.ui import cards
from tests.support.components import PATIENCE, Components, deletes, ended, open_components, running, until
from tests.support.database import approve, stored, tags


class PaintsTwice(CardUpdater):
    """Finds after its first painting that there is more to paint."""

    painted = 0

    async def paint(self, job: Job) -> bool:
        self.painted += 1
        await self._store.jobs.release(job, delay=0) if self.painted == 1 else await self._store.jobs.complete(job)
        return self.painted > 1


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_a_database_that_fails__is_asked_again(office: Components) -> None:
    _, posted = await office.ask()
    with capture_logs() as said:
        await through_an_outage(office, posted)
    assert "a job failed and will be tried again" in [line["event"] for line in said]
    assert len(deletes(office)) == 1


async def through_an_outage(office: Components, posted: Job) -> None:
    async with running(office.worker()) as worker:
        worker.take(posted)
        await office.slack.wait_for_message(lambda one: bool(office.slack.buttons(one)), PATIENCE)
        job = await office.click(by=personas.OLIVIA)
        await office.ledger.run(text("ALTER TABLE audit RENAME TO away"))
        worker.take(job)

        async def given_back() -> bool:
            return not await office.store.jobs.still_leased(job)

        await until(given_back)
        assert deletes(office) == []
        await office.ledger.run(text("ALTER TABLE away RENAME TO audit"))
        office.ledger.clock.now += 2
        worker.ring()
        await ended(office, State.REVOKED)


async def test_drain__what_runs_is_finished_and_nothing_new_is_begun(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    await approve(office.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    office.genesys.fault("delete_token", GenesysFault(until=answer))
    again = office.ledger.store("one#2")
    await again.jobs.release_own_leases()
    worker = office.worker(again)
    working = asyncio.create_task(worker.run())
    await office.genesys.wait_for_request("delete_token")
    draining = asyncio.create_task(worker.drain(PATIENCE))
    await working
    answer.set()
    await draining
    assert (await stored(office.store)).state is State.REVOKED
    assert len(deletes(office)) == 1


async def test_drain__what_does_not_end_in_time_is_left_to_its_lease(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(office.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    office.genesys.fault("delete_token", GenesysFault(until=answer))
    worker = office.worker()
    worker.take(work)
    await office.genesys.wait_for_request("delete_token")
    await worker.drain(0)
    answer.set()
    assert (await stored(office.store)).state is State.APPROVED
    assert not await office.store.jobs.is_done(work.id)


async def test_drain__a_database_that_does_not_answer_is_not_waited_for(office: Components) -> None:
    """SIGTERM ends the process in time, also while another program keeps the file locked."""
    loop, begun, answer = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def hang(_tx: object) -> bool:
        loop.call_soon_threadsafe(begun.set)
        return answer.wait(PATIENCE)

    hanging = asyncio.create_task(office.ledger.database.write(hang))
    await begun.wait()
    await office.worker().drain(0.01)
    answer.set()
    assert await hanging, "the worker waited for it to the end"


async def test_a_lost_lease__ends_the_work_and_leaves_the_word_to_the_other(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(office.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    office.genesys.fault("delete_token", GenesysFault(until=answer))
    worker = office.worker()
    worker.take(work)
    await office.genesys.wait_for_request("delete_token")
    office.ledger.clock.now += LEASE_DURATION
    other = office.ledger.store("two#1")
    assert work.id in {job.id for job in await other.jobs.claim(10)}
    await worker._renew_running()
    assert worker._running[work.id].cancelling()
    async with asyncio.timeout(PATIENCE):
        while worker._running:  # noqa: ASYNC110 - a task that was cancelled ends on its own
            await asyncio.sleep(0.01)
    answer.set()
    assert (await stored(office.store)).state is State.APPROVED
    assert await other.jobs.still_leased(work)


async def test_a_lease__of_what_is_done_meanwhile_is_not_lost(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(office.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    office.genesys.fault("delete_token", GenesysFault(until=answer))
    async with running(office.worker()) as worker:
        worker.take(work)
        worker.take(work)  # it runs once however often it is handed over
        await office.genesys.wait_for_request("delete_token")
        await office.store.finish_execution(work, Event.SUCCEED, outcome={"attempts": 1}, notify=())
        await worker._renew_running()
        assert not worker._running[work.id].cancelling()
        answer.set()
    assert len(deletes(office)) == 1
    assert (await tags(office.store)).count("token:revoked") == 1


async def test_leases__are_renewed_while_the_work_runs(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(office.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    office.genesys.fault("delete_token", GenesysFault(until=answer))
    async with running(office.worker()) as worker:
        worker.take(work)
        await office.genesys.wait_for_request("delete_token")
        for _ in range(3):
            office.ledger.clock.now += LEASE_DURATION - 1
            await worker._renew_running()
        assert await office.store.jobs.still_leased(work)
        theirs = await office.ledger.store("two#1").jobs.claim(10)
        answer.set()
        assert work.id not in {job.id for job in theirs}
        for job in theirs:
            await office.ledger.store("two#1").jobs.complete(job)
        await ended(office, State.REVOKED)


async def test_a_click__another_replica_judges_is_not_answered_twice(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    job = await office.click(by=personas.NADIA, response_url=office.response_url(personas.NADIA))
    office.ledger.clock.now += LEASE_DURATION
    other = office.ledger.store("two#1")
    assert job.id in {one.id for one in await other.jobs.claim(10)}
    worker = office.worker()
    worker.take(job)
    await asyncio.gather(*worker._running.values())
    assert (await stored(office.store)).state is State.PENDING
    assert await tags(office.store) == ["request:asked"]
    assert await other.jobs.still_leased(job)
    assert office.slack.calls_of("response_url") == []


async def test_a_stale_click__another_replica_judges_is_not_answered_twice(office: Components) -> None:
    job = await office.click(request_id="forged", response_url=office.response_url(personas.OLIVIA))
    office.ledger.clock.now += LEASE_DURATION
    await office.ledger.store("two#1").jobs.claim(10)
    worker = office.worker()
    worker.take(job)
    await asyncio.gather(*worker._running.values())
    assert await tags(office.store) == []
    assert office.slack.calls_of("response_url") == []


async def test_a_job__that_is_claimed_again_while_its_task_ends_is_done_again_at_once(office: Components) -> None:
    """Passed over, it would be leased to this process, done by nobody, and due again only a lease later."""
    _, posted = await office.ask()
    painter = PaintsTwice(office.store, office.courier, cards, office.audience)
    worker = Worker(
        office.store,
        office.decisions(),
        office.purecloud.tokens,
        painter,
        metrics=office.metrics,
        audience=office.audience,
    )
    before, after = threading.Event(), threading.Event()
    waiting: list[asyncio.Task[Any]] = [
        asyncio.create_task(office.ledger.database.write(lambda _: before.wait(PATIENCE)))
    ]
    await asyncio.sleep(0)
    worker.take(posted)
    await until(partial(under_way, office, 2))
    waiting.append(asyncio.create_task(worker._claim(1)))
    await until(partial(under_way, office, 3))
    waiting.append(asyncio.create_task(office.ledger.database.write(lambda _: after.set())))
    await until(partial(under_way, office, 4))
    before.set()
    after.wait(PATIENCE)  # the loop is busy until both are committed
    await asyncio.gather(*waiting, *worker._running.values())
    await asyncio.gather(*worker._running.values())
    assert painter.painted == 2
    assert await office.store.jobs.is_done(posted.id)


async def under_way(office: Components, count: int) -> bool:
    return len(office.ledger.database._writes) == count


async def test_looking_for_work__goes_on_when_the_database_is_back(office: Components) -> None:
    await office.ask()
    await office.ledger.run(text("UPDATE jobs SET lease_owner = NULL"))
    await office.ledger.run(text("ALTER TABLE requests RENAME TO away"))
    with capture_logs() as said:
        async with running(office.worker()):

            async def complained() -> bool:
                return bool(said)

            await until(complained)
            await office.ledger.run(text("ALTER TABLE away RENAME TO requests"))
            await office.slack.wait_for_message(lambda one: bool(office.slack.buttons(one)), PATIENCE)
    assert said[0]["event"] == "the worker could not use the database and will try again"


async def test_a_job__that_has_failed_a_thousand_times_is_given_back_all_the_same(office: Components) -> None:
    await office.ask()
    job = await office.click()
    worker = office.worker()
    worker.take(replace(job, payload={}, attempts=2000))
    await asyncio.gather(*worker._running.values())
    assert not await office.store.jobs.still_leased(job)
    assert not await office.store.jobs.is_done(job.id)


async def test_work__for_a_request_that_is_not_there_sends_nothing(office: Components) -> None:
    worker = office.worker()
    worker.take(Job(4711, JobKind.EXECUTE, "nobody", {"place": 0, "clicked_at": 0.0}, 1, 0.0))
    await asyncio.gather(*worker._running.values())
    assert office.genesys.requests == []


async def test_an_outcome__that_cannot_be_written_down_is_written_later_and_the_delete_not_sent_again(
    office: Components,
) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(office.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    office.genesys.fault("delete_token", GenesysFault(until=answer, executes=True, status=200, body={}))
    async with running(office.worker()) as worker:
        worker.take(work)
        await office.genesys.wait_for_request("delete_token")
        await office.ledger.run(text("ALTER TABLE items RENAME TO away"))
        with capture_logs() as said:
            answer.set()

            async def tried() -> bool:
                return "an outcome could not be written down yet" in [line["event"] for line in said]

            await until(tried)
            await office.ledger.run(text("ALTER TABLE away RENAME TO items"))
            office.ledger.clock.now += 4  # when the card, which met the outage too, is due again
            worker.ring()
            await ended(office, State.REVOKED)
    assert len(deletes(office)) == 1


async def test_drain__keeps_the_leases_of_what_it_waits_for(office: Components) -> None:
    """Otherwise another process would send the DELETE again while this one still waits for its answer."""
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(office.store, by=personas.OLIVIA)
    answer = asyncio.Event()
    office.genesys.fault("delete_token", GenesysFault(until=answer, executes=True, status=200, body={}))
    worker = office.worker()
    working = asyncio.create_task(worker.run())
    worker.take(work)
    await office.genesys.wait_for_request("delete_token")
    draining = asyncio.create_task(worker.drain(PATIENCE))
    await working
    assert worker.renews
    answer.set()
    await draining
    assert not worker.renews
    assert len(deletes(office)) == 1


async def test_take__at_the_very_end_leaves_a_job_to_its_lease(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    _, work = await approve(office.store, by=personas.OLIVIA)
    worker = office.worker()
    await worker.drain(0)
    worker.take(work)
    assert not worker._running
    assert deletes(office) == []
    assert (await office.store.jobs.depth())["target"] == 1
