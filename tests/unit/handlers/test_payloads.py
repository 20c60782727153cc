"""Payloads: who did what, even if Slack leaves out optional fields."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.payloads import read_click, read_invoker, read_submitter, read_visitor

COMMAND: dict[str, Any] = {
    "command": "/purecloud",
    "user_id": "U0RAVI0001",
    "user_name": "ravi",
    "team_id": "T0HOME0001",
    "channel_id": "C0OPS00001",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    "response_url": "https://hooks.slack.com/commands/1234/5678",
}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0BEN00001", "team_id": "T0HOME0001"},
    "container": {"message_ts": "1.1", "channel_id": "C0OPS00001"},
    "channel": {"id": "C0OTHER001"},
    "message": {"ts": "2.2", "text": "anything", "user": "U0SOMEBODY"},
    "trigger_id": "12466734323.1395872398.b7",
    "response_url": "https://hooks.slack.com/actions/1234/5678",
}
ACTION: dict[str, Any] = {"action_id": "approve", "block_id": "request-other", "value": "request-id"}


def test_read_invoker__reads_ids_and_never_names() -> None:
    invoker = read_invoker(COMMAND)

    assert (invoker.user_id, invoker.team_id, invoker.channel) == ("U0RAVI0001", "T0HOME0001", "C0OPS00001")
    assert invoker.response_url == COMMAND["response_url"]
    assert "ravi" not in str(invoker).replace("U0RAVI0001", "")


def test_read_invoker__key_identifies_a_command_without_its_trigger_id() -> None:
    key = read_invoker(COMMAND).key

    assert COMMAND["trigger_id"] not in key
    assert key == read_invoker(COMMAND | {"user_name": "renamed"}).key
    assert key != read_invoker(COMMAND | {"trigger_id": "another"}).key
    assert (
        read_invoker(COMMAND | {"trigger_id": None}).key
        != read_invoker(COMMAND | {"trigger_id": None, "text": "x"}).key
    )


def test_read_invoker__empty_command_has_empty_ids() -> None:
    invoker = read_invoker({"command": "/purecloud"})

    assert (invoker.user_id, invoker.team_id, invoker.channel, invoker.response_url) == ("", None, "", None)


def test_read_click__reads_the_value_and_the_message_from_the_container() -> None:
    click = read_click(CLICK, ACTION)

    assert (click.request_id, click.action) == ("request-id", "approve")
    assert (click.user_id, click.team_id) == ("U0BEN00001", "T0HOME0001")
    assert click.ts == "1.1"
    assert CLICK["trigger_id"] not in str(click)


@pytest.mark.parametrize("missing", [{"container": None}, {"container": "odd"}, {"container": {}}])
def test_read_click__reads_the_message_without_a_container(missing: dict[str, Any]) -> None:
    click = read_click(CLICK | missing, ACTION)

    assert click.ts == "2.2"


def test_read_click__bounds_the_request_id() -> None:
    """PostgreSQL cannot index a very long one, so the click could not be stored."""
    assert read_click(CLICK, ACTION | {"value": "é" * 100_000}).request_id == "é" * 100


def test_read_click__empty_payload_has_empty_ids() -> None:
    click = read_click({}, {})

    assert (click.request_id, click.action, click.user_id, click.team_id) == ("", "", "", None)
    assert (click.ts, click.response_url) == (None, None)


def test_read_submitter__reads_the_user_and_the_channel_of_the_modal() -> None:
    user = {"id": "U0BEN00001", "team_id": "T0HOME0001"}
    submission = {"type": "view_submission", "user": user, "view": {"id": "V1", "private_metadata": "C0OPS00001"}}
    invoker = read_submitter(submission)

    assert (invoker.user_id, invoker.team_id, invoker.channel) == ("U0BEN00001", "T0HOME0001", "C0OPS00001")
    assert invoker.response_url is None
    assert invoker.key == read_submitter(submission | {"trigger_id": "another"}).key, "a view is submitted once"
    assert invoker.key != read_submitter(submission | {"view": {"id": "V2"}}).key


def test_read_visitor__reads_the_user_of_the_event() -> None:
    visitor = read_visitor({"team_id": "T0HOME0001", "event": {"type": "app_home_opened", "user": "U0BEN00001"}})

    assert (visitor.user_id, visitor.team_id, visitor.channel) == ("U0BEN00001", "T0HOME0001", "")
