"""May this person do this? Every verdict carries the rule that allowed it or the reason that did not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.domain.people import Actor, Grants, Member, Permission, Principal, PrincipalKind, Workspace
from bot.domain.requests import Kind, Request
from bot.errors import BotError

PROTECTED_APPROVALS = 2


class DenialCode(StrEnum):
    """Why something was refused; `handlers.messages.denials` has a sentence for each."""

    OUTSIDER = "outsider"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    NOT_A_REQUESTER = "not_a_requester"
    NOT_AN_APPROVER = "not_an_approver"
    NOT_AN_ADMIN = "not_an_admin"
    OWN_REQUEST = "own_request"
    OWN_PROTECTED_REQUEST = "own_protected_request"
    ALREADY_AGREED = "already_agreed"
    NOT_YOURS_TO_CANCEL = "not_yours_to_cancel"
    CLICKER_UNREADABLE = "clicker_unreadable"
    NOBODY_ELSE_HERE = "nobody_else_here"
    TARGET_MISSING = "target_missing"
    TARGET_UNREADABLE = "target_unreadable"
    TARGET_IS_A_PLAIN_NAME = "target_is_a_plain_name"
    TARGET_IS_A_GROUP = "target_is_a_group"
    TARGET_IS_A_CHANNEL = "target_is_a_channel"
    SEVERAL_TARGETS = "several_targets"
    TARGET_NOT_IN_SLACK = "target_not_in_slack"
    TARGET_OUTSIDER = "target_outsider"
    TARGET_GUEST = "target_guest"
    TARGET_BOT = "target_bot"
    TARGET_DEACTIVATED = "target_deactivated"
    NO_EMAIL = "no_email"
    EMAIL_UNCONFIRMED = "email_unconfirmed"
    UNKNOWN_IN_GENESYS = "unknown_in_genesys"
    SEVERAL_IN_GENESYS = "several_in_genesys"
    INACTIVE_IN_GENESYS = "inactive_in_genesys"


class Denied(BotError):
    """That is not allowed, or cannot be done; nothing was changed.

    `facts` fill the sentence that `handlers.messages.denials` has for the reason (ids, names, principals).
    """

    code = "denied"

    def __init__(self, reason: DenialCode, **facts: str) -> None:
        super().__init__()
        self.reason = reason
        self.facts = facts

    @property
    def params(self) -> dict[str, Any]:
        """Return the reason and its facts."""
        return {"reason": self.reason, **self.facts}


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that say who may what."""

    approvers: tuple[Principal, ...]
    requesters: tuple[Principal, ...] = ()
    admins: tuple[Principal, ...] = ()
    protected: tuple[Principal, ...] = ()
    self_approval: bool = True

    @property
    def may_ask(self) -> tuple[Principal, ...]:
        """REQUESTERS, or the approvers where none are named."""
        return self.requesters or self.approvers

    def askers(self, kind: Kind) -> tuple[Principal, ...]:
        """Who may ask for this."""
        return self.admins if kind is Kind.ROTATE else self.may_ask

    def deciders(self, kind: Kind) -> tuple[Principal, ...]:
        """Who may confirm this."""
        return self.admins if kind is Kind.ROTATE else self.approvers


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allowed by `rule`, or not because of `reason`; `unread` names checks that failed and so counted as no."""

    rule: Principal | None = None
    reason: DenialCode | None = None
    unread: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether there is no reason against it."""
        return self.reason is None


def standing(member: Member, workspace: Workspace) -> DenialCode | None:
    """Tell what keeps a member from acting at all: full, active, human members of this workspace may."""
    if not member.belongs_to(workspace):
        return DenialCode.OUTSIDER
    if member.deleted:
        return DenialCode.DEACTIVATED
    if member.bot:
        return DenialCode.BOT
    return DenialCode.GUEST if member.guest else None


