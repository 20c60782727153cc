"""Replicas that execute a bulk request on virtual time, and a Genesys Cloud with a rate limit.

The client, the pace, the worker, the services and the store are real. Only the HTTP session is replaced, so that no
time passes while the loop waits.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, cast

from bot.db.bulk_store import BulkStore
from bot.db.cards import CardStore
from bot.db.clicks import ClickStore
from bot.db.driver import Row
from bot.db.job_queue import JobQueue
from bot.db.jobs import Job, JobKind
from bot.db.requests import RequestStore
from bot.db.sqlite import SqliteDriver
from bot.db.watches import WatchStore
from bot.domain.actions import ACTIONS
from bot.domain.bulk import BulkEntry, BulkSource, EntryFinding, summarize
from bot.domain.people import Person
from bot.domain.requests import Event, Request
from bot.metrics import Metrics
from bot.purecloud import Limits, PureCloud, region
from bot.sandbox.rate_limits import WINDOW, RequestWindow
from bot.services.bulk import BulkService
from bot.services.execution import ExecutionService
from bot.services.job_result import JobResult
from bot.services.lanes import Lane
from bot.services.live_state import LiveStates
from bot.services.watch import Watches
from bot.worker import Worker
from tests.support import examples
from tests.support.examples import OLIVIA, SEALS
from tests.support.schema import put_database
from tests.support.simulation import InlineDatabase, SimulatedProcess, eventually, remember_tasks

NAME = "bulk"


def person(number: int) -> Person:
    """Return a person of the list."""
    return Person(f"{number:08x}-0000-4000-8000-000000000000", f"Agent {number}", None, None, "active")


@dataclass
class VirtualToken:
    """A token, the times at which its requests arrived, and how Genesys Cloud counts them."""

    window: RequestWindow
    arrivals: list[float] = field(default_factory=list)

    def count(self, since: float, until: float) -> int:
        """Return the number of requests in an interval."""
        return bisect_left(self.arrivals, until) - bisect_left(self.arrivals, since)

    @property
    def most_in_a_window(self) -> int:
        """The most requests in any 60 seconds."""
        return max((n - bisect_right(self.arrivals, at - WINDOW) for n, at in enumerate(self.arrivals, 1)), default=0)


class VirtualGenesys:
    """Genesys Cloud, in place of an aiohttp session. `latency` returns the seconds there or back.

    `status` returns the status of a DELETE that is within the limit, by the number of requests so far.
    """

    def __init__(
        self,
        limit: int = 300,
        latency: Callable[[], float] = lambda: 0.025,
        status: Callable[[int], int] = lambda _number: 200,
    ) -> None:
        self.limit = limit
        self.tokens: dict[str, VirtualToken] = {}
        self.deletes: list[tuple[float, str, int]] = []
        """Time, person and status of each DELETE."""
        self.login_status = 200
        self._latency = latency
        self._status = status

    def request(self, method: str, url: str, **arguments: Any) -> VirtualResponse:
        """Return the response of a request, as an aiohttp session does."""
        return VirtualResponse(self, method, url, arguments["headers"])

    async def respond(self, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Receive a request, and answer it."""
        now = asyncio.get_running_loop().time
        await asyncio.sleep(self._latency())
        if url.endswith("/oauth/token"):
            if self.login_status != HTTPStatus.OK:
                return self.login_status, {}, b"{}"
            value = f"token-{len(self.tokens)}"
            self.tokens[value] = VirtualToken(RequestWindow(self.limit, now))
            return 200, {}, json.dumps({"access_token": value, "expires_in": 86400}).encode()
        token = self.tokens[headers["Authorization"].removeprefix("Bearer ")]
        token.arrivals.append(now())
        limited = token.window.full
        if not limited:
            token.window.add()
        status = HTTPStatus.TOO_MANY_REQUESTS if limited else self._status(len(self.deletes))
        self.deletes.append((now(), url.rpartition("/")[2], status))
        await asyncio.sleep(self._latency())
        window = token.window
        counts = {"count": window.count, "allowed": window.limit, "reset": window.retry_after}
        found = {f"inin-ratelimit-{name}": str(value) for name, value in counts.items()}
        found["ININ-Correlation-Id"] = f"correlation-{len(self.deletes)}"
        return status, found | ({"Retry-After": str(window.retry_after)} if limited else {}), b""


class VirtualResponse:
    """A response that arrives when its context is entered."""

    def __init__(self, genesys: VirtualGenesys, method: str, url: str, headers: dict[str, str]) -> None:
        self._work = genesys.respond
        self._request = (url, headers)
        self.method = method
        self.content = self
        self.status, self.headers, self._body = 0, dict[str, str](), b""

    async def __aenter__(self) -> Self:
        self.status, self.headers, self._body = await self._work(*self._request)
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass

    async def read(self, _limit: int) -> bytes:
        body, self._body = self._body, b""
        return body

    def at_eof(self) -> bool:
        return not self._body


class NoFaults:
    """Faults that never occur."""

    def next(self, _call: object) -> None:
        return None


class NothingToExpire:
    """A sweep without work."""

    async def run(self) -> None:
        pass


