"""Rules: their stored form is canonical, and leaves what only a newer version knows to that version."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.principals import Principal, PrincipalKind, parse_principals
from bot.domain.rules import ALWAYS_STORED, Rules, UnknownRule, differences, read_rules, to_json
from tests.support.examples import BEN, OLIVIA, RAVI, TOM, users

EVERY_KIND = parse_principals("U0BEN00001, S0TOKENAPP, role:Token Admin, permission:oauth:token:delete")

RULES = Rules(EVERY_KIND, users(RAVI), users(OLIVIA), users(TOM), self_approval=False, approvals_required=2)

TEXT = (
    '{"admins":["U0OLIVIA01"],"approvals_required":2,'
    '"approvers":["S0TOKENAPP","U0BEN00001","permission:oauth:token:delete","role:Token Admin"],'
    '"protected":["U0TOM00001"],"protected_approvals":2,"requesters":["U0RAVI0001"],"self_approval":false}'
)
"""How rows of earlier versions spell `RULES`; seals of open requests cover it."""

WORDS = st.text(st.characters(exclude_characters=":,", exclude_categories=("Z", "C")), min_size=1)
IDS = st.from_regex(r"[A-Z0-9]{2,8}", fullmatch=True)
PRINCIPALS = st.one_of(
    st.builds(lambda prefix, rest: Principal(PrincipalKind.USER, prefix + rest), st.sampled_from("UW"), IDS),
    st.builds(lambda rest: Principal(PrincipalKind.GROUP, f"S{rest}"), IDS),
    st.builds(Principal, st.just(PrincipalKind.ROLE), WORDS),
)
LISTS = st.lists(PRINCIPALS, max_size=4, unique=True).map(lambda found: tuple(sorted(found, key=str)))
ANY_RULES = st.builds(
    Rules, LISTS, LISTS, LISTS, LISTS, st.booleans(), approvals_required=st.integers(1, 5),
    protected_approvals=st.integers(1, 5),
)  # fmt: skip


def test_effective_requesters__are_the_approvers_if_none_are_set() -> None:
    assert Rules(approvers=users(BEN)).effective_requesters == users(BEN)
    assert Rules(approvers=users(BEN), requesters=users(RAVI)).effective_requesters == users(RAVI)


def test_required__is_another_number_for_a_protected_target() -> None:
    held = Rules(approvers=(), approvals_required=3, protected_approvals=4)

    assert (held.required(protected=False), held.required(protected=True)) == (3, 4)


def test_to_json__keeps_its_spelling() -> None:
    assert to_json(RULES) == TEXT
    assert set(json.loads(TEXT)) == ALWAYS_STORED


@given(ANY_RULES)
def test_read_rules__returns_what_was_stored(held: Rules) -> None:
    assert read_rules(to_json(held)) == held
    assert differences(held, read_rules(to_json(held))) == []


@given(ANY_RULES, ANY_RULES)
def test_to_json__is_the_same_for_the_same_rules_only(one: Rules, other: Rules) -> None:
    assert (to_json(one) == to_json(other)) is (one == other) is (differences(one, other) == [])


def test_to_json__ignores_the_order_of_principals_and_repetitions() -> None:
    shuffled = replace(RULES, approvers=(*EVERY_KIND[::-1], EVERY_KIND[0]))

    assert to_json(shuffled) == to_json(RULES)
    assert differences(shuffled, RULES) == []


def test_differences__name_the_settings() -> None:
    other = replace(RULES, self_approval=True, approvers=users(BEN), protected_approvals=3)

    assert differences(RULES, other) == ["APPROVERS", "PROTECTED_APPROVALS", "SELF_APPROVAL"]


def test_read_rules__takes_the_defaults_for_fields_that_an_earlier_version_did_not_know() -> None:
    assert read_rules('{"approvers":["U0BEN00001"]}') == Rules(users(BEN))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"approvers":[],"vetoers":[],"weather":1}', "vetoers"),
        ('{"approvers":["division:sales"]}', "division:sales"),
    ],
)
def test_read_rules__leaves_what_only_a_newer_version_knows(text: str, name: str) -> None:
    with pytest.raises(UnknownRule, match=f"^{name}$"):
        read_rules(text)


DAMAGED: list[Any] = [
    None, [], "x", {}, {"approvers": None}, {"approvers": "U0BEN00001"}, {"approvers": [1]}, {"approvers": {}},
    {"approvers": [], "self_approval": 1}, {"approvers": [], "self_approval": []},
    {"approvers": [], "approvals_required": "2"}, {"approvers": [], "approvals_required": True},
    {"approvers": [], "protected_approvals": 2.0}, {"approvers": [], "protected_approvals": None},
]  # fmt: skip


@pytest.mark.parametrize("stored", DAMAGED)
def test_read_rules__that_are_damaged_is_an_error(stored: Any) -> None:
    with pytest.raises(TypeError):
        read_rules(json.dumps(stored))


@pytest.mark.parametrize("text", ["", "{", "null x"])
def test_read_rules__that_are_no_json_is_an_error(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_rules(text)


@dataclass(frozen=True, slots=True)
class LaterRules(Rules):
    """The rules of a newer version, with a field that this one does not know."""

    vetoers: tuple[Principal, ...] = ()


def test_to_json__leaves_a_later_field_out_while_it_has_its_default() -> None:
    later = LaterRules(users(BEN))

    assert to_json(later) == to_json(Rules(users(BEN)))
    assert json.loads(to_json(replace(later, vetoers=users(OLIVIA))))["vetoers"] == [OLIVIA]
    assert differences(replace(later, vetoers=users(OLIVIA)), Rules(users(BEN))) == ["VETOERS"]


def test_break_glass__is_stored_only_if_it_names_people() -> None:
    assert "break_glass" not in to_json(Rules(users(BEN)))
    rules = Rules(users(BEN), break_glass=users(OLIVIA))
    assert json.loads(to_json(rules))["break_glass"] == [OLIVIA]
    assert read_rules(to_json(rules)) == rules


@pytest.mark.parametrize("self_approval", [True, False])
@pytest.mark.parametrize("protected", [True, False])
@pytest.mark.parametrize("required", [1, 2])
def test_requester_counts__only_alone_and_for_no_protected_person(
    self_approval: bool, protected: bool, required: int
) -> None:
    rules = Rules((), self_approval=self_approval)
    counts = rules.requester_counts(required, protected=protected)
    assert counts == (self_approval and not protected and required == 1)
