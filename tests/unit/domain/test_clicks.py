"""Clicks: what is stored can be read again, and only a copy of the card is edited by its url."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.clicks import Click, read_click
from bot.domain.requests import APPROVE, DECLINE, MessageRef
from tests.support.examples import BEN, request

URL = "https://hooks.slack.com/actions/1"
CLICK = Click("request-id", APPROVE, BEN, "T0HOME0001", "key", URL, "T0HOME0001", "1782043200.000100")


def test_payload__has_everything_but_the_ids_of_its_row() -> None:
    assert CLICK.payload == {
        "action": "approve",
        "user_id": BEN,
        "team_id": "T0HOME0001",
        "response_url": URL,
        "installed_in": "T0HOME0001",
        "ts": "1782043200.000100",
        "reason": "",
    }


def test_read_click__reads_a_stored_click() -> None:
    assert read_click("request-id", CLICK.payload) == Click(
        "request-id", "approve", BEN, "T0HOME0001", "", URL, "T0HOME0001", "1782043200.000100"
    )


def test_read_click__reads_the_reason_of_a_decline() -> None:
    declined = Click("request-id", DECLINE, BEN, None, "key", reason="on a call")
    assert read_click("request-id", declined.payload).reason == "on a call"


def test_read_click__of_another_version_may_lack_or_add_keys() -> None:
    found = read_click("request-id", {"action": "cancel", "user_id": BEN, "added_later": 1})

    assert found == Click("request-id", "cancel", BEN, team_id=None, key="")
    assert (found.response_url, found.installed_in, found.ts, found.reason) == (None, None, None, "")


@pytest.mark.parametrize("missing", ["action", "user_id"])
def test_read_click__without_a_clicker_or_an_action_is_an_error(missing: str) -> None:
    payload = {name: value for name, value in CLICK.payload.items() if name != missing}

    with pytest.raises(KeyError, match=missing):
        read_click("request-id", payload)


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, None),
        ({"card": MessageRef("C0OPS00001", "1782043200.000200")}, URL),
        ({"card": MessageRef("C0OPS00001")}, URL),
        ({"card": None}, URL),
    ],
)
def test_copy_url__only_of_a_message_that_is_not_the_card(changes: dict[str, Any], url: str | None) -> None:
    assert CLICK.copy_url(request(**changes)) == url


def test_copy_url__click_without_a_message_is_no_click_on_an_unposted_card() -> None:
    click = Click("request-id", APPROVE, BEN, None, "key", URL)

    assert click.copy_url(request()) == URL
    assert click.copy_url(request(card=None)) == URL
