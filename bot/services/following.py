"""Let a person follow the open request for the same target, in place of a second request."""

from __future__ import annotations

import structlog

from bot.db.followers import FollowerStore
from bot.db.jobs import Job
from bot.domain.actions import Actions
from bot.domain.commands import Invoker
from bot.domain.people import Actor
from bot.domain.policy import Case, could_approve, may_follow, rule_for
from bot.domain.requests import Follower, Request, is_private
from bot.domain.rules import Rules
from bot.services.identity import Identity
from bot.services.job_result import JobResult
from bot.services.log_facts import log_facts
from bot.services.notifications import FOLLOWED, message_payload

log = structlog.get_logger()


class Following:
    """Finds open requests and adds followers. `ttl` is how long a followed request stays open, in seconds."""

    def __init__(
        self,
        followers: FollowerStore,
        identity: Identity,
        *,
        actions: Actions,
        rules: Rules,
        ttl: float,
        approvals_channel: str | None,
    ) -> None:
        self._followers = followers
        self._identity = identity
        self._actions = actions
        self._rules = rules
        self._ttl = ttl
        self._approvals_channel = approvals_channel

    def may_follow(self, request: Request) -> bool:
        """Return whether an open request serves a person who requests the same now."""
        return may_follow(request, self._actions[request.action], self._rules)

    async def find(self, draft: Request) -> Request | None:
        """Return the open request to follow in place of a new one, None if there is none."""
        return await self._followers.find_open(draft, self.may_follow)

    async def follow(self, job: Job, invoker: Invoker, draft: Request, approver: Actor, request: Request) -> JobResult:
        """Add the person who requested `draft` to an open request, and reply with the link to its card.

        Raises StaleRequest if the request has changed meanwhile.
        """
        place = self._place(invoker, approver, request)
        follower = Follower(draft.requester, draft.reason, invoker.channel, place)
        own = request.requester == draft.requester
        reply = message_payload(
            draft.requester,
            invoker.response_url,
            FOLLOWED,
            own=own,
            reasoned=bool(draft.reason),
            keeps_reason=own and draft.reason not in ("", request.reason),
        )
        followed = await self._followers.follow(request, follower, ttl=self._ttl, job=job, reply=reply)
        if followed is None:
            return JobResult()
        log.info("request.followed", **log_facts(request), by=draft.requester, place=place)
        return JobResult((followed.reply,), wake=True)

    def _place(self, invoker: Invoker, approver: Actor, request: Request) -> str:
        """Return where the card of a new request would go; empty if no one else sees it there.

        An approver gets the card in direct messages, unless they see one where they typed the command.
        """
        if self._may_approve(approver, request):
            return invoker.channel if request.has_card_for(invoker.channel) else invoker.user_id
        if self._approvals_channel:
            return self._approvals_channel
        return "" if is_private(invoker.channel) else invoker.channel

    def _may_approve(self, approver: Actor, request: Request) -> bool:
        """Return whether a person may probably approve a request; their click is judged again."""
        action = self._actions[request.action]
        case = Case(request, action, self._rules, self._identity.workspace)
        return rule_for(approver, action.approvers(self._rules)) is not None and could_approve(approver.member, case)
