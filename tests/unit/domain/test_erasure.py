"""What an erasure replaces in a row of the audit log, and what it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import ERASED
from bot.domain.erasure import CODES, Erasure, parse_person_id
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, TOM_IN_GENESYS

TOM = TOM_IN_GENESYS.id
NAME = "erased-1a2b3c4d"
ERASURE = Erasure(frozenset({TOM, "U0TOM00001"}), NAME)


def row(actor: str = RAVI, target: str | None = TOM, **detail: Any) -> AuditEvent:
    return AuditEvent(NOON, EventType.REQUESTED, actor, "7K3M9QX", "request-id", target, detail)


def test_row__about_the_person_keeps_codes_and_loses_texts() -> None:
    erased = ERASURE.event(
        row(kind="revoke", needed=1, reason="stolen", live={"presence": "busy"}, status=200, problem=None, place="")
    )
    assert (erased.actor, erased.target, erased.salt) == (RAVI, NAME, ERASED)
    assert (erased.at, erased.tag, erased.reference, erased.request_id) == (
        NOON, EventType.REQUESTED, "7K3M9QX", "request-id",
    )  # fmt: skip
    assert erased.detail == {
        "kind": "revoke", "needed": 1, "reason": ERASED, "live": ERASED, "status": 200, "problem": None, "place": "",
    }  # fmt: skip


KEPT = (
    "action attempts code continues_at correlation_id dry_run expires_at kind limit needed permission possible_at state"
    " status ttl uncertain unchanged waits"
)


def test_row__keeps_the_parameters_that_say_what_happened() -> None:
    assert frozenset(KEPT.split()) == CODES
    assert ERASURE.parameters(dict.fromkeys(CODES, "x")) == dict.fromkeys(CODES, "x")


def test_row__about_the_person_keeps_what_is_erased_already() -> None:
    detail = {"reason": ERASED, "place": "", "place_id": ERASED, "note": "not_an_approver", "count": 7, "on": True}
    expected = detail | {"note": ERASED, "count": ERASED, "on": ERASED}
    assert ERASURE.parameters(detail) == expected


def test_names__an_id_anywhere_in_a_text() -> None:
    assert all(ERASURE.names(one) for one in ("<@U0TOM00001>", TOM))
    assert not any(ERASURE.names(one) for one in ("U0TOM0000", "", None))
    assert not Erasure(frozenset({"mutant"}), NAME).names(None)


def test_row__of_which_the_person_is_the_actor_loses_the_id() -> None:
    erased = ERASURE.event(row(actor="U0TOM00001", target=None, kind="revoke"))
    assert (erased.actor, erased.target, erased.detail, erased.salt) == (NAME, None, {"kind": "revoke"}, ERASED)


@pytest.mark.parametrize(
    ("reason", "kept"), [("not_an_approver", "not_an_approver"), ("tom left us", ERASED), (7, ERASED)]
)
def test_reason__of_a_denial_is_a_code_and_stays(reason: Any, kept: str) -> None:
    assert ERASURE.event(row(actor="U0TOM00001", target=None, reason=reason)).detail == {"reason": kept}


def test_row__of_another_person_keeps_its_texts_and_loses_the_ids() -> None:
    rules = {"approvers": ["U0TOM00001", BEN], "U0TOM00001": 1, "self_approval": True}
    erased = ERASURE.event(row(target=None, rules=rules, reason="as <@U0TOM00001> said"))
    assert erased.detail == {
        "rules": {"approvers": [NAME, BEN], NAME: 1, "self_approval": True}, "reason": f"as <@{NAME}> said",
    }  # fmt: skip


def test_row__of_a_request_about_the_person_loses_what_others_wrote() -> None:
    erased = ERASURE.event(row(actor=OLIVIA, target=None, reason="tom left us"), about=True)
    assert (erased.actor, erased.detail) == (OLIVIA, {"reason": ERASED})


def test_row__that_does_not_name_the_person_is_unchanged() -> None:
    other = row(actor=OLIVIA, target=None, reason="laptop stolen")
    assert ERASURE.event(other) is other
    assert other.salt is None


@pytest.mark.parametrize("tag", [EventType.ERASED, EventType.KEY_CHANGED])
def test_row__about_the_log_is_unchanged(tag: EventType) -> None:
    event = AuditEvent(NOON, tag, "operator", detail={"person": "erased-9", "rows": [[1, "U0TOM00001"]]})
    assert ERASURE.event(event, about=True) is event


def test_erasure__twice_changes_nothing_more() -> None:
    once = ERASURE.event(row(reason="stolen", kind="revoke"))
    assert ERASURE.event(once) == once


@pytest.mark.parametrize("text", ["U0TOM00001", f" {TOM} "])
def test_person__is_named_by_an_id(text: str) -> None:
    assert parse_person_id(text) == text.strip()


@pytest.mark.parametrize("text", ["", "tom", "U0TOM%0001", "tom@example.com", "' OR 1 = 1 --", "U" * 65])
def test_person__is_not_named_otherwise(text: str) -> None:
    with pytest.raises(ValueError, match=r"^['\"].*['\"] is neither a Slack user id nor a Genesys Cloud user id$"):
        parse_person_id(text)
