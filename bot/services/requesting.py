"""The use cases: what people can do here, who they are, and asking for a revocation; the click is written down."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.audit import AuditEvent, EventType
from bot.domain.people import Member, Person, Principal, PrincipalKind, Workspace
from bot.domain.policy import (
    PROTECTED_APPROVALS,
    DenialCode,
    Denied,
    Rules,
    may_ask,
    may_self_approve,
    rule_for,
    standing,
)
from bot.domain.requests import Kind, MessageRef, Request
from bot.errors import SlackUnavailable
from bot.metrics import Metrics
from bot.purecloud import GenesysError, Region, TokenInfo
from bot.redaction import redact
from bot.services.clicks import Click, foreign, refusal
from bot.services.identity import Directory
from bot.slack.messages import DeliveryError, Message, SlackMessenger

LONGEST_REASON = 500
"""Characters of a reason that are kept; the card shows what is kept."""

_REFERENCE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

log = structlog.get_logger()


class TokenReader(Protocol):
    """What `whoami` needs of the Tokens API; raises GenesysError."""

    async def get_tokens_me(self) -> TokenInfo:
        """Tell what the bot's own token is."""


@dataclass(frozen=True, slots=True)
class Invoker:
    """Who typed a command and where; `key` names the command (its `trigger_id`), so that a replay is known."""

    user_id: str
    team_id: str | None
    channel: str
    key: str
    response_url: str | None = None


