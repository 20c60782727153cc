"""Judge a click by present facts, by the rules of now and by those of the request."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bot.domain.actions import Actions
from bot.domain.bulk import BulkSummary
from bot.domain.failed_checks import CheckUnavailable
from bot.domain.people import Actor, Member, Person
from bot.domain.policy import (
    Case,
    Verdict,
    denial,
    ineligibility,
    is_requester,
    may_approve,
    may_cancel,
    may_decline,
    rule_for,
)
from bot.domain.principals import Principal
from bot.domain.requests import Request
from bot.domain.rules import Rules
from bot.services.identity import Identity


class Judgement(NamedTuple):
    """A request with the approvals that hold and the number that it requires, and the dropped ones."""

    request: Request
    dropped: tuple[str, ...] = ()


class ApprovalJudge:
    """Judges approvals, declines and cancellations, by the rules of now and by those of the request.

    `since` is when an answer of Slack may have begun at the earliest, in monotonic seconds.

    Every method raises CheckUnavailable or SlackUnavailable while a fact cannot be read and may be readable later.
    """

    def __init__(self, identity: Identity, actions: Actions, rules: Rules) -> None:
        self._identity = identity
        self._actions = actions
        self._rules = rules

    async def judge(self, member: Member, request: Request, *, since: float | None) -> Judgement:
        """Return the request to which this member's approval may be added. Raises Denied."""
        case = self._case(request)
        actor, at_request = await self._actors(member, case, since=since)
        _require(may_approve(actor, case, at_request), case)  # before any other lookup, because anyone can click
        case = replace(case, request=await self._as_of_now(case))
        case = replace(case, requester=await self._requester(case, member))
        case, dropped = await self._with_earlier_approvals(case, since=since)
        _require(may_approve(actor, case, at_request), case)
        approvals = tuple(one.canonical_id for one in case.approvers)
        return Judgement(replace(case.request, approvals=approvals), dropped)

    def early_lookups(self, request: Request) -> list[Coroutine[Any, Any, Member | None]]:
        """Return the lookups for an approval that need no answer about its approver."""
        case = self._case(request)
        people = [] if case.requester_counts else [request.requester]
        if request.target_slack_id and not request.break_glass and any(rules.protected for rules in case.all_rules):
            people.append(request.target_slack_id)
        return [self._identity.member(one, since=self._identity.recently) for one in people]

    async def judge_cancellation(self, member: Member, request: Request, *, since: float | None) -> None:
        """Return if this member may cancel a request. Raises Denied."""
        case = self._case(request)
        actor = Actor(member)
        if request.rules is None or request.followers:  # an approver may cancel it
            actor, _ = await self._actors(member, case, since=since)
        _require(may_cancel(actor, case), case)

    async def judge_decline(self, member: Member, request: Request, *, since: float | None) -> None:
        """Return if this member may decline a request. Raises Denied."""
        case = self._case(request)
        actor, at_request = await self._actors(member, case, since=since)
        _require(may_decline(actor, case, at_request), case)

    def _case(self, request: Request) -> Case:
        return Case(request, self._actions[request.action], self._rules, self._identity.workspace)

    async def _actors(self, member: Member, case: Case, *, since: float | None) -> tuple[Actor, Actor | None]:
        """Read a member for the approvers of now and, if these name the member, for other ones of the request."""
        approvers, others = case.action.approvers(case.rules), case.other_approvers
        actor = await self._identity.actor(member, approvers, since=since)
        if others is None or rule_for(actor, approvers) is None:
            return actor, None
        return actor, await self._identity.actor(member, others, since=since)

    async def _as_of_now(self, case: Case) -> Request:
        """Return the request with the stricter protection and number of approvals of request time and now."""
        request = case.request
        if request.bulk:
            return self._bulk_as_of_now(case, request.bulk)
        if request.target is None or request.break_glass:
            return request
        protected = request.target_protected
        for principals in dict.fromkeys(rules.protected for rules in case.all_rules):
            protected = protected or await self._is_protected(request.target, request.target_slack_id, principals)
        required = max(request.approvals_required, *(rules.required(protected=protected) for rules in case.all_rules))
        return replace(request, approvals_required=required, target_protected=protected)

    @staticmethod
    def _bulk_as_of_now(case: Case, bulk: BulkSummary) -> Request:
        """Return a bulk request with the stricter number of approvals of request time and now."""
        protected, people = bool(bulk.protected), bulk.people
        now = (rules.required_for_bulk(people, protected=protected) for rules in case.all_rules)
        return replace(case.request, approvals_required=max(case.request.approvals_required, *now))

    async def _is_protected(self, target: Person, slack_user_id: str | None, protected: Sequence[Principal]) -> bool:
        """Return whether principals name the target of a request now. What cannot be read counts as "yes"."""
        if not protected:
            return False
        actor = await self._identity.target_actor(slack_user_id, target, protected, since=self._identity.recently)
        if rule_for(actor, protected):
            return True
        if actor.retry_after is not None:
            raise CheckUnavailable(*actor.unverified, retry_after=actor.retry_after)
        return bool(actor.unverified)

    async def _requester(self, case: Case, member: Member) -> Member | None:
        """Look the requester up if another of their ids must not approve."""
        if case.requester_counts or is_requester(member, case.request, None):
            return None
        return await self._identity.member(case.request.requester, since=self._identity.recently)

    async def _with_earlier_approvals(self, case: Case, *, since: float | None) -> tuple[Case, tuple[str, ...]]:
        """Return the case with the approvers whose approvals hold, and the ids of the others."""
        dropped = []
        for user_id in case.request.approvals:
            earlier = await self._identity.member(user_id, since=since)
            if earlier is not None and await self._holds(earlier, case, since=since):
                case = replace(case, approvers=(*case.approvers, earlier))
            else:
                dropped.append(user_id)
        return case, tuple(dropped)

    async def _holds(self, member: Member, case: Case, *, since: float | None) -> bool:
        if ineligibility(member, case.workspace):
            return False
        actor, at_request = await self._actors(member, case, since=since)
        verdict = may_approve(actor, case, at_request)
        if verdict.retry_after is not None:
            raise denial(verdict)
        return verdict.allowed


def _require(verdict: Verdict, case: Case) -> None:
    """Raise Denied unless a verdict allows it, CheckUnavailable if that is not known yet."""
    if not verdict.allowed:
        raise denial(verdict, case.request)
