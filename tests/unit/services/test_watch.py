"""After a revocation the bot watches whether the person gets a new token, and reports it once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind
from bot.db.postgres import PostgresDriver
from bot.domain.audit import AuditEvent
from bot.domain.requests import Follower, MessageRef, Request, State
from bot.domain.watch import MAX_LOOKS, WatchFinding
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.services.live_state import CARD_TIME_LIMIT
from bot.services.watch import LOOK_TIME_LIMIT
from tests.support.clock import FakeClock
from tests.support.components import TOM, Components, open_components, running, until
from tests.support.database import approve, create_request, stored
from tests.support.examples import NOON
from tests.support.postgres import Server
from tests.support.render_text import plain_words, words

TEN_MINUTES = 600.0
NEXT_WATCH = "SELECT min(due_at) AS due_at FROM jobs WHERE kind = 'watch' AND done_at IS NULL"
SINCE_START = -3600.0
BUDGET_USED = {"inin-ratelimit-count": "210", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "40"}


@dataclass
class World:
    """The services, and the clock of Genesys Cloud, which is another one than that of the bot."""

    components: Components
    genesys_clock: FakeClock
    card: MessageRef

    async def revoke(self, name: str = "first", watch_for: float | None = TEN_MINUTES, **changes: Any) -> Request:
        """Revoke Tom's sessions; return the request as it ended."""
        self.watch_for = watch_for
        card = self.card if name == "first" else MessageRef(personas.OPS, "1.2")
        await self.components.request(**({"name": name, "card": card} | changes))
        _, job = await approve(self.components.store, name)
        await self.components.run(job, watch_for=watch_for)
        ended = await stored(self.components.store, name)
        assert ended.state is State.REVOKED
        self.calls_before = len(self.components.genesys.received("get_user"))
        return ended

    def wait(self, seconds: float) -> None:
        """Let time pass for everyone."""
        self.genesys_clock.advance(seconds)
        self.components.clock.advance(seconds)
        self.components.database.clock.advance(seconds)
        self.components.database.boottime.advance(seconds)

    async def due(self, owner: str = "one#1") -> list[Job]:
        return [job for job in await self.components.database.jobs(owner).claim(20) if job.kind is JobKind.WATCH]

    async def look(self, owner: str = "one#1") -> bool:
        """Run the watch if it is due."""
        jobs = await self.due(owner)
        for job in jobs:
            await self.run(job, owner)
        return bool(jobs)

    async def run(self, job: Job, owner: str = "one#1") -> None:
        components = self.components
        options = components.options(watch_for=self.watch_for)
        await components.services(components.database.store(owner), options)[JobKind.WATCH](job)

    async def let_pass(self, seconds: float, owner: str = "one#1") -> None:
        """Let time pass, and look whenever a watch is due."""
        clock = self.components.database.clock
        end = clock.now + seconds
        while clock.now < end:
            rows = await self.components.database.rows(NEXT_WATCH)
            due_at = rows[0].due_at or end
            self.wait(min(max(due_at - clock.now, 0.5), end - clock.now))
            await self.look(owner)

    @property
    def calls(self) -> int:
        """The calls since the revocation."""
        return len(self.components.genesys.received("get_user")) - self.calls_before

    def log_in(self) -> float:
        """Log Tom in; return the time."""
        self.components.genesys.state.log_in(self.components.genesys.users[TOM.id])
        return self.genesys_clock()

    async def finding(self, name: str = "first") -> dict[str, Any]:
        return dict((await stored(self.components.store, name)).outcome.get("watch") or {})

    async def events(self, name: str = "first") -> list[AuditEvent]:
        events = await self.components.store.audit_events(name)
        return [event for event, _ in events if event.tag.startswith("watch:")]

    async def card_text(self) -> str:
        """Update the card and return its words."""
        await self.deliver(JobKind.CARD)
        (card,) = [one for one in self.components.slack.messages if one.ts == self.card.ts]
        return plain_words({"text": "", "blocks": card.blocks})

    async def deliver(self, *kinds: JobKind) -> None:
        await self.components.database.run("UPDATE jobs SET lease_owner = NULL WHERE done_at IS NULL")
        for job in await self.components.store.jobs.claim(30):
            if job.kind in kinds:
                await self.components.run(job)
        await self.components.database.run("UPDATE jobs SET lease_owner = NULL WHERE done_at IS NULL")

    async def messages_to(self, person: str) -> list[str]:
        """Deliver the replies; return the direct messages of a person."""
        await self.deliver(JobKind.REPLY)
        direct = self.components.slack.workspace.dm(person).id
        found = [one for one in self.components.slack.messages if one.channel_id == direct]
        return [words({"text": one.text, "blocks": one.blocks}) for one in found]


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The services on each database; the clock of Genesys Cloud is an hour behind that of the bot."""
    clock = FakeClock(NOON + SINCE_START + 0.4)
    if request.param == "sqlite":
        async with open_components(tmp_path, genesys_clock=clock) as opened:
            yield await new_world(opened, clock)
        return
    server: Server = request.getfixturevalue("postgres")
    async with (
        server.emptied() as address,
        open_components(tmp_path, driver=PostgresDriver(address), genesys_clock=clock) as opened,
    ):
        yield await new_world(opened, clock)


async def new_world(components: Components, clock: FakeClock) -> World:
    await components.purecloud.auth.token()
    components.genesys.users[TOM.id].last_token_issued = clock() - 1800
    posted = components.slack.conversations.post(personas.APPROVALS, "card", [])
    return World(components, clock, MessageRef(personas.APPROVALS, posted.ts))


async def test_watch__without_a_new_token_says_so_after_eight_calls(world: World) -> None:
    ended = await world.revoke()
    answered = NOON + SINCE_START
    assert ended.outcome["watch"] == {"code": "watching", "until": answered + TEN_MINUTES}
    assert "I watch until {2026-06-21 11:10 UTC} whether they log in again." in await world.card_text()

    await world.let_pass(TEN_MINUTES + 60)
    assert world.calls == MAX_LOOKS
    assert await world.finding() == {"code": "no_login", "until": answered + TEN_MINUTES}
    assert "No new login until {2026-06-21 11:10 UTC}." in await world.card_text()
    (event,) = await world.events()
    assert (event.tag, event.actor, event.target) == ("watch:no_login", "bot", TOM.id)
    assert event.detail == {"code": "no_login", "until": answered + TEN_MINUTES}
    for person in (personas.RAVI, personas.OLIVIA):
        assert await world.messages_to(person) == []
    assert not await world.components.database.rows(
        "SELECT 1 AS one FROM jobs WHERE kind = 'watch' AND done_at IS NULL"
    )


async def test_watch__reports_a_new_token_once_to_card_log_requester_and_approvers(world: World) -> None:
    await world.revoke(reason="laptop stolen")
    await world.let_pass(7)
    issued = world.log_in()
    with capture_logs() as logs:
        await world.let_pass(TEN_MINUTES)
    assert world.calls == 2
    assert await world.finding() == {"code": "logged_in", "issued_at": issued}
    assert [event.tag for event in await world.events()] == ["watch:logged_in"]
    assert [one["event"] for one in logs if one["event"].startswith("watch.")] == ["watch.ended"]
    text = await world.card_text()
    assert "Logged in again ({2026-06-21 11:00 UTC})." in text
    assert "block the login at your identity provider" in text
    for person in (personas.RAVI, "U0OLIVIA01"):
        (message,) = await world.messages_to(person)
        assert "Tom Target logged in to Genesys Cloud again" in message
        assert "/purecloud revoke tom.target@example.com laptop stolen" in message
        assert "block the login at your identity provider" in message
    assert world.components.slack.calls_of("chat.update")
    posts = [one for one in world.components.slack.messages if one.channel_id == personas.APPROVALS]
    assert len(posts) == 1


@pytest.mark.parametrize(
    ("known", "before", "issued", "code"),
    [
        (True, 0.3, None, WatchFinding.NO_LOGIN),  # the token of before was issued in the second of the DELETE
        (False, 0.3, None, WatchFinding.SAME_SECOND),  # ... which the bot does not know
        (False, 0.5, None, WatchFinding.NO_LOGIN),  # it was issued in the second before
        (True, 0.3, 0.0, WatchFinding.SAME_SECOND),
        (True, 60.0, 0.1, WatchFinding.SAME_SECOND),  # a new one in the same second
        (False, 60.0, 0.1, WatchFinding.SAME_SECOND),
        (True, 60.0, 0.6, WatchFinding.LOGGED_IN),  # a new one in the next second
    ],
)
async def test_token__of_the_second_of_the_delete_counts_as_new_unless_it_was_known(
    world: World, known: bool, before: float, issued: float | None, code: WatchFinding
) -> None:
    tom = world.components.genesys.users[TOM.id]
    tom.last_token_issued = world.genesys_clock() - before
    if not known:
        world.components.genesys.fault("get_user", GenesysFault(status=503))
    await world.revoke()
    if issued is not None:
        world.wait(issued)
        world.log_in()
    await world.let_pass(TEN_MINUTES + 1)
    assert (await world.finding())["code"] == code
    text = await world.card_text()
    if code is WatchFinding.SAME_SECOND:
        assert "May be logged in again" in text
        assert "in the same second as the revocation" in text
        (message,) = await world.messages_to(personas.RAVI)
        assert "Tom Target may be logged in to Genesys Cloud again" in message
    elif code is WatchFinding.NO_LOGIN:
        assert await world.messages_to(personas.RAVI) == []


@pytest.mark.parametrize("skew", [-86400.0, -5.0, 0.0, 5.0, 86400.0])
async def test_watch__compares_with_the_clock_of_genesys_cloud_whatever_the_machine_shows(
    world: World, skew: float
) -> None:
    world.genesys_clock.advance(skew)
    world.components.genesys.users[TOM.id].last_token_issued = world.genesys_clock() - 1
    await world.revoke()
    await world.let_pass(20)
    assert (await world.finding())["code"] == "watching"
    issued = world.log_in()
    await world.let_pass(40)
    assert await world.finding() == {"code": "logged_in", "issued_at": issued}


async def test_watch__that_is_off_makes_no_call_and_no_line(world: World) -> None:
    ended = await world.revoke(watch_for=None)
    assert "watch" not in ended.outcome
    world.log_in()
    await world.let_pass(TEN_MINUTES)
    assert world.calls == 0
    text = await world.card_text()
    assert "log in again" not in text
    assert "new login" not in text
    assert await world.events() == []
    assert await world.components.database.rows("SELECT * FROM jobs WHERE kind = 'watch'") == []


@pytest.mark.parametrize(
    "fault",
    [
        GenesysFault(status=403),
        GenesysFault(status=404),
        GenesysFault(status=429, headers={"Retry-After": "1"}),
        GenesysFault(status=503),
        GenesysFault(drop="before"),
        GenesysFault(status=200, body={"id": TOM.id}),
        GenesysFault(status=200, body={"id": TOM.id, "lastTokenIssued": None}),
        GenesysFault(status=200, body={"id": TOM.id, "lastTokenIssued": {"dateIssued": "soon"}}),
    ],
    ids=["403", "404", "429", "503", "cut", "missing", "null", "unreadable"],
)
async def test_watch__of_which_genesys_cloud_says_nothing_says_so(world: World, fault: GenesysFault) -> None:
    await world.revoke()
    for _ in range(20):
        world.components.genesys.fault("get_user", fault)
    await world.let_pass(TEN_MINUTES + 60)
    assert world.calls == MAX_LOOKS
    assert await world.finding() == {"code": "not_known"}
    assert [event.tag for event in await world.events()] == ["watch:not_known"]
    assert "Genesys Cloud does not say whether they have logged in again." in await world.card_text()
    assert await world.messages_to(personas.RAVI) == []


async def test_watch__that_is_answered_only_at_first_says_until_when(world: World) -> None:
    await world.revoke()
    await world.let_pass(20)
    world.components.genesys.fault("get_user", GenesysFault(status=503, times=None))
    await world.let_pass(TEN_MINUTES)
    until = NOON + SINCE_START + 20
    assert await world.finding() == {"code": "no_login", "until": until, "incomplete": True}
    assert "After that, Genesys Cloud does not say." in await world.card_text()


async def test_watch__waits_while_the_budget_for_reads_is_used_up(world: World) -> None:
    await world.revoke()
    world.components.purecloud.allowance.note(BUDGET_USED)
    await world.let_pass(39)
    assert world.calls == 0
    await world.let_pass(TEN_MINUTES)
    assert 1 <= world.calls <= MAX_LOOKS
    assert await world.finding() == {"code": "no_login", "until": NOON + SINCE_START + TEN_MINUTES}


async def test_watch__without_any_budget_ends_on_time_without_a_call(world: World) -> None:
    await world.revoke()
    for _ in range(23):
        world.components.purecloud.allowance.note(BUDGET_USED)
        world.wait(30)
        await world.look()
    assert world.calls == 0
    assert await world.finding() == {"code": "not_known"}


async def test_watch__without_a_date_of_genesys_cloud_is_not_begun(world: World) -> None:
    world.components.genesys.fault("delete_token", GenesysFault(status=200, body="", headers={"Date": "today"}))
    ended = await world.revoke()
    assert ended.outcome["watch"] == {"code": "not_known"}
    await world.let_pass(60)
    assert world.calls == 0
    assert "Genesys Cloud does not say whether they have logged in again." in await world.card_text()


async def test_watch__of_a_process_that_died_is_continued_by_another_within_eight_calls(world: World) -> None:
    """Each death may have sent a call, so it uses up a look."""
    await world.revoke()
    for _ in range(3):
        world.wait(30)
        assert len(await world.due()) == 1  # claimed, and never run
        world.wait(LEASE_DURATION)
    await world.let_pass(TEN_MINUTES, "two#1")
    assert world.calls <= MAX_LOOKS - 3
    assert (await world.finding())["code"] == "no_login"
    assert len(await world.events()) == 1


async def test_watch__whose_processes_die_at_every_look_ends(world: World) -> None:
    await world.revoke()
    for _ in range(MAX_LOOKS):
        world.wait(1 + LEASE_DURATION)
        assert len(await world.due()) == 1
    world.wait(1 + LEASE_DURATION)
    assert await world.look()
    assert world.calls == 0
    assert await world.finding() == {"code": "not_known"}


async def test_two_replicas__that_look_at_the_same_time_report_once(world: World) -> None:
    """The first one was paused while it looked, so the second one has taken over."""
    await world.revoke()
    world.wait(6)
    (job,) = await world.due("one#1")
    world.log_in()
    world.wait(LEASE_DURATION)
    assert await world.look("two#1")
    await world.run(job, "one#1")
    assert [event.tag for event in await world.events()] == ["watch:logged_in"]
    assert len(await world.messages_to(personas.RAVI)) == 1
    assert len(await world.messages_to("U0OLIVIA01")) == 1


async def test_two_replicas__that_run_report_once(world: World) -> None:
    await world.revoke()
    world.wait(4)
    world.log_in()
    components = world.components
    stores = [components.database.store(owner) for owner in ("one#1", "two#1")]
    one, two = (components.worker(store, watch_for=TEN_MINUTES) for store in stores)

    async def is_idle() -> bool:
        reported = (await world.finding())["code"] == "logged_in"
        return reported and not any((await components.store.jobs.depth()).values())

    async with running(one), running(two):
        world.wait(1 + LEASE_DURATION)
        await until(is_idle)
    assert world.calls == 1
    assert [event.tag for event in await world.events()] == ["watch:logged_in"]
    for person in (personas.RAVI, "U0OLIVIA01"):
        messages = [one for one in await world.messages_to(person) if "logged in to Genesys Cloud again" in one]
        assert len(messages) == 1


async def test_look__that_finds_nothing_after_a_takeover_changes_nothing(world: World) -> None:
    await world.revoke()
    world.wait(6)
    (job,) = await world.due("one#1")
    world.wait(LEASE_DURATION)
    (taken,) = await world.due("two#1")
    await world.run(job, "one#1")
    assert await world.due("three#1") == []
    await world.run(taken, "two#1")
    assert (await world.finding())["code"] == "watching"


async def test_revocation__of_the_same_person_ends_the_earlier_watch(world: World) -> None:
    await world.revoke()
    await world.let_pass(10)
    await world.revoke("second")
    world.log_in()
    world.wait(1)
    world.log_in()
    await world.let_pass(TEN_MINUTES)
    assert (await world.finding("second"))["code"] == "logged_in"
    assert await world.finding() == {"code": "revoked_again", "revoked_at": NOON + 10}
    assert [event.tag for event in await world.events()] == ["watch:revoked_again"]
    assert [event.tag for event in await world.events("second")] == ["watch:logged_in"]
    assert len(await world.messages_to(personas.RAVI)) == 1


async def test_revocation__without_a_watch_ends_the_earlier_one_too(world: World) -> None:
    await world.revoke()
    world.wait(6)
    (running,) = await world.due()
    await world.revoke("second", watch_for=None)
    world.log_in()
    await world.run(running)
    assert (await world.finding())["code"] == "revoked_again"
    assert await world.finding("second") == {}
    assert await world.messages_to(personas.RAVI) == []
    assert "Revoked again (" in await world.card_text()


async def test_watch__of_a_request_without_a_card_posts_nothing_again(world: World) -> None:
    await world.revoke(card=None)
    await world.let_pass(TEN_MINUTES)
    assert (await world.finding())["code"] == "no_login"
    jobs = await world.components.database.rows("SELECT kind FROM jobs WHERE kind = 'card' AND attempts = 0")
    assert jobs == []


async def test_message__does_not_go_to_the_person_and_goes_to_followers(world: World) -> None:
    await world.revoke(
        requester=personas.TOM, target_slack_id=personas.TOM, followers=(Follower(personas.BEN, "", "", ""),)
    )
    world.wait(6)
    world.log_in()
    await world.let_pass(30)
    assert await world.messages_to(personas.TOM) == []
    assert len(await world.messages_to(personas.BEN)) == 1


async def test_rotation__is_not_watched(world: World) -> None:
    components = world.components
    await create_request(
        components.store, action="rotate", target=None, target_slack_id=None, requester=personas.OLIVIA
    )
    _, job = await approve(components.store)
    await components.run(job, watch_for=TEN_MINUTES)
    ended = await stored(components.store)
    assert ended.state is State.REVOKED
    assert "watch" not in ended.outcome
    assert await components.database.rows("SELECT * FROM jobs WHERE kind = 'watch'") == []


async def test_look__takes_three_seconds_at_most(world: World) -> None:
    await world.revoke()
    never = asyncio.Event()
    world.components.genesys.fault("get_user", GenesysFault(until=never))
    world.wait(5)
    await world.look()
    never.set()
    assert CARD_TIME_LIMIT < LOOK_TIME_LIMIT < LEASE_DURATION
    assert (await world.finding())["code"] == "watching"
