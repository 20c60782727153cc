"""Cards say who was requested, and warn of names that deceive."""

from __future__ import annotations

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.requests import Request, State
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import TOM, TOM_IN_GENESYS, request, rotation
from tests.support.render_text import buttons, readable, texts, words
from tests.support.sample_outcomes import in_state
from tests.support.stub_services import ENGLISH

RENDERER = MessageRenderer(ENGLISH)
SUSPECT = ":warning:"


def named(**changes: str) -> Request:
    """Return a pending request for a person with other names in Genesys Cloud."""
    return request(target=replace(TOM_IN_GENESYS, **changes))


def dialog(asked: Request) -> str:
    """Return what the confirmation dialog of the card asks."""
    return str(buttons(RENDERER.card(asked))[0]["confirm"]["text"]["text"])


def test_card__shows_who_was_requested_if_the_names_differ(snapshot: SnapshotAssertion) -> None:
    asked = request(target_slack_name="Anna Admin")

    assert readable(RENDERER.card(asked)) == snapshot
    assert f"Requested for <@{TOM}> (Slack: Anna Admin)." in RENDERER.card(asked)["text"]
    assert "Requested for Anna Admin in Slack." in dialog(asked)


@pytest.mark.parametrize("state", [one for one in State if one is not State.PENDING])
def test_messages__about_a_decided_request_still_say_who_was_requested(state: State) -> None:
    asked = in_state(state, target_slack_name="Anna Admin")
    for message in (RENDERER.card(asked), RENDERER.outcome(asked)):
        assert "whose name in Slack is another one: Anna Admin." in words(message)
        assert f"<@{TOM}>" in words(message)


@pytest.mark.parametrize("name", ["Tom Target", "Target, Tom", "TOM  TARGET", "T\u00f3m Target", None, ""])
def test_card__does_not_warn_of_an_ordinary_spelling_or_an_unknown_name(name: str | None) -> None:
    asked = request(target_slack_name=name)

    assert SUSPECT not in words(RENDERER.card(asked))
    assert RENDERER.card(asked) == RENDERER.card(request())


def test_card__of_an_action_without_a_target_warns_of_nothing() -> None:
    assert SUSPECT not in words(RENDERER.card(rotation()))


def test_slack_name__goes_into_plain_text_only() -> None:
    asked = request(target_slack_name="<!channel> *Approved* https://evil.example")
    card = RENDERER.card(asked)

    assert "Approved" not in "".join(texts(dict(card, text=""), "mrkdwn"))
    assert "<!channel>" not in card["text"]


def test_slack_name__with_hidden_characters_is_shown_with_a_warning() -> None:
    asked = request(target_slack_name="Tom\u200b Target")

    assert "I removed hidden characters from: Name in Slack." in words(RENDERER.card(asked))
    assert "\u200b" not in words(RENDERER.card(asked))


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"name": "Tom\u202etegraT"}, "I removed hidden characters from: Name."),
        ({"name": "Tom\nState: inactive"}, "I removed hidden characters from: Name."),
        ({"name": "Tom\u0301\u0301\u0301"}, "I removed hidden characters from: Name."),
        (
            {"email": "tom\u200b@example.com", "division": "Sup\x1bport"},
            "I removed hidden characters from: Email, Division.",
        ),
        ({"name": "T\u043em Target"}, "A word mixes letters of several alphabets: Name."),
        ({"email": "tom@ex\u0430mple.com"}, "A word mixes letters of several alphabets: Email."),
        ({"name": " \u3164 "}, "Nothing in it is visible: Name."),
        ({"name": ""}, "Nothing in it is visible: Name."),
        ({"name": "Tom " * 100}, "It is longer than shown: Name."),
    ],
)
def test_card__warns_of_a_name_that_deceives(changes: dict[str, str], warning: str) -> None:
    asked = named(**changes)

    assert warning in words(RENDERER.card(asked))
    assert warning in words(RENDERER.outcome(replace(asked, state=State.REVOKED)))
    assert dialog(asked).endswith("Read the warnings on the card.")


def test_card__with_warnings(snapshot: SnapshotAssertion) -> None:
    asked = named(name="T\u043em\u202e Target", division="\u3164")
    assert readable(RENDERER.card(asked)) == snapshot


@pytest.mark.parametrize(
    ("email", "shown"),
    [("tom@example.com", "tom@example.com"), ("\u3164", TOM_IN_GENESYS.id), (None, TOM_IN_GENESYS.id)],
)
def test_card__of_a_person_without_a_visible_name_shows_the_address_or_id(email: str | None, shown: str) -> None:
    asked = request(target=replace(TOM_IN_GENESYS, name="\u2800", email=email))

    assert f"# Revoke all sessions of {shown}?" in readable(RENDERER.card(asked))
    assert dialog(asked).startswith(shown)


def test_dialog__has_room_for_two_long_names_and_the_warning() -> None:
    asked = replace(named(name="Target " * 50), target_slack_name="Admin " * 50)

    assert dialog(asked).endswith("in Slack. Read the warnings on the card.")
    assert len(dialog(asked)) <= 300


@pytest.mark.parametrize(
    "name",
    [
        "Zo\u00eb M\u00fcller-O'Brien",
        "\u5c71\u7530 \u592a\u90ce",
        "\U0001f469\u200d\U0001f692 Fire",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    ],
)
def test_card__does_not_warn_of_names_in_any_script(name: str) -> None:
    assert SUSPECT not in words(RENDERER.card(named(name=name)))
    assert name in words(RENDERER.card(named(name=name)))
