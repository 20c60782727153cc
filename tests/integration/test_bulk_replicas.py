"""A bulk request on PostgreSQL survives a restart of the database and the end of a replica."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from bot.db.clicks import ClickStore
from bot.domain.audit_chain import first_invalid
from bot.domain.bulk import BulkEntry, BulkSource, EntryFinding, summarize
from bot.domain.people import Person
from bot.domain.requests import Event, Request, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysUser, RecordedRequest
from bot.sandbox.rate_limits import WINDOW
from tests.support.agents import add_agents
from tests.support.examples import request
from tests.support.postgres import Server
from tests.support.proxy import proxy_to
from tests.support.replicas import WAIT_TIMEOUT, Replicas, start_replicas

pytestmark = pytest.mark.heavy

NAME, PEOPLE = "bulk", 120

MANY, LIMIT = 300, 120
"""People of the failover, and the requests of a token in a minute: two tokens need more than a minute for them."""


@pytest.fixture
async def address(postgres: Server) -> AsyncIterator[str]:
    async with postgres.database() as found:
        yield found


def prepare(replicas: Replicas, people: int = PEOPLE, limit: int = 1200) -> list[GenesysUser]:
    """Let a Genesys Cloud know the people, and accept so many requests of a token in a minute."""
    replicas.genesys.rate_limit, replicas.genesys.enforces_rate_limit = limit, True
    return add_agents(replicas.genesys, people)


async def approve(replicas: Replicas, agents: Sequence[GenesysUser]) -> None:
    """Store a bulk request, and approve it."""
    entries = [BulkEntry(one.email, EntryFinding.FOUND, Person(one.id, one.name, one.email)) for one in agents]
    bulk = request(
        id=NAME, reference="BULK", requester=personas.OLIVIA, target=None, target_slack_id=None, card=None,
        bulk=summarize(BulkSource.LIST, entries),
    )  # fmt: skip
    await replicas.store.create(bulk, ttl=900, key=NAME, command_url=None, entries=entries)
    click = await replicas.store.record_click(NAME, "click", {"action": "approve", "user_id": personas.OLIVIA})
    stored = await replicas.store.get(NAME)
    assert click
    assert stored
    await ClickStore(replicas.store).apply(stored, Event.APPROVE, job=click, by=personas.OLIVIA)


async def finished(replicas: Replicas) -> Request:
    async with asyncio.timeout(3 * WAIT_TIMEOUT):
        while True:
            found = await replicas.servers[-1].services.store.get(NAME)
            if found and found.finished_at:
                return found
            await asyncio.sleep(0.1)


async def assert_complete(replicas: Replicas, people: int = PEOPLE) -> None:
    """Assert that every person was revoked and has one row in the audit log."""
    ended = await finished(replicas)
    log = await replicas.servers[-1].services.store.audit_events()
    persons = Counter(event.target for event, _ in log if str(event.tag).startswith("token:") and event.target)
    assert ended.state is State.REVOKED
    assert ended.outcome["counts"] == {"revoked": people}
    assert set(persons.values()) == {1}
    assert len(persons) == people
    assert first_invalid(log) is None
    assert {one.status for one in replicas.deletes} == {200}


async def test_bulk__survives_the_restart_of_the_database(postgres: Server, address: str, tmp_path: Path) -> None:
    if postgres.programs is None:
        pytest.skip("TEST_DATABASE_URL names a server that the tests may not stop")
    async with start_replicas(tmp_path, address, address, TOKEN_POOL="2") as both:
        await approve(both, prepare(both))
        await both.genesys.wait_for_request("delete_token", PEOPLE // 3)
        await asyncio.to_thread(postgres.stop)
        await asyncio.sleep(2)
        sent = len(both.deletes)
        await asyncio.sleep(2)
        assert len(both.deletes) == sent < PEOPLE  # nothing is sent that could not be recorded
        await asyncio.to_thread(postgres.start)

        await assert_complete(both)
        assert len(both.deletes) <= PEOPLE + 2 * 40


@asynccontextmanager
async def synchronous_standby(primary: Server) -> AsyncIterator[Server]:
    """Run a standby that has every commit before the primary reports it; run the primary alone at the end."""
    with primary.standby() as standby:
        await primary.do("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await primary.do("SELECT pg_reload_conf()")
        try:
            yield standby
        finally:
            with suppress(AssertionError):  # it has stopped
                await asyncio.to_thread(primary.stop)
            await asyncio.to_thread(primary.start)
            await primary.do("ALTER SYSTEM RESET synchronous_standby_names")
            await primary.do("SELECT pg_reload_conf()")


async def recorded(server: Server, database: str) -> set[str]:
    """Return the Genesys Cloud ids of the people whose outcome a server has."""
    async with await psycopg.AsyncConnection.connect(server.address(database)) as connection:
        cursor = await connection.execute("SELECT target_id FROM bulk_entries WHERE outcome IS NOT NULL")
        return {person for (person,) in await cursor.fetchall()}


def most_in_a_window(requests: Sequence[RecordedRequest]) -> int:
    """Return the most requests of one token in any minute."""
    arrivals = defaultdict[int, list[float]](list)
    for one in requests:
        if one.generation is not None:
            arrivals[one.generation].append(one.at)
    return max(n - bisect_right(times, at - WINDOW) for times in arrivals.values() for n, at in enumerate(times, 1))


async def test_bulk__goes_on_after_a_failover_and_repeats_no_recorded_delete(
    postgres: Server, address: str, tmp_path: Path
) -> None:
    if postgres.programs is None:
        pytest.skip("TEST_DATABASE_URL names a server that the tests may not stop")
    database = address.rpartition("/")[2]
    async with synchronous_standby(postgres) as standby, proxy_to(address) as proxy:
        routed = proxy.route(address)
        async with start_replicas(tmp_path, routed, routed, TOKEN_POOL="2") as both:
            await approve(both, prepare(both, MANY, LIMIT))
            await both.genesys.wait_for_request("delete_token", MANY // 3)
            before = await recorded(postgres, database)
            await asyncio.to_thread(postgres.stop)
            await asyncio.to_thread(standby.promote)
            kept = await recorded(standby, database)
            proxy.redirect(standby.url)

            await assert_complete(both, MANY)

    sent = Counter(one.path.rpartition("/")[2] for one in both.deletes)
    assert before
    assert before <= kept
    assert {person: sent[person] for person in kept if sent[person] != 1} == {}
    assert sent.total() <= MANY + 2 * 40  # at most what each lane had sent and could not record
    assert most_in_a_window(both.genesys.requests) <= LIMIT


async def test_bulk__of_a_replica_that_stops_loses_and_repeats_nothing(address: str, tmp_path: Path) -> None:
    """A process that gets SIGTERM finishes its groups. Each replica has a Genesys Cloud of its own here."""
    async with start_replicas(tmp_path, address, TOKEN_POOL="2") as remaining:
        async with start_replicas(tmp_path, address, TOKEN_POOL="2") as leaving:
            prepare(leaving)
            await approve(remaining, prepare(remaining))
            await leaving.genesys.wait_for_request("delete_token", PEOPLE // 4)
        await assert_complete(remaining)

        sent = [one.path for one in (*remaining.deletes, *leaving.deletes)]
        assert len(sent) == len(set(sent)) == PEOPLE
