"""Commands: what is stored can be read again, also what another version stored."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.commands import Invoker, RequestCommand, TargetRef, read_command
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
