"""Who follows a request, and which card each person can open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.bulk import BulkSource, BulkSummary
from bot.domain.requests import (
    BULK_EXECUTION_WINDOW,
    EXECUTION_WINDOW,
    CardCopy,
    Follower,
    MessageRef,
    follow,
    is_private,
    unseeing_followers,
)
from tests.support.examples import BEN, OLIVIA, RAVI, request

NADIA = "U0NADIA001"

CHANNEL, OTHER_CHANNEL, DIRECT = "C0APPROVALS", "C0OPS", "D0RAVI"
CARD = MessageRef(CHANNEL, "1.0")


def test_follower__needs_nothing_but_an_id() -> None:
    assert Follower(BEN) == Follower(BEN, "", "", "")


def test_follow__adds_people_in_their_order_and_the_cards_that_they_need() -> None:
    made = request(requester=RAVI, card=CARD)
    followed = follow(follow(made, Follower(BEN, "phished", place=BEN)), Follower(NADIA, place=CHANNEL))

    assert [one.user_id for one in followed.followers] == [BEN, NADIA]
    assert followed.copies == (CardCopy(BEN, MessageRef(BEN)),)  # the channel has the card already
    more = follow(followed, Follower(OLIVIA, place=OLIVIA))
    assert [one.place for one in more.copies] == [BEN, OLIVIA]


def test_follow__again_replaces_the_same_person_alone_and_keeps_their_reason() -> None:
    made = request(requester=RAVI, card=CARD)
    for one in (Follower(BEN, "phished"), Follower(NADIA, "stolen"), Follower(BEN)):
        made = follow(made, one)
    assert [(one.user_id, one.reason) for one in made.followers] == [(NADIA, "stolen"), (BEN, "phished")]

    made = follow(made, Follower(BEN, "now urgent"))
    assert [(one.user_id, one.reason) for one in made.followers] == [(NADIA, "stolen"), (BEN, "now urgent")]


def test_follow__by_the_requester_adds_a_card_and_no_follower() -> None:
    followed = follow(request(requester=RAVI, card=CARD), Follower(RAVI, place=RAVI))

    assert followed.followers == ()
    assert [one.place for one in followed.copies] == [RAVI]


def test_request__is_made_by_its_requester_and_each_follower() -> None:
    made = request(requester=RAVI, followers=(Follower(BEN), Follower(NADIA)))

    assert [made.is_made_by([one]) for one in (RAVI, BEN, NADIA, OLIVIA)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("channel", "place", "found"),
    [
        (CHANNEL, CHANNEL, True),
        (CHANNEL, OTHER_CHANNEL, False),
        (CHANNEL, RAVI, False),  # the requester's direct messages have none
        (DIRECT, RAVI, True),
        (DIRECT, BEN, False),
    ],
)
def test_card__is_in_its_channel_or_in_the_requesters_direct_messages(channel: str, place: str, found: bool) -> None:
    assert request(requester=RAVI, card=MessageRef(channel, "1.0")).has_card_for(place) is found


def test_card__is_nowhere_without_a_place() -> None:
    assert request(card=None).has_card_for(CHANNEL) is False
    assert request(card=None).card_for([RAVI]) is None


def test_card_for__is_one_that_the_person_can_open() -> None:
    direct, copy = MessageRef(DIRECT, "1.0"), CardCopy(BEN, MessageRef("D0BEN", "2.0"))
    made = request(
        requester=RAVI, card=direct, copies=(copy,), followers=(Follower(NADIA, place=BEN), Follower(OLIVIA))
    )

    assert made.card_for([RAVI]) == direct
    assert made.card_for([BEN]) == copy.message
    assert made.card_for([NADIA]) == copy.message  # posted for this follower
    assert made.card_for([OLIVIA]) is None
    assert replace(made, card=CARD).card_for([OLIVIA]) == CARD  # in a channel
    assert replace(made, card=None).card_for([RAVI]) is None
    public = CardCopy(OTHER_CHANNEL, MessageRef(OTHER_CHANNEL, "3.0"))
    assert replace(made, copies=(copy, public)).card_for([OLIVIA]) == public.message


def test_followers__who_see_no_card_are_notified() -> None:
    seeing = Follower(BEN, place=BEN), Follower(NADIA, requested_in=CHANNEL, place=CHANNEL)
    made = request(followers=(*seeing, Follower(OLIVIA), Follower(RAVI, requested_in=OTHER_CHANNEL, place=CHANNEL)))

    assert unseeing_followers(made) == (OLIVIA, RAVI)


@pytest.mark.parametrize(("place", "private"), [("D1", True), ("U1", True), ("W1", True), ("C1", False), ("G1", False)])
def test_place__of_direct_messages_is_private(place: str, private: bool) -> None:
    assert is_private(place) is private


def test_execution_window__is_longer_for_many_people() -> None:
    assert request().execution_window == EXECUTION_WINDOW == 600
    many = request(bulk=BulkSummary(BulkSource.LIST, {"found": 2}, "digest"))
    assert many.execution_window == BULK_EXECUTION_WINDOW == 4 * 3600
