"""Worker: jobs run at once, again after a transient error, and in another process after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.driver import DatabaseUnavailable
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind, JobSpec
from bot.domain.requests import EXECUTION_WINDOW, MessageRef, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.attempts import RETRY_DELAY
from bot.services.expiry import ExpiryService
from bot.services.job_result import JobResult
from bot.worker import CONCURRENCY, Worker
from tests.support.clock import FakeClock
from tests.support.components import TOM, WAIT_TIMEOUT, Components, deletes, ended, open_components, running, until
from tests.support.database import TTL, approve, stored, tags


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def card(components: Components) -> str:
    return components.texts_in(personas.OPS)[0]


async def test_click__causes_one_delete_and_updates_the_card(components: Components) -> None:
    _, posted = await components.request()
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(await components.click(by=personas.OLIVIA))
        await ended(components, State.REVOKED)
    assert [one.path for one in deletes(components)] == [f"/api/v2/tokens/{TOM.id}"]
    assert components.genesys.users[TOM.id].sessions == 0
    assert "Revoked: all sessions of Tom Target" in card(components)
    assert "Revoked: all sessions of Tom Target" in components.texts_in(personas.AUDIT)[0]
    assert (
        components.metrics.registry.get_sample_value(
            "purecloud_bot_outcomes_total", {"kind": "revoke", "outcome": "revoked"}
        )
        == 1
    )


async def test_click__is_timed_by_the_database_clock(components: Components) -> None:
    _, posted = await components.request()
    pressed = await components.click(by=personas.OLIVIA)
    components.database.clock.advance(3)
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(pressed)
        await ended(components, State.REVOKED)
    assert components.metrics.registry.get_sample_value("purecloud_bot_click_to_delete_seconds_sum") == 3


async def test_denied_click__sends_nothing_and_replies_to_the_clicker(components: Components) -> None:
    _, posted = await components.request()
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(await components.click(by=personas.NADIA, response_url=components.response_url(personas.NADIA)))
        reply = await components.slack.wait_for_message(lambda one: one.only_for == personas.NADIA, WAIT_TIMEOUT)
    assert "You can't approve this request." in components.slack.text_of(reply)
    assert deletes(components) == []
    assert (await stored(components.store)).state is State.PENDING
    assert (
        components.metrics.registry.get_sample_value("purecloud_bot_refusals_total", {"reason": "not_an_approver"}) == 1
    )


@pytest.mark.parametrize(
    ("fault", "state", "said", "count"),
    [
        (GenesysFault(status=403), State.REFUSED, "Refused by Genesys Cloud", 1),
        (GenesysFault(status=404), State.REFUSED, "no longer has this user (404)", 1),
        (GenesysFault(status=400), State.REFUSED, "Refused by Genesys Cloud", 1),
        (
            GenesysFault(status=429, headers={"Retry-After": "3600"}),
            State.FAILED,
            "takes no more requests for now (429)",
            1,
        ),
    ],
)
async def test_definite_error__ends_the_request_at_once(
    components: Components, fault: GenesysFault, state: State, said: str, count: int
) -> None:
    _, posted = await components.request()
    components.genesys.fault("delete_token", fault)
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(await components.click(by=personas.OLIVIA))
        await ended(components, state)
    assert said in card(components)
    assert "Revoked" not in card(components)
    assert len(deletes(components)) == count


async def retried(components: Components, fault: GenesysFault, state: State) -> None:
    """Run into the fault; the card says that the bot retries; the second round may meet the fault again."""
    _, posted = await components.request()
    components.genesys.fault("delete_token", fault)
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(await components.click(by=personas.OLIVIA))
        await components.slack.wait_for_message(
            lambda one: "trying again" in components.slack.text_of(one), WAIT_TIMEOUT
        )
        assert (await stored(components.store)).state is State.APPROVED
        assert components.texts_in(personas.AUDIT) == []
        components.database.clock.advance(RETRY_DELAY)
        worker.wake()
        await ended(components, state)


async def test_server_error__is_retried_and_succeeds(components: Components) -> None:
    await retried(components, GenesysFault(status=500), State.REVOKED)
    assert len(deletes(components)) == 2
    assert await tags(components.store) == [
        "request:asked", "request:approved", "token:attempt_failed", "token:revoked",
    ]  # fmt: skip


async def test_server_error__twice_means_failed(components: Components) -> None:
    await retried(components, GenesysFault(status=500, times=None), State.FAILED)
    assert "no session is known to have ended" in card(components)
    assert components.genesys.users[TOM.id].sessions == 2


async def test_no_response__is_never_shown_as_success(components: Components) -> None:
    await retried(components, GenesysFault(drop="after", times=None), State.UNKNOWN)
    assert "I asked Genesys Cloud 6 times and got no certain answer" in card(components)
    assert "Unknown" in components.texts_in(personas.AUDIT)[0]


async def test_no_response__stays_uncertain_when_the_retry_fails_definitely(components: Components) -> None:
    for _ in range(3):  # the client's own attempts in the first round
        components.genesys.fault("delete_token", GenesysFault(drop="after"))
    await retried(components, GenesysFault(status=500, times=None), State.UNKNOWN)
    assert (await stored(components.store)).outcome["uncertain"] is True


async def test_crash__another_process_finishes_the_execution(components: Components) -> None:
    """The first process dies while it sends; the second one repeats the call."""
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    await approve(components.store, by=personas.OLIVIA)
    components.database.clock.advance(LEASE_DURATION)
    async with running(components.worker(components.database.store("two#1"))):
        found = await ended(components, State.REVOKED)
    assert (found.outcome["attempts"], found.outcome["uncertain"]) == (2, True)
    assert len(deletes(components)) == 1
    assert (await tags(components.store)).count("token:revoked") == 1


async def test_crash__failed_takeover_is_unknown(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    await approve(components.store, by=personas.OLIVIA)
    components.database.clock.advance(LEASE_DURATION)
    components.genesys.fault("delete_token", GenesysFault(status=500, times=None))
    async with running(components.worker(components.database.store("two#1"))):
        await ended(components, State.UNKNOWN)


async def test_execute__sends_nothing_ten_minutes_after_the_approval(components: Components) -> None:
    await components.request(card=MessageRef(personas.OPS, "1.2"))
    await approve(components.store, by=personas.OLIVIA)
    components.database.clock.advance(EXECUTION_WINDOW + 1)
    async with running(components.worker(components.database.store("two#1"))):
        found = await ended(components, State.UNKNOWN)
    assert deletes(components) == []
    assert found.outcome["code"] == "too_late"


async def test_running_job__whose_lease_has_ended_is_not_claimed_again(components: Components) -> None:
    """The claim would forget that the card was enqueued again while it was posted."""
    _, posted = await components.request()
    released = asyncio.Event()

    async def wait(job: Job) -> JobResult:
        await released.wait()
        await components.store.jobs.complete(job)
        return JobResult()

    sweep = ExpiryService(
        components.store,
        components.options().recipients,
        components.metrics,
        components.differences(components.options()),
        clock=FakeClock(),
    )
    worker = Worker(components.store.jobs, sweep, {JobKind.CARD: wait})
    worker.submit(posted)
    components.database.clock.advance(LEASE_DURATION)

    await worker._claim(CONCURRENCY)

    (row,) = await components.database.rows("SELECT attempts FROM jobs WHERE kind = 'card'")
    assert row.attempts == 1
    released.set()
    await worker.drain(WAIT_TIMEOUT)


async def test_rotation__runs_once(components: Components) -> None:
    _, posted = await components.request(action="rotate", target=None, target_slack_id=None, requester=personas.OLIVIA)
    await components.purecloud.auth.token()
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(await components.click(by=personas.OLIVIA))
        await ended(components, State.REVOKED)
    assert components.genesys.state.live_generations == [2]
    assert "Rotated: the bot's own token" in card(components)


async def test_rotation__is_never_repeated_by_another_process(components: Components) -> None:
    """The other process holds another token, so deleting that one would not help."""
    await components.request(
        action="rotate",
        target=None,
        target_slack_id=None,
        requester=personas.OLIVIA,
        card=MessageRef(personas.OPS, "1.2"),
    )
    await approve(components.store, by=personas.OLIVIA)
    components.database.clock.advance(LEASE_DURATION)
    async with running(components.worker(components.database.store("two#1"))):
        await ended(components, State.UNKNOWN)
    assert components.genesys.received("delete_tokens_me") == []


async def test_rotation__is_not_retried(components: Components) -> None:
    _, posted = await components.request(action="rotate", target=None, target_slack_id=None, requester=personas.OLIVIA)
    components.genesys.fault("login", GenesysFault(status=500, times=None))
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(await components.click(by=personas.OLIVIA))
        await ended(components, State.FAILED)
    assert components.genesys.received("delete_tokens_me") == []


async def test_expiry__card_says_that_it_was_not_approved_in_time(components: Components) -> None:
    _, posted = await components.request()
    async with running(components.worker()) as worker:
        worker.submit(posted)
        await components.slack.wait_for_message(lambda one: bool(components.slack.buttons(one)), WAIT_TIMEOUT)
        components.database.clock.advance(TTL)
        worker.wake()
        await ended(components, State.EXPIRED)
    assert "Nothing was changed. It was not approved in time." in card(components)
    assert deletes(components) == []


async def test_slack_outage__click_is_decided_later(components: Components) -> None:
    _, posted = await components.request()
    components.slack.fault("users.info", SlackFault(error="internal_error", times=2))
    job = await components.click(by=personas.OLIVIA)
    async with running(components.worker()) as worker:
        worker.submit(posted)
        worker.submit(job)

        async def released() -> bool:
            return not await components.store.jobs.still_leased(job)

        await until(released)
        assert deletes(components) == []
        components.database.clock.advance(1)
        worker.wake()
        await ended(components, State.REVOKED)
    assert len(deletes(components)) == 1


async def test_seconds_since_poll__grow_while_the_worker_cannot_poll(components: Components) -> None:
    clock = FakeClock()

    class Sweep:
        problem: Exception | None = None

        async def run(self) -> None:
            if self.problem:
                raise self.problem

    sweep = Sweep()
    worker = Worker(components.store.jobs, sweep, {}, clock=clock)
    clock.advance(11)
    await worker._poll()
    assert worker.seconds_since_poll == 0

    clock.advance(11)
    sweep.problem = DatabaseUnavailable("locked")
    with pytest.raises(DatabaseUnavailable):
        await worker._poll()
    assert worker.seconds_since_poll == 11


async def test_lane__runs_while_every_other_slot_is_taken(components: Components) -> None:
    """Otherwise a bulk request would stop whenever Slack does not answer."""
    store, ran, held = components.store, asyncio.Event(), asyncio.Event()

    async def hold(_job: Job) -> JobResult:
        await held.wait()
        return JobResult()

    async def run(job: Job) -> JobResult:
        await store.jobs.complete(job)
        ran.set()
        return JobResult()

    lane = JobSpec(JobKind.BULK, "lane", {"lane": 0, "clicked_at": 0.0})
    cards = [JobSpec(JobKind.CARD, str(number), {}) for number in range(CONCURRENCY + 1)]
    await store.database.write(lambda tx: store.jobs.enqueue(tx, "none", *cards))
    worker = Worker(store.jobs, components.worker()._sweep, {JobKind.CARD: hold, JobKind.BULK: run})
    async with running(worker):
        async with asyncio.timeout(WAIT_TIMEOUT):
            while len(worker._running) < CONCURRENCY:  # noqa: ASYNC110 - the worker signals nothing
                await asyncio.sleep(0.01)
        await store.database.write(lambda tx: store.jobs.enqueue(tx, "none", lane))
        worker.wake()
        await asyncio.wait_for(ran.wait(), WAIT_TIMEOUT)
        assert len(worker._running) == CONCURRENCY
        held.set()
