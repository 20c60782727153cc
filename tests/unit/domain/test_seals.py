"""Seals: only what the bot stored can be approved and executed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bulk import BulkEntry, BulkSource, EntryFinding, summarize
from bot.domain.people import Person
from bot.domain.requests import EXECUTION_WINDOW, ApprovalSeal, Request, State
from bot.domain.seals import Seals, derive_key
from tests.support.examples import BEN, NOON, OLIVIA, SEALS, TOM_IN_GENESYS, request, rotation, rules, users

OTHER = Person("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4eff", "Other Person")


def approved(*approvers: str, **changes: object) -> Request:
    """Return a request that these people approved, with genuine seals."""
    sealed = SEALS.seal(request(**({"approvals_required": len(approvers), "rules": rules()} | changes)))
    for approver in approvers:
        sealed = SEALS.add_approval(replace(sealed, approvals=(*sealed.approvals, approver)), approver, NOON)
    return replace(sealed, state=State.APPROVED, approved_at=NOON)


CHANGES: dict[str, Callable[[Request], Request]] = {
    "another target": lambda one: replace(one, target=OTHER),
    "no target": lambda one: replace(one, target=None),
    "another action": lambda one: replace(one, action="rotate"),
    "another requester": lambda one: replace(one, requester=BEN),
    "another Slack user of the target": lambda one: replace(one, target_slack_id=BEN),
    "another name in Slack": lambda one: replace(one, target_slack_name="Anna Admin"),
    "another name of the target": lambda one: replace(one, target=replace(TOM_IN_GENESYS, name="Anna Admin")),
    "another email of the target": lambda one: replace(one, target=replace(TOM_IN_GENESYS, email="anna@e.co")),
    "another division of the target": lambda one: replace(one, target=replace(TOM_IN_GENESYS, division="Sales")),
    "another state of the target": lambda one: replace(one, target=replace(TOM_IN_GENESYS, state="inactive")),
    "another reason": lambda one: replace(one, reason="lost laptop"),
    "fewer approvals required": lambda one: replace(one, approvals_required=one.approvals_required - 1),
    "other approvers": lambda one: replace(one, rules=rules(approvers=users("U0FORGED01"))),
    "self-approval": lambda one: replace(one, rules=rules(self_approval=not rules().self_approval)),
    "other admins": lambda one: replace(one, rules=rules(admins=())),
    "no rules": lambda one: replace(one, rules=None),
    "another protection": lambda one: replace(one, target_protected=not one.target_protected),
    "later expiry": lambda one: replace(one, expires_at=one.expires_at + 1),
    "later creation": lambda one: replace(one, created_at=one.created_at + 1),
    "another id": lambda one: replace(one, id="second"),
    "no seal": lambda one: replace(one, seal=None),
    "empty seal": lambda one: replace(one, seal=""),
    "seal of another version": lambda one: replace(one, seal=str(one.seal).removeprefix("2:")),
    "seal that is no code": lambda one: replace(one, seal="2:\u202e"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_request__changed_without_the_key_is_not_intact_and_authorizes_nothing(
    change: Callable[[Request], Request],
) -> None:
    genuine = approved(OLIVIA, BEN)
    assert SEALS.is_intact(genuine)
    assert SEALS.authorizes(genuine, NOON)

    changed = change(genuine)

    assert SEALS.is_intact(changed) is False
    assert SEALS.authorizes(changed, NOON) is False


FORGERIES: dict[str, Callable[[Request], Request]] = {
    "no approval": lambda one: replace(one, approvals=(), approval_seals=()),
    "approval without a seal": lambda one: replace(one, approvals=(OLIVIA, "U0FORGED01")),
    "seal without a key": lambda one: replace(
        one,
        approvals=(OLIVIA, "U0FORGED01"),
        approval_seals=(one.approval_seals[0], ApprovalSeal("U0FORGED01", NOON, "00" * 32)),
    ),
    "another approver's seal": lambda one: replace(
        one,
        approvals=(OLIVIA, "U0FORGED01"),
        approval_seals=(one.approval_seals[0], one.approval_seals[0]._replace(approver="U0FORGED01")),
    ),
    "seal that is no code": lambda one: replace(
        one,
        approval_seals=(ApprovalSeal(OLIVIA, NOON, 7), ApprovalSeal(BEN, NOON, "\u202e")),  # type: ignore[arg-type]
    ),
    "more approvals than required, one of them forged": lambda one: SEALS.seal(
        replace(one, approvals=(OLIVIA, BEN, "U0FORGED01"))
    ),
    "one approver twice": lambda one: replace(one, approvals=(OLIVIA, OLIVIA)),
    "a later time": lambda one: replace(
        one, approval_seals=tuple(seal._replace(at=seal.at + 300) for seal in one.approval_seals)
    ),
    "pending": lambda one: replace(one, state=State.PENDING),
    "cancelled": lambda one: replace(one, state=State.CANCELLED),
    "revoked": lambda one: replace(one, state=State.REVOKED),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_approvals__forged_without_the_key_authorize_nothing(forge: Callable[[Request], Request]) -> None:
    assert SEALS.authorizes(forge(approved(OLIVIA, BEN)), NOON) is False


def test_approval__of_another_request_for_the_same_target_does_not_count() -> None:
    other = approved(OLIVIA, id="second")
    borrowed = replace(approved(OLIVIA), approval_seals=other.approval_seals)

    assert not SEALS.authorizes(borrowed, NOON)


def test_approval__authorizes_for_the_execution_window_only() -> None:
    """A finished request that is set back to approved is not executed again."""
    genuine = approved(OLIVIA)

    assert SEALS.authorizes(genuine, NOON + EXECUTION_WINDOW)
    assert not SEALS.authorizes(genuine, NOON + EXECUTION_WINDOW + 1)
    assert not SEALS.authorizes(replace(genuine, approved_at=NOON + 3600), NOON + 3600)


def test_approval__that_is_older_counts_if_the_last_one_is_recent() -> None:
    later = NOON + 2 * EXECUTION_WINDOW
    both = SEALS.add_approval(replace(approved(OLIVIA, approvals_required=2), approvals=(OLIVIA, BEN)), BEN, later)

    assert SEALS.authorizes(both, later)


def test_forged_approval__is_removed_before_a_decision() -> None:
    half = replace(approved(OLIVIA), approvals=(OLIVIA, "U0FORGED01", OLIVIA))

    assert SEALS.without_forged_approvals(half).approvals == (OLIVIA,)


def test_dropped_approval__takes_its_seal_with_it() -> None:
    both = approved(OLIVIA, BEN)
    after = SEALS.add_approval(replace(both, approvals=(BEN, "U0NEW00001")), "U0NEW00001", NOON)

    assert [one.approver for one in after.approval_seals] == [BEN, "U0NEW00001"]


@given(secret=st.text(min_size=1), other=st.text(min_size=1))
def test_key__of_another_secret_opens_nothing(secret: str, other: str) -> None:
    sealed = Seals(derive_key(secret)).seal(request())

    assert Seals(derive_key(other)).is_intact(sealed) is (secret == other)
    assert secret not in str(sealed.seal) or len(secret) < 3


def test_seal__of_an_earlier_version_is_intact_until_what_it_covers_is_changed() -> None:
    mac = "c3fed3a37c98bb0f647be7de5f861a23ae77bba82228739d7388994e38eff76d"
    earlier = request(seal=mac)

    assert SEALS.is_intact(earlier)
    assert not SEALS.is_intact(replace(earlier, target=OTHER))
    assert str(SEALS.seal(earlier).seal).startswith("2:")


def test_rotation__is_sealed_too() -> None:
    sealed = SEALS.seal(rotation())

    assert SEALS.is_intact(sealed)
    assert not SEALS.is_intact(replace(sealed, target=TOM_IN_GENESYS))


WITHOUT_RULES = "2:b83c491c516db9696bdbd0f3f73a8e77beef8d0a2a8da0356e71668aa8730d85"
"""The seal of the example request by the version before schema 0006, which stored no rules."""


def test_seal__of_a_request_without_rules_is_the_one_of_the_version_before() -> None:
    old = replace(request(), seal=WITHOUT_RULES)

    assert SEALS.seal(request()) == old
    assert SEALS.is_intact(old)
    assert SEALS.authorizes(approved(OLIVIA, rules=None), NOON)


SPELLINGS = {
    "request": (
        request(rules=rules(), target_protected=True),
        "2:5dffb0d4e4f5a7143ed91912ce711c3328dc5aa59ac1715f13940005f0e8161a",
    ),
    "rotation": (rotation(), "2:9ccb407362ac6a992260e587060bd8ff1357917353489567d8972d081f13af9f"),
}
"""Seals that open requests carry. A change of what they cover needs another version of the seal, next to this one."""


@pytest.mark.parametrize(("asked", "seal"), SPELLINGS.values(), ids=SPELLINGS)
def test_seal__keeps_its_spelling(asked: Request, seal: str) -> None:
    assert SEALS.seal(asked).seal == seal


@pytest.mark.parametrize(
    ("asked", "mac"),
    [
        (request(), "696c5908428dc4df92203d96811575f61aba0325846c4aa309484f6b902c508e"),
        (rotation(), "43eb16d7984232f26a9c6bb601d30e9e8dbd517d9f6565057b66ce5633539c8c"),
    ],
)
def test_approval_seal__keeps_its_spelling(asked: Request, mac: str) -> None:
    assert SEALS.add_approval(asked, OLIVIA, NOON).approval_seals == (ApprovalSeal(OLIVIA, NOON, mac),)


@pytest.mark.parametrize("changes", [{"target": OTHER}, {"target": None}, {"action": "rotate"}, {"id": "second"}])
def test_approval_seal__covers_what_was_approved(changes: dict[str, Any]) -> None:
    moved = SEALS.seal(replace(approved(OLIVIA), **changes))

    assert SEALS.without_forged_approvals(moved).approvals == ()
    assert not SEALS.authorizes(moved, NOON)


def test_seal__of_a_request_without_rules_does_not_hide_or_add_rules() -> None:
    assert not SEALS.is_intact(replace(request(rules=rules()), seal=WITHOUT_RULES))
    assert not SEALS.is_intact(replace(SEALS.seal(request(rules=rules())), rules=None))


def test_is_intact__covers_the_list_of_a_bulk_request() -> None:
    listed = summarize(BulkSource.LIST, [BulkEntry("tom", EntryFinding.FOUND, TOM_IN_GENESYS)])
    sealed = SEALS.seal(request(target=None, bulk=listed))
    assert SEALS.is_intact(sealed)
    assert not SEALS.is_intact(replace(sealed, bulk=replace(listed, digest="another")))
    assert not SEALS.is_intact(replace(sealed, bulk=None))


PAYLOAD = {"action": "approve", "user_id": "U0BEN00001", "response_url": None}


def test_seal_input__adds_a_seal_and_keeps_the_payload() -> None:
    sealed = SEALS.seal_input("click", "first", NOON, PAYLOAD)
    assert {name: value for name, value in sealed.items() if name != "seal"} == PAYLOAD
    assert SEALS.is_genuine_input("click", "first", NOON, sealed)
    assert sealed["seal"] == SEALS.seal_input("click", "first", NOON, dict(reversed(PAYLOAD.items())))["seal"]


def test_is_genuine_input__only_with_the_key_and_for_what_was_stored() -> None:
    sealed = SEALS.seal_input("click", "first", NOON, PAYLOAD)
    assert not SEALS.is_genuine_input("command", "first", NOON, sealed)
    assert not SEALS.is_genuine_input("click", "second", NOON, sealed)
    assert not SEALS.is_genuine_input("click", "first", NOON + 1, sealed)
    assert not SEALS.is_genuine_input("click", "first", NOON, sealed | {"user_id": "U0EVE00001"})
    assert not SEALS.is_genuine_input("click", "first", NOON, sealed | {"more": 1})
    assert not Seals(b"another key").is_genuine_input("click", "first", NOON, sealed)


@pytest.mark.parametrize("seal", [None, "", 7, [], {"seal": 1}, "\ud800"])
def test_is_genuine_input__never_for_a_seal_of_another_form(seal: object) -> None:
    assert not SEALS.is_genuine_input("click", "first", NOON, PAYLOAD | {"seal": seal})
    assert not SEALS.is_genuine_input("click", "first", NOON, PAYLOAD)


def test_seal_input__is_stable_so_that_waiting_clicks_stay_genuine() -> None:
    assert SEALS.seal_input("click", "first", 1_000, PAYLOAD) == SEALS.seal_input("click", "first", 1_000.0, PAYLOAD)
    assert (
        Seals(b"key").seal_input("click", "first", 1_000.0, {"a": 1})["seal"]
        == "bac4cc39fd2d1f7ef8b661b2e8055d1003cb438a09194fe45e984a70db8df29c"
    )
