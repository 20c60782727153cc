"""List requests for a person: those that wait, and those that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from bot.domain.actions import Actions
from bot.domain.commands import Invoker, TargetRef
from bot.domain.denials import Denied
from bot.domain.pages import NEWEST, PAGE_SIZE, Direction, Page, Position, RequestFilter, cut
from bot.domain.people import Actor, Member
from bot.domain.policy import Case, Verdict, denial, ineligibility, may_administer, may_approve, may_cancel, rule_for
from bot.domain.requests import MessageRef, Request, State
from bot.domain.rules import Rules
from bot.services.identity import Identity


class Pages(Protocol):
    """Reads requests; raises DatabaseUnavailable."""

    async def open(self) -> list[Request]:
        """Return the requests that are pending or in progress, newest first."""

    async def finished(self, wanted: RequestFilter, position: Position) -> Page:
        """Return a page of the requests that ended and match a filter."""


class Permalinks(Protocol):
    """Finds links to messages."""

    async def of(self, message: MessageRef | None) -> str | None:
        """Return the link to a message, None if there is none."""


@dataclass(frozen=True, slots=True)
class Query:
    """Whom or what a list is about: a person, a request's reference, or everything."""

    person: TargetRef | None = None
    reference: str | None = None


ALL = Query()


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """A request in a list.

    `link` leads to its card; `waits` says that this person may approve it, `own` that they made it, and `cancels` that
    they may cancel what they made.
    """

    request: Request
    link: str | None = None
    waits: bool = False
    own: bool = False
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class RequestList:
    """A page of requests, newest first, and the positions of the pages on both sides if there are any."""

    requests: Sequence[ListedRequest]
    newer: Position | None = None
    older: Position | None = None


class Concerning(NamedTuple):
    """The pending requests that a person may approve, and those that they made and may not approve."""

    waiting: RequestList
    own: RequestList


