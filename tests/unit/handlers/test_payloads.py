"""Who typed or clicked, read from what Slack sends, and from what it may leave out."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.payloads import read_click, read_invoker

COMMAND: dict[str, Any] = {
    "command": "/purecloud",
    "user_id": "U0RAVI0001",
    "user_name": "ravi",
    "team_id": "T0HOME0001",
    "channel_id": "C0OPS00001",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    "response_url": "https://hooks.slack.com/commands/1234/5678",
}
PRESS: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0BEN00001", "team_id": "T0HOME0001"},
    "container": {"message_ts": "1.1", "channel_id": "C0OPS00001"},
    "channel": {"id": "C0OTHER001"},
    "message": {"ts": "2.2", "text": "anything", "user": "U0SOMEBODY"},
    "trigger_id": "12466734323.1395872398.b7",
    "response_url": "https://hooks.slack.com/actions/1234/5678",
}
ACTION: dict[str, Any] = {"action_id": "approve", "block_id": "request-other", "value": "request-id"}


def test_read_asker__takes_ids_and_never_names() -> None:
    asker = read_invoker(COMMAND)

    assert (asker.user_id, asker.team_id, asker.channel) == ("U0RAVI0001", "T0HOME0001", "C0OPS00001")
    assert asker.response_url == COMMAND["response_url"]
    assert "ravi" not in str(asker).replace("U0RAVI0001", "")


def test_read_asker__keeps_no_trigger_id_but_knows_a_command_again() -> None:
    key = read_invoker(COMMAND).key

    assert COMMAND["trigger_id"] not in key
    assert key == read_invoker(COMMAND | {"user_name": "renamed"}).key
    assert key != read_invoker(COMMAND | {"trigger_id": "another"}).key
    assert (
        read_invoker(COMMAND | {"trigger_id": None}).key
        != read_invoker(COMMAND | {"trigger_id": None, "text": "x"}).key
    )


def test_read_asker__of_an_empty_command_is_nobody() -> None:
    asker = read_invoker({"command": "/purecloud"})

    assert (asker.user_id, asker.team_id, asker.channel, asker.response_url) == ("", None, "", None)


def test_read_click__takes_only_the_value_from_the_button_and_the_place_from_its_container() -> None:
    click = read_click(PRESS, ACTION)

    assert (click.request_id, click.action) == ("request-id", "approve")
    assert (click.user_id, click.team_id) == ("U0BEN00001", "T0HOME0001")
    assert click.ts == "1.1"
    assert PRESS["trigger_id"] not in str(click)


@pytest.mark.parametrize("missing", [{"container": None}, {"container": "odd"}, {"container": {}}])
def test_read_click__finds_the_place_elsewhere_where_the_container_is_missing(missing: dict[str, Any]) -> None:
    click = read_click(PRESS | missing, ACTION)

    assert click.ts == "2.2"


def test_read_click__of_an_empty_payload_means_no_request_and_nobody() -> None:
    click = read_click({}, {})

    assert (click.request_id, click.action, click.user_id, click.team_id) == ("", "", "", None)
    assert (click.ts, click.response_url) == (None, None)