class NothingKnown(LiveStates):
    """The live states of people of whom nothing is known."""

    def __init__(self) -> None:
        pass

    def start_reading(self, request: Request, now: float) -> None:  # noqa: ARG002 - overrides
        return None

    async def before_call(self, request: Request, now: float, reading: object = None) -> None:  # noqa: ARG002
        return None


@dataclass
class Replica:
    """A process: its worker, its store, and the tasks that die with it."""

    store: RequestStore
    bulk: BulkStore
    worker: Worker
    process: SimulatedProcess
    metrics: Metrics

    def kill(self) -> None:
        """Cancel every task of the process."""
        with suppress(asyncio.CancelledError):
            self.process.die()


class BulkRun:
    """Replicas on one SQLite database, and the list of a bulk request."""

    def __init__(self, folder: Path, people: int, *, pool: int, genesys: VirtualGenesys) -> None:
        path = folder / "bulk.db"
        for one in folder.glob("bulk.db*"):
            one.unlink()
        put_database(path)
        self._driver = SqliteDriver(path)
        self._pool = pool
        self._people = people
        self.genesys = genesys
        self.replicas: list[Replica] = []
        self.shown: list[float] = []
        """When a card was rendered."""

    def start(self, number: int) -> Replica:
        """Start a process."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(remember_tasks)
        database = InlineDatabase(self._driver)
        store = RequestStore(database, JobQueue(database, f"replica-{number}#1"), SEALS, lanes=self._pool)
        metrics, bulk = Metrics(), BulkStore(store, lambda _request: ())
        service = BulkService(bulk, ACTIONS, lambda lane: Lane(lane, self._client(), clock=loop.time), metrics)
        watches = Watches(WatchStore(store), cast("Any", None), duration=None)
        single = ExecutionService(
            store, self._client(), ACTIONS, lambda _request: (), metrics, live=NothingKnown(), watches=watches
        )

        async def shown(job: Job) -> JobResult:
            self.shown.append(loop.time())
            await CardStore(store).mark_rendered(job)
            return JobResult()

        async def shared(job: Job) -> JobResult:
            await store.jobs.complete(job)
            return JobResult()

        services = {
            JobKind.BULK: service.process,
            JobKind.EXECUTE: single.process,
            JobKind.CARD: shown,
            JobKind.FILE: shared,
        }
        worker = Worker(store.jobs, NothingToExpire(), services, clock=loop.time)
        process = SimulatedProcess(NoFaults(), lambda: None)
        replica = Replica(store, bulk, worker, process, metrics)
        self.replicas.append(replica)
        process.spawn(worker.run())
        return replica

    def _client(self) -> PureCloud:
        session, clock = cast("Any", self.genesys), asyncio.get_running_loop().time
        where = region("mypurecloud.com")
        return PureCloud(session, where, "client", "secret", limits=Limits(max_attempts=1), clock=clock)

    async def approve(self) -> Request:
        """Store a bulk request with its list, and approve it."""
        store = self.replicas[0].store
        entries = [BulkEntry(f"{number}", EntryFinding.FOUND, person(number)) for number in range(self._people)]
        summary = summarize(BulkSource.LIST, entries)
        request = examples.request(id=NAME, reference="BULK", target=None, target_slack_id=None, bulk=summary)
        await store.create(request, ttl=900, key=NAME, command_url=None, entries=entries)
        moved, jobs = await approve(store, NAME)
        assert not jobs
        return moved

    async def revoke(self, replica: Replica, number: int) -> None:
        """Request and approve the revocation of one person, as this replica's people do."""
        name = f"single {number}"
        request = examples.request(id=name, reference=name.upper(), target=person(number), target_slack_id=None)
        await replica.store.create(request, ttl=900, key=name, command_url=None)
        _, jobs = await approve(replica.store, name)
        for job in jobs:
            replica.worker.submit(job)

    async def rows(self, query: str, **values: Any) -> list[Row]:
        """Return the rows of a query."""
        return list(await self.replicas[-1].store.database.read(lambda tx: tx.fetch(query, **values)))

    @property
    def alive(self) -> Replica:
        """A replica that has not been killed."""
        return next(one for one in self.replicas if not one.process.dead)

    async def finished(self, seconds: float = 20_000.0) -> Request:
        """Wait until the request has ended; return it."""
        store = self.alive.store
        found: list[Request] = []

        async def look() -> None:
            while True:
                request = await store.get(NAME)
                if request and request.finished_at:
                    found.append(request)
                    return
                await asyncio.sleep(1)

        looking = asyncio.get_running_loop().create_task(look())
        assert await eventually(looking.done, seconds, 1.0)
        return found[0]

    async def stop(self) -> None:
        """Kill every process."""
        for one in self.replicas:
            if not one.process.dead:
                one.kill()
            await one.store.database.close()


async def approve(store: RequestStore, name: str) -> tuple[Request, list[Job]]:
    """Approve a request as Olivia; return it and the jobs that the process holds."""
    request = await store.get(name)
    assert request
    click = await store.record_click(name, f"click on {name}", {"action": "approve", "user_id": OLIVIA})
    assert click
    return await ClickStore(store).apply(request, Event.APPROVE, job=click, by=OLIVIA)
