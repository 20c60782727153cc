"""End requests that were not approved in time, and delete rows that are no longer needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from bot.db.expiry import ExpiryStore
from bot.db.requests import RequestStore
from bot.domain.audit_chain import Checkpoint
from bot.domain.requests import Request
from bot.metrics import Metrics
from bot.services.log_facts import log_facts
from bot.services.rule_differences import RuleDifferences

CLEANUP_INTERVAL = 600.0
"""Seconds between two deletions of rows that are no longer needed, and between two checkpoints in the log."""

COUNT_INTERVAL = 60.0
"""Seconds between two looks for rows that only another version of the bot knows, and for other rules."""

log = structlog.get_logger()


async def end_overdue(store: ExpiryStore, recipients: Callable[[Request], Sequence[str]], metrics: Metrics) -> None:
    """End the requests whose time is over; `recipients` returns the channels to notify."""
    for request in await store.expire_due(recipients):
        metrics.outcomes.labels(request.action, request.state).inc()
        log.info("request.expired", **log_facts(request))


class ExpiryService:
    """Ends overdue requests. `recipients` returns the channels to notify."""

    def __init__(
        self,
        store: RequestStore,
        recipients: Callable[[Request], Sequence[str]],
        metrics: Metrics,
        differences: RuleDifferences,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._expiry = ExpiryStore(store)
        self._recipients = recipients
        self._metrics = metrics
        self._differences = differences
        self._clock = clock
        self._cleanup_at = 0.0
        self._checkpoint: Checkpoint | None = None
        self._count_at = 0.0

    async def run(self) -> None:
        """End overdue requests. At their intervals, look for unknown rows and other rules, and clean up."""
        await end_overdue(self._expiry, self._recipients, self._metrics)
        if self._clock() > self._count_at:
            self._count_at = self._clock() + COUNT_INTERVAL
            await self._store.count_unknown_rows()
            await self._differences.look(self._store.database)
        if self._clock() > self._cleanup_at:
            self._cleanup_at = self._clock() + CLEANUP_INTERVAL
            await self._store.delete_expired_rows()
            await self.log_checkpoint()

    async def log_checkpoint(self) -> None:
        """Log a checkpoint of the audit log if rows were added, so that it exists elsewhere too."""
        checkpoint = await self._store.audit_checkpoint()
        if checkpoint and checkpoint != self._checkpoint:
            self._checkpoint = checkpoint
            log.info("audit.checkpoint", checkpoint=str(checkpoint))
