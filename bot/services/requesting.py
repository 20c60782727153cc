"""Create a request from a stored command, or deny it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any, NamedTuple

import structlog

from bot.db.driver import DatabaseUnavailable
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.audit import AuditEvent, EventType
from bot.domain.commands import Invoker, RequestCommand, read_command
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import CheckUnavailable
from bot.domain.people import Member
from bot.domain.requests import Request
from bot.errors import BotError, SlackUnavailable, StaleRequest
from bot.metrics import Metrics
from bot.redaction import redact
from bot.services.drafts import Checked, RequestDrafts
from bot.services.following import Following
from bot.services.job_result import JobResult
from bot.services.log_facts import command_facts, log_facts
from bot.services.notifications import reply_payload
from bot.services.postponement import NOTICE_DELAY, Postponed, postponement
from bot.services.reminders import MIN_TIME_LEFT
from bot.slack.channels import is_channel
from bot.slack.workspace import WorkspaceUnknown

COMMAND_PATIENCE = 300.0
"""Seconds for which a command is retried whose lookups fail. After that, its person would not expect a card."""

log = structlog.get_logger()


class Prepared(NamedTuple):
    """What a command would request, by whom, and the open request that this person would follow instead."""

    request: Request
    requester: Member
    follows: Request | None = None


class RequestService:
    """Processes commands that request an action. `ttl` is how long a request can be approved, in seconds.

    `secret_values` are removed from what the audit log says about a denial. `max_open` is the number of open requests
    that a person may have, None for any number.
    """

    def __init__(
        self,
        store: RequestStore,
        drafts: RequestDrafts,
        following: Following,
        *,
        metrics: Metrics,
        ttl: float,
        ping_approvers: bool = True,
        remind_after: float | None = None,
        secret_values: tuple[str, ...] = (),
        max_open: int | None = None,
    ) -> None:
        self._store = store
        self._drafts = drafts
        self._following = following
        self._metrics = metrics
        self._ttl = ttl
        self._ping_approvers = ping_approvers
        self._remind_after = remind_after if remind_after and ttl - remind_after >= MIN_TIME_LEFT else None
        self._secret_values = secret_values
        self._max_open = max_open

    async def process(self, job: Job) -> JobResult:
        """Create the request that a command asks for, and its card; or reply with the reason against it.

        Raises DatabaseUnavailable and WorkspaceUnknown; the command stays stored.
        """
        command = read_command(job.payload)
        by, facts = command.invoker.user_id, command_facts(command)
        try:
            self._require_genuine(job, command)
            return await self._answer(job, command)
        except Denied as denied:
            self._metrics.refusals.labels(denied.code).inc()
            log.info("request.denied", **facts, reason=str(denied.code))
            detail = {"kind": command.action, "reason": denied.code, **denied.params}
            event = AuditEvent(0.0, EventType.REQUEST_DENIED, by, detail=redact(detail, *self._secret_values))
            return await self._reply(job, command.invoker, denied, event)
        except (DatabaseUnavailable, WorkspaceUnknown):  # the job is retried
            raise
        except (CheckUnavailable, SlackUnavailable) as error:
            return await self._postpone(job, command, error)
        except BotError as error:
            log.warning("command.failed", **facts, error=error.code, problem=str(error))
            return await self._reply(job, command.invoker, error)
        except Exception:  # the person gets a reply, the log the rest
            incident = secrets.token_hex(4)
            log.exception("command.failed_unexpectedly", **facts, incident=incident)
            return await self._reply(job, command.invoker, UnexpectedError(incident))

    async def _answer(self, job: Job, command: RequestCommand) -> JobResult:
        """Follow the open request for the same target if there is one, else create a request.

        The transaction repeats the search, so another replica may have been faster. Then this decides again.
        """
        checked = await self._drafts.check(job.request_id, command)
        draft = checked.request
        while True:
            found = await self._open_request(draft)
            with suppress(StaleRequest):
                if found:
                    return await self._following.follow(job, command.invoker, draft, checked.approver, found)
                return await self._create(job, command.invoker, checked)

    async def _create(self, job: Job, invoker: Invoker, checked: Checked) -> JobResult:
        """Create a request. Raises Denied, and StaleRequest if there is one to follow."""
        request = await self._drafts.place(checked.request, invoker, checked.requester, checked.approver)
        for_others = request.card is not None and is_channel(request.card.channel)
        card = await self._store.create(
            request, ttl=self._ttl, key=invoker.key, command_url=invoker.response_url, job=job,
            remind_after=self._remind_after,
            unless_open=None if request.break_glass or request.bulk else self._following.may_follow,
            max_open=self._limit(request), ping=self._ping_approvers and for_others,
            entries=checked.entries,
        )  # fmt: skip
        if card is None:
            return JobResult()
        needed = request.approvals_required
        log.info(
            "request.created",
            **log_facts(request),
            by=invoker.user_id,
            request_id=request.id,
            approvals_required=needed,
        )
        return JobResult((card,))

    def _require_genuine(self, job: Job, command: RequestCommand) -> None:
        """Raise Denied for a command that this bot did not store."""
        if not self._store.is_genuine(job):
            log.error("command.altered", **command_facts(command))
            raise Denied(DenialCode.COMMAND_ALTERED)

    async def _postpone(
        self, job: Job, command: RequestCommand, error: CheckUnavailable | SlackUnavailable
    ) -> JobResult:
        """Keep a command stored while a lookup fails that may succeed later; reply when its time is over.

        The person is notified once if that takes long.
        """
        by, delay = command.invoker, postponement(job, error)
        log.warning("command.postponed", **command_facts(command), problem=str(error), delay=delay)
        lasting = isinstance(error, SlackUnavailable) and not error.retryable
        if lasting or await self._store.jobs.now() + delay > job.created_at + COMMAND_PATIENCE:
            return await self._reply(job, by, error)
        notice = None
        if delay >= NOTICE_DELAY:
            notice = reply_payload(by.user_id, by.response_url, Postponed("command_postponed", delay))
        reply = await self._store.postpone(job, delay=delay, notice=notice)
        return JobResult((reply,) if reply else ())

    async def _reply(self, job: Job, invoker: Invoker, error: BotError, event: AuditEvent | None = None) -> JobResult:
        """Finish a command with a private reply that survives a restart, and an audit event if there is one."""
        reply = reply_payload(invoker.user_id, invoker.response_url, error)
        if event:
            replying = await self._store.record_denial(event, job=job, reply=reply)
        else:
            replying = await self._store.jobs.complete_with_reply(job, reply)
        return JobResult((replying,) if replying else ())

    async def prepare(self, request_id: str, command: RequestCommand) -> Prepared:
        """Return what a command would request, unstored. Raises Denied, SlackUnavailable, GenesysError."""
        draft, requester, approver, _ = await self._drafts.check(request_id, command)
        found = await self._open_request(draft)
        if found:
            return Prepared(draft, requester, found)
        placed = await self._drafts.place(draft, command.invoker, requester, approver)
        limit = self._limit(placed)
        if limit is not None:
            await self._store.require_fewer_open(placed.requester, limit)
        return Prepared(placed, requester)

    async def _open_request(self, draft: Request) -> Request | None:
        """Return the open request that a person follows in place of a new one, None if there is none."""
        return None if draft.break_glass or draft.bulk else await self._following.find(draft)

    def _limit(self, request: Request) -> int | None:
        """Return the number of open requests that its requester may have, None for any number."""
        return None if request.break_glass else self._max_open


class UnexpectedError(BotError):
    """An error that the bot does not expect; `incident` finds it in the log."""

    code = "internal_error"

    def __init__(self, incident: str) -> None:
        super().__init__(incident)
        self.incident = incident

    @property
    def params(self) -> dict[str, Any]:
        """The incident."""
        return {"incident": self.incident}
