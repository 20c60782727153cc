"""The states of a request, and the events that change them.

The whole state machine is in this module; the store repeats its guard in the WHERE clause of an UPDATE.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from bot.domain.bulk import BulkProgress, BulkSummary
from bot.domain.live_state import LiveState, read_live_state
from bot.domain.people import Person
from bot.domain.rules import Rules
from bot.errors import StaleRequest


class State(StrEnum):
    """The state of a request."""

    PENDING = "pending"
    APPROVED = "approved"
    REVOKED = "revoked"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to a request."""

    ADD_APPROVAL = "add_approval"
    """One of several approvers has approved; others are still needed."""
    APPROVE = "approve"
    CANCEL = "cancel"
    """The requester has withdrawn the request."""
    DECLINE = "decline"
    """An approver has refused it, for a reason."""
    EXPIRE = "expire"
    SUCCEED = "succeed"
    """Genesys Cloud confirmed the call."""
    REFUSE = "refuse"
    """Genesys Cloud definitely refused: a missing permission, no such person."""
    FAIL = "fail"
    """Genesys Cloud failed or was unreachable: nothing is known to have ended."""
    LOSE_TRACK = "lose_track"
    """The call was sent and got no definite response."""


APPROVE, CANCEL, DECLINE = Event.APPROVE.value, Event.CANCEL.value, Event.DECLINE.value
"""The `action_id` of the buttons of a card."""

BREAK_GLASS = "break-glass"
"""The name of the action that one person requests and confirms alone (`bot.domain.actions`)."""

REVOKE_MANY = "revoke-many"
"""The name of the action that revokes the sessions of the people of a list (`bot.domain.actions`)."""

TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    State.PENDING: {
        Event.ADD_APPROVAL: State.PENDING,
        Event.APPROVE: State.APPROVED,
        Event.CANCEL: State.CANCELLED,
        Event.DECLINE: State.DECLINED,
        Event.EXPIRE: State.EXPIRED,
    },
    State.APPROVED: {
        Event.SUCCEED: State.REVOKED,
        Event.REFUSE: State.REFUSED,
        Event.FAIL: State.FAILED,
        Event.LOSE_TRACK: State.UNKNOWN,
    },
    State.REVOKED: {},
    State.REFUSED: {},
    State.FAILED: {},
    State.UNKNOWN: {},
    State.CANCELLED: {},
    State.DECLINED: {},
    State.EXPIRED: {},
}

APPROVALS = frozenset({Event.ADD_APPROVAL, Event.APPROVE})
"""The events by which a person approves."""

FINAL = frozenset(state for state, events in TRANSITIONS.items() if not events)

EXECUTION_WINDOW = 600.0
"""Seconds after an approval in which a DELETE may be sent, because a later one could end a new login."""

BULK_EXECUTION_WINDOW = 14_400.0
"""The same for a bulk request: 10,000 people take 33 minutes with one token, and an admin may pause it."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message is: its channel and, once posted, its `ts`."""

    channel: str
    ts: str | None = None


class CardCopy(NamedTuple):
    """Another card of a request: the channel or person that it is for, and where it is.

    Slack gives a direct message a channel of its own, so the two may differ.
    """

    place: str
    message: MessageRef


class Follower(NamedTuple):
    """A person who has requested the same while a request was open: who, why, and in which channel.

    `place` is the channel or person for which the request has a card, empty if none was needed.
    """

    user_id: str
    reason: str = ""
    requested_in: str = ""
    place: str = ""

    @property
    def sees_card(self) -> bool:
        """Whether the card is in their direct messages, or where they typed the command."""
        return bool(self.place) and self.place in (self.user_id, self.requested_in)


