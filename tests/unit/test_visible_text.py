"""Names and reasons without invisible characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.visible_text import MAX_MARKS, hides, storable_text, visible_lines, visible_text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Tom Target", "Tom Target"),
        ("Zoë Müller-O'Brien", "Zoë Müller-O'Brien"),
        ("山田 太郎", "山田 太郎"),
        ("Tom\nState: inactive,\talready revoked", "Tom State: inactive, already revoked"),
        ("Tom\u202etegraT", "TomtegraT"),
        ("\u2066Tom\u2069 \u200bTarget\ufeff", "Tom Target"),
        ("\u3164\u115f", ""),
        ("a\u200d", "a"),
        ("👩\u200d🚒 Fire", "👩\u200d🚒 Fire"),
        ("Tom\U000e0041\U000e0042", "Tom"),
        ("e" + "\u0301" * 40, "e" + "\u0301" * MAX_MARKS),
        ("a" + "\u0301\u0301\u200b" * 5, "a\u0301\u0301"),
        ("a \u200b b", "a b"),
        ("a" + "\u0488" * 5, "a\u0488\u0488"),
        ("\0Tom\x1b[31m", "Tom[31m"),
        ("", ""),
        ("Tom\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u180f\u2800\uffa0\ufe00\U000e0100", "Tom"),
        ("To\u200dm\u200c Tar\ufe0fget", "Tom Target"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),
        ("\u0645\u200c\u200c\u062e", "\u0645\u200c\u062e"),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),
        ("\u2764\ufe0f\ufe0f\ufe0e", "\u2764\ufe0f"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("1\ufe0f2", "12"),
        ("\U0001fae8", "\U0001fae8"),
        ("\U0001f469\u200d\u200d\U0001f692", "\U0001f469\u200d\U0001f692"),
    ],
)
def test_visible_text__is_what_a_reader_sees(text: str, seen: str) -> None:
    assert visible_text(text) == seen


TEXTS = st.text(st.characters() | st.sampled_from("\u200c\u200d\ufe0f\u0301\u0645\u0dca\u2764\U0001f469\u20e31 \n"))


@given(TEXTS)
def test_visible_text__has_no_control_or_format_character_and_is_stable(text: str) -> None:
    seen = visible_text(text)

    assert all(unicodedata.category(one) not in ("Cc", "Cf", "Zl", "Zp") or one in "\u200c\u200d" for one in seen)
    assert visible_text(seen) == seen
    assert not hides(seen)
    assert all(visible_text(line) == visible_text(again) for line, again in zip(
        text.split("\n"), visible_lines(text).split("\n"), strict=True
    ))  # fmt: skip


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_visible_text__of_ascii_has_its_printable_characters_and_single_spaces(text: str) -> None:
    printable = [one if one.isprintable() or one.isspace() else "" for one in text]

    assert visible_text(text) == " ".join("".join(printable).split())
    assert visible_lines(text) == "\n".join(
        "".join(" " if one.isspace() else one for one in line if one.isprintable() or one.isspace())
        for line in text.split("\n")
    )


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Tom Target", False),
        (" Tom  Target\u00a0", False),
        ("Tom\nTarget", True),
        ("Tom\tTarget", True),
        ("Tom\u200bTarget", True),
        ("\u3164", True),
        ("   ", False),
        ("e" + "\u0301" * 3, True),
        ("👩\u200d🚒", False),
    ],
)
def test_hides__is_about_what_a_reader_does_not_see(text: str, hidden: bool) -> None:
    assert hides(text) is hidden


def test_visible_lines__keep_their_breaks_and_indents() -> None:
    assert visible_lines("a\u202e\n  b\r\x1b[31m\n") == "a\n  b [31m\n"


def test_storable_text__has_neither_nul_nor_surrogates() -> None:
    assert storable_text("a\0b\ud800\u202e") == "ab\u202e"


HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_visible_lines__of_one_character_is_empty_if_it_is_hidden() -> None:
    """The shortcut for plain texts makes no exception."""
    hidden = [chr(code) for code in range(0x2200) if unicodedata.category(chr(code)) in HIDDEN and chr(code) != "\n"]
    assert [one for one in hidden if visible_lines(one).strip()] == []
    shown = [chr(code) for code in range(0x20, 0x180) if chr(code) not in hidden]
    assert [one for one in shown if visible_lines(one) not in (one, " ")] == []
