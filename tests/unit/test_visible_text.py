"""Names and reasons without invisible characters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.visible_text import MAX_MARKS, visible_text


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
    ],
)
def test_visible_text__is_what_a_reader_sees(text: str, seen: str) -> None:
    assert visible_text(text) == seen


@given(st.text())
def test_visible_text__has_no_control_or_format_character_and_is_stable(text: str) -> None:
    seen = visible_text(text)

    assert all(unicodedata.category(one) not in ("Cc", "Cf", "Zl", "Zp") or one == "\u200d" for one in seen)
    assert visible_text(seen) == seen
