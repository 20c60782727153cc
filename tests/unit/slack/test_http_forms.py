"""Forms are read as the standard library reads them, though not by it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.http import MOST_FIELDS, read_form

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
"""Everything that can be encoded and kept: half a character cannot, and NUL is refused."""


@given(st.dictionaries(texts, texts))
def test_form__is_read_as_it_was_encoded(form: dict[str, str]) -> None:
    assert read_form(urlencode(form).encode()) == form


@given(st.text(st.sampled_from("ab&=+;\\\"'é\r\n/.x0N")))
def test_form__with_odd_characters_unencoded_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert read_form(text.encode()) == dict(parse_qsl(text, keep_blank_values=True))


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
def test_form__of_an_odd_shape(raw: bytes, form: dict[str, str]) -> None:
    assert read_form(raw) == form


@pytest.mark.parametrize("raw", [b"a=%", b"a=%4", b"a=%zz", b"a=%+1", b"a=%u0041", b"a=%FF", b"%C3%28=a", b"a=\xff"])
def test_form__that_is_no_text_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="decode"):
        read_form(raw)


@pytest.mark.parametrize("raw", [b"a=%00", b"a=b%00c", b"%00=a", b"a=\0"])
def test_form__with_a_nul_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="NUL"):
        read_form(raw)


def test_form__of_too_many_fields_is_refused() -> None:
    most = b"&".join(b"a%d=1" % number for number in range(MOST_FIELDS))

    assert len(read_form(most)) == MOST_FIELDS
    with pytest.raises(ValueError, match="fields"):
        read_form(most + b"&more=1")
