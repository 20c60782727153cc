"""Every history of a small scope keeps the promises about a request.

The scope: two requests for one target, three approvers of whom one loses the role, two replicas, a crash between any
two steps, and settings that change: the target's protection, and self-approval together with the approvers, who are the
user group or two people, one of them added. The people who press buttons include the target and a second Slack user of
one approver, both in the user group.

A step of a replica decides a click on what it reads then, commits what it decided, sends a DELETE, or commits its
outcome. A crash forgets what the replica decided or sent, so that the click or the DELETE is done again. Every button
can be pressed in every state, so a click that waits is the same as a click that comes later.
"""
# ruff: noqa: ARG002 - a world answers every lookup at once

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache
from typing import Any, NamedTuple, TypeVar

import pytest

from bot.domain.actions import ACTIONS
from bot.domain.clicks import Click, read_click
from bot.domain.denials import Denied
from bot.domain.people import Actor, Member, Person, Workspace
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import APPROVE, CANCEL, DECLINE, FINAL, Event, Request, State, advance, approval_event
from bot.domain.rules import Rules
from bot.errors import StaleRequest
from bot.services.approvals import ApprovalJudge
from bot.services.identity import Identity
from tests.support.examples import NOON, WORKSPACE, member, request, users

T = TypeVar("T")

ANN, BEN, BEN_TOO, CAT, TOM, RAVI = "U0ANN", "U0BEN", "U0BENTOO", "U0CAT", "U0TOM00001", "U0RAVI0001"
"""Ann, Ben and Cat are the approvers, and Cat loses the role. Ann and Ravi request, and Tom is the target."""

PERSON_OF = {ANN: "Ann", BEN: "Ben", BEN_TOO: "Ben", CAT: "Cat", TOM: "Tom", RAVI: "Ravi"}

GROUP = Principal(PrincipalKind.GROUP, "S0APPROVE1")

REQUESTS = (
    request(id="0", requester=ANN, card=None, target_slack_id=TOM),
    request(id="1", requester=RAVI, card=None, target_slack_id=TOM, approvals_required=2),
)
"""The second request was made while the target was protected, and both while the user group approved."""

BUTTONS = (APPROVE, CANCEL, DECLINE)

CLICKS = [
    [Click(asked.id, button, user, WORKSPACE.team_id, key="") for user in PERSON_OF for button in BUTTONS]
    for asked in REQUESTS
]

REPLICAS = 2

MAX_REVISION = 8
"""More changes than a request can have, each of which adds an approval or is the decision."""

OUTCOMES = (Event.SUCCEED, Event.REFUSE, Event.FAIL, Event.LOSE_TRACK)


@dataclass(frozen=True, eq=False)
class World:
    """What the settings and the user group are at a moment."""

    self_approval: bool
    protected: bool
    cat_is_approver: bool
    group_approves: bool

    @property
    def group(self) -> set[str]:
        return {ANN, BEN, BEN_TOO, TOM} | ({CAT} if self.cat_is_approver else set())

    @property
    def rules(self) -> Rules:
        return Rules(
            (GROUP,) if self.group_approves else users(BEN, RAVI),
            protected=users(TOM) if self.protected else (),
            self_approval=self.self_approval,
        )

    def may_count(self, user_id: str, asked: Request, required: int) -> bool:
        """Return whether an approval by this user may count; said again here, independently of the policy."""
        assert asked.rules
        own = PERSON_OF[user_id] == PERSON_OF[asked.requester]
        alone = required == 1 and self.self_approval and asked.rules.self_approval
        return self.is_approver(user_id) and user_id != TOM and (alone or not own)

    def is_approver(self, user_id: str) -> bool:
        """Return whether a user is an approver now, and was one when the requests were made."""
        return user_id in self.group and (self.group_approves or user_id in (BEN, RAVI))

    def required(self, asked: Request) -> int:
        """Return the stricter number of required approvals of request time and now."""
        return max(REQUESTS[int(asked.id)].approvals_required, 2 if self.protected else 1)


@dataclass(frozen=True, eq=False)
class Key:
    """What decides how a request can move. What else a decided request remembers makes no difference."""

    place: int
    self_approval: bool
    """What the request has stored of the settings when it was made."""
    state: State
    revision: int = 0
    required: int = 0
    approvals: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Plan:
    """What a replica has decided on a request that it read, and not yet committed.

    `moved` is None for a DELETE that it has sent.
    """

    read: Key
    moved: Key | None


the_world, the_key, the_plan = cache(World), cache(Key), cache(Plan)
"""Return the one object with these values, so that comparisons are fast."""


