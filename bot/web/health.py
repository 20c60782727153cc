"""Answer `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.bootstrap import Services
from bot.errors import BotError

CHECK_TIMEOUT = 5.0
"""Seconds for each check of readiness."""

TOKEN_FAILURE_TTL = 2.0
"""Seconds for which readiness remembers that Genesys Cloud gave no token, so that probes do not flood the login."""


@dataclass
class Health:
    """The state of the process, for probes and Prometheus; `socket_is_up` is None without Socket Mode."""

    services: Services
    socket_is_up: Callable[[], Awaitable[bool]] | None = None
    stopping: bool = False
    _token_failure: str | None = None
    _token_failure_until: float = 0.0

    async def alive(self, _request: web.Request) -> web.Response:
        """`GET /healthz`: the process is alive."""
        return web.json_response({"status": "alive"})

    async def ready(self, _request: web.Request) -> web.Response:
        """`GET /readyz`: whether the bot can do its work, and what is missing."""
        missing = await self._missing()
        status = 503 if missing else 200
        return web.json_response({"status": "not ready" if missing else "ready", "missing": missing}, status=status)

    async def metrics(self, _request: web.Request) -> web.Response:
        """`GET /metrics`: Prometheus text."""
        metrics = self.services.metrics
        metrics.clock_lag.set(self.services.store.database.time.lag)
        with suppress(Exception):  # the other numbers matter most while the database is unavailable
            depth = await self.services.store.jobs.depth()
            metrics.queue_depth.clear()  # a kind that only a newer version adds is gone once its jobs are done
            for kind, count in depth.items():
                metrics.queue_depth.labels(kind).set(count)
        return web.Response(body=metrics.render(), content_type="text/plain", charset="utf-8")

    async def _missing(self) -> dict[str, str]:
        if self.stopping:
            return {"process": "it is stopping"}
        missing = {} if self.services.workspace.is_known else {"slack": "auth.test has not passed"}
        if self.socket_is_up is not None and not await self.socket_is_up():
            missing["socket"] = "no Socket Mode connection is up"
        if self.services.store.database.time.is_behind:
            missing["clock"] = "it is behind the time in the database"
        store = self.services.store.jobs.check_writable()
        found = {"genesys": await self._token_problem(), "store": await _problem(store)}
        return missing | {name: problem for name, problem in found.items() if problem}

    async def _token_problem(self) -> str | None:
        if time.monotonic() > self._token_failure_until:
            self._token_failure = await _problem(self.services.purecloud.auth.token())
            self._token_failure_until = time.monotonic() + TOKEN_FAILURE_TTL if self._token_failure else 0.0
        return self._token_failure


async def _problem(check: Awaitable[Any]) -> str | None:
    """Return why a check failed, or None."""
    try:
        await asyncio.wait_for(check, timeout=CHECK_TIMEOUT)
    except Exception as error:  # noqa: BLE001 - after any error the bot is not ready
        return str(error) if isinstance(error, BotError) else type(error).__name__
    return None
