"""Commands: what is stored can be read again, also what another version stored."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.bulk import BulkSource
from bot.domain.commands import Invoker, PeopleRef, RequestCommand, TargetRef, read_command
from bot.domain.denials import DenialCode, Denied
from tests.support.examples import RAVI, TOM

INVOKER = Invoker(RAVI, "T0HOME0001", "C0OPS00001", "key", "https://hooks.slack.com/commands/1")
STORED_INVOKER = {
    "user_id": RAVI,
    "team_id": "T0HOME0001",
    "channel": "C0OPS00001",
    "key": "key",
    "response_url": "https://hooks.slack.com/commands/1",
}


def test_payload__has_everything() -> None:
    command = RequestCommand("revoke", INVOKER, TargetRef(TOM, "tom@example.com", "genesys-id"), "laptop stolen")

    assert command.payload == {
        "action": "revoke",
        "invoker": STORED_INVOKER,
        "target": {"slack_user_id": TOM, "email": "tom@example.com", "genesys_user_id": "genesys-id"},
        "reason": "laptop stolen",
        "problem": None,
    }
    assert read_command(command.payload) == command


def test_payload__without_a_target_or_reason() -> None:
    command = RequestCommand("rotate", INVOKER)

    assert (command.target, command.reason, command.problem) == (None, "", None)
    assert command.payload == {
        "action": "rotate", "invoker": STORED_INVOKER, "target": None, "reason": "", "problem": None,
    }  # fmt: skip
    assert read_command(command.payload) == command


def test_payload__keeps_what_is_wrong_with_the_input() -> None:
    problem = Denied(DenialCode.TARGET_IS_A_PLAIN_NAME, name="tom")
    payload = RequestCommand("revoke", INVOKER, problem=problem).payload
    found = read_command(payload).problem

    assert payload["problem"] == {"code": "target_is_a_plain_name", "params": {"name": "tom"}}
    assert found
    assert (found.reason, found.params) == (DenialCode.TARGET_IS_A_PLAIN_NAME, {"name": "tom"})


def test_read_command__of_another_version_may_lack_or_add_keys() -> None:
    found = read_command(
        {
            "action": "revoke",
            "invoker": {"user_id": RAVI, "key": "key", "added_later": 1},
            "target": {"email": "tom@example.com", "added_later": 1},
            "added_later": 1,
        }
    )

    assert found == RequestCommand(
        "revoke", Invoker(RAVI, team_id=None, channel="", key="key"), TargetRef(email="tom@example.com")
    )
    assert (found.invoker.response_url, found.problem) == (None, None)


@pytest.mark.parametrize("change", [{"channel": None}, {"channel": ""}])
def test_read_command__has_an_empty_channel_where_slack_named_none(change: dict[str, Any]) -> None:
    found = read_command({"action": "rotate", "invoker": STORED_INVOKER | change, "reason": None})

    assert (found.invoker.channel, found.reason) == ("", "")


def test_payload__names_many_people_by_each_source() -> None:
    targets = (TargetRef(slack_user_id=TOM), TargetRef(email="ann@example.com"), TargetRef(genesys_user_id="id"))
    for people in (
        PeopleRef(BulkSource.MENTIONS, targets=targets),
        PeopleRef(BulkSource.QUEUE, name="Billing"),
        PeopleRef(BulkSource.LIST, text="tom@example.com"),
        PeopleRef(BulkSource.FILE, file_id="F0LIST0001"),
        PeopleRef(BulkSource.RETRY, request_id="earlier"),
    ):
        command = RequestCommand("revoke-many", INVOKER, people=people)
        assert read_command(command.payload) == command
    assert PeopleRef(BulkSource.LIST) == PeopleRef(BulkSource.LIST, (), "", "", "", "")


def test_payload__of_many_people_keeps_its_form() -> None:
    people = PeopleRef(BulkSource.MENTIONS, (TargetRef(slack_user_id=TOM),), "a name", "a text", "a file", "a request")
    assert RequestCommand("revoke-many", INVOKER, people=people).payload["people"] == {
        "source": "mentions", "targets": ({"slack_user_id": TOM, "email": None, "genesys_user_id": None},),
        "name": "a name", "text": "a text", "file_id": "a file", "request_id": "a request",
    }  # fmt: skip
    assert "people" not in RequestCommand("revoke", INVOKER).payload


def test_read_command__reads_people_that_another_version_stored() -> None:
    target = {"slack_user_id": TOM, "email": None, "added_later": 1}
    stored = {"source": "mentions", "targets": [target], "name": 7, "text": "", "file_id": "", "request_id": ""}
    found = read_command(RequestCommand("revoke-many", INVOKER).payload | {"people": stored})
    assert found.people == PeopleRef(BulkSource.MENTIONS, (TargetRef(slack_user_id=TOM),), "7")
