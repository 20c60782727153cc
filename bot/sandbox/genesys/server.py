"""A stand-in for Genesys Cloud: its login host and its Platform API on one local address, with a journal of what came.

Every operation behaves as documented (developer.genesys.cloud, API Explorer) unless a Fault is laid for it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiohttp import web

from bot.sandbox.genesys import responses as answers
from bot.sandbox.genesys.api import ROUTES, Asked, Refused
from bot.sandbox.genesys.faults import LOGIN_RATE_LIMITED, Fault, Faults
from bot.sandbox.genesys.state import HOME_DIVISION, ORGANIZATION, GenesysState, Named, OAuthClient, Person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from bot.sandbox.genesys.api import Operation

__all__ = [
    "CLIENT",
    "HOME_DIVISION",
    "LOGIN_RATE_LIMITED",
    "ORGANIZATION",
    "FakeGenesys",
    "Fault",
    "Named",
    "OAuthClient",
    "Person",
    "RecordedRequest",
]

CLIENT: Final = OAuthClient(id="5e1d0b3c-4f7a-4c55-9d2b-7a60c8e4f913", secret="sandbox-secret")  # noqa: S106 - made up
"""The client of a stand-in that is told of no other."""
_ALLOWED_A_MINUTE: Final = 300


@dataclass(slots=True)
class RecordedRequest:
    """A request that came: when by the clock, what it was, and what became of it.

    `status` is None while it is not answered and where the connection was cut; `generation` is that of the token it was
    signed with. No token, no secret.
    """

    at: float
    method: str
    path: str
    operation: str
    generation: int | None
    status: int | None = None


class FakeGenesys:
    """One organization that answers over HTTP; `state` and `journal` are there to look at and to change.

    genesys = FakeGenesys(people=[Person(id=..., name="Jane Doe", email="jane@example.com")])
    url = await genesys.start()     # both api_url and login_url
    genesys.fault("delete_token", Fault(status=503, times=2))
    ...
    await genesys.stop()
    """

    def __init__(
        self,
        *,
        people: Iterable[Person] = (),
        clients: Iterable[OAuthClient] | None = None,
        organization: Named = ORGANIZATION,
        clock: Callable[[], float] = time.time,
    ) -> None:
        clients = clients or [replace(CLIENT)]
        self.state = GenesysState(people, clients, organization=organization, clock=clock)
        self.journal: list[RecordedRequest] = []
        self.faults = Faults()
        self.app = web.Application(middlewares=[_answering_everything])
        for method, path, operation in ROUTES:
            self.app.router.add_route(method, path, self._serving(operation))
        self._runner: web.AppRunner | None = None
        self._came = asyncio.Event()

    @property
    def people(self) -> dict[str, Person]:
        """Everybody in the organization, by id."""
        return self.state.people

    def fault(self, operation: str, fault: Fault) -> None:
        """Let the operation (`delete_token`, `login`...) fail; faults of one operation are met in this order."""
        self.faults.add(operation, fault)

    def received(self, operation: str) -> list[RecordedRequest]:
        """The journal's entries of one operation."""
        return [entry for entry in self.journal if entry.operation == operation]

    async def arrival(self, operation: str, count: int = 1) -> None:
        """Wait until the operation has been asked for that many times, answered or not."""
        while len(self.received(operation)) < count:
            self._came.clear()
            await self._came.wait()

    async def start(self, port: int = 0) -> str:
        """Listen on this machine alone; the address, without a slash at its end. Port 0: any free one."""
        # A request that is held back by a fault must not hold back the end.
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        host, bound, *_ = self._runner.addresses[0]
        return f"http://{host}:{bound}"

    async def stop(self) -> None:
        """Listen no more; harmless when it never started."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def _serving(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
        name = operation.__name__

        async def serve(request: web.Request) -> web.Response:
            asked = Asked(request, str(uuid4()))
            token = self.state.live(asked.bearer)
            generation = token.generation if token else None
            entry = RecordedRequest(self.state.clock(), request.method, request.path, name, generation)
            self.journal.append(entry)
            self._came.set()
            fault = self.faults.next(name)
            response = await self._answer(operation, asked, fault)
            if fault and fault.drop and request.transport:
                request.transport.abort()
                return response
            entry.status = response.status
            used = token.requests if token else 0
            response.headers.update(_headers(asked, used))
            return response

        return serve

    async def _answer(self, operation: Operation, asked: Asked, fault: Fault | None) -> web.Response:
        if fault:
            await fault.wait()
        if fault is None or fault.carried_out:
            try:
                response = await operation(self.state, asked)
            except Refused as refused:
                response = web.json_response(refused.body, status=refused.status)
            if fault is None or fault.status is None:
                return response
        return fault.response(asked.correlation_id)


@web.middleware
async def _answering_everything(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as missing:
        asked = Asked(request, str(uuid4()))
        body = answers.error(missing.status, asked.correlation_id)
        return web.json_response(body, status=missing.status, headers=_headers(asked, 0))


def _headers(asked: Asked, used: int) -> dict[str, str]:
    return {
        "ININ-Correlation-Id": asked.correlation_id,
        "inin-ratelimit-count": str(used),
        "inin-ratelimit-allowed": str(_ALLOWED_A_MINUTE),
        "inin-ratelimit-reset": "60",
    }
