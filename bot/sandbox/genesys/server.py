"""A fake Genesys Cloud: the login host and the Platform API on one local address.

Operations behave as documented (developer.genesys.cloud, API Explorer) unless a fault is injected. The fake records
every request.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aiohttp import web

from bot.sandbox.genesys import responses
from bot.sandbox.genesys.api import ROUTES, ApiRequest, OperationError
from bot.sandbox.genesys.faults import LOGIN_RATE_LIMITED, GenesysFault, GenesysFaults
from bot.sandbox.genesys.state import (
    HOME_DIVISION,
    ORGANIZATION,
    EntityRef,
    FakeOAuthClient,
    GenesysState,
    GenesysUser,
)
from bot.sandbox.rate_limits import RequestWindow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from bot.sandbox.genesys.api import Operation

__all__ = [
    "CLIENT",
    "HOME_DIVISION",
    "LOGIN_RATE_LIMITED",
    "ORGANIZATION",
    "EntityRef",
    "FakeGenesys",
    "FakeOAuthClient",
    "GenesysFault",
    "GenesysUser",
    "RecordedRequest",
]

CLIENT: Final = FakeOAuthClient(id="5e1d0b3c-4f7a-4c55-9d2b-7a60c8e4f913", secret="sandbox-secret")  # noqa: S106 - fake
"""The default OAuth client."""

RATE_LIMIT: Final = 300
"""Requests a minute that each token may send (developer.genesys.cloud, page "Platform API, Rate limits")."""

SHUTDOWN_TIMEOUT: Final = 0.1
"""Maximum time to wait for open requests on stop, in seconds. Short, because a fault may hold a request forever."""


@dataclass(slots=True)
class RecordedRequest:
    """A received request, without its token or any other secret.

    `status` is None until the response is sent, and stays None if the connection is dropped. `generation` is that of
    the bearer token.
    """

    at: float
    method: str
    path: str
    operation: str
    generation: int | None
    status: int | None = None


class FakeGenesys:
    """One organization, served over HTTP. Callers may read and change `state` and read `requests`.

    genesys = FakeGenesys(users=[GenesysUser(id=..., name="Jane Doe", email="jane@example.com")])
    url = await genesys.start()     # both api_url and login_url
    genesys.fault("delete_token", GenesysFault(status=503, times=2))
    ...
    await genesys.stop()
    """

    def __init__(
        self,
        *,
        users: Iterable[GenesysUser] = (),
        clients: Iterable[FakeOAuthClient] | None = None,
        organization: EntityRef = ORGANIZATION,
        clock: Callable[[], float] = time.time,
        enforces_rate_limit: bool = False,
        rate_limit: int = RATE_LIMIT,
    ) -> None:
        clients = clients or [replace(CLIENT)]
        self.state = GenesysState(users, clients, organization=organization, clock=clock)
        self.requests: list[RecordedRequest] = []
        self.faults = GenesysFaults()
        self.enforces_rate_limit = enforces_rate_limit
        self.rate_limit = rate_limit
        self._windows: dict[int, RequestWindow] = {}
        self.app = web.Application(middlewares=[_error_bodies])
        for method, path, operation in ROUTES:
            self.app.router.add_route(method, path, self._handler(operation))
        self._runner: web.AppRunner | None = None
        self._received = asyncio.Event()

    @property
    def users(self) -> dict[str, GenesysUser]:
        """The users of the organization, by id."""
        return self.state.users

    def fault(self, operation: str, fault: GenesysFault) -> None:
        """Inject a fault into the operation (`delete_token`, `login`…), after those already pending."""
        self.faults.add(operation, fault)

    def received(self, operation: str) -> list[RecordedRequest]:
        """Return the recorded requests of one operation."""
        return [request for request in self.requests if request.operation == operation]

    async def wait_for_request(self, operation: str, count: int = 1) -> None:
        """Wait until the operation has been requested `count` times, answered or not."""
        while len(self.received(operation)) < count:
            self._received.clear()
            await self._received.wait()

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 and return the address without a trailing slash. Port 0 takes any free port."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        host, bound, *_ = self._runner.addresses[0]
        return f"http://{host}:{bound}"

    async def stop(self) -> None:
        """Stop listening. Has no effect before `start`."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def _handler(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
        name = operation.__name__

        async def handle(http_request: web.Request) -> web.Response:
            request = ApiRequest(http_request, str(uuid4()))
            token = self.state.find_live(request.bearer)
            generation = token.generation if token else None
            record = RecordedRequest(self.state.clock(), http_request.method, http_request.path, name, generation)
            self.requests.append(record)
            self._received.set()
            window = self._window(generation)
            if self.enforces_rate_limit and window.full:
                response = _rate_limited(request, window)
                record.status = response.status
                return response
            window.add()
            fault = self.faults.next(name)
            response = await self._respond(operation, request, fault)
            if fault and fault.drop and http_request.transport:
                http_request.transport.abort()
                return response
            record.status = response.status
            for header, value in (_headers(request, window) | self._date()).items():
                response.headers.setdefault(header, value)
            return response

        return handle

    def limit_rate(self, allowed: int) -> None:
        """Allow this many requests a minute to each token, and count from now on."""
        self.rate_limit = allowed
        self._windows.clear()

    def _date(self) -> dict[str, str]:
        """Return the `Date` header, which has whole seconds."""
        return {"Date": formatdate(self.state.clock(), usegmt=True)}

    def _window(self, generation: int | None) -> RequestWindow:
        """Return the window of a token; requests without a token do not share one."""
        if generation is None:
            return RequestWindow(self.rate_limit, self.state.clock)
        return self._windows.setdefault(generation, RequestWindow(self.rate_limit, self.state.clock))

    async def _respond(self, operation: Operation, request: ApiRequest, fault: GenesysFault | None) -> web.Response:
        if fault:
            await fault.wait()
        if fault is None or fault.runs_operation:
            try:
                response = await operation(self.state, request)
            except OperationError as error:
                response = web.json_response(error.body, status=error.status)
            if fault is None or fault.status is None:
                return response
        return fault.response(request.correlation_id)


@web.middleware
async def _error_bodies(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give aiohttp's own errors, such as an unknown path, an ErrorBody."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        api_request = ApiRequest(request, str(uuid4()))
        body = responses.error(error.status, api_request.correlation_id)
        headers = {"ININ-Correlation-Id": api_request.correlation_id}
        return web.json_response(body, status=error.status, headers=headers)


def _headers(request: ApiRequest, window: RequestWindow) -> dict[str, str]:
    return {
        "ININ-Correlation-Id": request.correlation_id,
        "inin-ratelimit-count": str(window.count),
        "inin-ratelimit-allowed": str(window.limit),
        "inin-ratelimit-reset": str(window.retry_after),
    }


def _rate_limited(request: ApiRequest, window: RequestWindow) -> web.Response:
    """Return the response to a request above the limit."""
    status = HTTPStatus.TOO_MANY_REQUESTS
    headers = _headers(request, window) | {"Retry-After": str(window.retry_after)}
    return web.json_response(responses.error(status, request.correlation_id), status=status, headers=headers)
