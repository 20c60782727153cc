"""A bulk request in progress: admins control it, calls fail, processes die, rows are changed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.db.jobs import JobKind
from bot.domain.bulk import BULK_PAUSE, BULK_RESUME, BULK_STOP, BulkProgress, RunState
from bot.domain.requests import Request, State
from tests.support.bulk_run import NAME, BulkRun, VirtualGenesys, person
from tests.support.examples import OLIVIA
from tests.support.simulation import eventually
from tests.support.virtual_time import run

PEOPLE = 60


class Outcome:
    """What came of a run."""

    def __init__(
        self, request: Request, running: BulkRun, rows: list[Any], audit: list[tuple[str, str | None]]
    ) -> None:
        self.request = request
        self.genesys = running.genesys
        self.counts = Counter(row.outcome for row in rows)
        self.details = {row.place: json.loads(row.detail) for row in rows}
        self.by_place = {row.place: row.outcome for row in rows}
        self.audit = audit
        self.sent = Counter(target for _, target, _ in running.genesys.deletes)


def simulate(
    folder: Path,
    then: Callable[[BulkRun], Awaitable[object]],
    *,
    genesys: VirtualGenesys | None = None,
    people: int = PEOPLE,
    replicas: int = 1,
) -> Outcome:
    """Approve a bulk request, do something meanwhile, and return what came of it."""

    async def main() -> Outcome:
        running = BulkRun(folder, people, pool=1, genesys=genesys or VirtualGenesys())
        for number in range(replicas):
            running.start(number)
        await running.approve()
        await then(running)
        request = await running.finished()
        rows = await running.rows("SELECT * FROM bulk_entries ORDER BY place")
        jobs = await running.rows("SELECT kind FROM jobs WHERE done_at IS NULL AND kind = 'bulk'")
        events = [(str(event.tag), event.target) for event, _ in await running.alive.store.audit_events(NAME)]
        await running.stop()
        assert not jobs
        return Outcome(request, running, rows, events)

    return run(main())


async def nothing(_running: BulkRun) -> None:
    pass


async def until_sent(running: BulkRun, number: int) -> None:
    assert await eventually(lambda: len(running.genesys.deletes) >= number, 600)


async def progress(running: BulkRun) -> BulkProgress:
    request = await running.alive.store.get(NAME)
    assert request
    assert request.progress
    return request.progress


def test_bulk__that_is_paused_sends_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    states: list[BulkProgress] = []
    sent: list[int] = []

    async def then(running: BulkRun) -> None:
        await until_sent(running, 20)
        await running.alive.bulk.control(NAME, BULK_PAUSE, OLIVIA)
        await asyncio.sleep(3)
        sent.append(len(running.genesys.deletes))
        await asyncio.sleep(600)
        sent.append(len(running.genesys.deletes))
        states.append(await progress(running))
        await running.alive.bulk.control(NAME, BULK_RESUME, OLIVIA)
        await asyncio.sleep(2)
        sent.append(len(running.genesys.deletes))
        states.append(await progress(running))

    found = simulate(tmp_path, then)

    assert sent[0] == sent[1] <= 30 < sent[2] + 1
    assert sent[2] > sent[1]
    assert (states[0].state, states[0].changed_by, states[0].per_minute) == (RunState.PAUSED, OLIVIA, None)
    assert states[1].state is RunState.RUNNING
    assert found.counts == {"revoked": PEOPLE}
    assert [tag for tag, target in found.audit if tag.startswith("bulk:") and target is None] == [
        "bulk:paused",
        "bulk:resumed",
    ]


@pytest.mark.parametrize("paused", [False, True])
def test_bulk__that_is_stopped_sends_nothing_more_and_counts_the_others_as_failed(tmp_path: Path, paused: bool) -> None:
    async def then(running: BulkRun) -> None:
        await until_sent(running, 20)
        if paused:
            await running.alive.bulk.control(NAME, BULK_PAUSE, OLIVIA)
            await asyncio.sleep(60)
        await running.alive.bulk.control(NAME, BULK_STOP, OLIVIA)

    found = simulate(tmp_path, then)

    sent = sum(found.sent.values())
    assert 20 <= sent <= 30
    assert found.counts == {"revoked": sent, "failed": PEOPLE - sent}
    assert {found.details[place]["code"] for place, one in found.by_place.items() if one == "failed"} == {"stopped"}
    assert found.request.state is State.FAILED
    assert found.request.outcome["stopped_by"] == OLIVIA
    assert len([tag for tag, target in found.audit if tag.startswith("token:") and target]) == PEOPLE


def test_bulk__reports_each_outcome_and_the_worst_one_for_the_whole(tmp_path: Path) -> None:
    statuses = {3: 403, 7: 404, 11: 400}
    found = simulate(tmp_path, nothing, genesys=VirtualGenesys(status=lambda number: statuses.get(number, 200)))

    assert found.counts == {"revoked": PEOPLE - 3, "refused": 3}
    assert found.request.state is State.REFUSED
    assert found.request.outcome["counts"] == {"revoked": PEOPLE - 3, "refused": 3}
    assert max(found.sent.values()) == 1
    refused = next(one for one in found.details.values() if one["code"] == "genesys_forbidden")
    assert (refused["status"], refused["correlation_id"]) == (403, "correlation-4")
    assert found.audit[-1] == ("token:refused", None)
    assert Counter(tag for tag, target in found.audit if target) == {
        "token:revoked": PEOPLE - 3,
        "token:refused": 3,
    }


def test_bulk__repeats_a_call_that_failed_and_keeps_what_is_uncertain(tmp_path: Path) -> None:
    statuses = {3: 500, 7: 504} | dict.fromkeys(range(20, 200), 504)
    found = simulate(tmp_path, nothing, genesys=VirtualGenesys(status=lambda number: statuses.get(number, 200)))

    assert found.counts["revoked"] == 20 - 2
    assert found.counts["unknown"] == PEOPLE - 18
    assert set(found.sent.values()) == {1, 2}
    assert found.request.state is State.UNKNOWN


def test_bulk__waits_when_others_have_used_the_allowance_and_tries_again(tmp_path: Path) -> None:
    genesys = VirtualGenesys()

    async def then(running: BulkRun) -> None:
        await until_sent(running, 20)
        (token,) = running.genesys.tokens.values()
        while not token.window.full:  # another program with the same token
            token.window.add()

    found = simulate(tmp_path, then, genesys=genesys)

    limited = [at for at, _, status in genesys.deletes if status == 429]
    later = [at for at, _, status in genesys.deletes if status == 200 and at > limited[-1]]
    assert 1 <= len(limited) <= 2
    assert min(later) - limited[0] >= 50
    assert found.counts == {"revoked": PEOPLE}
    assert sum(found.sent.values()) == PEOPLE + len(limited)


def test_bulk__waits_without_a_token_and_uses_up_no_attempt(tmp_path: Path) -> None:
    genesys = VirtualGenesys()
    genesys.login_status = 503

    async def then(running: BulkRun) -> None:
        await asyncio.sleep(120)
        assert not running.genesys.deletes
        running.genesys.login_status = 200

    found = simulate(tmp_path, then, genesys=genesys)

    assert found.counts == {"revoked": PEOPLE}
    assert {one["attempts"] for one in found.details.values()} == {1}


def test_bulk__of_a_dead_process_is_continued_and_its_last_calls_are_repeated(tmp_path: Path) -> None:
    async def then(running: BulkRun) -> None:
        await until_sent(running, 21)
        owner = (await running.rows("SELECT lease_owner FROM jobs WHERE kind = 'bulk'"))[0].lease_owner
        next(one for one in running.replicas if one.store.jobs.owner == owner).kill()

    found = simulate(tmp_path, then, replicas=2)

    assert found.counts == {"revoked": PEOPLE}
    repeated = [place for place, one in found.details.items() if one["attempts"] > 1]
    assert 1 <= len(repeated) <= 10
    assert all(found.details[place]["uncertain"] for place in repeated)
    assert {target for target, number in found.sent.items() if number > 1} <= {person(one).id for one in repeated}


@pytest.mark.parametrize("place", [1, 45])
def test_bulk__whose_list_was_changed_in_the_database_revokes_no_one_else(tmp_path: Path, place: int) -> None:
    async def then(running: BulkRun) -> None:
        if place > 1:
            await until_sent(running, 20)
        change = "UPDATE bulk_entries SET target_id = :other WHERE place = :place"
        await running.alive.store.database.write(lambda tx: tx.execute(change, other=person(999).id, place=place))

    found = simulate(tmp_path, then)

    assert person(999).id not in found.sent
    assert found.counts["refused"] >= PEOPLE - place
    refused = [one for place, one in found.details.items() if found.by_place[place] == "refused"]
    assert {one["code"] for one in refused} == {"not_authorized"}
    assert found.request.state is State.REFUSED


def test_bulk__without_its_seal_sends_nothing(tmp_path: Path) -> None:
    async def then(running: BulkRun) -> None:
        change = 'UPDATE requests SET bulk = replace(bulk, \'"name":""\', \'"name":"x"\')'
        await running.alive.store.database.write(lambda tx: tx.execute(change))

    found = simulate(tmp_path, then)

    assert not found.sent
    assert found.counts == {"refused": PEOPLE}


def test_bulk__renders_its_card_every_three_seconds_at_most(tmp_path: Path) -> None:
    shown: list[float] = []

    async def then(running: BulkRun) -> None:
        await running.finished()
        shown.extend(running.shown)

    simulate(tmp_path, then, replicas=2, people=200)

    gaps = [after - before for before, after in pairwise(shown[1:-1])]
    assert len(shown) > 10
    assert min(gaps) >= 3.0 - 0.5  # a poll


def test_progress__has_counts_rate_and_time_left(tmp_path: Path) -> None:
    states: list[BulkProgress] = []

    async def then(running: BulkRun) -> None:
        states.append(await progress(running))
        await asyncio.sleep(30)
        states.append(await progress(running))

    found = simulate(tmp_path, then, people=300)

    assert (states[0].done, states[0].open, states[0].per_minute, states[0].seconds_left) == (0, 300, None, None)
    assert states[1].done + states[1].open == 300
    assert states[1].per_minute == pytest.approx(290, rel=0.1)
    assert states[1].seconds_left == pytest.approx(30, rel=0.2)
    assert found.request.progress
    assert (found.request.progress.done, found.request.progress.open) == (300, 0)


def test_bulk__jobs_are_lanes_and_no_executions(tmp_path: Path) -> None:
    kinds: list[str] = []

    async def then(running: BulkRun) -> None:
        kinds.extend(row.kind for row in await running.rows("SELECT kind FROM jobs"))

    simulate(tmp_path, then, people=3)

    assert JobKind.BULK in kinds
    assert JobKind.EXECUTE not in kinds
