"""Whom a message about a request mentions."""

from __future__ import annotations

from bot.domain.principals import Principal, PrincipalKind, parse_principals
from bot.services.mentions import MAX_MENTIONS, approvers_to_mention
from tests.support.examples import OLIVIA, RAVI, TOM, request


def mentioned(setting: str) -> str:
    return ",".join(map(str, approvers_to_mention(request(), parse_principals(setting))))


def test_mentions__are_user_groups_and_users_each_once() -> None:
    assert mentioned(f"role:Boss,{OLIVIA},S0SEC00001,permission:a:b:c,{OLIVIA}") == f"S0SEC00001,{OLIVIA}"


def test_mentions__leave_out_the_requester_and_the_target() -> None:
    assert mentioned(f"{RAVI},{TOM},{OLIVIA}") == OLIVIA


def test_mentions__are_bounded() -> None:
    users = [Principal(PrincipalKind.USER, f"U0{number:08}") for number in range(50)]
    group = Principal(PrincipalKind.GROUP, "S0SEC00001")
    found = approvers_to_mention(request(), [*users, group])
    assert found == (group, *users[: MAX_MENTIONS - 1])
