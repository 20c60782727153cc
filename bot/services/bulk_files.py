"""Share the files of a bulk request in the thread of its card."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import structlog

from bot.db import bulk_entries
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain import bulk_files
from bot.domain.bulk_files import BulkFile
from bot.domain.requests import Request
from bot.services.job_result import JobResult
from bot.services.log_facts import log_facts
from bot.services.notifications import Delivery
from bot.slack.api import SlackCallError
from bot.slack.channels import Channels
from bot.slack.messages import SlackMessenger

PAGE_SIZE = 1000
"""Entries that are read in one transaction."""

log = structlog.get_logger()


class FileUpload(Protocol):
    """Shares files; raises SlackCallError."""

    async def upload(self, channel: str, thread_ts: str, name: str, content: bytes, comment: str) -> None:
        """Share a file in a thread."""


class FileRenderer(Protocol):
    """Renders what accompanies a file."""

    def file_comment(self, request: Request, file: BulkFile) -> str:
        """Return the text next to a file."""

    def thread_reply(self, code: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a reply in the thread of a card."""


class LiveAudience(Protocol):
    """Knows who may see what people are doing."""

    async def may_see(self, channel: str) -> bool:
        """Return whether the people in a channel may."""


class BulkFiles:
    """Shares the files. One may be shared twice, if the process ends between the upload and its commit."""

    def __init__(
        self,
        store: RequestStore,
        files: FileUpload,
        messenger: SlackMessenger,
        renderer: FileRenderer,
        delivery: Delivery,
        *,
        channels: Channels,
        live: LiveAudience,
    ) -> None:
        self._live = live
        self._store = store
        self._files = files
        self._channels = channels
        self._messenger = messenger
        self._renderer = renderer
        self._delivery = delivery

    async def process(self, job: Job) -> JobResult:
        """Share a file, or say in the thread that it could not be; nothing if the card cannot be found."""
        request = await self._store.get(job.request_id)
        card = request.card if request else None
        if request is None or card is None or not card.ts:
            await self._store.jobs.complete(job)
            return JobResult()
        file = BulkFile(job.payload["file"])
        name, comment = f"{request.reference}-{file}.csv", self._renderer.file_comment(request, file)
        try:
            await self._channels.require(card.channel)  # it may have been shared since the card was posted
            await self._files.upload(card.channel, card.ts, name, await self._content(request, file), comment)
        except SlackCallError as error:
            return await self._retry(job, request, file, error)
        await self._store.jobs.complete(job)
        return JobResult()

    async def _retry(self, job: Job, request: Request, file: BulkFile, error: SlackCallError) -> JobResult:
        """Try again later, or reply with the reason why there is no file."""
        if error.retryable:
            await self._delivery.retry_later(job, error, since=job.created_at)
            return JobResult()
        log.warning("bulk.file_not_shared", **log_facts(request), file=str(file), code=error.slack_code)
        params = {"file": str(file), "slack_code": error.slack_code}
        card = request.card
        try:
            if card and card.ts:
                reply = self._renderer.thread_reply("file_not_shared", params)
                await self._messenger.post(card.channel, reply, thread_ts=card.ts)
        except SlackCallError as failure:
            await self._delivery.retry_later(job, failure, since=job.created_at)
            return JobResult()
        await self._store.jobs.complete(job)
        return JobResult()

    async def _content(self, request: Request, file: BulkFile) -> bytes:
        """Return a file with a byte order mark, without which spreadsheets misread names."""
        parts, after = [bulk_files.header(file)], -1
        card = request.card if file is BulkFile.PREVIEW else None  # the other file has no conversations
        shown = card is not None and await self._live.may_see(card.channel)
        while True:
            read = partial(bulk_entries.page, request_id=request.id, after=after, limit=PAGE_SIZE)
            page = await self._store.database.read(read)
            parts.append(bulk_files.rows(file, [one for _, one in page], conversations=shown))
            if len(page) < PAGE_SIZE:
                return "".join(parts).encode("utf-8-sig")
            after = page[-1][0]
