"""Next steps: a line that requests the same again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.actions import REVOKE
from bot.domain.commands import TargetRef
from bot.domain.requests import State
from bot.services.reasons import stored_reason
from handlers.targets import read_request
from handlers.ui.next_steps import command
from handlers.verbs import read_verb
from tests.support.corpus import read_corpus
from tests.support.examples import TOM_IN_GENESYS, rotation
from tests.support.sample_outcomes import in_state
from tests.support.stub_services import INVOKER

EMAIL = TargetRef(email="tom.target@example.com")


def read(line: str) -> tuple[TargetRef | None, str]:
    """Return the person and the reason that the bot reads in a line."""
    found = read_request(REVOKE, INVOKER, read_verb(line.removeprefix("/purecloud")).line)
    assert found.problem is None
    return found.target, found.reason


def test_command__names_the_address_and_keeps_the_reason() -> None:
    asked = in_state(State.FAILED, reason="laptop stolen")
    assert command(asked) == "/purecloud revoke tom.target@example.com laptop stolen"
    assert command(rotation()) == "/purecloud rotate"


@pytest.mark.parametrize("email", [None, "", "t\u043em@example.com", "tom target@example.com", "<tom@example.com>"])
def test_command__names_the_id_of_a_person_without_a_plain_address(email: str | None) -> None:
    asked = in_state(State.FAILED, target=replace(TOM_IN_GENESYS, email=email))
    assert command(asked) == f"/purecloud revoke {TOM_IN_GENESYS.id}"


@pytest.mark.parametrize("reason", ["ask ben@example.com", "@ben saw it"])
def test_command__leaves_out_a_reason_that_names_people(reason: str) -> None:
    """The modal accepts such a reason. In a line, the bot would read a second person."""
    assert command(in_state(State.FAILED, reason=reason)) == "/purecloud revoke tom.target@example.com"


@pytest.mark.parametrize("line", sorted({one.line for one in read_corpus()}))
def test_command__is_read_as_the_same_request(line: str) -> None:
    """For the reason of every line that people type."""
    found = read_request(REVOKE, INVOKER, read_verb(line).line)
    reason = stored_reason(found.reason)
    target, again = read(command(in_state(State.FAILED, reason=reason)))
    assert target == EMAIL
    assert again == ("" if "@" in reason else reason)
