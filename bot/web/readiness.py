"""Say whether the bot can do its work: whether a click would lead to a DELETE.

Each part follows its last real attempt. A part that failed is tried again, at most every few seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from bot.bootstrap import Services
from bot.errors import TOKEN_REFUSED, BotError
from bot.network.server_clock import ServerClock

CHECK_TIMEOUT = 5.0
"""Seconds for each check."""

STORE_INTERVAL = 1.0
"""Seconds for which probes share the row that was stored last, so that a flood of probes causes no flood of commits."""

STORE_RETRY_INTERVAL = 0.1
"""Seconds between two attempts to store a row. It is short because a new database has no tables until the first start
has created them, and a failed attempt causes no commit."""

RETRY_INTERVAL = 2.0
"""Seconds between two attempts of a part that failed, so that probes do not flood Slack or the login."""

MAX_SECONDS_SINCE_POLL = 10.0
"""Seconds without a successful poll after which the worker counts as stuck. It polls twice a second."""

MAX_CLOCK_OFFSET = 60.0
"""Seconds by which the clocks may differ. Slack's signatures are valid for 300."""

EXPLANATIONS: Mapping[str, str] = {
    "process": "it is stopping",
    "slack": "auth.test has not passed, or Slack has rejected the bot's token since",
    "socket": "no Socket Mode connection is up",
    "genesys": "no token of Genesys Cloud is available",
    "store": "the database cannot store a click",
    "worker": "the worker has not looked for jobs for 10 seconds",
    "clock": "it is behind the time in the database, or more than 60 seconds off Slack's or Genesys Cloud's",
}
"""What everyone may read. The log has the cause, because a database's message can name its users and hosts."""

log = structlog.get_logger()


class SharedCheck:
    """A check that concurrent probes share, and later ones for as long as its answer is valid.

    `passed_ttl` and `failed_ttl` are in seconds.
    """

    def __init__(
        self,
        check: Callable[[], Awaitable[Any]],
        clock: Callable[[], float],
        *,
        passed_ttl: float = 0.0,
        failed_ttl: float = RETRY_INTERVAL,
    ) -> None:
        self._check = check
        self._clock = clock
        self._passed_ttl = passed_ttl
        self._failed_ttl = failed_ttl
        self._lock = asyncio.Lock()
        self._problem: str | None = None
        self._valid_until = float("-inf")

    async def problem(self) -> str | None:
        """Return why the check failed, None if it passed."""
        async with self._lock:
            if self._clock() >= self._valid_until:
                self._problem = await _problem(self._check())
                self._valid_until = self._clock() + (self._failed_ttl if self._problem else self._passed_ttl)
            return self._problem


class Readiness:
    """What is missing; `socket_is_up` is None without Socket Mode.

    `monotonic` measures intervals, and `clock` is the clock of this machine, in epoch seconds.
    """

    def __init__(
        self,
        services: Services,
        socket_is_up: Callable[[], Awaitable[bool]] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.stopping = False
        self._services = services
        self._socket_is_up = socket_is_up
        self._clock = clock
        self._auth = services.purecloud.auth
        self._store_check = SharedCheck(
            services.store.jobs.check_writable,
            monotonic,
            passed_ttl=STORE_INTERVAL,
            failed_ttl=STORE_RETRY_INTERVAL,
        )
        self._slack_check = SharedCheck(lambda: services.web_api.read("auth.test"), monotonic)
        self._genesys_check = SharedCheck(self._use_token, monotonic)
        self._genesys_clock_check = SharedCheck(services.purecloud.tokens.head_tokens_me, monotonic)
        self._logged: frozenset[str] = frozenset()

    async def missing(self) -> dict[str, str]:
        """Return the parts that are missing, with a sentence that everyone may read."""
        problems = await self._problems()
        self._log_changes(problems)
        return {name: _public(name, problem) for name, problem in problems.items()}

    async def is_ready(self) -> bool:
        """Return whether nothing is missing; log nothing."""
        return not await self._problems()

    async def _problems(self) -> dict[str, str]:
        if self.stopping:
            return {"process": EXPLANATIONS["process"]}
        slack, socket, genesys, store, clock = await asyncio.gather(
            self._slack_problem(), self._socket_problem(), self._genesys_problem(), self._store_problem(),
            self._clock_problem(),
        )  # fmt: skip
        worker = self._worker_problem()
        found = {
            "slack": slack, "socket": socket, "genesys": genesys, "store": store, "worker": worker, "clock": clock,
        }  # fmt: skip
        return {name: problem for name, problem in found.items() if problem}

    async def _slack_problem(self) -> str | None:
        if not self._services.workspace.is_known:
            return self._services.workspace.problem or "auth.test has not passed"
        if self._services.web_api.token_refused:
            await self._slack_check.problem()
        return self._services.web_api.token_refused

    async def _socket_problem(self) -> str | None:
        if self._socket_is_up is None or await self._socket_is_up():
            return None
        return EXPLANATIONS["socket"]

    async def _genesys_problem(self) -> str | None:
        if self._auth.cached and not self._auth.rejected:
            return None
        return await self._genesys_check.problem()

    async def _use_token(self) -> None:
        """Get a token. If the last one was rejected although it was new, call Genesys Cloud with it."""
        if self._auth.rejected:
            await self._services.purecloud.tokens.head_tokens_me()
        else:
            await self._auth.token()

    async def _store_problem(self) -> str | None:
        """Look at each probe whether the file is still there; it costs nothing on PostgreSQL."""
        return await self._store_check.problem() or await _problem(self._services.store.database.read(lambda _tx: None))

    def _worker_problem(self) -> str | None:
        seconds = self._services.worker.seconds_since_poll
        return f"no successful poll for {seconds:.0f} s" if seconds > MAX_SECONDS_SINCE_POLL else None

    async def _clock_problem(self) -> str | None:
        """Compare the clocks; a difference is measured again, because the last response may be old."""
        services = self._services
        if services.store.database.time.is_behind:
            return "it is behind the time in the database"
        for name, server, check in (
            ("Slack", services.slack_clock, self._slack_check),
            ("Genesys Cloud", services.genesys_clock, self._genesys_clock_check),
        ):
            if abs(self._offset(server)) <= MAX_CLOCK_OFFSET:
                continue
            await check.problem()
            offset = self._offset(server)
            if abs(offset) > MAX_CLOCK_OFFSET:
                return f"the clock of this machine is {offset:.0f} s ahead of {name}'s"
        return None

    def _offset(self, server: ServerClock) -> float:
        now = server.now()
        return 0.0 if now is None else self._clock() - now

    def _log_changes(self, problems: Mapping[str, str]) -> None:
        for name in sorted(problems.keys() - self._logged):
            log.warning("readiness.lost", part=name, problem=problems[name])
        for name in sorted(self._logged - problems.keys()):
            log.info("readiness.restored", part=name)
        self._logged = frozenset(problems)


def _public(name: str, problem: str) -> str:
    """Return what everyone may read about a missing part; Slack's code for a rejected token is harmless."""
    return f"{EXPLANATIONS[name]} ({problem})" if problem in TOKEN_REFUSED else EXPLANATIONS[name]


async def _problem(check: Awaitable[Any]) -> str | None:
    """Return why a check failed, or None."""
    try:
        await asyncio.wait_for(check, timeout=CHECK_TIMEOUT)
    except Exception as error:  # noqa: BLE001 - after any error the bot is not ready
        return str(error) if isinstance(error, BotError) else type(error).__name__
    return None
