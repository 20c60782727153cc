"""Every value of the domain is immutable, and every stored word keeps its spelling."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, is_dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any

import pytest

from bot import domain
from bot.domain.audit import EventType
from bot.domain.bulk import BULK_AGAIN, BULK_PAUSE, BULK_RESUME, BULK_STOP, CALLS_UNKNOWN, IN_CALL
from bot.domain.commands import TargetRef
from bot.domain.people import Actor, Grants, Member, Person, Workspace
from bot.domain.policy import Verdict
from bot.domain.principals import PrincipalKind
from bot.domain.requests import APPROVE, CANCEL, EXECUTION_WINDOW, Event, MessageRef, Request, State
from bot.domain.rules import Rules
from tests.support.examples import NOON


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(domain.__path__, "bot.domain."):
        yield importlib.import_module(found.name)


DATACLASSES = [
    value
    for module in modules()
    for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
]

WORDS = [
    value
    for module in modules()
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, StrEnum) and value.__module__ == module.__name__
]

AREAS = {"", "request", "click", "token", "bulk", "watch", "bot", "log"}
"""What may precede the colon of an event."""

VALUES = {
    "Action", "Actor", "AuditEvent", "Click", "Grants", "Invoker", "Member", "MessageRef", "Person", "Principal",
    "Request", "RequestCommand", "Rules", "TargetRef", "Verdict", "Workspace",
}  # fmt: skip


def test_values__are_dataclasses() -> None:
    assert {value.__name__ for value in DATACLASSES} >= VALUES


@pytest.mark.parametrize("value", DATACLASSES)
def test_values__cannot_be_changed(value: type) -> None:
    instance: Any = object.__new__(value)

    for field in fields(instance):
        with pytest.raises(FrozenInstanceError):
            setattr(instance, field.name, None)
    assert "__dict__" not in dir(value)


def test_values__have_no_rights_by_default() -> None:
    member = Member("U0RAVI0001", "T0HOME0001", "Ravi Rao")
    rules = Rules(approvers=())

    assert (member.email, member.email_confirmed, member.enterprise_id) == (None, True, None)
    assert (member.deleted, member.bot, member.guest, member.stranger) == (False, False, False, False)
    assert Grants() == Grants(frozenset(), frozenset(), frozenset(), frozenset())
    assert Actor(member) == Actor(member, None, frozenset(), frozenset(), Grants(), ())
    assert (rules.requesters, rules.admins, rules.protected, rules.self_approval) == ((), (), (), True)
    assert (Verdict().rule, Verdict().reason, Verdict().unverified) == (None, None, ())


def test_values__are_unknown_by_default() -> None:
    person, workspace, target = (
        Person("id", "Tom Target"),
        Workspace("T0HOME0001", "Example", "U0BOT00001"),
        TargetRef(),
    )

    assert (person.email, person.division, person.state) == (None, None, None)
    assert (workspace.enterprise_id, workspace.app_id) == (None, None)
    assert (target.slack_user_id, target.email, target.genesys_user_id) == (None, None, None)


def test_request__is_undecided_by_default() -> None:
    asked = Request("id", "7K3M9QX", "revoke", "U0RAVI0001", "C0OPS00001", NOON, NOON + 900)

    assert (asked.state, asked.revision, asked.approvals, asked.approvals_required) == (State.PENDING, 1, (), 1)
    assert (asked.target, asked.target_slack_id, asked.card, asked.reason) == (None, None, None, "")
    assert asked.dropped == ()
    assert MessageRef("C0OPS00001").ts is None
    assert (asked.decided_by, asked.approved_at, asked.finished_at, asked.outcome) == (None, None, None, {})


def test_stored_words__keep_their_spelling() -> None:
    """Rows of earlier versions contain these words, and cards contain the names of the buttons."""
    assert {str(one) for one in State} >= {
        "pending", "approved", "revoked", "refused", "failed", "unknown", "cancelled", "expired",
    }  # fmt: skip
    assert {str(one) for one in Event} >= {
        "add_approval", "approve", "cancel", "expire", "succeed", "refuse", "fail", "lose_track",
    }  # fmt: skip
    assert {str(one) for one in EventType} >= {
        "request:asked", "request:ask_refused", "request:signed", "request:approved", "request:cancelled",
        "request:expired", "click:refused", "click:stale", "token:attempt_failed", "token:revoked", "token:refused",
        "token:failed", "token:unknown", "request:approval_dropped",
    }  # fmt: skip
    assert [str(one) for one in PrincipalKind] == ["user", "group", "role", "permission"]
    assert (APPROVE, CANCEL) == ("approve", "cancel")


@pytest.mark.parametrize("words", WORDS)
def test_stored_words__follow_from_their_names(words: type[StrEnum]) -> None:
    spelled_otherwise = {
        "REQUESTED", "REQUEST_DENIED", "APPROVAL_ADDED", "APPROVAL_DROPPED", "CLICK_DENIED", "CLICK_STALE",
        "ATTEMPT_FAILED", "BULK_PAUSED", "BULK_RESUMED", "BULK_STOPPED",
    }  # fmt: skip

    for word in words:
        area, _, name = word.value.rpartition(":")
        assert area in AREAS
        if word.name not in spelled_otherwise:
            assert word.name.lower() in (name, f"{area}_{name}")


def test_words_outside_of_enumerations__keep_their_spelling() -> None:
    """Stored details and the buttons of posted cards contain them."""
    assert (IN_CALL, CALLS_UNKNOWN) == ("in_call", "calls_unknown")
    assert (BULK_PAUSE, BULK_RESUME, BULK_STOP, BULK_AGAIN) == ("bulk_pause", "bulk_resume", "bulk_stop", "bulk_again")


def test_limits__are_the_documented_ones() -> None:
    assert EXECUTION_WINDOW == 600
    assert (Rules(()).approvals_required, Rules(()).protected_approvals) == (1, 2)
