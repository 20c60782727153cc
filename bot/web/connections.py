"""Limit the connections of the HTTP server: how many, and how long each may take to send a request.

aiohttp has neither limit, so one unsigned client could hold every descriptor of the process.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.web.listening import open_server

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MAX_CONNECTIONS = 500
"""Open connections. Above it, a new one takes the place of the one that has been idle longest."""

MAX_CONNECTIONS_PER_PEER = 50
"""Open connections of one public address. A reverse proxy has a private one, and speaks for many clients."""

HEADER_TIMEOUT = 5.0
"""Seconds from the first byte of a request, or the start of a connection, to the end of its headers."""

KEEPALIVE_TIMEOUT = 75.0
"""Seconds for which an idle connection stays open, as long as in nginx."""

LINGER_TIMEOUT = 2.0
"""Seconds for which the body of a rejected request is read and dropped, so that the client gets its answer."""

MAX_DESCRIPTORS = 65536
"""Open files and connections of this process, if the system allows so many."""

REFUSAL_LOG_INTERVAL = 60.0
"""Seconds between two log lines about refused connections."""

log = structlog.get_logger()


class ConnectionLimits:
    """The open connections of one server."""

    def __init__(
        self,
        *,
        total: int = MAX_CONNECTIONS,
        per_peer: int = MAX_CONNECTIONS_PER_PEER,
        header_timeout: float = HEADER_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self.header_timeout = header_timeout
        self._total = total
        self._per_peer = per_peer
        self._clock = clock
        self._count = count
        self._open: dict[Connection, str | None] = {}
        self._peers: Counter[str] = Counter()
        self._next_log = float("-inf")

    def admit(self, connection: Connection, address: str) -> bool:
        """Return whether a new connection may stay, if need be in the place of the longest idle one."""
        peer = address if _is_public(address) else None
        if peer and self._peers[peer] >= self._per_peer:
            self.report("too_many_of_peer", address)
            return False
        if len(self._open) >= self._total and not self._close_idle():
            self.report("too_many", address)
            return False
        self._open[connection] = peer
        if peer:
            self._peers[peer] += 1
        return True

    def used(self, connection: Connection) -> None:
        """Note that a connection sent a request, so that it is not the longest idle one."""
        if connection in self._open:
            self._open[connection] = self._open.pop(connection)

    def release(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        peer = self._open.pop(connection, None)
        if peer:
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

    def report(self, reason: str, address: str) -> None:
        """Count a connection that the server closed, and log one a minute."""
        self._count(reason)
        if self._clock() >= self._next_log:
            self._next_log = self._clock() + REFUSAL_LOG_INTERVAL
            log.warning("connection.closed", reason=reason, peer=address, open=len(self._open))

    def _close_idle(self) -> bool:
        idle = next((connection for connection in self._open if connection.replaceable), None)
        if idle is None:
            return False
        self.report("idle_replaced", idle.address)
        self.release(idle)
        idle.force_close()
        return True


class Connection(web.RequestHandler):  # type: ignore[type-arg,unused-ignore]
    """A connection that must send complete headers in time."""

    __slots__ = ("_header_timer", "_limits", "address", "request")

    def __init__(self, manager: web.Server, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(manager, **options)
        self.request: web.BaseRequest | None = None
        self.address = ""
        self._limits = limits
        self._header_timer: asyncio.TimerHandle | None = None

    @property
    def replaceable(self) -> bool:
        """Whether no complete request is being answered, so that another client may have the place."""
        return self.request is None or not self.request.content.is_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse a connection above the limits."""
        super().connection_made(transport)
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        if self._limits.admit(self, self.address):
            self._start_header_timer()
        else:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Make room for another connection."""
        self._stop_header_timer()
        self._limits.release(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Measure the time from the first byte of a request."""
        if self._header_timer is None and self.request is None:
            self._start_header_timer()
        super().data_received(data)

    def log_exception(self, *args: Any, **details: Any) -> None:
        """Log no trace of a request that is not HTTP, because anyone can send one."""
        if isinstance(details.get("exc_info"), HttpProcessingError):
            self._limits.report("malformed", self.address)
        else:
            super().log_exception(*args, **details)

    def begin_request(self, request: web.BaseRequest) -> None:
        """Note that the headers are complete."""
        self.request = request
        self._stop_header_timer()
        self._limits.used(self)

    def end_request(self) -> None:
        """Note that the request is answered."""
        self.request = None

    def _start_header_timer(self) -> None:
        self._header_timer = self._loop.call_later(self._limits.header_timeout, self._give_up)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        self._header_timer = None
        if self.request is None:
            self._limits.report("headers_too_slow", self.address)
            self.force_close()


@web.middleware
async def track_request(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Note on a connection which of its requests is being answered."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        response: web.StreamResponse = await handler(request)
        return response
    connection.begin_request(request)
    try:
        response = await handler(request)
    finally:
        connection.end_request()
    return response


async def listen(runner: web.AppRunner, host: str, port: int, limits: ConnectionLimits) -> asyncio.Server:
    """Start to accept connections for a runner that is set up. The caller closes the server.

    Raises SettingsError for a host or port that can never work.
    """
    manager = runner.server
    if manager is None:
        raise RuntimeError("the runner is not set up")
    loop = asyncio.get_running_loop()

    def connection() -> Connection:
        return Connection(
            manager,
            limits,
            loop=loop,
            access_log=None,
            auto_decompress=False,  # Slack never compresses, and a small body could become a large one
            keepalive_timeout=KEEPALIVE_TIMEOUT,
            lingering_time=LINGER_TIMEOUT,
        )

    return await open_server(connection, host, port)


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files, which is 1024 in many shells and units."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None  # a client of a socket for both
    return (mapped or found).is_global