class ApprovalSeal(NamedTuple):
    """What proves an approval: who approved, when (epoch seconds), and a code (`bot.domain.seals`)."""

    approver: str
    at: float
    mac: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request for an action, with everything that was found when it was made. Times are epoch seconds."""

    id: str
    reference: str
    action: str
    """The name of the action (`bot.domain.actions`)."""
    requester: str
    requested_in: str
    """The channel in which the command was typed; empty where Slack named none."""
    created_at: float
    expires_at: float
    target: Person | None = None
    target_slack_id: str | None = None
    target_slack_name: str | None = None
    """The target's name in Slack when the request was made; None where their Slack user is not known."""
    reason: str = ""
    approvals_required: int = 1
    """The stricter number of request time and of every click since."""
    target_protected: bool = False
    """Whether PROTECTED has named the target, when the request was made or at a click since."""
    rules: Rules | None = None
    """The rules when the request was made; None if an earlier version of the bot made it."""
    state: State = State.PENDING
    approvals: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    """Approvers whose approval no longer held when a later one was decided."""
    seal: str | None = None
    """What proves that the bot stored this request (`bot.domain.seals`)."""
    approval_seals: tuple[ApprovalSeal, ...] = ()
    decided_by: str | None = None
    approved_at: float | None = None
    finished_at: float | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    """How the execution ended: a code and its parameters (see `bot.services.execution`). Of a decline, the `reason`."""
    revision: int = 1
    card: MessageRef | None = None
    """Where the card is; None where it cannot be edited."""
    copies: tuple[CardCopy, ...] = ()
    """The cards in other places, for approvers who cannot see the first one."""
    followers: tuple[Follower, ...] = ()
    """Who else has requested the same since."""
    bulk: BulkSummary | None = None
    """What a request about many people is about; None for any other."""
    progress: BulkProgress | None = None
    """How far an approved bulk request is; None for any other, and where it was not read."""
    live: LiveState | None = None
    """What the target was doing when the card was made; None if that was not read."""

    @property
    def execution_window(self) -> float:
        """The seconds after the last approval in which a DELETE may be sent."""
        return BULK_EXECUTION_WINDOW if self.bulk else EXECUTION_WINDOW

    @property
    def live_before(self) -> LiveState | None:
        """What the target was doing just before the call; None if nothing is known of that."""
        return read_live_state(self.outcome.get("live"))

    @property
    def break_glass(self) -> bool:
        """Whether the requester alone may confirm or cancel the request, whatever the other rules say."""
        return self.action == BREAK_GLASS

    @property
    def protected(self) -> bool:
        """Whether approvers other than the requester must approve."""
        return not self.break_glass and (self.target_protected or self.approvals_required > 1)

    def is_open(self, at: float) -> bool:
        """Return whether a request may still be approved or executed at this time."""
        return self.state is State.APPROVED or (self.state is State.PENDING and not self.expired(at))

    def is_made_by(self, ids: Collection[str]) -> bool:
        """Return whether a person with these ids made the request, or follows it."""
        return self.requester in ids or any(one.user_id in ids for one in self.followers)

    def has_card_for(self, place: str) -> bool:
        """Return whether a card is, or will be, in a channel or in a person's direct messages."""
        if any(one.place == place for one in self.copies):
            return True
        if self.card is None:
            return False
        return place == self.card.channel or (place == self.requester and self.card.channel.startswith("D"))

    def card_for(self, ids: Collection[str]) -> MessageRef | None:
        """Return the card that a person with these ids can open, None if there is none."""
        places = {*ids, *(one.place for one in self.followers if one.user_id in ids)}
        cards = [one.message for one in self.copies if one.place in places]
        if self.card and (self.requester in ids or not is_private(self.card.channel)):
            cards.append(self.card)
        cards += [one.message for one in self.copies if not is_private(one.place)]
        return next(iter(cards), None)

    def expired(self, at: float) -> bool:
        """Return whether a click at this time is too late."""
        return at >= self.expires_at

    def decidable_until(self, clicked_at: float) -> float:
        """Return until when a click before the expiry may decide the request.

        That is the expiry, so that a click survives an outage. A click just before the expiry survives a restart.
        """
        return max(self.expires_at, clicked_at + EXECUTION_WINDOW)


def advance(request: Request, event: Event, *, at: float, by: str | None = None) -> Request:
    """Return a request after an event.

    `by` is the Slack member who caused the event, None for the clock and Genesys Cloud.

    Raises StaleRequest, changing nothing, if the event cannot happen in the request's state.
    """
    state = TRANSITIONS[request.state].get(event)
    if state is None:
        raise StaleRequest(f"{event} in state {request.state}")
    moved = replace(request, state=state, revision=request.revision + 1)
    if event in APPROVALS and by is not None:
        moved = replace(moved, approvals=(*request.approvals, by))
    if event is Event.APPROVE:
        moved = replace(moved, approved_at=at)
    if event in (Event.APPROVE, Event.CANCEL, Event.DECLINE):
        moved = replace(moved, decided_by=by)
    return replace(moved, finished_at=at) if state in FINAL else moved


def is_private(channel: str) -> bool:
    """Return whether a channel, or a person in place of one, stands for direct messages."""
    return channel.startswith(("D", "U", "W"))


def follow(request: Request, follower: Follower) -> Request:
    """Return a request with one more follower, or with the newer reason of one.

    The requester does not follow. A card that the follower needs and the request does not have is added, yet to post.
    """
    copies = request.copies
    if follower.place and not request.has_card_for(follower.place):
        copies = (*copies, CardCopy(follower.place, MessageRef(follower.place)))
    if follower.user_id == request.requester:
        return replace(request, copies=copies)
    earlier = next((one for one in request.followers if one.user_id == follower.user_id), None)
    others = tuple(one for one in request.followers if one is not earlier)
    if earlier and not follower.reason:
        follower = follower._replace(reason=earlier.reason)
    return replace(request, copies=copies, followers=(*others, follower))


def unseeing_followers(request: Request) -> tuple[str, ...]:
    """Return the followers who do not see a card, so that they are notified of the outcome."""
    return tuple(one.user_id for one in request.followers if not one.sees_card)


def approval_event(request: Request, by: str) -> Event:
    """Return the event of one more approval: the last one needed approves the request."""
    approvers = {*request.approvals, by}
    return Event.APPROVE if len(approvers) >= request.approvals_required else Event.ADD_APPROVAL


_WORST_FIRST = (Event.LOSE_TRACK, Event.FAIL, Event.REFUSE, Event.SUCCEED)


def worst_of(events: Sequence[Event]) -> Event:
    """Return the outcome of a request from the outcomes of its items: the worst of them."""
    return min(events, key=_WORST_FIRST.index)
