"""Forms: yarl reads them as the standard library does."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.http import MAX_FORM_FIELDS, parse_form

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
"""Text that can be encoded and stored: no lone surrogates, no NUL."""


@given(st.dictionaries(texts, texts))
def test_form__decodes_what_was_encoded(form: dict[str, str]) -> None:
    assert parse_form(urlencode(form).encode()) == form


@given(st.text(st.sampled_from("ab&=+;\\\"'é\r\n/.x0N")))
def test_form__with_unencoded_characters_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert parse_form(text.encode()) == dict(parse_qsl(text, keep_blank_values=True))


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (b"", {}),
        (b"&&", {}),
        (b"text=", {"text": ""}),
        (b"text", {"text": ""}),
        (b"=text", {"": "text"}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"t%65xt=%2Fhelp+me%2B", {"text": "/help me+"}),
        (b"text=%E2%82%AC%e2%82%ac", {"text": "€€"}),
        (b"text=\\x41\\u0041\\%5C\\", {"text": "\\x41\\u0041\\\\\\"}),
        (b"text=%5Cx41%5CN%7BBEL%7D", {"text": "\\x41\\N{BEL}"}),
    ],
)
def test_form__of_unusual_shape(raw: bytes, form: dict[str, str]) -> None:
    assert parse_form(raw) == form


@pytest.mark.parametrize("raw", [b"a=%", b"a=%4", b"a=%zz", b"a=%+1", b"a=%u0041", b"%C3%28=a"])
def test_form__with_a_malformed_escape_is_read_as_the_standard_library_reads_it(raw: bytes) -> None:
    assert parse_form(raw) == dict(parse_qsl(raw.decode(), keep_blank_values=True))


def test_form__that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ValueError, match="decode"):
        parse_form(b"a=\xff")
    with pytest.raises(ValueError, match="UTF-8"):
        parse_form(b"a=%FF")


def test_form__accepts_an_escaped_replacement_character() -> None:
    assert parse_form(b"a=%ef%bf%bd") == {"a": "\ufffd"}


@pytest.mark.parametrize("raw", [b"a=%00", b"a=b%00c", b"%00=a", b"a=\0"])
def test_form__with_a_nul_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="NUL"):
        parse_form(raw)


def test_form__of_too_many_fields_is_refused() -> None:
    most = b"&".join(b"a%d=1" % number for number in range(MAX_FORM_FIELDS))

    assert len(parse_form(most)) == MAX_FORM_FIELDS
    with pytest.raises(ValueError, match="fields"):
        parse_form(most + b"&more=1")