class Overview:
    """Lists requests. Each person sees what they made or may approve; admins see everything that ended."""

    def __init__(
        self, pages: Pages, identity: Identity, permalinks: Permalinks, *, rules: Rules, actions: Actions
    ) -> None:
        self._pages = pages
        self._identity = identity
        self._permalinks = permalinks
        self._rules = rules
        self._actions = actions

    async def pending(self, invoker: Invoker, query: Query = ALL, position: Position = NEWEST) -> RequestList:
        """Return a page of the open requests that this person made or may approve.

        Raises Denied for people of other workspaces, SlackUnavailable and DatabaseUnavailable.
        """
        member = await self._member(invoker)
        wanted = await self._filter(query)
        listed = [one for one in await self._open(member) if wanted.matches(one.request)]
        by_id = {one.request.id: one for one in listed}
        requests = _beyond([one.request for one in listed], position)
        page = cut(requests[: PAGE_SIZE + 1], position, lambda request: request.created_at)
        return await self._linked(member, page, by_id)

    async def concerning(self, invoker: Invoker) -> Concerning:
        """Return the pending requests that wait for this person or are theirs; raises like `pending`."""
        member = await self._member(invoker)
        listed = [one for one in await self._open(member) if one.request.state is State.PENDING]
        waiting = [one.request for one in listed if one.waits]
        own = [one.request for one in listed if one.own and not one.waits]
        by_id = {one.request.id: one for one in listed}
        return Concerning(
            await self._linked(member, Page(waiting[:PAGE_SIZE]), by_id),
            await self._linked(member, Page(own[:PAGE_SIZE]), by_id),
        )

    async def history(self, invoker: Invoker, query: Query = ALL, position: Position = NEWEST) -> RequestList:
        """Return a page of the requests that ended.

        Raises Denied for people who are no admins, and like `pending`.
        """
        member = await self._member(invoker)
        actor = await self._identity.actor(member, self._rules.admins, since=self._identity.recently)
        verdict = may_administer(actor, self._rules, self._identity.workspace)
        if not verdict.allowed:
            raise denial(verdict)
        page = await self._pages.finished(await self._filter(query), position)
        return await self._linked(member, page, {})

    async def recent(self, invoker: Invoker) -> RequestList:
        """Return the newest requests that this person made or decided and that ended; raises like `pending`."""
        member = await self._member(invoker)
        page = await self._pages.finished(RequestFilter(slack_ids=member.ids), NEWEST)
        return await self._linked(member, Page(page.requests), {})

    async def _member(self, invoker: Invoker) -> Member:
        """Return a full, active, human member of this workspace; raises Denied for any other person."""
        member = await self._identity.own_member(invoker.user_id, invoker.team_id)
        reason = ineligibility(member, self._identity.workspace)
        if reason:
            raise Denied(reason)
        return member

    async def _open(self, member: Member) -> list[ListedRequest]:
        """Return the open requests that a member made or may approve, as far as a cache knows.

        Raises CheckUnavailable while it is not known whether the member is an approver.
        """
        requests = await self._pages.open()
        actors = {name: await self._approver(member, name) for name in sorted({one.action for one in requests})}
        listed = [await self._listed(actors[one.action], one) for one in requests]
        return [one for one in listed if one.request.is_made_by(member.ids) or self._concerns(actors, one.request)]

    async def _approver(self, member: Member, action: str) -> Actor:
        approvers = self._actions[action].approvers(self._rules)
        actor = await self._identity.actor(member, approvers, since=self._identity.recently)
        if actor.retry_after is not None and rule_for(actor, approvers) is None:
            raise denial(Verdict(unverified=actor.unverified, retry_after=actor.retry_after))
        return actor

    def _concerns(self, actors: Mapping[str, Actor], request: Request) -> bool:
        if request.break_glass:
            return False
        return rule_for(actors[request.action], self._actions[request.action].approvers(self._rules)) is not None

    async def _listed(self, actor: Actor, request: Request) -> ListedRequest:
        own = request.requester in actor.member.ids
        case = Case(request, self._actions[request.action], self._rules, self._identity.workspace)
        cancels = own and request.state is State.PENDING and may_cancel(actor, case).allowed
        return ListedRequest(request, waits=await self._waits_for(actor, request), own=own, cancels=cancels)

    async def _waits_for(self, actor: Actor, request: Request) -> bool:
        """Return whether a person may approve a request; their click is judged again."""
        if request.state is not State.PENDING or not actor.member.ids.isdisjoint(request.approvals):
            return False
        case = Case(request, self._actions[request.action], self._rules, self._identity.workspace)
        at_request = None
        if case.other_approvers is not None and rule_for(actor, case.action.approvers(self._rules)):
            at_request = await self._identity.actor(actor.member, case.other_approvers, since=self._identity.recently)
        return may_approve(actor, case, at_request).allowed

    async def _filter(self, query: Query) -> RequestFilter:
        """Return the filter for a query; a Slack user stands for the ids and the address that Slack knows."""
        if query.reference:
            return RequestFilter(reference=query.reference)
        if query.person is None:
            return RequestFilter()
        slack_id = query.person.slack_user_id
        if slack_id is None:
            return RequestFilter(email=query.person.email, genesys_user_id=query.person.genesys_user_id)
        member = await self._identity.member(slack_id, since=self._identity.recently)
        ids = member.ids if member else frozenset()
        return RequestFilter(slack_ids=ids | {slack_id}, email=member.confirmed_email if member else None)

    async def _linked(self, member: Member, page: Page, known: Mapping[str, ListedRequest]) -> RequestList:
        """Return the page with links; a card in another person's direct messages has none.

        `known` has what was found about open requests, by id.
        """
        listed = [known.get(request.id) or ListedRequest(request) for request in page.requests]
        linked = [replace(one, link=await self._permalinks.of(one.request.card_for(member.ids))) for one in listed]
        return RequestList(linked, page.newer, page.older)


def _beyond(requests: Sequence[Request], position: Position) -> list[Request]:
    """Return the requests on one side of a position, nearest first; `requests` are newest first."""
    place = (position.at, position.id)
    if position.direction is Direction.NEWER:
        return [one for one in reversed(requests) if (one.created_at, one.id) > place]
    return [one for one in requests if (one.created_at, one.id) < place]
