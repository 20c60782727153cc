"""Pause, resume and stop bulk requests, when an admin presses a button of a card that shows progress."""

from __future__ import annotations

import structlog

from bot.db.bulk_store import BulkStore
from bot.db.jobs import Job
from bot.domain.bulk import BULK_PAUSE, BULK_RESUME, CONTROLS
from bot.domain.clicks import Click
from bot.domain.people import Member
from bot.domain.policy import denial, may_administer
from bot.domain.requests import Request, State
from bot.domain.rules import Rules
from bot.services.identity import Identity
from bot.services.job_result import JobResult
from bot.services.log_facts import log_facts

log = structlog.get_logger()


class BulkControl:
    """Controls approved bulk requests for admins."""

    def __init__(self, store: BulkStore, identity: Identity, rules: Rules) -> None:
        self._bulk = store
        self._identity = identity
        self._rules = rules

    async def process(self, job: Job, click: Click, request: Request, member: Member, *, since: float) -> JobResult:
        """Do what a click of this member says, and complete its job.

        `since` is when an answer of Slack may have begun at the earliest. Raises Denied, CheckUnavailable and
        SlackUnavailable, and StaleRequest, changing nothing, if the request has ended or the click changes nothing.
        """
        actor = await self._identity.actor(member, self._rules.admins, since=since)
        verdict = may_administer(actor, self._rules, self._identity.workspace)
        if not verdict.allowed:
            raise denial(verdict)
        controlled = await self._bulk.control(request.id, click.action, member.canonical_id, click=job)
        self._log(click.action, controlled, member)
        return JobResult(wake=True)

    @staticmethod
    def _log(action: str, request: Request, member: Member) -> None:
        facts = log_facts(request) | {"by": member.canonical_id}
        if action == BULK_PAUSE:
            log.info("bulk.paused", **facts)
        elif action == BULK_RESUME:
            log.info("bulk.resumed", **facts)
        else:
            log.info("bulk.stopped", **facts)


def is_possible(action: str, request: Request) -> bool:
    """Return whether a button still does something, as far as the request was read."""
    running = request.progress if request.state is State.APPROVED else None
    return running is not None and running.state in CONTROLS[action].possible_in
