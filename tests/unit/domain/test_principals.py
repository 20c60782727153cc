"""Principals: how settings name people."""

from __future__ import annotations

import pytest

from bot.domain.principals import Principal, PrincipalKind, parse_principal, parse_principals


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
def test_parse_principal__reads_the_four_kinds(text: str, kind: PrincipalKind, value: str) -> None:
    found = parse_principal(text)

    assert found == Principal(kind, value)
    assert parse_principal(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "ravi", "@ravi", "<@U0RAVI0001>", "u0ravi0001", "C0OPS00001", "U", "*", "user:U0RAVI0001"),
        *("role:", "permission:", "permission:oauth:token", "permission:a:b:c:d", "permission:a b:c:d"),
        *("U0RAVI0001 U0BEN00001", "S0TOKENAPP S0OTHERAPP"),
    ],
)
def test_parse_principal__rejects_other_text_and_quotes_it(text: str) -> None:
    with pytest.raises(ValueError, match="is not a principal; write a Slack user id") as raised:
        parse_principal(text)

    assert repr(text) in str(raised.value)


def test_parse_principals__skips_empty_entries_and_rejects_invalid_ones() -> None:
    assert parse_principals(" , U0RAVI0001,, S0TOKENAPP ,") == (
        Principal(PrincipalKind.USER, "U0RAVI0001"),
        Principal(PrincipalKind.GROUP, "S0TOKENAPP"),
    )
    assert parse_principals(" ") == ()
    with pytest.raises(ValueError, match="'ravi' is not a principal"):
        parse_principals("U0RAVI0001, ravi")