@dataclass(frozen=True, slots=True)
class TargetRef:
    """Whom a command names: one of a Slack user id, an e-mail address or a Genesys Cloud user id."""

    member: str | None = None
    email: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a member may do and by which rule; None is no. `against` keeps them from everything."""

    against: DenialCode | None = None
    ask: Principal | None = None
    confirm: Principal | None = None
    administer: Principal | None = None
    self_approval: bool = True
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """The answer to `whoami`. `person` is the Genesys Cloud person, or the reason why there is none."""

    member: Member
    abilities: Permissions
    person: Person | Denied | GenesysError
    token: TokenInfo | GenesysError | None
    region: Region
    workspace: Workspace


class Service:
    """The one door through which handlers reach the world."""

    def __init__(
        self,
        store: RequestStore,
        directory: Directory,
        tokens: TokenReader,
        courier: SlackMessenger,
        *,
        rules: Rules,
        region: Region,
        take: Callable[[Job], None],
        metrics: Metrics,
        ttl: float,
        approvals_channel: str | None = None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._tokens = tokens
        self._courier = courier
        self._begun: set[asyncio.Task[None]] = set()
        self._rules = rules
        self._region = region
        self._take = take
        self._metrics = metrics
        self._ttl = ttl
        self._approvals_channel = approvals_channel

    async def abilities(self, asker: Invoker) -> Permissions:
        """Tell what somebody can do; raises Denied for people of other workspaces."""
        return await self._abilities(await self._member(asker))

    async def whoami(self, asker: Invoker) -> WhoAmI:
        """Tell somebody who they are here and what the bot's token is; the token only to full members."""
        member = await self._member(asker)
        abilities = await self._abilities(member)
        return WhoAmI(
            member=member,
            abilities=abilities,
            person=await self._person(member),
            token=None if abilities.against else await self._token(),
            region=self._region,
            workspace=self._directory.workspace,
        )

    async def revoke(self, asker: Invoker, wanted: TargetRef, reason: str) -> None:
        """Ask for the end of a person's sessions; the card is posted by the worker. Raises Denied and GenesysError."""
        async with self._refusals(asker, Kind.REVOKE):
            requester, alone = await self._allow(asker, Kind.REVOKE)
            person, member = await self._target(wanted)
            needed = PROTECTED_APPROVALS if await self._is_protected(person, member) else 1
            place = self._place(asker, alone=alone and needed == 1)
            member = member or (requester.id if same_email(person, requester) else None)
            await self._ask(
                asker, Kind.REVOKE, place, approvals_required=needed, reason=reason, target=person, member=member
            )

    async def rotate(self, asker: Invoker) -> None:
        """Ask for a new token for the bot itself; raises Denied."""
        async with self._refusals(asker, Kind.ROTATE):
            _, alone = await self._allow(asker, Kind.ROTATE)
            await self._ask(asker, Kind.ROTATE, self._place(asker, alone=alone))

    async def click(self, click: Click) -> None:
        """Write a click down; when this returns it is on disk and will be judged, also after a crash."""
        job = await self._store.record_click(click.request_id, click.key, click.payload)
        if job:
            self._take(job)

    async def tell(self, asker: Invoker, message: Message) -> None:
        """Tell an asker something in private; that it did not arrive is logged, there is nobody else to tell."""
        try:
            await self._courier.whisper(asker.response_url, asker.user_id, message)
        except DeliveryError as problem:
            log.warning("the asker could not be told", code=problem.slack_code, by=asker.user_id)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Go on with a command after its acknowledgement; `drain` waits for it."""
        task = asyncio.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    async def drain(self, seconds: float) -> None:
        """Let the commands that were begun come to their end."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=seconds)

    async def _member(self, asker: Invoker) -> Member:
        workspace = self._directory.workspace
        if foreign(asker.team_id, workspace):
            raise Denied(DenialCode.OUTSIDER)
        member = await self._directory.member(asker.user_id)
        if member is None or not member.belongs_to(workspace):
            raise Denied(DenialCode.OUTSIDER)
        return member

    async def _abilities(self, member: Member) -> Permissions:
        against = standing(member, self._directory.workspace)
        if against:
            return Permissions(against=against)
        rules = self._rules
        asks, confirms, administers = [
            await self._directory.actor(member, principals, fresh=False)
            for principals in (rules.may_ask, rules.approvers, rules.admins)
        ]
        return Permissions(
            ask=rule_for(asks, rules.may_ask),
            confirm=rule_for(confirms, rules.approvers),
            administer=rule_for(administers, rules.admins),
            self_approval=rules.self_approval,
            unread=tuple(dict.fromkeys((*asks.unread, *confirms.unread, *administers.unread))),
        )

    async def _person(self, member: Member) -> Person | Denied | GenesysError:
        try:
            return await self._directory.person_of(member)
        except (Denied, GenesysError) as error:
            return error

    async def _token(self) -> TokenInfo | GenesysError:
        try:
            return await self._tokens.get_tokens_me()
        except GenesysError as error:
            return error

    async def _allow(self, asker: Invoker, kind: Kind) -> tuple[Member, bool]:
        """Raise Denied unless this person may ask for this; tell who it is and whether they may confirm it, too."""
        member = await self._member(asker)
        askers, deciders = self._rules.askers(kind), self._rules.deciders(kind)
        actor = await self._directory.actor(member, askers, fresh=False)
        verdict = may_ask(actor, kind, self._rules, self._directory.workspace)
        if not verdict.allowed:
            raise refusal(verdict)
        decider = actor if deciders == askers else await self._directory.actor(member, deciders, fresh=False)
        return member, may_self_approve(decider, kind, self._rules)

    async def _target(self, wanted: TargetRef) -> tuple[Person, str | None]:
        """Find the one active Genesys Cloud person a command means; the Slack user where one was named."""
        if wanted.person:
            return await self._directory.person_by_id(wanted.person), None
        if wanted.email:
            return await self._directory.person_by_email(wanted.email), None
        member = await self._directory.member(wanted.member or "")
        if member is None:
            raise Denied(DenialCode.TARGET_NOT_IN_SLACK, member=wanted.member or "")
        against = standing(member, self._directory.workspace)
        if against:
            raise Denied(_TARGET_REASONS[against], member=member.id)
        return await self._directory.person_of(member), member.id

    async def _is_protected(self, person: Person, member_id: str | None) -> bool:
        """Whether PROTECTED means this person, however they were named; what cannot be read counts as yes."""
        protected = self._rules.protected
        if not protected:
            return False
        slack_names = any(one.kind in (PrincipalKind.USER, PrincipalKind.GROUP) for one in protected)
        try:
            if member_id is None and person.email and slack_names:
                found = await self._directory.member_by_email(person.email)
                member_id = found.id if found else None
            actor = await self._directory.target(member_id, person, protected)
        except (SlackUnavailable, GenesysError) as error:
            log.warning("whether the target is protected cannot be read, so it is", error=str(error))
            return True
        return bool(actor.unread) or rule_for(actor, protected) is not None

    async def _ask(
        self,
        asker: Invoker,
        kind: Kind,
        place: MessageRef,
        *,
        approvals_required: int = 1,
        reason: str = "",
        target: Person | None = None,
        member: str | None = None,
    ) -> None:
        request = Request(
            id=secrets.token_urlsafe(18),
            reference="".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(7)),
            kind=kind,
            requester=asker.user_id,
            requested_in=asker.channel,
            created_at=0.0,
            expires_at=0.0,
            target=target,
            target_slack_id=member,
            reason=str(redact(reason.strip()))[:LONGEST_REASON],
            approvals_required=approvals_required,
            card=place,
        )
        job = await self._store.create(request, ttl=self._ttl, key=asker.key, command_url=asker.response_url)
        if job:
            log.info("asked", kind=kind, reference=request.reference, by=asker.user_id, needed=approvals_required)
            self._take(job)

    def _place(self, asker: Invoker, *, alone: bool) -> MessageRef:
        """Choose where the card goes: to the requester alone if they may confirm it, else where others can.

        A direct message is as private as an ephemeral one, but it survives a reload and can be repainted.
        """
        if alone:
            return MessageRef(asker.user_id)
        if self._approvals_channel:
            return MessageRef(self._approvals_channel)
        if asker.channel.startswith("D"):
            raise Denied(DenialCode.NOBODY_ELSE_HERE)
        return MessageRef(asker.channel)

    @asynccontextmanager
    async def _refusals(self, asker: Invoker, kind: Kind) -> AsyncIterator[None]:
        """Count and write down whatever is refused inside."""
        try:
            yield
        except Denied as refused:
            self._metrics.refusals.labels(refused.reason).inc()
            detail = {"kind": kind, "reason": refused.reason, **refused.facts}
            await self._store.record_event(AuditEvent(0.0, EventType.ASK_REFUSED, asker.user_id, detail=detail))
            log.info("ask refused", kind=kind, reason=refused.reason, by=asker.user_id)
            raise


def same_email(person: Person, member: Member) -> bool:
    """Whether a Genesys Cloud person and a Slack member have the same e-mail address; nobody is the same as nobody."""
    return bool(person.email and member.email) and str(person.email).casefold() == str(member.email).casefold()


_TARGET_REASONS = {
    DenialCode.OUTSIDER: DenialCode.TARGET_OUTSIDER,
    DenialCode.GUEST: DenialCode.TARGET_GUEST,
    DenialCode.BOT: DenialCode.TARGET_BOT,
    DenialCode.DEACTIVATED: DenialCode.TARGET_DEACTIVATED,
}
