"""Judge an approval by present facts: the approver, earlier approvals, and the approvals required."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from bot.domain.actions import Actions
from bot.domain.people import Actor, Member
from bot.domain.policy import PROTECTED_APPROVALS, Case, denial, ineligibility, is_requester, may_approve, rule_for
from bot.domain.requests import Request
from bot.domain.rules import Rules
from bot.errors import CheckUnavailable
from bot.services.identity import Identity


class Judgement(NamedTuple):
    """A request with the approvals that hold and the number that it requires, and the dropped ones."""

    request: Request
    dropped: tuple[str, ...] = ()


class ApprovalJudge:
    """Judges approvals.

    `since` is when an answer of Slack may have begun at the earliest, in monotonic seconds.

    Every method raises CheckUnavailable or SlackUnavailable while a fact cannot be read and may be readable later.
    """

    def __init__(self, identity: Identity, actions: Actions, rules: Rules) -> None:
        self._identity = identity
        self._actions = actions
        self._rules = rules

    async def judge(self, member: Member, request: Request, *, since: float | None) -> Judgement:
        """Return the request to which this member's approval may be added. Raises Denied."""
        action = self._actions[request.action]
        actor = await self._identity.actor(member, action.approvers(self._rules), since=since)
        case = Case(request, action, self._rules, self._identity.workspace)
        _require(actor, case)  # before any other lookup, because anyone can click
        case = replace(case, request=await self._as_of_now(request))
        case = replace(case, requester=await self._requester(case, member))
        case, dropped = await self._with_earlier_approvals(case, since=since)
        _require(actor, case)
        approvals = tuple(one.canonical_id for one in case.approvers)
        return Judgement(replace(case.request, approvals=approvals), dropped)

    async def is_protected(self, request: Request) -> bool:
        """Return whether PROTECTED names the target of a request now. What cannot be read counts as "yes"."""
        protected = self._rules.protected
        if not protected or request.target is None:
            return False
        actor = await self._identity.target_actor(
            request.target_slack_id, request.target, protected, since=self._identity.recently
        )
        if rule_for(actor, protected):
            return True
        if actor.retry_after is not None:
            raise CheckUnavailable("; ".join(actor.unverified), actor.retry_after)
        return bool(actor.unverified)

    async def _as_of_now(self, request: Request) -> Request:
        """Return the request with the stricter number of required approvals of request time and now."""
        if request.approvals_required >= PROTECTED_APPROVALS or not await self.is_protected(request):
            return request
        return replace(request, approvals_required=PROTECTED_APPROVALS)

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
        actor = await self._identity.actor(member, case.action.approvers(case.rules), since=since)
        verdict = may_approve(actor, case)
        if verdict.retry_after is not None:
            raise denial(verdict)
        return verdict.allowed


def _require(actor: Actor, case: Case) -> None:
    """Raise Denied unless the actor may approve, CheckUnavailable if that is not known yet."""
    verdict = may_approve(actor, case)
    if not verdict.allowed:
        raise denial(verdict, case.request)
