"""Many outcomes at once: Slack takes one message a second, and the bot posts the newest first."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.db.executions import ExecutionStore
from bot.db.expiry import ExpiryStore
from bot.db.jobs import Job, JobKind
from bot.db.postgres import PostgresDriver
from bot.db.requests import RequestStore
from bot.domain.requests import Event, MessageRef
from bot.sandbox import personas
from bot.sandbox.slack.api import POST_BURST
from bot.sandbox.slack.faults import SlackFault
from bot.services.cards import EXPIRED_CARDS
from bot.services.job_result import JobResult
from bot.services.notifications import MAX_FOLDED
from bot.services.pacing import ChannelPace
from bot.worker import CONCURRENCY
from tests.support.clock import FakeClock
from tests.support.components import Components, open_components
from tests.support.database import TTL, approve, click, create_request
from tests.support.postgres import Server


class Replica:
    """A process that claims and runs jobs; it leaves the kinds that a test does not name."""

    def __init__(self, components: Components, owner: str) -> None:
        self.components = components
        self.store: RequestStore = components.database.store(owner)
        self.pace = ChannelPace(components.database.clock)

    async def run(self, *jobs: Job) -> list[JobResult]:
        """Run jobs at the same time, as the worker does."""
        components, options = self.components, self.components.options()
        components.pace = self.pace
        services = components.services(self.store, options)
        return await asyncio.gather(*(services[job.kind](job) for job in jobs))

    async def poll(self) -> None:
        """Run what is due, as one look of the worker."""
        while jobs := await self.store.jobs.claim(CONCURRENCY, most_urgent=JobKind.CARD):
            await self.run(*jobs)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_000_000.0)


@pytest.fixture(params=["sqlite", "postgresql"])
async def components(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Components]:
    """The services on each database, with a Slack that enforces its limits."""
    if request.param == "sqlite":
        async with open_components(tmp_path, slack_clock=clock) as opened:
            opened.slack.api.enforces_rate_limits = True
            yield opened
        return
    server: Server = request.getfixturevalue("postgres")
    async with (
        server.emptied() as address,
        open_components(tmp_path, driver=PostgresDriver(address), slack_clock=clock) as opened,
    ):
        opened.slack.api.enforces_rate_limits = True
        yield opened


def wait(components: Components, clock: FakeClock, seconds: float) -> None:
    """Move every clock."""
    for one in (components.database.clock, clock):
        one.advance(seconds)


async def pass_time(components: Components, clock: FakeClock, replicas: Sequence[Replica]) -> int:
    """Let replicas poll twice a second until no notice is open; return the seconds that passed."""
    for halves in range(1000):
        for replica in replicas:
            await replica.poll()
        if not (await components.store.jobs.depth())["notice"]:
            return halves // 2
        wait(components, clock, 0.5)
    raise AssertionError("notices are still open")


async def overdue(components: Components, count: int, card: MessageRef | None = None) -> None:
    """Store requests that expire at once."""
    for number in range(count):
        channel = card or MessageRef(personas.OPS, f"{number}.1")
        await create_request(components.store, f"late{number}", requester=personas.RAVI, card=channel)
    await components.database.run("UPDATE jobs SET done_at = due_at")
    components.database.clock.advance(TTL)


async def expire(components: Components) -> None:
    while await ExpiryStore(components.store).expire_due(components.options().recipients):
        pass
    await components.database.run("UPDATE jobs SET done_at = due_at WHERE kind = 'card'")


def rate_limited(components: Components) -> int:
    return sum(call.status == 429 for call in components.slack.calls_of("chat.postMessage"))


def references(texts: Sequence[str], pattern: str) -> list[str]:
    """Return what matches in each text, without repetitions in the same text."""
    return [one for text in texts for one in dict.fromkeys(re.findall(pattern, text))]


@pytest.mark.parametrize("replicas", [1, 2])
async def test_two_hundred_expirations__are_a_few_messages_with_every_reference_once(
    components: Components, clock: FakeClock, replicas: int
) -> None:
    await overdue(components, 200)
    await expire(components)

    seconds = await pass_time(components, clock, [Replica(components, f"{n}#1") for n in range(replicas)])

    texts = components.texts_in(personas.AUDIT)
    assert len(texts) == 200 / MAX_FOLDED
    assert "50 requests expired" in texts[0]
    assert "Nothing was changed." in texts[0]
    assert Counter(references(texts, r"LATE\d+")) == dict.fromkeys((f"LATE{n}" for n in range(200)), 1)
    assert seconds <= len(texts)
    assert rate_limited(components) == 0


async def test_one_expiration__keeps_its_own_message(components: Components, clock: FakeClock) -> None:
    await overdue(components, 1)
    await expire(components)
    await pass_time(components, clock, [Replica(components, "one#1")])
    (text,) = components.texts_in(personas.AUDIT)
    assert "Expired: sessions of Tom Target not touched" in text


async def test_expirations__of_an_absent_requester_are_folded_into_their_own_message(
    components: Components, clock: FakeClock
) -> None:
    await overdue(components, 3, MessageRef(personas.APPROVALS, "1.2"))
    await create_request(components.store, "other", requester=personas.BEN, card=MessageRef(personas.APPROVALS, "1.3"))
    await components.database.run("UPDATE jobs SET done_at = due_at")
    components.database.clock.advance(TTL)
    await expire(components)

    await pass_time(components, clock, [Replica(components, "one#1")])

    (ravi,) = components.texts_in(components.slack.workspace.dm(personas.RAVI).id)
    (ben,) = components.texts_in(components.slack.workspace.dm(personas.BEN).id)
    assert sorted(references([ravi], r"LATE\d+")) == ["LATE0", "LATE1", "LATE2"]
    assert "OTHER" not in ravi
    assert "LATE" not in ben
    (audit,) = components.texts_in(personas.AUDIT)
    assert "4 requests expired" in audit


@pytest.mark.parametrize("problem", ["internal_error", "not_in_channel"])
async def test_expirations__that_slack_does_not_take_are_posted_later_without_a_loss(
    components: Components, clock: FakeClock, problem: str
) -> None:
    await overdue(components, 20)
    await expire(components)
    components.slack.fault("chat.postMessage", SlackFault(error=problem, times=2))

    await pass_time(components, clock, [Replica(components, "one#1")])

    found = references(components.texts_in(personas.AUDIT), r"LATE\d+")
    assert sorted(found) == sorted(f"LATE{n}" for n in range(20))


async def test_expirations__of_a_process_that_ends_before_its_commit_are_posted_by_another(
    components: Components, clock: FakeClock
) -> None:
    """The message may be there twice, but no reference is lost."""
    await overdue(components, 20)
    await expire(components)
    killed = Replica(components, "killed#1")
    (job,) = await killed.store.jobs.claim(CONCURRENCY)
    assert len(await ExpiryStore(killed.store).take_expired_notices(job.payload["channel"], MAX_FOLDED - 1)) == 19

    await pass_time(components, clock, [Replica(components, "one#1")])

    found = set(references(components.texts_in(personas.AUDIT), r"LATE\d+"))
    assert found == {f"LATE{n}" for n in range(20)}


async def outcomes(components: Components, count: int) -> list[Job]:
    """Approve and execute requests; return the notices that their process holds, oldest first."""
    notices = []
    for number in range(count):
        name = f"done{number}"
        await create_request(components.store, name, requester=personas.RAVI, card=MessageRef(personas.OPS, "1.2"))
        moved, work = await approve(components.store, name, by=personas.OLIVIA)
        result = await ExecutionStore(components.store).finish(
            work, Event.SUCCEED, outcome={"attempts": 1, "status": 200}, notify=components.options().recipients(moved)
        )
        assert result
        notices += [job for job in result[1] if job.kind is JobKind.NOTICE]
    await components.database.run("UPDATE jobs SET done_at = due_at WHERE kind = 'card'")
    return notices


@pytest.mark.parametrize("replicas", [1, 2])
async def test_forty_outcomes_at_once__are_posted_newest_first_and_never_above_the_limit(
    components: Components, clock: FakeClock, replicas: int
) -> None:
    notices = await outcomes(components, 40)
    running = [Replica(components, "one#1"), *(Replica(components, f"{n}#1") for n in range(1, replicas))]
    components.slack.calls.clear()

    await running[0].run(*notices)
    seconds = await pass_time(components, clock, running)

    texts = components.texts_in(personas.AUDIT)
    numbers = [int(one) for one in references(texts, r"DONE(\d+)")]
    assert sorted(numbers) == list(range(40))
    assert numbers[1:] == sorted(numbers[1:], reverse=True)
    assert 38 <= seconds <= 45
    assert rate_limited(components) == 0
    assert len(components.slack.calls_of("chat.postMessage")) == 40


async def test_outcomes__after_a_rate_limit_wait_as_long_as_slack_says(
    components: Components, clock: FakeClock
) -> None:
    notices = await outcomes(components, 5)
    components.slack.fault("chat.postMessage", SlackFault(retry_after=20))
    replica = Replica(components, "one#1")
    await replica.run(*notices)

    wait(components, clock, 19.5)
    await replica.poll()
    assert components.texts_in(personas.AUDIT) == []
    assert rate_limited(components) == 1

    wait(components, clock, 0.5)
    await pass_time(components, clock, [replica])
    assert len(components.texts_in(personas.AUDIT)) == 5
    assert rate_limited(components) == 1


async def test_backlog_of_notices__takes_one_place_of_the_worker_and_delays_nothing_urgent(
    components: Components,
) -> None:
    await overdue(components, 60)
    await ExpiryStore(components.store).expire_due(components.options().recipients)
    await create_request(components.store, "new")
    pressed = await click(components.store, "new")
    await components.store.jobs.release(pressed, delay=0)

    claimed = await components.database.jobs("two#1").claim(CONCURRENCY)

    assert claimed[0].kind is JobKind.CLICK
    assert {job.kind for job in claimed} == {JobKind.CLICK, JobKind.CARD}
    components.database.clock.advance(1)
    await components.database.run("UPDATE jobs SET done_at = due_at WHERE kind = 'card'")
    claimed = await components.database.jobs("two#1").claim(CONCURRENCY)
    assert [job.kind for job in claimed] == [JobKind.NOTICE]


async def test_thirty_cards_at_once__are_posted_oldest_first_and_slack_is_asked_again_once_a_second(
    components: Components, clock: FakeClock
) -> None:
    replica = Replica(components, "one#1")
    cards = []
    for number in range(30):
        request = await create_request(components.store, f"card{number:02}", card=MessageRef(personas.APPROVALS))
        cards.append(request[1])

    await replica.run(*cards[: POST_BURST + 1])  # at the same time: their readings end in any order
    await replica.run(*cards[POST_BURST + 1 :])
    refused = rate_limited(components)
    for _ in range(100):
        await replica.poll()
        if not any((await components.store.jobs.depth()).values()):
            break
        wait(components, clock, 0.5)

    numbers = [int(one) for one in references(components.texts_in(personas.APPROVALS), r"CARD(\d+)")]
    assert sorted(numbers) == list(range(30))
    assert numbers[POST_BURST:] == sorted(numbers[POST_BURST:])
    assert refused <= 30 - POST_BURST
    assert rate_limited(components) == refused


async def test_cards_of_expired_requests__wait_their_turn_and_leave_updates_to_other_cards(
    components: Components, clock: FakeClock
) -> None:
    await overdue(components, 120)
    while await ExpiryStore(components.store).expire_due(components.options().recipients):
        pass
    replica = Replica(components, "one#1")
    for _ in range(600):
        await replica.poll()
        if not (await components.store.jobs.depth())["card"]:
            break
        wait(components, clock, 0.5)

    statuses = [call.status for call in components.slack.calls_of("chat.update")]
    assert statuses.count(200) == 120
    assert statuses.count(429) <= 3 * CONCURRENCY

    await create_request(components.store, "urgent", card=MessageRef(personas.OPS, "1.2"))
    replica.pace.limit(EXPIRED_CARDS, 300)
    wait(components, clock, 60)
    await replica.poll()
    assert not (await components.store.jobs.depth())["card"]
