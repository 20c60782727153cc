"""The recipients of a `mailto:` link, and the forms of identifiers."""

from __future__ import annotations

import pytest

from bot.domain.identifiers import ADDRESS, GENESYS_ID, NAMED_ADDRESS, mailto_recipients


@pytest.mark.parametrize(
    ("link", "recipients"),
    [
        ("tom@example.com", ["tom@example.com"]),
        ("//tom@example.com", ["tom@example.com"]),
        (" tom@example.com ", ["tom@example.com"]),
        ("tom%40example.com", ["tom@example.com"]),
        ("tom@example.com#top", ["tom@example.com"]),
        ("tom@example.com?subject=a&cc=ann@example.com&bcc=lea@example.com", ["tom@example.com"]),
        ("?to=tom@example.com", ["tom@example.com"]),
        ("?TO=tom@example.com&to=ann@example.com", ["tom@example.com", "ann@example.com"]),
        ("?to=tom=x@example.com", ["tom=x@example.com"]),
        ("?subject=to&body=x", []),
        ("tom@example.com;ann@example.com,lea@example.com", ["tom@example.com", "ann@example.com", "lea@example.com"]),
        ("tom@example.com;,", ["tom@example.com"]),
        ("Tom%20Target%20%3Ctom@example.com%3E", ["tom@example.com"]),
        ("%22Target,%20Tom%22%20%3Ctom@example.com%3E", ["tom@example.com"]),
        ("%22Target;%20T%22%20%3Ctom@example.com%3E,%20ann@example.com", ["tom@example.com", "ann@example.com"]),
        ("ann@example.com%20%3Ctom@example.com%3E", ["ann@example.com <tom@example.com>"]),
        ("Tom%20%3Ctom@example.com%3E%20x", ["Tom <tom@example.com> x"]),
        ("%3Ctom@example.com%3E", ["tom@example.com"]),
        ("Tom%20%3C%3E", ["Tom <>"]),
        ("tom", ["tom"]),
        ("", []),
        ("?", []),
        ("#", []),
    ],
)
def test_mailto_recipients__are_the_path_and_the_to_fields(link: str, recipients: list[str]) -> None:
    assert mailto_recipients(link) == recipients


@pytest.mark.parametrize(
    "text", ["tom@example.com", "o'dowd+x@mail.example.co.uk", "tom@xn--mnchen-3ya.example", "t@ü.de"]
)
def test_address__of_usual_forms(text: str) -> None:
    assert ADDRESS.fullmatch(text)


@pytest.mark.parametrize(
    "text", ["tom", "tom@localhost", "tom@192.168.0.1", "@example.com", "a@b@example.com", "\ufffd@example.com"]
)
def test_address__of_other_forms_is_none(text: str) -> None:
    assert not ADDRESS.fullmatch(text)


def test_identifiers__in_a_name_and_in_any_case() -> None:
    found = NAMED_ADDRESS.fullmatch("Tom <tom@example.com>")
    assert found
    assert found[1] == "tom@example.com"
    assert GENESYS_ID.fullmatch("6F1C0B1E-52d0-4d0c-9d0e-0a1b2c3d4e09")
    assert not GENESYS_ID.fullmatch("6f1c0b1e52d04d0c9d0e0a1b2c3d4e09")
