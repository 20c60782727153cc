"""Who may do what: every verdict carries the rule that allows it, or the reason against it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.actions import Action
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import CheckUnavailable, FailedCheck
from bot.domain.people import Actor, Grants, Member, Permission, Workspace, comparable_email, same_person
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import Request, State
from bot.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allowed by `rule`, or denied for `reason`.

    `unverified` has the failed checks, which count as "no". `retry_after` is the delay in seconds after which one of
    them may succeed; unless it is None, the denial is no verdict yet.
    """

    rule: Principal | None = None
    reason: DenialCode | None = None
    unverified: tuple[FailedCheck, ...] = ()
    retry_after: float | None = None

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return self.reason is None


def ineligibility(member: Member, workspace: Workspace) -> DenialCode | None:
    """Return why a member may do nothing at all; None for a full, active, human member."""
    if not member.belongs_to(workspace):
        return DenialCode.OUTSIDER
    if member.deleted:
        return DenialCode.DEACTIVATED
    if member.bot:
        return DenialCode.BOT
    return DenialCode.GUEST if member.guest else None


def covers(granted: Permission, wanted: Permission) -> bool:
    """Return whether a granted permission includes the wanted one.

    A granted `*` includes everything; a wanted `*` is included only by a granted `*`.
    """
    return all(have in ("*", want) for have, want in zip(granted, wanted, strict=True))


def permits(grants: Grants, permission: str) -> bool:
    """Return whether the grants include `domain:entity:action` without any condition.

    The plain list shows no conditions, so it counts only if no conditional policy covers the same permission.
    """
    domain, entity, action = permission.lower().split(":")

    def among(granted: frozenset[Permission]) -> bool:
        return any(covers(one, (domain, entity, action)) for one in granted)

    return among(grants.unconditional) or (among(grants.listed) and not among(grants.conditional))


_MATCHES: Mapping[PrincipalKind, Callable[[Actor, str], bool]] = {
    PrincipalKind.USER: lambda actor, value: value in actor.member.ids | actor.users,
    PrincipalKind.GROUP: lambda actor, value: value in actor.groups,
    PrincipalKind.ROLE: lambda actor, value: value.casefold() in actor.grants.roles,
    PrincipalKind.PERMISSION: lambda actor, value: permits(actor.grants, value),
}


def matches(actor: Actor, principal: Principal) -> bool:
    """Return whether a principal names this actor."""
    return _MATCHES[principal.kind](actor, principal.value)


def rule_for(actor: Actor, principals: Iterable[Principal]) -> Principal | None:
    """Return the first principal that names this actor; None means "no"."""
    return next((principal for principal in principals if matches(actor, principal)), None)


def _named_by(actor: Actor, principals: tuple[Principal, ...], otherwise: DenialCode) -> Verdict:
    rule = rule_for(actor, principals)
    if rule:
        return Verdict(rule=rule)
    return Verdict(reason=otherwise, unverified=actor.unverified, retry_after=actor.retry_after)


def may_request(actor: Actor, action: Action, rules: Rules, workspace: Workspace) -> Verdict:
    """Decide whether this person may request an action."""
    reason = ineligibility(actor.member, workspace)
    if reason:
        return Verdict(reason=reason)
    return _named_by(actor, action.requesters(rules), action.not_a_requester)


def may_administer(actor: Actor, rules: Rules, workspace: Workspace) -> Verdict:
    """Decide whether this person is an admin of the bot."""
    reason = ineligibility(actor.member, workspace)
    if reason:
        return Verdict(reason=reason)
    return _named_by(actor, rules.admins, DenialCode.NOT_AN_ADMIN)


@dataclass(frozen=True, slots=True)
class Case:
    """What a click is judged by: a request, its action and the rules of now.

    The rules that the request has stored apply as well. `request` requires the stricter number of approvals of request
    time and now. `requester` is None if the requester is unknown to Slack. `approvers` are the people whose earlier
    approvals hold.
    """

    request: Request
    action: Action
    rules: Rules
    workspace: Workspace
    requester: Member | None = None
    approvers: tuple[Member, ...] = ()

    @property
    def requester_counts(self) -> bool:
        """Whether an approval by the requester counts."""
        return all(requester_counts(self.request, one) for one in self.all_rules)

    @property
    def all_rules(self) -> tuple[Rules, ...]:
        """The rules of now, and those of the request."""
        return (self.rules, self.request.rules) if self.request.rules else (self.rules,)

    @property
    def other_approvers(self) -> tuple[Principal, ...] | None:
        """The approvers by the rules of the request, None if they are the ones of now."""
        now, before = (self.action.approvers(rules) for rules in (self.rules, self.request.rules or self.rules))
        return before if set(before) != set(now) else None


def may_approve(actor: Actor, case: Case, at_request: Actor | None = None) -> Verdict:
    """Decide whether this person may approve a request, by the rules of now and by those of the request.

    `at_request` is the person as read for `other_approvers`.
    """
    verdict = _may_approve(actor, case, case.rules)
    if case.request.rules is None:
        return verdict
    before = _may_approve(at_request or actor, case, case.request.rules)
    return _stricter(verdict, replace(before, reason=before.reason and DenialCode.RULES_CHANGED))


def _stricter(now: Verdict, at_request: Verdict) -> Verdict:
    """Return the verdict of the rules of now, unless only the rules of the request deny."""
    return at_request if now.allowed and not at_request.allowed else now