def covers(granted: Permission, wanted: Permission) -> bool:
    """Whether a granted permission, `*` understood, includes the wanted one.

    A `*` in the wanted one asks for all of them: only a granted `*` covers it.
    """
    return all(have in ("*", want) for have, want in zip(granted, wanted, strict=True))


def permits(grants: Grants, permission: str) -> bool:
    """Whether the grants include a permission (`domain:entity:action`) free of any condition.

    The plain list does not tell conditions, so it counts only where no conditional policy speaks of the same.
    """
    domain, entity, action = permission.lower().split(":")

    def among(granted: frozenset[Permission]) -> bool:
        return any(covers(one, (domain, entity, action)) for one in granted)

    return among(grants.unconditional) or (among(grants.listed) and not among(grants.conditional))


_MEANS: Mapping[PrincipalKind, Callable[[Actor, str], bool]] = {
    PrincipalKind.USER: lambda actor, value: actor.member.id == value,
    PrincipalKind.GROUP: lambda actor, value: value in actor.groups,
    PrincipalKind.ROLE: lambda actor, value: value.casefold() in actor.grants.roles,
    PrincipalKind.PERMISSION: lambda actor, value: permits(actor.grants, value),
}


def matches(actor: Actor, principal: Principal) -> bool:
    """Whether a principal means this actor."""
    return _MEANS[principal.kind](actor, principal.value)


def rule_for(actor: Actor, principals: Iterable[Principal]) -> Principal | None:
    """Return the first principal that means this actor; None is "no", also for an empty list."""
    return next((principal for principal in principals if matches(actor, principal)), None)


def _held(actor: Actor, principals: tuple[Principal, ...], otherwise: DenialCode) -> Verdict:
    rule = rule_for(actor, principals)
    return Verdict(rule=rule) if rule else Verdict(reason=otherwise, unread=actor.unread)


def may_ask(actor: Actor, kind: Kind, rules: Rules, workspace: Workspace) -> Verdict:
    """May this person ask for this?"""
    against = standing(actor.member, workspace)
    if against:
        return Verdict(reason=against)
    otherwise = DenialCode.NOT_AN_ADMIN if kind is Kind.ROTATE else DenialCode.NOT_A_REQUESTER
    return _held(actor, rules.askers(kind), otherwise)


def may_approve(actor: Actor, request: Request, rules: Rules, workspace: Workspace) -> Verdict:
    """May this person confirm this request, now?

    The role is asked before whose request it is: who holds no role learns nothing else.
    """
    against = standing(actor.member, workspace)
    if against:
        return Verdict(reason=against)
    otherwise = DenialCode.NOT_AN_ADMIN if request.kind is Kind.ROTATE else DenialCode.NOT_AN_APPROVER
    verdict = _held(actor, rules.deciders(request.kind), otherwise)
    if not verdict.allowed:
        return verdict
    if actor.member.id == request.requester:
        if request.protected:
            return Verdict(reason=DenialCode.OWN_PROTECTED_REQUEST)
        if not rules.self_approval:
            return Verdict(reason=DenialCode.OWN_REQUEST)
    if actor.member.id in request.approvals:
        return Verdict(reason=DenialCode.ALREADY_AGREED)
    return verdict


def may_cancel(actor: Actor, request: Request, rules: Rules, workspace: Workspace) -> Verdict:
    """May this person withdraw this request? The requester always, while a full member; else who may confirm it."""
    against = standing(actor.member, workspace)
    if against:
        return Verdict(reason=against)
    if actor.member.id == request.requester:
        return Verdict()
    return _held(actor, rules.deciders(request.kind), DenialCode.NOT_YOURS_TO_CANCEL)


def may_self_approve(actor: Actor, kind: Kind, rules: Rules) -> bool:
    """Whether a requester may confirm what needs one approval, so that the card can stay between them and the bot."""
    return rules.self_approval and rule_for(actor, rules.deciders(kind)) is not None
