"""Slack members: who belongs to the workspace, and how `users.info` is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.people import Person, comparable_email, other_spelling, read_member, same_person
from tests.support.examples import BEN, GRID, RAVI, WORKSPACE, member


@pytest.mark.parametrize(
    ("changes", "workspace", "belongs"),
    [
        ({}, WORKSPACE, True),
        ({"team_id": "T0OTHER001"}, WORKSPACE, False),
        ({"team_id": ""}, WORKSPACE, False),
        ({"stranger": True}, WORKSPACE, False),
        ({"team_id": "T0OTHER001", "enterprise_id": "E0GRID0001"}, WORKSPACE, False),
        ({"team_id": "T0OTHER001", "enterprise_id": "E0GRID0001"}, GRID, True),
        ({"team_id": "E0GRID0001"}, GRID, True),
        ({"team_id": "T0OTHER001", "enterprise_id": "E0OTHER001"}, GRID, False),
        ({"team_id": "T0OTHER001"}, GRID, False),
        ({"team_id": "", "enterprise_id": ""}, GRID, False),
        ({"enterprise_id": "E0GRID0001", "stranger": True}, GRID, False),
        ({"team_id": "T0OTHER001", "enterprise_id": ""}, replace(WORKSPACE, enterprise_id=""), False),
        ({"team_id": "T0OTHER001", "enterprise_id": None}, WORKSPACE, False),
    ],
)
def test_belongs_to__workspace_or_its_grid(changes: dict[str, Any], workspace: Any, belongs: bool) -> None:
    assert member(**changes).belongs_to(workspace) is belongs


def test_read_member__reads_users_info() -> None:
    found = read_member(
        {
            "id": "U0RAVI0001",
            "team_id": "T0HOME0001",
            "name": "ravi",
            "is_email_confirmed": True,
            "enterprise_user": {"enterprise_id": "E0GRID0001"},
            "profile": {"real_name": "Ravi Rao", "display_name": "rr", "email": "ravi.rao@example.com"},
        }
    )

    assert found == member(name="Ravi Rao", email="ravi.rao@example.com", enterprise_id="E0GRID0001")


def test_read_member__finds_the_organization_of_a_stranger_too() -> None:
    assert read_member({"enterprise_id": "E0GRID0001"}).enterprise_id == "E0GRID0001"
    assert read_member({"enterprise_id": "E0", "enterprise_user": {"enterprise_id": "E1"}}).enterprise_id == "E1"


@pytest.mark.parametrize("email", [5, True, ["ravi.rao@example.com"], {}, ""])
def test_read_member__email_that_is_no_text_does_not_count(email: object) -> None:
    assert read_member({"profile": {"email": email}}).email is None


def test_read_member__empty_response_has_no_rights() -> None:
    empty = read_member({})

    assert (empty.id, empty.team_id, empty.name, empty.email) == ("", "", "", None)
    assert not empty.belongs_to(WORKSPACE)
    assert read_member({"profile": None, "enterprise_user": None, "team_id": None}) == empty


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"name": "ravi", "real_name": "Ravi", "profile": {"real_name": "Ravi Rao", "display_name": "rr"}}, "Ravi Rao"),
        ({"name": "ravi", "real_name": "Ravi", "profile": {"real_name": "", "display_name": "rr"}}, "Ravi"),
        ({"name": "ravi", "profile": {"display_name": "rr"}}, "rr"),
        ({"name": "ravi", "profile": {"display_name": ""}}, "ravi"),
    ],
)
def test_read_member__uses_the_visible_name(user: dict[str, Any], name: str) -> None:
    assert read_member(user).name == name


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ({"deleted": True}, "deleted"),
        ({"is_bot": True}, "bot"),
        ({"is_app_user": True}, "bot"),
        ({"is_workflow_bot": True}, "bot"),
        ({"id": "USLACKBOT"}, "bot"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "stranger"),
    ],
)
def test_read_member__marks_bots_guests_and_strangers(user: dict[str, Any], what: str) -> None:
    found = read_member(user)

    assert [name for name in ("deleted", "bot", "guest", "stranger") if getattr(found, name)] == [what]


@pytest.mark.parametrize(("user", "confirmed"), [({"is_email_confirmed": False}, False), ({}, True)])
def test_read_member__email_is_unconfirmed_only_if_slack_says_so(user: dict[str, Any], confirmed: bool) -> None:
    assert read_member(user).email_confirmed is confirmed
    assert read_member(user | {"profile": {"email": ""}}).email is None


def test_member__has_one_canonical_id_among_all_ids() -> None:
    alone, moved = member(), member(enterprise_user_id="W0RAVI0001", asked_id="U0RAVIOLD1")

    assert (alone.canonical_id, alone.ids) == ("U0RAVI0001", frozenset({"U0RAVI0001"}))
    assert moved.canonical_id == "W0RAVI0001"
    assert moved.ids == {"U0RAVI0001", "W0RAVI0001", "U0RAVIOLD1"}
    assert member("", asked_id="", enterprise_user_id="").ids == set()


def test_read_member__reads_the_id_in_the_organization() -> None:
    assert read_member({"enterprise_user": {"id": "W0RAVI0001"}}).enterprise_user_id == "W0RAVI0001"
    assert read_member({"id": "U0RAVI0001"}).enterprise_user_id is None


@pytest.mark.parametrize(
    ("email", "confirmed", "compared"),
    [
        (" Ravi.Rao@Example.COM ", True, "ravi.rao@example.com"),
        ("STRASSE@example.com", True, "strasse@example.com"),
        ("straße@example.com", True, "strasse@example.com"),
        ("ravi.rao@example.com", False, None),
        (None, True, None),
        ("", True, None),
    ],
)
def test_confirmed_email__compares_without_case_and_spaces(
    email: str | None, confirmed: bool, compared: str | None
) -> None:
    assert member(email=email, email_confirmed=confirmed).confirmed_email == compared


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, False),
        ({"email": "RAVI.RAO@example.com"}, True),
        ({"email": "ravi.rao@example.com", "email_confirmed": False}, False),
        ({"email": "other@example.com"}, False),
        ({"asked_id": RAVI}, True),
        ({"enterprise_user_id": RAVI}, True),
        ({"enterprise_user_id": "W0RAVI0001"}, True),
        ({"enterprise_user_id": "W0OTHER001"}, False),
        ({"name": "Ravi Rao"}, False),
    ],
)
def test_same_person__shares_an_id_or_a_confirmed_email(changes: dict[str, Any], same: bool) -> None:
    ravi = member(RAVI, email="ravi.rao@example.com", enterprise_user_id="W0RAVI0001")
    other = member(BEN, **({"email": None} | changes))

    assert same_person(ravi, other) is same
    assert same_person(other, ravi) is same


def test_same_person__without_an_email_is_no_one_else_without_one() -> None:
    assert not same_person(member(RAVI, email=None), member(BEN, email=None))
    assert not same_person(member(RAVI, email=""), member(BEN, email=""))


@pytest.mark.parametrize(
    ("state", "active"),
    [
        ("active", True),
        ("Active", True),
        (None, True),
        ("", True),
        ("inactive", False),
        ("deleted", False),
        ("x", False),
    ],
)
def test_person__is_active_unless_genesys_cloud_says_otherwise(state: str | None, active: bool) -> None:
    assert Person("id", "Tom", state=state).active is active


@pytest.mark.parametrize(
    ("address", "compared"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        (" Ravi.Rao@Example.com ", "ravi.rao@example.com"),
        ("ravi@B\u00fccher.example", "ravi@xn--bcher-kva.example"),
        ("ravi@xn--bcher-kva.example", "ravi@xn--bcher-kva.example"),
        ("R\u00e4vi@example.com", "r\u00e4vi@example.com"),
        ("a@b@Example.com", "a@b@example.com"),
        ("ravi@example..com", "ravi@example..com"),  # no valid domain name
        ("RAVI", "ravi"),
        ("RAVI@", "ravi@"),
    ],
)
def test_comparable_email__has_one_form(address: str | None, compared: str | None) -> None:
    assert comparable_email(address) == compared


@pytest.mark.parametrize("confirmed", [True, False])
def test_member__unconfirmed_address_is_compared_but_proves_nothing(confirmed: bool) -> None:
    found = member(email="Ravi@Example.com", email_confirmed=confirmed)
    assert found.comparable_email == "ravi@example.com"
    assert found.confirmed_email == ("ravi@example.com" if confirmed else None)


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("tom@bücher.example", "tom@xn--bcher-kva.example"),
        (" TOM@XN--BCHER-KVA.example ", "tom@bücher.example"),
        ("tom@例え.jp", "tom@xn--r8jz45g.jp"),
        ("tom@example.com", None),
        ("tom@straße.example", None),
        ("tom@xn--.example", None),
        ("tom@xn--a.example", None),
        (f"tom@{'a' * 64}.example", None),
        ("tom@a..b", None),
        ("tom", None),
        ("", None),
        ("müller@example.com", None),
    ],
)
def test_other_spelling__is_exact_or_none(address: str, other: str | None) -> None:
    assert other_spelling(address) == other
    assert other is None or other_spelling(other) == address.strip().casefold()