def _may_approve(actor: Actor, case: Case, rules: Rules) -> Verdict:
    """Decide by one set of rules.

    The role is checked before anything about the request, so that a person without the role learns nothing else.
    """
    reason = ineligibility(actor.member, case.workspace)
    if reason:
        return Verdict(reason=reason)
    verdict = _named_by(actor, case.action.approvers(rules), case.action.not_an_approver)
    if not verdict.allowed:
        return verdict
    reason = _objection(actor.member, case, rules)
    return Verdict(reason=reason) if reason else verdict


def _objection(member: Member, case: Case, rules: Rules) -> DenialCode | None:
    """Return why an approver may not approve this request."""
    request = case.request
    if is_target(member, request):
        return DenialCode.TARGET_CANNOT_DECIDE
    if request.break_glass:
        return None if request.requester in member.ids else DenialCode.BREAK_GLASS_OF_ANOTHER
    if not requester_counts(request, rules) and is_requester(member, request, case.requester):
        return DenialCode.OWN_PROTECTED_REQUEST if request.protected else DenialCode.OWN_REQUEST
    if any(same_person(member, one) for one in case.approvers):
        return DenialCode.ALREADY_APPROVED
    return None


def requester_counts(request: Request, rules: Rules) -> bool:
    """Return whether an approval by the requester of this request counts."""
    return rules.requester_counts(request.approvals_required, protected=request.protected)


def could_approve(member: Member, case: Case) -> bool:
    """Return whether a member whom the rules name could add an approval to a request."""
    if ineligibility(member, case.workspace):
        return False
    return not any(_objection(member, case, rules) for rules in case.all_rules)


def is_requester(member: Member, request: Request, requester: Member | None) -> bool:
    """Return whether a member made the request, under whichever id."""
    return request.requester in member.ids or (requester is not None and same_person(member, requester))


def is_target(member: Member, request: Request) -> bool:
    """Return whether a request is about a member, who may own several Slack users with one email address."""
    if request.target_slack_id in member.ids:
        return True
    email = comparable_email(request.target.email) if request.target else None
    return email is not None and email == member.confirmed_email


def may_cancel(actor: Actor, case: Case) -> Verdict:
    """Decide whether this person may cancel a request: its requester, but not its target.

    Once others follow the request, it is theirs too, so its requester must be an approver. An approver may cancel a
    request of an earlier version of the bot, whose card has no button to decline.
    """
    reason = ineligibility(actor.member, case.workspace)
    if reason:
        return Verdict(reason=reason)
    verdict = Verdict()
    if not is_requester(actor.member, case.request, None):
        approvers = case.action.approvers(case.rules) if case.request.rules is None else ()
        verdict = _named_by(actor, approvers, DenialCode.NOT_YOURS_TO_CANCEL)
        if case.request.break_glass:
            verdict = Verdict(reason=DenialCode.BREAK_GLASS_OF_ANOTHER)
    elif case.request.followers:
        verdict = _named_by(actor, case.action.approvers(case.rules), DenialCode.FOLLOWED_BY_OTHERS)
    if verdict.allowed and is_target(actor.member, case.request):
        return Verdict(reason=DenialCode.TARGET_CANNOT_DECIDE)
    return verdict


def may_decline(actor: Actor, case: Case, at_request: Actor | None = None) -> Verdict:
    """Decide whether this person may decline a request: an approver other than its requester and target.

    They must be an approver by the rules of now and by those of the request, read as for `may_approve`.
    """
    reason = ineligibility(actor.member, case.workspace)
    if reason:
        return Verdict(reason=reason)
    own = is_requester(actor.member, case.request, None)
    verdict = Verdict(reason=DenialCode.OWN_REQUEST_TO_DECLINE) if own else _named_as_approver(actor, case, at_request)
    if (verdict.allowed or own) and is_target(actor.member, case.request):
        return Verdict(reason=DenialCode.TARGET_CANNOT_DECIDE)
    return verdict


def _named_as_approver(actor: Actor, case: Case, at_request: Actor | None) -> Verdict:
    if case.request.break_glass:
        return Verdict(reason=DenialCode.BREAK_GLASS_OF_ANOTHER)
    verdict = _named_by(actor, case.action.approvers(case.rules), DenialCode.NOT_YOURS_TO_DECLINE)
    if case.request.rules is None:
        return verdict
    approvers = case.action.approvers(case.request.rules)
    return _stricter(verdict, _named_by(at_request or actor, approvers, DenialCode.RULES_CHANGED_TO_DECLINE))


def may_follow(request: Request, action: Action, rules: Rules) -> bool:
    """Return whether an open request serves a person who requests the same under the rules of now.

    The rules of the request must name every approver of now, because others could not approve it. Only its requester
    confirms a request under break glass.
    """
    if request.break_glass:
        return False
    if request.state is not State.PENDING or request.rules is None:
        return True
    return set(action.approvers(rules)) <= set(action.approvers(request.rules))


def may_self_approve(actor: Actor, action: Action, rules: Rules) -> bool:
    """Return whether a requester may approve their own request if it needs one approval."""
    return rules.self_approval and rule_for(actor, action.approvers(rules)) is not None


def denial(verdict: Verdict, request: Request | None = None) -> Denied | CheckUnavailable:
    """Return the error for a verdict that denies, or for one that is not possible yet."""
    if verdict.retry_after is not None:
        return CheckUnavailable(*verdict.unverified, retry_after=verdict.retry_after)
    params: dict[str, Any] = {}
    if verdict.unverified:
        params["unverified"] = [check.params for check in verdict.unverified]
    if request:
        params["requester"] = request.requester
    if request and verdict.reason is DenialCode.OWN_PROTECTED_REQUEST:
        params["required"] = str(request.approvals_required)
    if request and request.followers:
        params["follower"] = request.followers[0].user_id
    return Denied(verdict.reason or DenialCode.NOT_AN_APPROVER, **params)
