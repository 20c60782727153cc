"""Followers on cards, and the replies to them."""

from __future__ import annotations

import pytest

from bot.domain.requests import FINAL, Follower, State
from bot.sandbox.slack.block_kit import problems
from bot.services.notifications import COPY_NOT_POSTED, FOLLOWED
from handlers.ui.cards import card
from handlers.ui.followers import MAX_REASON_LENGTH, MAX_SHOWN
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import BEN, OLIVIA, RAVI, request
from tests.support.render_text import words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_services import ENGLISH

LINK = "https://example.slack.com/archives/C0OPS00001/p1"
LONG = "x" * 500
RENDERER = MessageRenderer(ENGLISH)


@pytest.mark.parametrize("state", State)
def test_card__names_followers_and_their_reasons_in_every_state(state: State) -> None:
    followers = (Follower(OLIVIA, "phished"), Follower(BEN))
    message = card(ENGLISH, request(followers=followers, state=state))

    assert problems(message) == []
    assert "Also requested by" in words(message)
    assert "phished" in words(message)
    assert "Also requested" not in words(card(ENGLISH, request(state=state)))


def test_card__shows_a_bounded_number_of_followers_and_characters() -> None:
    followers = tuple(
        Follower(f"U0PERSON{number:02}", f"reason {number} {HOSTILE} {'x' * 500}") for number in range(50)
    )
    message = card(ENGLISH, request(followers=followers))

    assert problems(message) == []
    assert str(message["blocks"]).count("Also requested by") == MAX_SHOWN
    assert f"and {50 - MAX_SHOWN} more" in words(message)
    assert "x" * MAX_REASON_LENGTH not in words(message)


def test_followed__says_who_asked_that_there_is_no_second_request_and_what_comes() -> None:
    message = RENDERER.reply(FOLLOWED, {"own": False, "reasoned": True, "extended": True}, request(), LINK)

    assert problems(message) == []
    assert f"<@{RAVI}> has already requested this, and it is still open. I added you and your reason" in message["text"]
    assert "It now stays open until" in message["text"]
    assert "I made no second request. You will hear how it ends." in message["text"]
    assert f"<{LINK}|Open the card>" in message["text"]
    assert "Nothing was changed" not in words(message)


def test_followed__claims_neither_a_reason_nor_an_extension_that_does_not_exist() -> None:
    said = RENDERER.reply(FOLLOWED, {"own": False, "reasoned": False, "extended": False}, request(), LINK)["text"]

    assert "I added you to it." in said
    assert "your reason" not in said
    assert "It is open until" in said
    assert "stays" not in said


def test_followed__of_an_earlier_version_says_until_when_it_is_open() -> None:
    said = RENDERER.reply(FOLLOWED, {"own": True}, request())["text"]

    assert "You have already requested this, and it is still open. It is open until" in said
    assert "Nothing was changed" not in said


@pytest.mark.parametrize(
    ("reason", "said"),
    [("laptop stolen", "The card keeps your first reason."), ("", "The card still shows no reason.")],
)
def test_followed__says_that_the_card_keeps_the_reason(reason: str, said: str) -> None:
    params = {"own": True, "reasoned": True, "keeps_reason": True}

    message = RENDERER.reply(FOLLOWED, params, request(reason=reason), LINK)

    assert problems(message) == []
    assert f"{said} I made no second request." in message["text"]
    ended = RENDERER.reply(FOLLOWED, params, request(reason=reason, state=State.CANCELLED), LINK)
    assert "reason." not in ended["text"]
    same = RENDERER.reply(FOLLOWED, {**params, "keeps_reason": False}, request(reason=reason), LINK)
    assert "The card" not in same["text"].replace("Open the card", "")


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("state", State)
def test_followed__in_every_state_and_without_a_link(state: State, own: bool) -> None:
    message = RENDERER.reply(FOLLOWED, {"own": own}, request(state=state))

    assert problems(message) == []
    assert "Open the card" not in message["text"]
    assert ("has just been decided" in message["text"]) is (state in FINAL)


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("C0OPS00001", "<#C0OPS00001>: I am not a member of that channel."),
        (OLIVIA, "your direct messages: Slack doesn't deliver direct messages from me there."),
    ],
)
def test_copy_not_posted__says_where_and_that_the_request_is_open(place: str, shown: str) -> None:
    params = {"place": place, "slack_code": "not_in_channel"}
    message = RENDERER.reply(COPY_NOT_POSTED, params, request(), LINK)

    assert problems(message) == []
    assert f"I could not post the card in {shown}" in message["text"]
    assert "still open" in message["text"]
    assert "Open the card" in message["text"]


@pytest.mark.parametrize(
    ("place", "code", "advice"),
    [
        ("C0OPS00001", "not_in_channel", "Invite me to that channel"),
        ("C0OPS00001", "channel_unreadable", "Invite me to that channel"),
        ("C0OPS00001", "channel_shared", "people of another organization see that channel"),
        ("C0OPS00001", "is_archived", "Ask an admin of this bot to choose another channel"),
        ("C0OPS00001", "invalid_blocks", "This does not pass by itself"),
        (OLIVIA, "channel_not_found", "This does not pass by itself"),
    ],
)
def test_copy_not_posted__advises_an_invitation_only_where_that_helps(place: str, code: str, advice: str) -> None:
    said = RENDERER.reply(COPY_NOT_POSTED, {"place": place, "slack_code": code}, request(), LINK)["text"]
    assert advice in said
    assert ("Invite me" in said) is advice.startswith("Invite me")
