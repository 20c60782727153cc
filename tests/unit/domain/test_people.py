"""Who belongs here, how `users.info` is read, and what names people in a setting."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.people import Principal, PrincipalKind, parse_principal, parse_principals, read_member
from tests.support.examples import GRID, WORKSPACE, member


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
    ],
)
def test_member__belongs_to_the_workspace_or_to_its_grid(
    changes: dict[str, Any], workspace: Any, belongs: bool
) -> None:
    assert member(**changes).belongs_to(workspace) is belongs


def test_read_member__takes_what_users_info_tells() -> None:
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


def test_read_member__makes_somebody_without_any_right_of_an_empty_answer() -> None:
    nobody = read_member({})

    assert (nobody.id, nobody.team_id, nobody.name, nobody.email) == ("", "", "", None)
    assert not nobody.belongs_to(WORKSPACE)
    assert read_member({"profile": None, "enterprise_user": None, "team_id": None}) == nobody


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"name": "ravi", "real_name": "Ravi", "profile": {"real_name": "Ravi Rao", "display_name": "rr"}}, "Ravi Rao"),
        ({"name": "ravi", "real_name": "Ravi", "profile": {"real_name": "", "display_name": "rr"}}, "Ravi"),
        ({"name": "ravi", "profile": {"display_name": "rr"}}, "rr"),
        ({"name": "ravi", "profile": {"display_name": ""}}, "ravi"),
    ],
)
def test_read_member__shows_the_name_people_see(user: dict[str, Any], name: str) -> None:
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
def test_read_member__notices_who_is_no_full_human_member(user: dict[str, Any], what: str) -> None:
    found = read_member(user)

    assert [name for name in ("deleted", "bot", "guest", "stranger") if getattr(found, name)] == [what]


@pytest.mark.parametrize(("user", "confirmed"), [({"is_email_confirmed": False}, False), ({}, True)])
def test_read_member__only_an_explicit_no_makes_an_email_unconfirmed(user: dict[str, Any], confirmed: bool) -> None:
    assert read_member(user).email_confirmed is confirmed
    assert read_member(user | {"profile": {"email": ""}}).email is None


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("U0RAVI0001", PrincipalKind.USER, "U0RAVI0001"),
        (" W0RAVI0001 ", PrincipalKind.USER, "W0RAVI0001"),
        ("S0TOKENAPP", PrincipalKind.GROUP, "S0TOKENAPP"),
        ("role:Token Approver", PrincipalKind.ROLE, "Token Approver"),
        ("ROLE: Token: Approver ", PrincipalKind.ROLE, "Token: Approver"),
        ("permission:OAuth:Token:Delete", PrincipalKind.PERMISSION, "oauth:token:delete"),
        ("permission:oauth:*:*", PrincipalKind.PERMISSION, "oauth:*:*"),
    ],
)
def test_parse_principal__reads_the_four_ways_to_name_people(text: str, kind: PrincipalKind, value: str) -> None:
    found = parse_principal(text)

    assert found == Principal(kind, value)
    assert parse_principal(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "ravi", "@ravi", "<@U0RAVI0001>", "u0ravi0001", "C0OPS00001", "U", "*", "user:U0RAVI0001"),
        *("role:", "permission:", "permission:oauth:token", "permission:a:b:c:d", "permission:a b:c:d"),
        "U0RAVI0001 U0BEN00001",
    ],
)
def test_parse_principal__refuses_everything_else_and_quotes_it(text: str) -> None:
    with pytest.raises(ValueError, match="is no principal; write a Slack user id") as raised:
        parse_principal(text)

    assert repr(text) in str(raised.value)


def test_parse_principals__skips_empty_entries_but_no_wrong_ones() -> None:
    assert parse_principals(" , U0RAVI0001,, S0TOKENAPP ,") == (
        Principal(PrincipalKind.USER, "U0RAVI0001"),
        Principal(PrincipalKind.GROUP, "S0TOKENAPP"),
    )
    assert parse_principals(" ") == ()
    with pytest.raises(ValueError, match="'ravi' is no principal"):
        parse_principals("U0RAVI0001, ravi")
