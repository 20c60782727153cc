"""Spellings of one name, and names that look like another one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.names import mixes_alphabets, same_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tom Target", "tom  TARGET"),
        ("Target, Tom", "Tom Target"),
        ("Zoë Müller", "Zoe Muller"),
        ("Jörg Müller", "Joerg Mueller"),
        ("Łukasz Sørensen", "Lukasz Sorensen"),
        ("Jürgen Groß", "JUERGEN GROSS"),
        ("O'Brien, Pat", "Pat O\u2019Brien"),
        ("O'Brien", "OBrien"),
        ("L`H\u00f4pital d\u00b4Or d\u02bcOr d\u2018Or", "LHopital dOr dOr dOr"),
        ("\u00c6r\u00f8 C\u0153ur \u0110inh \u00deór Si\u00f0 Y\u0131ld\u0131z", "Aero Coeur Dinh Thor Sid Yildiz"),
        ("Anne-Marie Roe", "Anne Marie Roe"),
        ("tom.target", "Tom Target"),
        ("\uff34\uff4f\uff4d Target", "Tom Target"),
        ("Tom\u200b Target", "Tom Target"),
        ("e\u0301va", "éva"),
        ("", " "),
    ],
)
def test_same_name__accepts_ordinary_spellings(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tom Target", "Anna Admin"),
        ("Tom Target", "Tom Tarket"),
        ("Tom Target", "Tom"),
        ("Tom Target", "T\u043em Target"),
        ("Tom Target", ""),
        ("Tom Tom", "Tom"),
    ],
)
def test_same_name__rejects_other_names(one: str, other: str) -> None:
    assert not same_name(one, other)
    assert not same_name(other, one)


@given(st.text(), st.text())
def test_same_name__is_symmetric_and_ignores_case_and_order(one: str, other: str) -> None:
    assert same_name(one, one)
    assert same_name(one, other) == same_name(other, one)
    assert same_name(f"{one} {other}", f"{other}, {one}")


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("Tom Target", False),
        ("\u0422\u043e\u043c Target", False),
        ("T\u043em Target", True),
        ("Zoë Müller", False),
        ("\u0391nna", True),
        ("\u0555livia", True),
        ("\u13aalex", True),
        ("\u2c9elga", True),
        ("\u0439\u043e\u0433\u0443\u0440\u0442", False),
        ("a\u0301\u0431", True),
        ("山田Tom", False),
        ("\U0001d413om", False),
        ("t.target@ex\u0430mple.com", True),
        ("Tom2", False),
        ("", False),
    ],
)
def test_mixes_alphabets__within_one_word(text: str, mixed: bool) -> None:
    assert mixes_alphabets(text) is mixed
