"""A sandbox session: one run at a time, which a user can reset, and an optional second replica."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bot.db.driver import DatabaseUnavailable
from bot.db.statements import open_requests, set_seals
from bot.domain.requests import State
from bot.sandbox.fast_clock import FastClock
from bot.sandbox.faults import SandboxFaults
from bot.sandbox.manifest import HOME_TAB_ENABLED, MESSAGES_TAB_READ_ONLY, SHORTCUTS, Shortcut
from bot.sandbox.replica import SandboxReplica
from bot.sandbox.single_sign_on import SingleSignOn

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.db.requests import RequestStore
    from bot.db.transaction import Transaction
    from bot.domain.audit import AuditEvent
    from bot.domain.seals import Seals
    from bot.sandbox.audit_log import Verification
    from bot.sandbox.genesys.server import FakeGenesys
    from bot.sandbox.slack.server import Delivery, FakeSlack


@dataclass
class SandboxRun:
    """Two fakes and a bot with an empty database, until the next reset."""

    slack: FakeSlack
    genesys: FakeGenesys
    store: RequestStore
    """The bot's own store, for the audit log and for `advance_clock`."""
    environ: dict[str, str]
    """The bot's settings; a second replica gets the same."""
    shortcuts: tuple[Shortcut, ...] = SHORTCUTS
    home_tab: bool = HOME_TAB_ENABLED
    messages_tab_read_only: bool = MESSAGES_TAB_READ_ONLY
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    replica: SandboxReplica | None = None
    last_delivery: Delivery | None = None
    """The last request that Slack sent to the bot, and its response."""
    clicks: list[float] = field(default_factory=list)
    """When people clicked, in seconds since the epoch; for the stopwatch of the page."""
    audit_log: list[tuple[AuditEvent, str]] = field(default_factory=list)
    """The audit log when it was last read."""
    verification: Verification | None = None
    """The result of the last verification of the audit log."""

    def __post_init__(self) -> None:
        self.faults = SandboxFaults(self.slack, self.genesys)
        self.single_sign_on = SingleSignOn(self.genesys.state)
        self.fast_clock = FastClock(self.genesys)
        self.bot_url = self.slack.events_url


class SandboxSession:
    """Starts, resets and stops runs, and notifies `listeners` when the page may have to change."""

    def __init__(self, start_run: Callable[[], AbstractAsyncContextManager[SandboxRun]]) -> None:
        self._start_run = start_run
        self._resources = AsyncExitStack()
        self._lock = asyncio.Lock()
        self.run: SandboxRun | None = None
        self.listeners: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Start a run."""
        self.run = await self._resources.enter_async_context(self._start_run())
        self.run.slack.on_change.append(self.notify)
        self.run.single_sign_on.on_log_in = self.notify
        self.notify()

    async def stop(self) -> None:
        """Stop the current run, if there is one."""
        run, self.run = self.run, None
        if run is not None:
            run.faults.clear()  # a delayed response would delay the shutdown
            run.single_sign_on.stop()
            if run.replica is not None:
                await run.replica.kill()
        await self._resources.aclose()

    async def reset(self) -> None:
        """Replace the current run with a new one, which has an empty database."""
        async with self._lock:
            await self.stop()
            await self.start()

    def notify(self) -> None:
        """Call every listener."""
        for listener in list(self.listeners):
            listener()

    async def start_replica(self) -> None:
        """Start a second replica and direct Slack to it. Raises ReplicaNotReadyError."""
        async with self._lock:
            run = self.run
            if run is None or run.replica is not None:
                return
            run.replica = await SandboxReplica.start(run.environ)
            run.slack.events_url = f"{run.replica.url}/slack/events"
            self.notify()

    async def kill_replica(self) -> None:
        """Kill the second replica and direct Slack to the first one again."""
        async with self._lock:
            run = self.run
            if run is None or run.replica is None:
                return
            replica, run.replica = run.replica, None
            await replica.kill()
            run.slack.events_url = run.bot_url
            self.notify()

    async def reap_replica(self) -> None:
        """Remove the second replica if its process has ended, for example because of a `kill`."""
        if self.run and self.run.replica and not self.run.replica.alive:
            await self.kill_replica()

    async def advance_clock(self, seconds: float) -> None:
        """Move the expiry of every pending request closer by this time."""
        if self.run is not None:
            store = self.run.store
            await store.database.write(lambda tx: _expire_sooner(tx, store.seals, seconds))

    async def refresh_audit_log(self) -> None:
        """Read the audit log; keep the last reading while the database is unavailable."""
        run = self.run
        if run is not None:
            with suppress(DatabaseUnavailable):
                run.audit_log = await run.store.audit_events()


def _expire_sooner(tx: Transaction, seals: Seals, seconds: float) -> None:
    """Move the expiry and the reminder of pending requests, and seal the requests again."""
    tx.execute("UPDATE jobs SET due_at = due_at - :by WHERE kind = 'reminder' AND done_at IS NULL", by=seconds)
    for request in open_requests(tx):
        if request.state is State.PENDING:
            moved = seals.seal(replace(request, expires_at=request.expires_at - seconds))
            tx.execute("UPDATE requests SET expires_at = :at WHERE id = :id", at=moved.expires_at, id=moved.id)
            set_seals(tx, moved)
