"""Answer `/`, `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web
from pydantic import SecretStr

from bot import __version__
from bot.bootstrap import Services
from bot.web.readiness import Readiness

METRICS_TTL = 1.0
"""Seconds for which the text of the metrics is used again, so that a flood of scrapes does not delay clicks."""


READY_TIMEOUT = 5.0
"""Seconds after which `purecloud_bot_ready` is 0, so that a scrape ends within Prometheus' 10 seconds."""

PATHS = "purecloud-bot: POST /slack/events, GET /healthz, GET /readyz, GET /metrics\n"


async def no_connections() -> int:
    """Return 0, the number of Socket Mode connections over HTTP."""
    return 0


class Health:
    """The endpoints of probes and Prometheus.

    With a `metrics_token`, only its bearer may read the metrics. `connections` counts those of Socket Mode.
    """

    def __init__(
        self,
        readiness: Readiness,
        services: Services,
        metrics_token: SecretStr | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        connections: Callable[[], Awaitable[int]] = no_connections,
    ) -> None:
        self._readiness = readiness
        self._services = services
        self._metrics_token = metrics_token
        self._clock = clock
        self._connections = connections
        self._lock = asyncio.Lock()
        self._text = b""
        self._text_until = float("-inf")

    async def paths(self, _request: web.Request) -> web.Response:
        """Answer `GET /` with the paths, for a person who opens the address in a browser."""
        return web.Response(text=PATHS)

    async def alive(self, _request: web.Request) -> web.Response:
        """Answer `GET /healthz`: the process is alive."""
        return web.json_response({"status": "alive"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer `GET /readyz` with what is missing for the bot to do its work."""
        missing = await self._readiness.missing()
        if missing:
            return web.json_response({"status": "not ready", "missing": missing}, status=503)
        return web.json_response({"status": "ready", "missing": {}, **self._identity()})

    def _identity(self) -> dict[str, str]:
        """Return what shows an operator which bot this is."""
        services = self._services
        return {
            "version": __version__,
            "workspace": services.workspace.current.name,
            "region": services.purecloud.region.domain,
        }

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer `GET /metrics` with Prometheus text."""
        if not self._may_read_metrics(request.headers.get("Authorization", "")):
            return web.Response(status=401, text="METRICS_TOKEN required", headers={"WWW-Authenticate": "Bearer"})
        async with self._lock:
            if self._clock() >= self._text_until:
                self._text = await self._render()
                self._text_until = self._clock() + METRICS_TTL
        return web.Response(body=self._text, content_type="text/plain", charset="utf-8")

    def _may_read_metrics(self, authorization: str) -> bool:
        if self._metrics_token is None:
            return True
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode("utf-8", "surrogateescape")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            given, self._metrics_token.get_secret_value().encode()
        )

    async def _render(self) -> bytes:
        metrics = self._services.metrics
        metrics.clock_lag.set(self._services.store.database.time.lag)
        metrics.socket_connections.set(await self._connections())
        await asyncio.gather(self._show_readiness(), self._show_work())
        return metrics.render()

    async def _show_readiness(self) -> None:
        missing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT):
                missing = bool(await self._readiness.missing())
        self._services.metrics.ready.set(not missing)

    async def _show_work(self) -> None:
        with suppress(Exception):  # the other numbers matter most while the database is unavailable
            self._services.metrics.set_work(*await self._services.store.jobs.work())