class Node(NamedTuple):
    """A state of the whole system."""

    requests: tuple[Key, Key]
    plans: tuple[Plan, ...]
    world: World


def key_of(asked: Request) -> Key:
    assert asked.rules
    place, self_approval = int(asked.id), asked.rules.self_approval
    if asked.state is not State.PENDING:
        return the_key(place, self_approval, asked.state)
    approvals = tuple(sorted(asked.approvals))
    return the_key(place, self_approval, asked.state, asked.revision, asked.approvals_required, approvals)


def stored(key: Key) -> Request:
    asked = REQUESTS[key.place]
    required = key.required or asked.approvals_required
    rules = Rules((GROUP,), protected=users(TOM) if key.place else (), self_approval=key.self_approval)
    return replace(
        asked, rules=rules, state=key.state, revision=key.revision, approvals_required=required,
        target_protected=required > 1, approvals=key.approvals,
    )  # fmt: skip


class PeopleOf(Identity):
    """People, as Slack knows them in a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def recently(self) -> float:
        return 0.0

    @property
    def workspace(self) -> Workspace:
        return WORKSPACE

    async def member(self, user_id: str, *, since: float | None = None) -> Member:
        return member(user_id, email=f"{PERSON_OF[user_id].lower()}@example.com")

    async def actor(self, member: Member, principals: Sequence[Principal], *, since: float | None = None) -> Actor:
        groups = {GROUP.value} & {one.value for one in principals}
        return Actor(member, groups=frozenset(groups if member.id in self._world.group else ()))

    async def target_actor(
        self,
        slack_user_id: str | None,
        person: Person,
        principals: Sequence[Principal],
        *,
        since: float | None = None,
    ) -> Actor:
        return Actor(member(slack_user_id or ""), person)


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waits")


@cache
def decide(key: Key, click: Click, world: World) -> Plan | None:
    """Decide a click on a request as the services do; None for a denial. Asserts what an approval must be."""
    asked, click = stored(key), read_click(click.request_id, click.payload)
    people = PeopleOf(world)
    judge = ApprovalJudge(people, ACTIONS, world.rules)
    clicker = finished(people.member(click.user_id))
    event = Event.CANCEL
    try:
        if click.action == CANCEL:
            finished(judge.judge_cancellation(clicker, asked, since=None))
        elif click.action == DECLINE:
            finished(judge.judge_decline(clicker, asked, since=None))
            event = Event.DECLINE
        else:
            asked = finished(judge.judge(clicker, asked, since=None)).request
            event = approval_event(asked, clicker.canonical_id)
        moved = advance(asked, event, at=NOON, by=clicker.canonical_id)
    except (Denied, StaleRequest):
        return None
    check(key, moved, event, click, world)
    return the_plan(key, key_of(moved))


def check(key: Key, moved: Request, event: Event, click: Click, world: World) -> None:
    """Assert that a decision is the only one, and that the required distinct approvals hold at the click."""
    assert key.state is State.PENDING, f"{event} in state {key.state}"
    if event is Event.CANCEL:
        assert PERSON_OF[click.user_id] == PERSON_OF[moved.requester], "someone other than the requester cancelled"
        return
    if event is Event.DECLINE:
        assert world.is_approver(click.user_id), f"{PERSON_OF[click.user_id]} declined"
        assert click.user_id not in (TOM, moved.requester), "the target or the requester declined"
        return
    assert moved.revision <= MAX_REVISION, "approvals come and go without an end"
    required = world.required(moved)
    assert click.user_id in moved.approvals
    assert world.may_count(click.user_id, moved, required), f"{PERSON_OF[click.user_id]} approved"
    people = [PERSON_OF[one] for one in moved.approvals]
    assert len(set(people)) == len(people), f"{people} are not distinct"
    if event is Event.APPROVE:
        assert all(world.may_count(one, moved, required) for one in moved.approvals), f"{people} do not all count"
        assert len(people) >= required, f"{people} approved, {required} are required"


@cache
def commit(current: Key, plan: Plan) -> tuple[Key, ...]:
    """Return what a request can be after a commit; nothing, if it has changed since it was read."""
    if plan.moved is None:
        return tuple(ended for event in OUTCOMES if (ended := after(current, event)))
    if (current.state, current.revision) != (plan.read.state, plan.read.revision):
        return ()
    assert current is plan.read, "a decision on an outdated state was committed"
    return (plan.moved,)


@cache
def after(current: Key, event: Event) -> Key | None:
    """Return a request after an event that no person caused, None if it cannot happen."""
    try:
        moved = key_of(advance(stored(current), event, at=NOON))
    except StaleRequest:
        return None
    assert current.state not in FINAL, f"{event} in the final state {current.state}"
    assert (event is Event.EXPIRE) == (current.state is State.PENDING), f"{event} in state {current.state}"
    return moved


def steps(node: Node) -> Iterator[Node]:
    """Generate every state that one step can reach."""
    requests, plans, world = node
    for changed in changes(world):
        yield Node(requests, plans, changed)
    for place, current in enumerate(requests):
        expired = after(current, Event.EXPIRE)
        if expired:
            yield Node(with_one(requests, place, expired), plans, world)
    for index, plan in enumerate(plans):
        others = plans[:index] + plans[index + 1 :]
        yield Node(requests, others, world)  # a crash, or a commit that came too late
        for moved in commit(requests[plan.read.place], plan):
            yield Node(with_one(requests, plan.read.place, moved), others, world)
    if len(plans) < REPLICAS:
        for current in requests:
            for new in begin(current, world):
                yield Node(requests, tuple(sorted((*plans, new), key=id)), world)


@cache
def changes(world: World) -> tuple[World, World, World]:
    """Return the worlds after settings changed, and after Cat left the user group."""
    self_approval, protected, cat, group = astuple(world)
    return (
        the_world(not self_approval, protected, cat, not group),
        the_world(self_approval, not protected, cat, group),
        the_world(self_approval, protected, False, group),  # noqa: FBT003 - to the cache, a keyword makes a difference
    )


def with_one(requests: tuple[Key, Key], place: int, one: Key) -> tuple[Key, Key]:
    return (one, requests[1]) if place == 0 else (requests[0], one)


@cache
def begin(current: Key, world: World) -> frozenset[Plan]:
    """Return what a replica can begin for a request: decide one of the clicks, or send the DELETE."""
    plans = {decide(current, click, world) for click in CLICKS[current.place]}
    if current.state is State.APPROVED:
        plans.add(the_plan(current, None))
    return frozenset(plan for plan in plans if plan)


def walk(world: World) -> set[Node]:
    """Return every state that can be reached from two requests that were made now."""
    first, second = (key_of(replace(one, rules=world.rules)) for one in REQUESTS)
    start = Node((first, second), (), world)
    seen, waiting = {start}, deque([start])
    while waiting:
        for node in steps(waiting.popleft()):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    return seen


def can_end(key: Key, world: World) -> bool:
    """Return whether a request that is not final can reach every outcome without another approval."""
    if key.state is State.APPROVED:
        ends = {one.state for one in commit(key, the_plan(key, None))}
        return ends == {State.REVOKED, State.REFUSED, State.FAILED, State.UNKNOWN}
    requester = REQUESTS[key.place].requester
    cancel = next(one for one in CLICKS[key.place] if (one.user_id, one.action) == (requester, CANCEL))
    cancelled, expired = decide(key, cancel, world), after(key, Event.EXPIRE)
    ends = {one.state for one in (cancelled and cancelled.moved, expired) if one}
    return ends == {State.CANCELLED, State.EXPIRED}


def approved_by_all(key: Key, world: World) -> bool:
    """Return whether a request is approved after all people pressed the button, one after the other."""
    for click in CLICKS[key.place]:
        plan = decide(key, click, world) if click.action == APPROVE and key.state is State.PENDING else None
        key = plan.moved if plan and plan.moved else key
    return key.state is State.APPROVED


def enough_people(key: Key, world: World) -> bool:
    asked = stored(key)
    required = max(key.required, world.required(asked))
    return len({PERSON_OF[one] for one in PERSON_OF if world.may_count(one, asked, required)}) >= required


@pytest.mark.parametrize("self_approval", [False, True])
def test_small_scope__every_history_keeps_every_promise(self_approval: bool) -> None:
    nodes = walk(the_world(self_approval, False, True, True))  # noqa: FBT003
    reached = {(key, node.world) for node in nodes for key in node.requests}

    assert {(key.place, key.state) for key, _ in reached} == {(place, state) for place in (0, 1) for state in State}
    for key, world in reached:
        assert key.state in FINAL or can_end(key, world), f"{key} has no outcome"
        if key.state is not State.APPROVED:
            assert commit(key, the_plan(key, None)) == (), f"a DELETE ended {key}"
        if key.state is State.PENDING:
            assert approved_by_all(key, world) == enough_people(key, world), f"{key} in {world}"
