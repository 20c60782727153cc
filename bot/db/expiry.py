"""The requests that expire, and their notices. Each public method is one transaction."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from bot.db import statements
from bot.db.jobs import Job
from bot.db.requests import Recipients, RequestStore
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.requests import Event, Request, advance


class ExpiryStore:
    """The requests of one store that are overdue."""

    def __init__(self, store: RequestStore) -> None:
        self.requests = store

    async def expire_due(self, recipients: Recipients, limit: int = 50) -> list[Request]:
        """Expire up to `limit` pending requests that are overdue and have no click to decide on; return them.

        Requests that this version cannot read are left to the one that can.
        """
        if not await self.requests.database.read(lambda tx: self._overdue(tx, 1)):
            return []
        return await self.requests.database.write(lambda tx: self._expire(tx, recipients, limit))

    async def take_expired_notices(self, channel: str, limit: int) -> list[Job]:
        """Lease up to `limit` notices of expired requests that wait for a channel.

        Return their jobs, with the requests as snapshots.
        """
        return await self.requests.database.write(
            lambda tx: self._take_expired_notices(tx, channel, limit), durable=False
        )

    def _overdue(self, tx: Transaction, limit: int) -> list[str]:
        jobs = self.requests.jobs
        return statements.overdue(tx, limit, jobs.actions, jobs.unreadable.skipped("requests", tx.now))

    def _expire(self, tx: Transaction, recipients: Recipients, limit: int) -> list[Request]:
        pending: list[Request] = []
        for request_id in self._overdue(tx, limit):
            with suppress(UnreadableRow):
                found = self.requests.snapshot_in(tx, request_id).request
                pending += [found] if found else []
        expired = [advance(before, Event.EXPIRE, at=tx.now) for before in pending]
        for before, moved in zip(pending, expired, strict=True):
            self.requests.save_in(tx, before, moved, Event.EXPIRE, actor="bot", notify=recipients(before), lease=False)
        return expired

    def _take_expired_notices(self, tx: Transaction, channel: str, limit: int) -> list[Job]:
        jobs = []
        for job in self.requests.jobs.lease_expired_notices(tx, channel, limit):
            with suppress(UnreadableRow):
                jobs.append(replace(job, snapshot=self.requests.snapshot_in(tx, job.request_id)))
        return jobs
