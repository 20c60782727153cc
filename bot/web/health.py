"""Answer `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web
from pydantic import SecretStr

from bot.bootstrap import Services
from bot.web.readiness import Readiness

METRICS_TTL = 1.0
"""Seconds for which the text of the metrics is used again, so that a flood of scrapes does not delay clicks."""


class Health:
    """The endpoints of probes and Prometheus.

    With a `metrics_token`, only its bearer may read the metrics.
    """

    def __init__(
        self,
        readiness: Readiness,
        services: Services,
        metrics_token: SecretStr | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._readiness = readiness
        self._services = services
        self._metrics_token = metrics_token
        self._clock = clock
        self._lock = asyncio.Lock()
        self._text = b""
        self._text_until = float("-inf")

    async def alive(self, _request: web.Request) -> web.Response:
        """`GET /healthz`: the process is alive."""
        return web.json_response({"status": "alive"})

    async def ready(self, _request: web.Request) -> web.Response:
        """`GET /readyz`: whether the bot can do its work, and what is missing."""
        missing = await self._readiness.missing()
        status = 503 if missing else 200
        return web.json_response({"status": "not ready" if missing else "ready", "missing": missing}, status=status)

    async def metrics(self, request: web.Request) -> web.Response:
        """`GET /metrics`: Prometheus text."""
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
        with suppress(Exception):  # the other numbers matter most while the database is unavailable
            depth = await self._services.store.jobs.depth()
            metrics.queue_depth.clear()  # a kind that only a newer version adds is gone once its jobs are done
            for kind, count in depth.items():
                metrics.queue_depth.labels(kind).set(count)
        return metrics.render()
