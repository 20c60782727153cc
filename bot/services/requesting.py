"""Create a request from a stored command, or deny it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import structlog

from bot.db.driver import DatabaseUnavailable
from bot.db.followers import FollowerStore
from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.actions import REVOKE, REVOKE_MANY, ROTATE, Action, Actions
from bot.domain.audit import AuditEvent, EventType
from bot.domain.bulk import BulkEntry, BulkSummary
from bot.domain.commands import Invoker, RequestCommand, TargetRef, read_command
from bot.domain.denials import DenialCode, Denied
from bot.domain.people import Actor, Member, Person
from bot.domain.policy import (
    Case,
    Verdict,
    denial,
    ineligibility,
    is_target,
    may_request,
    may_self_approve,
    rule_for,
)
from bot.domain.requests import BREAK_GLASS, MessageRef, Request
from bot.domain.rules import Rules
from bot.errors import BotError, CheckUnavailable, SlackUnavailable, StaleRequest
from bot.metrics import Metrics
from bot.purecloud import GenesysError
from bot.redaction import redact
from bot.services.bulk_requesting import BulkRequests
from bot.services.following import Following
from bot.services.identity import Identity, same_email
from bot.services.job_result import JobResult
from bot.services.log_facts import command_facts, log_facts
from bot.services.notifications import reply_payload
from bot.services.possible_approvers import require_approvers
from bot.services.postponement import NOTICE_DELAY, Postponed, postponement
from bot.services.reminders import MIN_TIME_LEFT
from bot.slack.channels import Channels, is_channel
from bot.slack.workspace import WorkspaceUnknown
from bot.visible_text import visible_text

COMMAND_PATIENCE = 300.0
"""Seconds for which a command is retried whose lookups fail. After that, its person would not expect a card."""

MAX_REASON_LENGTH = 500
"""Characters of a reason that are stored; the card and the audit log show what is stored."""

SHORTENED = "… (shortened)"
"""The end of a reason that was longer."""

_REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_REFERENCE_LENGTH = 7

_TARGET_DENIALS = {
    DenialCode.OUTSIDER: DenialCode.TARGET_OUTSIDER,
    DenialCode.GUEST: DenialCode.TARGET_GUEST,
    DenialCode.BOT: DenialCode.TARGET_BOT,
    DenialCode.DEACTIVATED: DenialCode.TARGET_DEACTIVATED,
}

log = structlog.get_logger()


class Checked(NamedTuple):
    """What a command would request, and its requester, also as read for the approvers.

    `entries` is the list of a bulk request.
    """

    request: Request
    requester: Member
    approver: Actor
    entries: Sequence[BulkEntry] = ()


class Prepared(NamedTuple):
    """What a command would request, by whom, and the open request that this person would follow instead."""

    request: Request
    requester: Member
    follows: Request | None = None


class RequestService:
    """Processes commands that request an action. `ttl` is how long a request can be approved, in seconds.

    `requesters` identifies who requests, from a cache; the target is always read. `secret_values` are removed from
    what people wrote. `max_open` is the number of open requests that a person may have, None for any number.
    """

    def __init__(
        self,
        store: RequestStore,
        identity: Identity,
        requesters: Identity,
        channels: Channels,
        *,
        actions: Actions,
        rules: Rules,
        metrics: Metrics,
        ttl: float,
        approvals_channel: str | None = None,
        ping_approvers: bool = True,
        remind_after: float | None = None,
        secret_values: tuple[str, ...] = (),
        max_open: int | None = None,
        require_reason: bool = False,
        bulk: BulkRequests,
    ) -> None:
        self._store = store
        self._identity = identity
        self._requesters = requesters
        self._channels = channels
        self._actions = actions
        self._rules = rules
        self._metrics = metrics
        self._ttl = ttl
        self._approvals_channel = approvals_channel
        self._ping_approvers = ping_approvers
        self._remind_after = remind_after if remind_after and ttl - remind_after >= MIN_TIME_LEFT else None
        self._secret_values = secret_values
        self._max_open = max_open
        self._require_reason = require_reason
        self._bulk = bulk
        self._following = Following(
            FollowerStore(store), identity, actions=actions, rules=rules, ttl=ttl, approvals_channel=approvals_channel
        )

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
        checked = await self._checked(job.request_id, command)
        draft = checked.request
        while True:
            found = await self._open_request(draft)
            with suppress(StaleRequest):
                if found:
                    return await self._following.follow(job, command.invoker, draft, checked.approver, found)
                return await self._create(job, command.invoker, checked)

    async def _create(self, job: Job, invoker: Invoker, checked: Checked) -> JobResult:
        """Create a request. Raises Denied, and StaleRequest if there is one to follow."""
        request = await self._placed(checked.request, invoker, checked.requester, checked.approver)
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
        draft, requester, approver, _ = await self._checked(request_id, command)
        found = await self._open_request(draft)
        if found:
            return Prepared(draft, requester, found)
        placed = await self._placed(draft, command.invoker, requester, approver)
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

    async def _checked(self, request_id: str, command: RequestCommand) -> Checked:
        """Return the request of a command without its card, its requester, and their rights.

        Raises Denied, SlackUnavailable and GenesysError.
        """
        action = self._actions[command.action]
        requester, approver = await self._authorize(command.invoker, action)
        command = await self._with_earlier_reason(command)
        if command.problem:
            raise command.problem
        if self._require_reason and action.name != ROTATE.name and not stored_reason(command.reason):
            raise Denied(DenialCode.REASON_MISSING, command=action.name)
        request, entries = await self._draft(request_id, command, action, requester)
        if request.break_glass:
            await self._require_break_glass(request, requester)
        return Checked(request, requester, approver, entries)

    async def _with_earlier_reason(self, command: RequestCommand) -> RequestCommand:
        """Return a command with the reason of the earlier bulk request, if it has none of its own."""
        if command.reason or not command.people or not command.people.request_id:
            return command
        earlier = await self._store.get(command.people.request_id)
        return replace(command, reason=earlier.reason) if earlier and earlier.bulk else command

    async def _placed(self, request: Request, invoker: Invoker, requester: Member, approver: Actor) -> Request:
        """Return a request with the channel of its card. Raises Denied if no one could approve it there."""
        action = self._actions[request.action]
        alone = request.break_glass or (
            may_self_approve(approver, action, self._rules)
            and not request.protected
            and request.target_slack_id not in requester.ids
        )
        if not alone and not approver.unverified:  # otherwise some of the approvers are not known
            case = Case(request, action, self._rules, self._identity.workspace, requester)
            await require_approvers(case, self._identity)
        return replace(request, card=await self._card_channel(invoker, approver, alone=alone))

    async def _require_break_glass(self, request: Request, requester: Member) -> None:
        """Raise Denied unless a person may request this under break glass; the confirmation is judged again."""
        if is_target(requester, request):
            raise Denied(DenialCode.BREAK_GLASS_FOR_ONESELF)
        if not request.reason:
            raise Denied(DenialCode.BREAK_GLASS_WITHOUT_REASON)
        possible_at = await self._store.break_glass_possible_at(request.requester)
        if possible_at is not None:
            raise Denied(DenialCode.BREAK_GLASS_TOO_SOON, possible_at=str(possible_at))

    async def _draft(
        self, request_id: str, command: RequestCommand, action: Action, requester: Member
    ) -> tuple[Request, Sequence[BulkEntry]]:
        """Return the request without its card, and the list of a bulk request."""
        target, slack_user, protected, needed = None, None, False, 1
        bulk: BulkSummary | None = None
        entries: Sequence[BulkEntry] = ()
        if action.name == REVOKE_MANY.name:
            bulk, entries = await self._bulk.find(command.people, requester)
            protected = bool(bulk.protected)
            needed = self._rules.required_for_bulk(bulk.people, protected=protected)
        elif action.has_target:
            target, mentioned = await self._target(command.target)
            protected = await self._is_protected(target, mentioned.canonical_id if mentioned else None)
            needed = 1 if action.name == BREAK_GLASS else self._rules.required(protected=protected)
            slack_user = mentioned or (requester if same_email(target, requester) else None)
        slack_id = slack_user.canonical_id if slack_user else None
        request = Request(
            id=request_id,
            reference="".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(_REFERENCE_LENGTH)),
            action=action.name,
            requester=requester.canonical_id,
            requested_in=command.invoker.channel,
            created_at=0.0,
            expires_at=0.0,
            target=target,
            target_slack_id=slack_id,
            target_slack_name=slack_user.name if slack_user else None,
            reason=stored_reason(command.reason, self._secret_values),
            approvals_required=needed,
            target_protected=protected,
            rules=self._rules,
            bulk=bulk,
        )
        return request, entries

    async def _authorize(self, invoker: Invoker, action: Action) -> tuple[Member, Actor]:
        """Return the requester, also as read for the approvers. Raises Denied."""
        member = await self._identity.own_member(invoker.user_id, invoker.team_id)
        requesters, approvers = action.requesters(self._rules), action.approvers(self._rules)
        actor = await self._requesters.actor(member, requesters, since=self._identity.recently)
        verdict = may_request(actor, action, self._rules, self._identity.workspace)
        if not verdict.allowed:
            if action.name == REVOKE_MANY.name:  # a person who may request nothing learns that first
                await self._authorize(invoker, self._actions[REVOKE.name])
            raise denial(verdict)
        if approvers != requesters:
            actor = await self._requesters.actor(member, approvers, since=self._identity.recently)
        return member, actor

    async def _target(self, ref: TargetRef | None) -> tuple[Person, Member | None]:
        """Return the one Genesys Cloud person that a command names, and the mentioned Slack user."""
        if ref is None:
            raise Denied(DenialCode.TARGET_MISSING)
        if ref.genesys_user_id:
            return await self._identity.person_by_id(ref.genesys_user_id), None
        if ref.email:
            return await self._identity.person_by_email(ref.email), None
        slack_user_id = ref.slack_user_id or ""
        member = await self._identity.member(slack_user_id)
        if member is None:
            raise Denied(DenialCode.TARGET_NOT_IN_SLACK, member=slack_user_id)
        reason = ineligibility(member, self._identity.workspace)
        if reason:
            raise Denied(_TARGET_DENIALS[reason], member=member.id)
        return await self._identity.person_of(member), member

    async def _is_protected(self, person: Person, slack_user_id: str | None) -> bool:
        """Return whether PROTECTED names this person. What cannot be read counts as "yes"."""
        protected = self._rules.protected
        if not protected:
            return False
        try:
            actor = await self._identity.target_actor(slack_user_id, person, protected)
        except (SlackUnavailable, GenesysError) as error:
            log.warning("target.protection_unknown", target=person.id, problem=str(error))
            return True
        if rule_for(actor, protected):
            return True
        if actor.unverified:
            log.warning("target.protection_unknown", target=person.id, problem="; ".join(actor.unverified))
        return bool(actor.unverified)

    async def _card_channel(self, invoker: Invoker, approver: Actor, *, alone: bool) -> MessageRef:
        """Choose where the card goes: to the requester if they may approve it, else to where others can.

        A direct message is as private as an ephemeral one, but it survives a reload and can be edited. Raises Denied
        if no one else can see the channel, or if people of another organization may see it. Raises CheckUnavailable if
        it is not known whether the requester may approve.
        """
        if alone:
            return MessageRef(invoker.user_id)
        channel = self._approvals_channel or invoker.channel
        if not self._approvals_channel and not is_channel(channel):
            retry_after = approver.retry_after if self._rules.self_approval else None
            raise denial(Verdict(None, DenialCode.NO_APPROVER_HERE, approver.unverified, retry_after))
        with suppress(SlackUnavailable):  # the channel is read again before the card is posted
            objection = await self._channels.objection(channel)
            if objection:
                raise Denied(objection, channel=channel, **({"configured": "yes"} if self._approvals_channel else {}))
        return MessageRef(channel)


def stored_reason(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a reason on one line, without secrets, and marked if it had to be shortened."""
    reason = visible_text(str(redact(text, *secrets)))
    if len(reason) <= MAX_REASON_LENGTH:
        return reason
    return reason[: MAX_REASON_LENGTH - len(SHORTENED)] + SHORTENED


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
