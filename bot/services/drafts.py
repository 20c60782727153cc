"""Check what a command asks for, and draft the request that it would make."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import structlog

from bot.db.requests import RequestStore
from bot.domain.actions import REVOKE, REVOKE_MANY, ROTATE, Action, Actions
from bot.domain.bulk import BulkEntry, BulkSummary
from bot.domain.commands import Invoker, RequestCommand, TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import codes_of
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
from bot.errors import BotError, SlackUnavailable
from bot.purecloud import GenesysError
from bot.services.bulk_requesting import BulkRequests
from bot.services.early_lookups import EarlyLookups
from bot.services.identity import Identity, same_email
from bot.services.possible_approvers import require_approvers
from bot.services.reasons import stored_reason
from bot.slack.channels import Channels, is_channel

_REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_REFERENCE_LENGTH = 7

_TARGET_DENIALS = {
    DenialCode.OUTSIDER: DenialCode.TARGET_OUTSIDER,
    DenialCode.GUEST: DenialCode.TARGET_GUEST,
    DenialCode.BOT: DenialCode.TARGET_BOT,
    DenialCode.DEACTIVATED: DenialCode.TARGET_DEACTIVATED,
}

Target = tuple[Person, Member | None]
"""A person in Genesys Cloud, and the Slack user that the command mentions."""

log = structlog.get_logger()


class Checked(NamedTuple):
    """What a command would request, and its requester, also as read for the approvers.

    `entries` is the list of a bulk request.
    """

    request: Request
    requester: Member
    approver: Actor
    entries: Sequence[BulkEntry] = ()


class RequestDrafts:
    """Drafts requests, and stores nothing.

    `requesters` identifies who requests, from a cache; the target is always read. `lookups` remembers who was allowed
    to request. `secret_values` are removed from reasons.
    """

    def __init__(
        self,
        store: RequestStore,
        identity: Identity,
        requesters: Identity,
        channels: Channels,
        lookups: EarlyLookups,
        *,
        actions: Actions,
        rules: Rules,
        approvals_channel: str | None = None,
        secret_values: tuple[str, ...] = (),
        require_reason: bool = False,
        bulk: BulkRequests,
    ) -> None:
        self._store = store
        self._identity = identity
        self._requesters = requesters
        self._channels = channels
        self._lookups = lookups
        self._actions = actions
        self._rules = rules
        self._approvals_channel = approvals_channel
        self._secret_values = secret_values
        self._require_reason = require_reason
        self._bulk = bulk

    async def check(self, request_id: str, command: RequestCommand) -> Checked:
        """Return the request of a command without its card, its requester, and their rights.

        Raises Denied, SlackUnavailable and GenesysError.
        """
        action = self._actions[command.action]
        target = self._start_lookups(command)
        requester, approver = await self._authorize_and_remember(command.invoker, action)
        command = await self._with_earlier_reason(command)
        if command.problem:
            raise command.problem
        if self._require_reason and action.name != ROTATE.name and not stored_reason(command.reason):
            raise Denied(DenialCode.REASON_MISSING, command=action.name)
        if not may_self_approve(approver, action, self._rules):
            self._lookups.run(self._channels.objection(self._channel(command.invoker)))
        request, entries = await self._draft(request_id, command, action, requester, target)
        if request.break_glass:
            await self._require_break_glass(request, requester)
        return Checked(request, requester, approver, entries)

    def _start_lookups(self, command: RequestCommand) -> asyncio.Task[Target] | None:
        """Look up a person who was allowed to request the last time; return the lookup of the target."""
        user_id = command.invoker.user_id
        self._lookups.start(user_id, since=self._identity.recently)
        if command.target is None or command.problem or not self._lookups.remembers(user_id):
            return None
        return self._lookups.run(self._target(command.target))

    async def _with_earlier_reason(self, command: RequestCommand) -> RequestCommand:
        """Return a command with the reason of the earlier bulk request, if it has none of its own."""
        if command.reason or not command.people or not command.people.request_id:
            return command
        earlier = await self._store.get(command.people.request_id)
        return replace(command, reason=earlier.reason) if earlier and earlier.bulk else command

    async def place(self, request: Request, invoker: Invoker, requester: Member, approver: Actor) -> Request:
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
        self, request_id: str, command: RequestCommand, action: Action, requester: Member,
        started: asyncio.Task[Target] | None,
    ) -> tuple[Request, Sequence[BulkEntry]]:  # fmt: skip
        """Return the request without its card, and the list of a bulk request."""
        target, slack_user, protected, needed = None, None, False, 1
        bulk: BulkSummary | None = None
        entries: Sequence[BulkEntry] = ()
        if action.name == REVOKE_MANY.name:
            bulk, entries = await self._bulk.find(command.people, requester)
            protected = bool(bulk.protected)
            needed = self._rules.required_for_bulk(bulk.people, protected=protected)
        elif action.has_target:
            target, mentioned = await (started or self._target(command.target))
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

    async def _authorize_and_remember(self, invoker: Invoker, action: Action) -> tuple[Member, Actor]:
        """Authorize a person, and remember whether to look up their target early the next time. Raises Denied."""
        try:
            authorized = await self._authorize(invoker, action)
        except BotError:  # a postponed command starts no lookups again
            self._lookups.forget(invoker.user_id)
            raise
        self._lookups.remember(invoker.user_id, action.requesters(self._rules))
        return authorized

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

    async def _target(self, ref: TargetRef | None) -> Target:
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
            log.warning("target.protection_unknown", target=person.id, problem=codes_of(actor.unverified))
        return bool(actor.unverified)

    async def _card_channel(self, invoker: Invoker, approver: Actor, *, alone: bool) -> MessageRef:
        """Choose where the card goes: to the requester if they may approve it, else to where others can.

        A direct message is as private as an ephemeral one, but it survives a reload and can be edited. Raises Denied
        if no one else can see the channel, or if people of another organization may see it. Raises CheckUnavailable if
        it is not known whether the requester may approve.
        """
        if alone:
            return MessageRef(invoker.user_id)
        channel = self._channel(invoker)
        if not self._approvals_channel and not is_channel(channel):
            retry_after = approver.retry_after if self._rules.self_approval else None
            raise denial(Verdict(None, DenialCode.NO_APPROVER_HERE, approver.unverified, retry_after))
        with suppress(SlackUnavailable):  # the channel is read again before the card is posted
            objection = await self._channels.objection(channel)
            if objection:
                raise Denied(objection, channel=channel, **({"configured": "yes"} if self._approvals_channel else {}))
        return MessageRef(channel)

    def _channel(self, invoker: Invoker) -> str:
        return self._approvals_channel or invoker.channel
